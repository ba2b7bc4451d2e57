/**
 * The contract of {@linkcode ObjectStore} as tests; every implementation runs all of them.
 *
 * @module
 */
import {
  ObjectNotFoundError,
  type ObjectStore,
  uploadStream,
  validateObjectKey,
} from "../../src/objectstore/mod.ts";
import { ObjectStoreError } from "../../src/common/mod.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";

/** A store to test and how to get rid of it. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: ObjectStore;
}

/** What an implementation cannot do, because its server cannot. */
export interface ContractExceptions {
  /** Concurrent creators may all be told that they won; one after the other they are not. */
  readonly hasRaces?: boolean;
  /** Listings go by directories. */
  readonly isUnordered?: boolean;
}

const PART_BYTES = 5_242_880;

function pattern(size: number, salt: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >>> 8) * 7 + salt) & 0xff;
  return bytes;
}

async function* inPieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    yield bytes.subarray(start, start + pieceBytes);
  }
}

const text = (value: string) => new TextEncoder().encode(value);

async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys = [];
  for await (const page of store.list(prefix)) {
    assert(page.length > 0, "a page is never empty");
    for (const info of page) keys.push(info.key);
  }
  return keys;
}

const BAD_KEYS = [
  "",
  "/a",
  "a//b",
  "a/",
  "../a",
  "a/../b",
  ".",
  "a/.",
  "a\0b",
  "a\nb",
  "a\\b",
  "x".repeat(256),
  "\ud800",
];

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

type Case = (store: ObjectStore) => Promise<void>;

const CASES: Record<string, Case> = {
  "get returns what put stored": async (store) => {
    for (const size of [0, 1, 4096, 3_000_001]) {
      const bytes = Uint8Array.from({ length: size }, (_, i) => i % 251);
      assertEquals(await store.put(`sizes/${size}`, bytes), true);
      assertEquals(await store.get(`sizes/${size}`), bytes);
      const info = await store.head(`sizes/${size}`);
      assertEquals([info?.key, info?.size], [`sizes/${size}`, size]);
      assert(Number.isFinite(info!.modifiedMillis), "it tells when it was stored");
    }
  },
  "put joins the parts of a body": async (store) => {
    await store.put("parts", [text("ab"), text(""), text("cde")]);
    assertEquals(await store.get("parts"), text("abcde"));
  },
  "put replaces without ifNoneMatch": async (store) => {
    await store.put("lease", text("one"));
    assertEquals(await store.put("lease", text("three")), true);
    assertEquals(await store.get("lease"), text("three"));
  },
  "put with ifNoneMatch never touches an object": async (store) => {
    assertEquals(await store.put("a/once", text("first"), { ifNoneMatch: true }), true);
    assertEquals(await store.put("a/once", text("second"), { ifNoneMatch: true }), false);
    assertEquals(await store.get("a/once"), text("first"));
  },
  "put with ifNoneMatch has one winner among concurrent calls": async (store) => {
    const results = await Promise.all(
      Array.from(
        { length: 8 },
        (_, i) => store.put("race", text(`body ${i}`), { ifNoneMatch: true }),
      ),
    );
    assertEquals(results.filter((isCreated) => isCreated).length, 1);
    assertEquals(await store.get("race"), text(`body ${results.indexOf(true)}`));
  },
  "upload stores a stream in parts": async (store) => {
    const bytes = pattern(2 * PART_BYTES + 1234, 1);
    const options = { partBytes: PART_BYTES, ifNoneMatch: true };
    assertEquals(await uploadStream(store, "up/big", inPieces(bytes, 700_001), options), true);
    assertEquals((await store.head("up/big"))?.size, bytes.length);
    assert(equal(await store.get("up/big"), bytes), "the bytes are those of the stream");
    const range = { offset: PART_BYTES - 10, length: 20 };
    assertEquals(
      await store.get("up/big", { range }),
      bytes.slice(PART_BYTES - 10, PART_BYTES + 10),
    );
    assertEquals(
      await uploadStream(store, "up/big", inPieces(pattern(PART_BYTES + 5, 2), 999_999), options),
      false,
    );
    assert(equal(await store.get("up/big"), bytes), "an existing object is not touched");
  },
  "upload of a length that is a multiple of a part, of nothing, and of less than a part": async (
    store,
  ) => {
    for (const size of [PART_BYTES, 2 * PART_BYTES, 0, 77]) {
      const bytes = pattern(size, size);
      await uploadStream(store, `up/${size}`, inPieces(bytes, PART_BYTES), {
        partBytes: PART_BYTES,
      });
      assert(equal(await store.get(`up/${size}`), bytes), `${size} bytes`);
    }
  },
  "upload shows nothing before it is complete, and nothing after it failed": async (store) => {
    async function* broken() {
      yield pattern(PART_BYTES + 1, 3);
      assertEquals(await store.head("up/broken"), null);
      await Promise.reject(new Error("the stream broke"));
    }
    const options = { partBytes: PART_BYTES };
    await assertRejects(
      () => uploadStream(store, "up/broken", broken(), options),
      Error,
      "the stream broke",
    );
    assertEquals(await store.head("up/broken"), null);
    assertEquals(await keysOf(store, ""), []);
  },
  "upload goes on where another process stopped": async (store) => {
    const bytes = pattern(3 * PART_BYTES + 99, 4);
    let token = "";
    let given = 0;
    async function* stopping() {
      for await (const piece of inPieces(bytes, PART_BYTES)) {
        if (given >= 3 * PART_BYTES) throw new Error("the process stopped");
        given += piece.length;
        yield piece;
      }
    }
    const first = {
      partBytes: PART_BYTES,
      concurrency: 1,
      onToken: (value: string) => token = value,
    };
    await assertRejects(
      () => uploadStream(store, "up/resumed", stopping(), first),
      Error,
      "stopped",
    );
    assert(token !== "", "the upload has a token");
    const upload = await store.openUpload("up/resumed", {
      partBytes: PART_BYTES,
      resumeToken: token,
    });
    const isThere = (number: number, part: Uint8Array) => upload.hasPart(number, part);
    assert(isThere(1, bytes.subarray(0, PART_BYTES)), "the first part was kept");
    const second = { partBytes: PART_BYTES, resumeToken: token, ifNoneMatch: true };
    assertEquals(await uploadStream(store, "up/resumed", inPieces(bytes, 1_000_000), second), true);
    assert(equal(await store.get("up/resumed"), bytes), "the object is whole");
  },
  "an aborted signal ends a call with its reason": async (store) => {
    await store.put("kept", text("x"));
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    const calls = [
      () => store.get("kept", { signal }),
      () => store.put("other", text("y"), { signal }),
      () => store.head("kept", { signal }),
      () => store.delete(["kept"], { signal }),
      async () => {
        for await (const _ of store.list("", { signal }));
      },
    ];
    for (const call of calls) await assertRejects(call, Error, "enough");
    assertEquals(await keysOf(store, ""), ["kept"]);
  },
  "get of a range returns exactly that range": async (store) => {
    await store.put("range", text("0123456789"));
    const range = (offset: number, length: number) =>
      store.get("range", { range: { offset, length } });
    assertEquals(await range(0, 10), text("0123456789"));
    assertEquals(await range(2, 3), text("234"));
    assertEquals(await range(9, 1), text("9"));
    assertEquals(await range(5, 0), text(""));
    for (const [offset, length] of [[0, 11], [10, 1], [-1, 2], [0, -1], [0.5, 1]]) {
      await assertRejects(() => range(offset, length), ObjectStoreError);
    }
  },
  "get refuses an object over maxBytes": async (store) => {
    await store.put("big", new Uint8Array(100));
    assertEquals((await store.get("big", { maxBytes: 100 })).length, 100);
    await assertRejects(
      () => store.get("big", { maxBytes: 99 }),
      ObjectStoreError,
      "larger than expected",
    );
  },
  "a missing object is ObjectNotFoundError, and null to head": async (store) => {
    await assertRejects(() => store.get("no/such"), ObjectNotFoundError, "no/such");
    assertEquals(await store.head("no/such"), null);
    await store.put("dir/file", text("x"));
    await assertRejects(() => store.get("dir"), ObjectNotFoundError);
    assertEquals(await store.head("dir"), null);
  },
  "list yields the keys under a prefix": async (store) => {
    const keys = ["b/2", "a", "b/1/x", "b-c", "b/10", "é/ü", "ba"];
    for (const key of keys) await store.put(key, text(key));
    const sorted = async (prefix: string) => (await keysOf(store, prefix)).sort();
    assertEquals(await sorted(""), ["a", "b-c", "b/1/x", "b/10", "b/2", "ba", "é/ü"]);
    assertEquals(await sorted("b/"), ["b/1/x", "b/10", "b/2"]);
    assertEquals(await sorted("b/1"), ["b/1/x", "b/10"]);
    assertEquals(await sorted("b"), ["b-c", "b/1/x", "b/10", "b/2", "ba"]);
    assertEquals(await keysOf(store, "zz/"), []);
  },
  "list yields the keys in order": async (store) => {
    for (const key of ["b/2", "a", "b/1/x", "b-c", "b/10", "é/ü", "ba"]) {
      await store.put(key, text(key));
    }
    assertEquals(await keysOf(store, ""), ["a", "b-c", "b/1/x", "b/10", "b/2", "ba", "é/ü"]);
  },
  "list yields more than a page": async (store) => {
    const names = Array.from({ length: 1100 }, (_, i) => `many/${String(i).padStart(5, "0")}`);
    for (let i = 0; i < names.length; i += 50) {
      await Promise.all(names.slice(i, i + 50).map((name) => store.put(name, text(""))));
    }
    const keys = await keysOf(store, "many/");
    assertEquals(keys.length, 1100);
    assertEquals(keys, [...keys].sort());
  },
  "delete removes a batch and forgives missing keys": async (store) => {
    for (const key of ["d/1", "d/2", "d/3"]) await store.put(key, text(key));
    await store.delete(["d/1", "d/missing", "d/3", "never/was"]);
    assertEquals(await keysOf(store, "d/"), ["d/2"]);
    await store.delete([]);
    assertEquals(await store.put("d/1", text("again"), { ifNoneMatch: true }), true);
  },
  "delete of a prefix of keys is that of a missing key": async (store) => {
    await store.put("dir/sub/file", text("x"));
    await store.delete(["dir", "dir/sub"]);
    assertEquals(await store.get("dir/sub/file"), text("x"));
  },
  "every call refuses a bad key": async (store) => {
    for (const key of BAD_KEYS) {
      await assertRejects(() => store.get(key), ObjectStoreError);
      await assertRejects(() => store.put(key, text("x")), ObjectStoreError);
      await assertRejects(() => store.head(key), ObjectStoreError);
      await assertRejects(() => store.delete([key]), ObjectStoreError);
    }
    assertEquals(await keysOf(store, ""), []);
    validateObjectKey("backup/a-b-c/packs/trades~12/00ff.pack");
  },
};

/** Registers the suite for one kind of store; `open` makes a fresh, empty one for each test. */
export function testObjectStoreContract(
  name: string,
  open: () => Promise<StoreUnderTest>,
  exceptions: ContractExceptions = {},
): void {
  for (const [criterion, run] of Object.entries(CASES)) {
    if (exceptions.hasRaces === true && criterion.includes("concurrent calls")) continue;
    if (exceptions.isUnordered === true && criterion.endsWith("in order")) continue;
    Deno.test(`${name} ${criterion}`, async () => {
      await using subject = await open();
      await run(subject.store);
    });
  }
}

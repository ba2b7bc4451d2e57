/**
 * The contract of {@linkcode ObjectStore} as tests; every implementation runs all of them.
 *
 * @module
 */
import {
  ObjectNotFoundError,
  type ObjectStore,
  validateObjectKey,
} from "../../src/objectstore/mod.ts";
import { ObjectStoreError } from "../../src/common/mod.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";

/** A store to test and how to get rid of it. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: ObjectStore;
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

type Case = (store: ObjectStore) => Promise<void>;

const CASES: Record<string, Case> = {
  "get returns what put stored": async (store) => {
    for (const size of [0, 1, 4096, 3_000_001]) {
      const bytes = Uint8Array.from({ length: size }, (_, i) => i % 251);
      assertEquals(await store.put(`sizes/${size}`, bytes), true);
      assertEquals(await store.get(`sizes/${size}`), bytes);
      const info = await store.head(`sizes/${size}`);
      assertEquals([info?.key, info?.size], [`sizes/${size}`, size]);
      assert(Math.abs(info!.modifiedMillis - Date.now()) < 180_000, "the store's clock is right");
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
  "list yields the keys under a prefix in order": async (store) => {
    const keys = ["b/2", "a", "b/1/x", "b-c", "b/10", "é/ü", "ba"];
    for (const key of keys) await store.put(key, text(key));
    assertEquals(await keysOf(store, ""), ["a", "b-c", "b/1/x", "b/10", "b/2", "ba", "é/ü"]);
    assertEquals(await keysOf(store, "b/"), ["b/1/x", "b/10", "b/2"]);
    assertEquals(await keysOf(store, "b/1"), ["b/1/x", "b/10"]);
    assertEquals(await keysOf(store, "b"), ["b-c", "b/1/x", "b/10", "b/2", "ba"]);
    assertEquals(await keysOf(store, "zz/"), []);
  },
  "list yields more than a page": async (store) => {
    for (let i = 0; i < 1100; i++) await store.put(`many/${String(i).padStart(5, "0")}`, text(""));
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
): void {
  for (const [criterion, run] of Object.entries(CASES)) {
    Deno.test(`${name} ${criterion}`, async () => {
      await using subject = await open();
      await run(subject.store);
    });
  }
}

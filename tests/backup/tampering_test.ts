/** Objects that were changed, swapped or forged: each is refused by its name, nothing is written outside the root. */
import { constants, zstdCompressSync } from "node:zlib";
import { assert, assertEquals } from "../support/assert.ts";
import { compressManifest } from "../../src/backup/slice_tasks.ts";
import { backupTasks, validateBackup } from "../../src/backup/mod.ts";
import { SimulatedFileSystem } from "../../src/platform/mod.ts";
import { InlineTaskRunner } from "../../src/wasm/mod.ts";
import { core } from "../storage/table_fixture.ts";
import {
  type AnyJson,
  attemptRestore,
  Forger,
  type ForgeryScene,
  forgeryScene,
  rowsOn,
  traces,
} from "./forgery.ts";
import { MemoryStore } from "./memory_store.ts";
import { PRODUCT_VERSION } from "./test_database.ts";

const TABLE = 1;

let scenePromise: Promise<ForgeryScene> | null = null;

/** The backup, made once; every test gets its own copy of the objects. */
async function scene(): Promise<ForgeryScene> {
  const { store, rows } = await (scenePromise ??= forgeryScene());
  return { store: new MemoryStore(store.objects), rows };
}

async function validate(store: MemoryStore): Promise<string[]> {
  const found = await validateBackup({
    store,
    core,
    tasks: new InlineTaskRunner({ core, fs: new SimulatedFileSystem() }, backupTasks),
    productVersion: PRODUCT_VERSION,
    level: "decode",
    instance: null,
    timestamp: null,
    signal: new AbortController().signal,
  });
  return found.tables.flatMap(({ error, object }) => error === null ? [] : [`${object}`]);
}

/** Restores and validates what must be refused. @returns the message of the restore. */
async function refusal(store: MemoryStore): Promise<string> {
  const attempt = await attemptRestore(store);
  assert(attempt.error instanceof Error, "it is refused");
  assertEquals(traces(attempt), []);
  let isValid = false;
  try {
    isValid = (await validate(store)).length === 0;
  } catch (error) {
    assert(error instanceof Error);
  }
  assert(!isValid, `VALIDATE says OK of what cannot be restored: ${attempt.error.message}`);
  return attempt.error.message;
}

Deno.test("the backup of these tests restores and is valid as it is", async () => {
  const { store, rows } = await scene();
  const attempt = await attemptRestore(store);
  assertEquals(attempt.error, null);
  assertEquals(traces(attempt), []);
  assertEquals(rowsOn(attempt.disk), rows);
  assertEquals(await validate(store), []);
});

for (const kind of ["manifests", "tables", "packs"]) {
  Deno.test(`an object under ${kind}/ that took the place of another is refused by name`, async () => {
    const { store } = await scene();
    const keys = [...store.objects.keys()].filter((key) => key.includes(`/${kind}/`));
    // There is one root manifest: a table's takes its place.
    const others = kind === "manifests"
      ? [...store.objects.keys()].filter((key) => key.includes("/tables/"))
      : keys;
    for (const key of keys) {
      const other = others.find((candidate) => candidate !== key)!;
      const copy = new MemoryStore(store.objects);
      copy.objects.set(key, store.objects.get(other)!);
      const message = await refusal(copy);
      assert(message.includes(key), `${key} is named: ${message}`);
    }
  });
}

Deno.test("of every kind of object each one is named when it is damaged, and no other", async () => {
  const { store } = await scene();
  const keys = [...store.objects.keys()].filter((key) => /\/(tables|packs)\//.test(key));
  assert(keys.length > 8, `${keys.length} objects`);
  for (const key of keys) {
    const bytes = store.objects.get(key)!;
    const flipped = bytes.slice();
    flipped[bytes.length >> 1] ^= 2;
    for (const changed of [flipped, bytes.slice(0, -1), null]) {
      const copy = new MemoryStore(store.objects);
      if (changed === null) copy.objects.delete(key);
      else copy.objects.set(key, changed);
      assertEquals(await validate(copy), [key]);
      assert((await refusal(copy)).includes(key), key);
    }
  }
  const all = new MemoryStore(store.objects);
  const packs = keys.filter((key) => key.includes("/packs/"));
  for (const key of packs) all.objects.set(key, new Uint8Array(store.objects.get(key)!.length));
  assertEquals((await validate(all)).sort(), packs.sort(), "all of them at once");
});

const NUL = "a\0b";
type Change = (table: AnyJson, root: AnyJson) => void;
const partitionName = (t: AnyJson) => t.files.name.at(-1);

const FORGERIES: [string, Change, string][] = [
  ["a table file that climbs", (t) => t.names[t.files.name[0]] = "../evil", "unsafe path"],
  ["an absolute table file", (t) => t.names[t.files.name[0]] = "/evil", "unsafe path"],
  ["a table file with NUL", (t) => t.names[t.files.name[0]] = NUL, "unsafe path"],
  ["a backslash", (t) => t.names[t.files.name[0]] = "..\\evil", "unsafe path"],
  ["a long name", (t) => t.names[t.files.name[0]] = "x".repeat(256), "unsafe path"],
  ["a deep path", (t) => t.names[t.files.name[0]] = "a/b/c/d/e", "unsafe path"],
  ["an empty name", (t) => t.names[t.files.name[0]] = "", "unsafe path"],
  ["a partition file with NUL", (t) => t.names[partitionName(t)] = NUL, "unsafe path"],
  ["an absolute partition file", (t) => t.names[partitionName(t)] = "/evil", "unsafe path"],
  [
    "a partition file named twice",
    (t) => t.files.name[t.files.name.length - 2] = partitionName(t),
    "named twice",
  ],
  ["one partition twice", (t) => {
    t.partitions.timestamp[1] = t.partitions.timestamp[0];
    t.partitions.name_txn[1] = t.partitions.name_txn[0];
  }, "named twice"],
  [
    "a partition that is elsewhere",
    (t) => t.partitions.timestamp[0] = "0",
    "is not what the backup says",
  ],
  [
    "rows of a partition that are not there",
    (t) => t.partitions.rows[0]++,
    "is not what the backup says",
  ],
  [
    "a Parquet partition that is none",
    (t) => t.partitions.format[0] = "parquet",
    "is not what the backup says",
  ],
  ["fewer files of a partition", (t) => t.partitions.file_count[0]--, "manifest"],
  [
    "more files than there are",
    (t) => t.partitions.file_count[0] += 1000,
    "more partition files than files",
  ],
  ["more slices than there are", (t) => t.files.slice_count[0]++, "slice counts do not add up"],
  ["a file without its end", (t) => t.files.bytes[0]--, "do not add up"],
  ["columns of unequal length", (t) => t.slices.stored.pop(), "has another length"],
  ["a slice behind its pack", (t) => t.slices.offset[0] += 1e9, "slice ends behind its pack"],
  ["a negative size", (t) => t.slices.raw[0] = -1, "out of range"],
  ["a fraction", (t) => t.slices.stored[0] += 0.5, "out of range"],
  ["a number as text", (t) => t.files.bytes[0] = String(t.files.bytes[0]), "out of range"],
  ["a huge pack", (t) => t.packs.bytes[0] = 2 ** 50, "out of range"],
  ["a pack that is no name", (t) => t.packs.hash[0] = "../../etc/passwd", "pack names"],
  ["hashes that are missing", (t) => t.slices.blake3 = "", "slice hashes"],
  ["a kind of file that is none", (t) => t.files.kind[0] = 99, "out of range"],
  [
    "a future format",
    (_, r) => r.min_reader = 2,
    "backup has a format that this version cannot read",
  ],
  ["a feature of the future", (_, r) => r.features_required = ["encryption"], "needs a feature"],
  ["a table too few", (_, r) => r.tables.pop(), "registry and tables differ"],
  ["a table twice", (_, r) => r.tables.push(r.tables[0]), "named twice"],
  ["one name for two tables", (_, r) => r.tables[1].name = r.tables[0].name, "used twice"],
  ["a table directory with NUL", (_, r) => r.tables[1].dir = NUL, "unsafe path"],
  ["an absolute table directory", (_, r) => r.tables[1].dir = "/evil", "unsafe path"],
  ["the staging directory as a table", (_, r) => r.tables[1].dir = ".restore", "reserved name"],
  [
    "another backup's time",
    (_, r) => r.timestamp = "2020-01-01T00:00:00.000000Z",
    "belongs to another backup",
  ],
  ["another instance", (_, r) => r.instance = "not-this-one", "belongs to another backup"],
  ["a key elsewhere", (_, r) => r.files.key = "etc/passwd", "reference to a table manifest"],
  [
    "a table as database files",
    (_, r) => r.files = r.tables[0].manifest,
    "not one of the database's files",
  ],
  ["transactions that were not", (_, r) => r.tables[1].txn++, "is not what the backup says"],
  ["no stats", (_, r) => delete r.stats, "stats"],
];

for (const [name, change, text] of FORGERIES) {
  Deno.test(`a sealed manifest with ${name} is refused`, async () => {
    const { store } = await scene();
    const forger = new Forger(store);
    const json = forger.manifest(TABLE);
    change(json, forger.root);
    if (forger.root.tables.length > TABLE) forger.replace(TABLE, json);
    forger.seal();
    const message = await refusal(store);
    assert(message.includes(text), message);
  });
}

Deno.test("database files that are none are refused", async () => {
  for (const name of ["../evil", "/evil", NUL, "server.conf", ".data_id", "a~1"]) {
    const { store } = await scene();
    const forger = new Forger(store);
    const index = forger.holders.length - 1;
    const json = forger.manifest(index);
    json.names[json.files.name[0]] = name;
    forger.replace(index, json);
    forger.seal();
    assert((await refusal(store)).includes("unsafe path in manifest"), name);
  }
});

Deno.test("a slice, a manifest and a root manifest that blow up are refused before they do", async () => {
  const bomb = (bytes: number) => {
    const params = { [constants.ZSTD_c_checksumFlag]: 1 };
    return new Uint8Array(zstdCompressSync(new Uint8Array(bytes), { params }));
  };
  const { store } = await scene();
  const forger = new Forger(store);
  const slice = bomb(200_000_000);
  let end = 0;
  const key = forger.replacePack(TABLE, 0, (bytes) => {
    end = bytes.length;
    return new Uint8Array([...bytes, ...slice]);
  });
  const json = forger.manifest(TABLE);
  const first = json.slices.pack.indexOf(0);
  json.slices.offset[first] = end;
  json.slices.stored[first] = slice.length;
  json.slices.codec[first] = json.names.push("zstd") - 1;
  forger.replace(TABLE, json);
  forger.seal();
  const message = await refusal(store);
  assert(message.includes("slice cannot be decoded") && message.includes(key), message);

  const other = (await scene()).store;
  const root = new Forger(other);
  other.objects.set(root.rootKey, compressManifest(new Uint8Array(70_000_000)));
  assert((await refusal(other)).includes(`cannot be decompressed [manifest=${root.rootKey}]`));
});

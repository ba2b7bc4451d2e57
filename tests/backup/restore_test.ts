import { zstdDecompressSync } from "node:zlib";
import { PartitionBy, RestoreError } from "../../src/common/mod.ts";
import { hashHex } from "../../src/backup/content_hash.ts";
import { compressManifest } from "../../src/backup/slice_tasks.ts";
import { decodeRootManifest, encodeRootManifest } from "../../src/backup/root_manifest.ts";
import type { ObjectStore } from "../../src/objectstore/mod.ts";
import {
  FaultFileSystem,
  type FileSystem,
  RealFileSystem,
  SimulatedFileSystem,
  StoppedError,
} from "../../src/platform/mod.ts";
import { runSeed, SeededRandom } from "../support/seeded_random.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { core, readRows, type Row } from "../storage/table_fixture.ts";
import { FaultObjectStore } from "../objectstore/fault_object_store.ts";
import {
  backUp,
  openStore,
  PRODUCT_VERSION,
  restore,
  restoredRows,
  restoreOn,
  serviceOf,
  TestDatabase,
} from "./test_database.ts";

const START = 1_704_067_200_000_000n;

function rows(count: number): Row[] {
  return Array.from({ length: count }, (_, i) => ({
    ts: START + BigInt(i) * 40_000_000n,
    ok: i % 2 === 0,
    i,
    l: i % 9 === 0 ? null : BigInt(i),
    d: i / 8,
    sym: i % 11 === 0 ? null : `s${i % 7}`,
    text: `row ${i} with text that is not inlined`,
  }));
}

interface Scene extends Disposable {
  readonly path: string;
  readonly database: TestDatabase;
  readonly store: FaultObjectStore;
  readonly timestamp: bigint;
}

/** A store with one backup of two tables. */
async function scene(): Promise<Scene> {
  const directory = new TempDir();
  const database = new TestDatabase(`${directory.path}/root`);
  database.create("a", PartitionBy.DAY);
  database.create("b", PartitionBy.HOUR);
  database.insert("a", rows(5000));
  database.insert("b", rows(300));
  const store = new FaultObjectStore(openStore(directory.path));
  const timestamp = await backUp(serviceOf(database, store));
  return {
    path: directory.path,
    database,
    store,
    timestamp,
    [Symbol.dispose]: () => {
      database[Symbol.dispose]();
      directory[Symbol.dispose]();
    },
  };
}

async function keysOf(store: ObjectStore, part: string): Promise<string[]> {
  const keys = [];
  for await (const page of store.list("backup/")) {
    for (const { key } of page) if (key.includes(part)) keys.push(key);
  }
  return keys;
}

function exists(path: string): boolean {
  return new RealFileSystem().stat(path) !== null;
}

Deno.test("restore writes every row, the data id and nothing else, and removes the trigger", async () => {
  using it = await scene();
  const root = `${it.path}/new`;
  const summary = await restore(root, it.store, { lines: ["# latest"] });
  assertEquals([summary!.tableCount, summary!.rowCount], [2, 5300]);
  assertEquals(restoredRows(root), it.database.rows());
  const dataId = Deno.readFileSync(`${root}/db/.data_id`);
  const text = Array.from(dataId, (byte) => byte.toString(16).padStart(2, "0")).join("");
  assertEquals(text, it.database.dataId.replaceAll("-", ""));
  assertEquals([...Deno.readDirSync(root)].map((entry) => entry.name), ["db"]);
  assertEquals(
    [...Deno.readDirSync(`${root}/db`)].map((entry) => entry.name).sort(),
    [".data_id", "_tab_index.d", "a~1", "b~2", "tables.d.0"],
  );
  assertEquals(await restore(root, it.store), null, "no trigger, no restore");
});

Deno.test("restore chooses the newest backup at or before the timestamp", async () => {
  using it = await scene();
  const before = it.database.rows();
  it.database.insert("b", rows(10));
  const service = serviceOf(it.database, it.store);
  const second = await backUp(service);
  const iso = (micros: bigint) => new Date(Number(micros / 1000n)).toISOString();
  const at = async (name: string, timestamp: string) => {
    await restore(`${it.path}/${name}`, it.store, {
      lines: [`backup.restore.timestamp=${timestamp}`],
    });
    return restoredRows(`${it.path}/${name}`);
  };
  assertEquals(await at("between", iso(second)), before); // cut to milliseconds: just before it
  assertEquals(await at("later", "2999-01-01"), it.database.rows());
  await assertRejects(
    () => at("early", "2001-02-03T04:05:06.000007Z"),
    RestoreError,
    "backup restore error: No backup timestamp found that is <= 2001-02-03T04:05:06.000007Z",
  );
  assert(exists(`${it.path}/early/_backup_restore`), "the trigger stays for the next attempt");
  assert(!exists(`${it.path}/early/db/.data_id`));
});

Deno.test("restore refuses a database that is not empty, and one that failed before", async () => {
  using it = await scene();
  const root = `${it.path}/new`;
  Deno.mkdirSync(`${root}/db`, { recursive: true });
  Deno.writeFileSync(`${root}/db/.data_id`, new Uint8Array(16));
  const attempt = () => restore(root, it.store, { lines: [""] });
  await assertRejects(
    attempt,
    RestoreError,
    "The local database is not empty. It already has an associated data ID.",
  );
  Deno.removeSync(`${root}/db/.data_id`);
  Deno.mkdirSync(`${root}/db/old~1`);
  Deno.writeFileSync(`${root}/db/old~1/_txn`, new Uint8Array(1));
  await assertRejects(attempt, RestoreError, "The local database is not empty.");
  Deno.removeSync(`${root}/db/old~1`, { recursive: true });
  for (const path of [`${root}/.restore_failed`, `${root}/db/.restore_failed`]) {
    Deno.mkdirSync(path);
    await assertRejects(attempt, RestoreError, "Failed restore directory found");
    Deno.removeSync(path);
  }
  Deno.writeTextFileSync(`${root}/_restore_failed`, "a\n");
  await assertRejects(attempt, RestoreError, "Failed restore directory found");
  Deno.removeSync(`${root}/_restore_failed`);
  await attempt();
  assertEquals(restoredRows(root), it.database.rows());
});

Deno.test("restore needs the instance's name when there are several", async () => {
  using it = await scene();
  const [mine] = (await keysOf(it.store, "instance.json")).map((key) => key.split("/")[1]);
  await it.store.put("backup/calm-lake-otter/instance.json", new TextEncoder().encode("{}"));
  const root = (name: string) => `${it.path}/${name}`;
  const error = await assertRejects(
    () => restore(root("a"), it.store, { lines: [""] }),
    RestoreError,
    "multiple backup instances found",
  );
  assert(error.message.includes(mine) && error.message.includes("calm-lake-otter"));
  await assertRejects(
    () => restore(root("b"), it.store, { lines: ["backup.instance.name=no-such-name"] }),
    RestoreError,
    "backup instance not found",
  );
  await assertRejects(
    () => restore(root("c"), it.store, { lines: ["backup.instance.name=calm-lake-otter"] }),
    RestoreError,
    "has no complete backup",
  );
  await restore(root("d"), it.store, { lines: [`backup.instance.name=${mine}`] });
  assertEquals(restoredRows(root("d")), it.database.rows());
  using empty = new TempDir();
  await assertRejects(
    () => restore(root("e"), openStore(empty.path), { lines: [""] }),
    RestoreError,
    "no backups found",
  );
});

Deno.test("restore refuses a trigger file it does not understand", async () => {
  using it = await scene();
  const cases: [string, string][] = [
    ["backup.restore.timestmap=2024", "unknown key in restore file"],
    ["backup.restore.timestamp=yesterday", "invalid restore timestamp"],
    ["backup.instance.name=../../etc", "invalid backup instance name"],
  ];
  for (const [line, message] of cases) {
    await assertRejects(
      () => restore(`${it.path}/x`, it.store, { lines: [line] }),
      RestoreError,
      message,
    );
    assert(!exists(`${it.path}/x/db`));
  }
});

/** Everything below a directory that is neither the store nor the scene's own root, with its content. */
function outside(path: string): string[] {
  const found: string[] = [];
  const visit = (directory: string) => {
    for (const entry of Deno.readDirSync(directory)) {
      const full = `${directory}/${entry.name}`;
      if (entry.isDirectory) visit(full);
      else found.push(full);
    }
  };
  for (const entry of Deno.readDirSync(path)) {
    if (!["root", "store", "store-tmp", "target"].includes(entry.name)) {
      if (entry.isDirectory) visit(`${path}/${entry.name}`);
      else found.push(`${path}/${entry.name}`);
    }
  }
  return found;
}

async function refused(it: Scene, key: string): Promise<string> {
  const root = `${it.path}/target`;
  const error = await assertRejects(
    () => restore(root, it.store, { lines: [""] }),
    Error,
  );
  assert(!exists(`${root}/db/.data_id`), "no data id");
  assert(!exists(`${root}/db/a~1`) && !exists(`${root}/db/b~2`), "no table is visible");
  assertEquals(outside(it.path), [], "nothing is written outside");
  assert(
    error.message.includes(key) || error.message.includes(key.split("/").at(-1)!) ||
      error.message.includes("target/db/.restore"),
    `${key} is named: ${error.message}`,
  );
  for (const path of [".restore_failed", "_restore_failed", "db"]) {
    if (exists(`${root}/${path}`)) Deno.removeSync(`${root}/${path}`, { recursive: true });
  }
  return error.message;
}

Deno.test("restore refuses any damaged, cut or missing object by name", async () => {
  using it = await scene();
  const keys = [
    ...await keysOf(it.store, "/manifests/"),
    ...await keysOf(it.store, "/tables/"),
    ...await keysOf(it.store, "/packs/"),
  ];
  assert(keys.length >= 7, `${keys.length} objects`);
  for (const key of keys) {
    const bytes = await it.store.get(key);
    const positions = new Set([0, 9, bytes.length >> 1, bytes.length - 30, bytes.length - 1]);
    for (const position of positions) {
      const changed = bytes.slice();
      changed[position] ^= 0x10;
      await it.store.put(key, changed);
      await refused(it, key);
    }
    for (const length of [0, 1, bytes.length >> 1, bytes.length - 1]) {
      await it.store.put(key, bytes.slice(0, length));
      await refused(it, key);
    }
    if (!key.includes("/manifests/")) {
      await it.store.delete([key]);
      await refused(it, key);
    }
    await it.store.put(key, bytes);
  }
  await restore(`${it.path}/target`, it.store, { lines: [""] });
  assertEquals(restoredRows(`${it.path}/target`), it.database.rows());
});

Deno.test("restore keeps a failed table aside and names it", async () => {
  using it = await scene();
  const root = `${it.path}/target`;
  const [key] = await keysOf(it.store, "/packs/b~2/");
  const bytes = await it.store.get(key);
  bytes[bytes.length >> 1] ^= 1;
  await it.store.put(key, bytes);
  const error = await assertRejects(
    () => restore(root, it.store, { lines: [""] }),
    RestoreError,
    "hash mismatch [path=",
  );
  assert(/expected=.+, actual=/.test(error.message), error.message);
  assertEquals(Deno.readTextFileSync(`${root}/_restore_failed`), "b\n");
  assert(exists(`${root}/.restore_failed/b~2`));
  assert(exists(`${root}/_backup_restore`));
  await assertRejects(
    () => restore(root, it.store),
    RestoreError,
    "Failed restore directory found",
  );
});

// deno-lint-ignore no-explicit-any -- the tests break JSON in every way
type AnyJson = any;

/** Rewrites the manifest of table `b` and seals everything above it again, as an attacker would. */
async function forge(it: Scene, change: (table: AnyJson, root: AnyJson) => void): Promise<string> {
  const hash = (bytes: Uint8Array) => hashHex(core, bytes);
  const [rootKey] = await keysOf(it.store, "/manifests/");
  const text = zstdDecompressSync(await it.store.get(rootKey));
  const root: AnyJson = decodeRootManifest(text, {
    source: rootKey,
    productVersion: PRODUCT_VERSION,
    hash,
  });
  delete root.blake3;
  const entry = root.tables.find((table: { name: string }) => table.name === "b");
  const json = JSON.parse(
    new TextDecoder().decode(zstdDecompressSync(await it.store.get(entry.manifest.key))),
  );
  change(json, root);
  const stored = compressManifest(new TextEncoder().encode(JSON.stringify(json)));
  const blake3 = hash(stored);
  const key = entry.manifest.key.replace(/[0-9a-f]{64}/, blake3);
  entry.manifest = { key, blake3, bytes: stored.length };
  await it.store.put(key, stored);
  await it.store.put(rootKey, compressManifest(encodeRootManifest(root, hash)));
  return key;
}

const FORGERIES: [string, (table: AnyJson, root: AnyJson) => void, string][] = [
  ["a path that climbs", (t) => t.names[t.files.name[0]] = "../../../../evil", "unsafe path"],
  ["an absolute path", (t) => t.names[t.files.name[0]] = "/tmp/evil", "unsafe path"],
  [
    "a partition file that climbs",
    (t) => t.names[t.files.name.at(-1)] = "../../evil",
    "unsafe path",
  ],
  ["a file named twice", (t) => t.files.name[1] = t.files.name[0], "named twice"],
  ["a huge slice", (t) => {
    t.slices.raw[0] += 2 ** 45;
    t.files.bytes[0] += 2 ** 45;
  }, "out of range"],
  ["a large slice that is not there", (t) => {
    t.slices.raw[0] += 100_000_000;
    t.files.bytes[0] += 100_000_000;
  }, "cannot be decoded"],
  ["a pack larger than its object", (t) => {
    t.packs.bytes = t.packs.bytes.map((bytes: number) => bytes + 1);
  }, "shorter than the range"],
  ["an unknown codec", (t) => t.names[t.slices.codec[0]] = "rot13+zstd", "cannot be decoded"],
  ["a future table format", (t) => t.format = 2, "cannot read"],
  ["another table's manifest", (t) => t.directory = "a~1", "another table"],
  ["rows that are not there", (_, r) => r.tables[1].rows++, "is not what the backup says"],
  ["a table directory that climbs", (_, r) => r.tables[1].dir = "../evil", "unsafe path"],
  ["a future version", (_, r) => r.min_reader = 9, "cannot read"],
  ["another major version", (_, r) => r.product_version = "7.5.1", "another major version"],
  ["more than the disk holds", (_, r) => r.tables[1].raw_bytes = 2 ** 52, "not enough disk space"],
];

for (const [name, change, message] of FORGERIES) {
  Deno.test(`restore refuses a manifest with ${name}`, async () => {
    using it = await scene();
    await forge(it, change);
    const text = await refused(it, "");
    assert(text.includes(message), text);
  });
}

/** Makes an install root with a durable trigger file on a simulated disk. */
function simulatedRoot(): SimulatedFileSystem {
  const disk = new SimulatedFileSystem();
  disk.mkdir("/install");
  {
    using file = disk.open("/install/_backup_restore", "create");
    file.sync();
  }
  disk.syncDir("/install");
  disk.syncDir("/");
  return disk;
}

function simulatedRows(disk: FileSystem): Record<string, Row[]> {
  const tables = [["a", "a~1"], ["b", "b~2"]];
  return Object.fromEntries(
    tables.map((
      [name, dir],
    ) => [name, readRows({ fs: disk, core, tableDir: `/install/db/${dir}` })]),
  );
}

Deno.test("a restore that loses power at any change of the disk is finished or begun again by the next start", async () => {
  using it = await scene();
  const expected = it.database.rows();
  const numbers = new SeededRandom(runSeed());
  let interrupted = 0, isComplete = false;
  for (let n = 1; !isComplete; n += n < 40 ? 1 : numbers.int(1, 12)) {
    const disk = simulatedRoot();
    const fs = new FaultFileSystem(disk);
    fs.stopAt(n);
    try {
      await restoreOn(fs, it.store);
      isComplete = true;
    } catch (error) {
      assert(causes(error).some((cause) => cause instanceof StoppedError), String(error));
      interrupted++;
    }
    disk.crash(numbers);
    // Nothing half restored may be opened: either the data id is missing, or everything is there.
    const hasDataId = (disk.stat("/install/db/.data_id")?.size ?? 0) >= 16;
    if (hasDataId) assertEquals(simulatedRows(disk), expected, `change ${n}`);
    if (isComplete) assert(hasDataId, "a complete restore survives a loss of power");
    await restoreOn(disk, it.store);
    disk.crash(numbers);
    assertEquals(simulatedRows(disk), expected, `stopped at change ${n}`);
    assertEquals(disk.stat("/install/_backup_restore"), null);
    assertEquals(await restoreOn(disk, it.store), null);
    assertEquals(disk.stat("/install/db/.restore"), null);
  }
  assert(interrupted > 50, `${interrupted} interruptions`);
});

function causes(error: unknown): unknown[] {
  const list = [];
  for (let at = error; at instanceof Error; at = at.cause) list.push(at);
  return list;
}

Deno.test("a root whose restore was interrupted while publishing is not opened without the trigger", async () => {
  using it = await scene();
  const root = `${it.path}/new`;
  const fs = new FaultFileSystem(new RealFileSystem());
  fs.failWhen((call) => call.operation === "rename" && call.path.endsWith("tables/b~2"));
  await assertRejects(() => restore(root, it.store, { lines: [""], fs }), Error, "Injected");
  assert(exists(`${root}/db/a~1`) && !exists(`${root}/db/b~2`), "half published");
  Deno.renameSync(`${root}/_backup_restore`, `${root}/aside`);
  await assertRejects(() => restore(root, it.store), RestoreError, "left the database incomplete");
  Deno.renameSync(`${root}/aside`, `${root}/_backup_restore`);
  await restore(root, it.store);
  assertEquals(restoredRows(root), it.database.rows());
});

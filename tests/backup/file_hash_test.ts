/** `backup.enable.partition.hashes`: the hash of every file of a partition, as it is restored. */
import { blake3 as oracle } from "hash-wasm";
import { PartitionBy } from "../../src/common/mod.ts";
import {
  listBackups,
  readRootManifest,
  readTableManifest,
} from "../../src/backup/manifest_store.ts";
import { InstanceKeys } from "../../src/backup/object_keys.ts";
import type { StoredFile } from "../../src/backup/table_manifest.ts";
import type { ObjectStore } from "../../src/objectstore/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { core, type Row } from "../storage/table_fixture.ts";
import {
  backUp,
  openStore,
  PRODUCT_VERSION,
  restore,
  serviceOf,
  TestDatabase,
} from "./test_database.ts";

const START = 1_704_067_200_000_000n;

function rows(day: number, first: number, count: number): Row[] {
  return Array.from({ length: count }, (_, i) => ({
    ts: START + BigInt(day) * 86_400_000_000n + BigInt(first + i) * 100n,
    ok: i % 2 === 0,
    i,
    l: BigInt(i),
    d: i / 7,
    sym: `s${i % 5}`,
    text: i % 9 === 0 ? null : `row ${i} with a text that fits nowhere inline`,
  }));
}

/** Files of each partition in the newest backup. */
async function storedFiles(store: ObjectStore, instance: string): Promise<StoredFile[][]> {
  const context = { store, core, productVersion: PRODUCT_VERSION };
  const keys = new InstanceKeys(instance);
  const latest = (await listBackups(store, keys)).sort((a, b) => a < b ? -1 : 1).at(-1)!;
  const root = await readRootManifest(context, keys.manifest(latest));
  const manifest = await readTableManifest(context, root.tables[0].manifest);
  assertEquals(manifest.tableFiles().filter(({ blake3 }) => blake3 !== undefined), []);
  return manifest.partitions.map((_, index) => manifest.partitionFiles(index));
}

async function expectedDigits(path: string): Promise<string> {
  const hex = await oracle(Deno.readFileSync(path));
  const bytes = Uint8Array.from(hex.match(/../g)!, (digits) => parseInt(digits, 16));
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

Deno.test("a backup holds the hash of every file of a partition that it read, as it is restored", async () => {
  using directory = new TempDir();
  using database = new TestDatabase(`${directory.path}/root`);
  const store = openStore(directory.path);
  database.create("a", PartitionBy.DAY);
  database.insert("a", rows(0, 0, 50));
  database.insert("a", rows(1, 0, 200_000)); // texts of more than one part of 4 MiB
  database.insert("a", rows(2, 0, 70));
  const without = serviceOf(database, store);
  await backUp(without);
  const instance = without.instanceName()!;
  const plain = await storedFiles(store, instance);
  assertEquals(plain.flat().filter(({ blake3 }) => blake3 !== undefined), []);

  // Files that are read again get a hash; those that are not keep what they have.
  database.insert("a", rows(1, 200_000, 1000));
  database.insert("a", rows(2, 70, 10));
  const service = serviceOf(database, store, { hasPartitionHashes: true });
  await backUp(service);
  const [first, second, third] = await storedFiles(store, instance);
  assert(first.every(({ blake3 }) => blake3 === undefined));
  await restore(`${directory.path}/restored`, store, { lines: [""] });
  const table = [...database.tables.values()][0].token.dirName;
  for (const [name, files] of [["2024-01-02", second], ["2024-01-03", third]] as const) {
    assert(files.length > 6);
    const restored = `${directory.path}/restored/db/${table}`;
    const partition = [...Deno.readDirSync(restored)].find((entry) => entry.name.startsWith(name))!;
    for (const { path, blake3 } of files) {
      const file = `${restored}/${partition.name}/${path}`;
      assertEquals(blake3, await expectedDigits(file), path);
    }
  }
  assert(second.some(({ bytes }) => bytes > 4_194_304), "a file of several parts");

  database.insert("a", rows(0, 50, 10));
  await backUp(service);
  const [late, same] = await storedFiles(store, instance);
  assert(late.every(({ blake3 }) => blake3 !== undefined));
  assertEquals(same, second);
});

/**
 * A backup as an attacker changes it who can write to the store: any field of a manifest, with every hash above it made again.
 *
 * @module
 */
import { zstdDecompressSync } from "node:zlib";
import { hashHex } from "../../src/backup/content_hash.ts";
import { encodeRootManifest } from "../../src/backup/root_manifest.ts";
import { compressManifest } from "../../src/backup/slice_tasks.ts";
import { SimulatedFileSystem } from "../../src/platform/mod.ts";
import { PartitionBy } from "../../src/common/mod.ts";
import { core, readRows, type Row } from "../storage/table_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { MemoryStore } from "./memory_store.ts";
import { backUp, openStore, restoreOn, serviceOf, TestDatabase } from "./test_database.ts";

const START = 1_704_067_200_000_000n;

/** A parsed manifest, broken in every way. */
// deno-lint-ignore no-explicit-any -- its fields have any type
export type AnyJson = any;

/** A backup in memory and what a restore of it gives. */
export interface ForgeryScene {
  readonly store: MemoryStore;
  readonly rows: Record<string, Row[]>;
}

function rows(count: number, step: bigint): Row[] {
  return Array.from({ length: count }, (_, i) => ({
    ts: START + BigInt(i) * step,
    ok: i % 2 === 0,
    i,
    l: i % 9 === 0 ? null : BigInt(i),
    d: i / 8,
    sym: i % 11 === 0 ? null : `s${i % 7}`,
    text: `row ${i} with text that is not inlined`,
  }));
}

/** Makes a backup of two tables with several partitions each. */
export async function forgeryScene(): Promise<ForgeryScene> {
  using directory = new TempDir();
  using database = new TestDatabase(`${directory.path}/root`);
  database.create("a", PartitionBy.DAY);
  database.create("b", PartitionBy.HOUR);
  database.insert("a", rows(400, 600_000_000n));
  database.insert("b", rows(60, 120_000_000n));
  const store = openStore(directory.path);
  await backUp(serviceOf(database, store));
  return { store: await MemoryStore.copyOf(store), rows: database.rows() };
}

const hash = (bytes: Uint8Array) => hashHex(core, bytes);

function jsonOf(bytes: Uint8Array): AnyJson {
  return JSON.parse(new TextDecoder().decode(zstdDecompressSync(bytes)));
}

/** Manifests and packs of a backup, to be changed and sealed again. */
export class Forger {
  readonly store: MemoryStore;
  readonly rootKey: string;
  readonly root: AnyJson;

  constructor(store: MemoryStore) {
    this.store = store;
    this.rootKey = [...store.objects.keys()].find((key) => key.includes("/manifests/"))!;
    this.root = jsonOf(store.objects.get(this.rootKey)!);
    delete this.root.blake3;
  }
  /** The objects with a manifest: tables, and the database's own files as the last one. */
  get holders(): { directory: string; reference: AnyJson }[] {
    return [
      ...this.root.tables.map((table: AnyJson) => ({
        directory: table.dir,
        reference: table.manifest,
      })),
      { directory: "~db", reference: this.root.files },
    ];
  }
  /** The manifest of a table, or of the database's files. */
  manifest(index: number): AnyJson {
    return jsonOf(this.store.objects.get(this.holders[index].reference.key)!);
  }
  /** Stores a manifest in place of a table's and seals it. @returns its key. */
  replace(index: number, json: AnyJson): string {
    return this.replaceText(index, new TextEncoder().encode(JSON.stringify(json)));
  }
  /** The same with any text. */
  replaceText(index: number, text: Uint8Array): string {
    const stored = compressManifest(text);
    const blake3 = hash(stored);
    const { reference } = this.holders[index];
    const key = reference.key.replace(/[0-9a-f]{64}/, blake3);
    Object.assign(reference, { key, blake3, bytes: stored.length });
    this.store.objects.set(key, stored);
    return key;
  }
  /** Changes the bytes of a pack and names it anew, in a manifest too. @returns its key. */
  replacePack(
    index: number,
    pack: number,
    change: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>,
  ): string {
    const json = this.manifest(index);
    const name = json.packs.hash[pack];
    const old = [...this.store.objects.keys()].find((key) => key.endsWith(`/${name}.pack`))!;
    const bytes = change(this.store.objects.get(old)!.slice());
    const fresh = hash(bytes);
    const key = old.replace(name, fresh);
    this.store.objects.set(key, bytes);
    json.packs.hash[pack] = fresh;
    json.packs.bytes[pack] = bytes.length;
    this.replace(index, json);
    return key;
  }
  /** Seals the root manifest. */
  seal(): void {
    this.store.objects.set(this.rootKey, compressManifest(encodeRootManifest(this.root, hash)));
  }
}

/** What came of a restore onto an empty disk. */
export interface Attempt {
  readonly disk: SimulatedFileSystem;
  readonly error: unknown;
}

/** Restores a backup that may be forged. */
export async function attemptRestore(store: MemoryStore): Promise<Attempt> {
  const disk = new SimulatedFileSystem();
  disk.mkdir("/install");
  disk.open("/install/_backup_restore", "create").close();
  try {
    await restoreOn(disk, store);
    return { disk, error: null };
  } catch (error) {
    return { disk, error };
  }
}

/** What is wrong with the disk after a restore: something outside the root, or half of a database. */
export function traces({ disk, error }: Attempt): string[] {
  const found = disk.readDir("/").filter(({ name }) => name !== "install").map(({ name }) =>
    `/${name}`
  );
  const known = new Set(["db", "_backup_restore", ".restore_failed", "_restore_failed"]);
  for (const { name } of disk.readDir("/install")) {
    if (!known.has(name)) found.push(`/install/${name}`);
  }
  if (error === null || disk.stat("/install/db") === null) return found;
  for (const { name } of disk.readDir("/install/db")) {
    if (name !== ".restore" && name !== ".restore_failed") found.push(`/install/db/${name}`);
  }
  return found;
}

/** Rows of every table on a restored disk. */
export function rowsOn(disk: SimulatedFileSystem): Record<string, Row[]> {
  const tables = disk.readDir("/install/db").filter(({ name, isDirectory }) =>
    isDirectory && !name.startsWith(".")
  );
  return Object.fromEntries(tables.map(({ name }) => [
    name.split("~")[0],
    readRows({ fs: disk, core, tableDir: `/install/db/${name}` }),
  ]));
}

/**
 * A database of real table files without WAL, written by the storage layer, with the little of an engine that backups use; so
 * partitions, symbols and their diffs are tested on their own. The whole engine has its tests in `engine_backup_test.ts`.
 *
 * @module
 */
import {
  type BackupConfig,
  backupTasks,
  createBackupService,
  DEFAULT_BACKUP_CONFIG,
  restoreIfTriggered,
  type RestoreSummary,
  type RunnableBackupService,
} from "../../src/backup/mod.ts";
import type { DatabasePin, TableToken } from "../../src/engine/mod.ts";
import { FsObjectStore, type ObjectStore } from "../../src/objectstore/mod.ts";
import {
  type FileSystem,
  type Log,
  RealFileSystem,
  SILENT_LOG,
  SystemClock,
  SystemRandom,
} from "../../src/platform/mod.ts";
import { type StorageContext, TableReader, TableWriter } from "../../src/storage/mod.ts";
import { InlineTaskRunner } from "../../src/wasm/mod.ts";
import { commitRows, core, createTable, readRows, type Row } from "../storage/table_fixture.ts";

/** Version that test backups are written by. */
export const PRODUCT_VERSION = "0.1.0";
/** The clock of test services. */
export const clock = new SystemClock();
/** Their random source. */
export const random = new SystemRandom();

interface TestTable {
  readonly token: TableToken;
  readonly context: StorageContext;
  readonly writer: TableWriter;
  transaction: number;
}

/** See the module's description. */
export class TestDatabase implements Disposable {
  readonly dataId = crypto.randomUUID();
  readonly core = core;
  readonly dbRoot: string;
  readonly tables = new Map<string, TestTable>();
  #nextId = 1;

  constructor(readonly installRoot: string) {
    this.dbRoot = `${installRoot}/db`;
    Deno.mkdirSync(this.dbRoot, { recursive: true });
    Deno.writeFileSync(`${this.dbRoot}/_tab_index.d`, new Uint8Array(4096));
  }
  create(name: string, partitionBy: number): void {
    const made = createTable(`${this.dbRoot}/.new`, partitionBy);
    const id = this.#nextId++;
    const dirName = `${name}~${id}`;
    Deno.renameSync(made.tableDir, `${this.dbRoot}/${dirName}`);
    const context = { ...made, tableDir: `${this.dbRoot}/${dirName}` };
    const token: TableToken = { name, dirName, id, isWal: false, type: 0 };
    this.tables.set(name, { token, context, writer: TableWriter.open(context), transaction: 0 });
  }
  insert(name: string, rows: readonly Row[]): void {
    const table = this.tables.get(name)!;
    commitRows(table.writer, rows, { seqTxn: 0 });
  }
  truncate(name: string): void {
    const { writer } = this.tables.get(name)!;
    writer.truncate({ keepsSymbols: true });
    writer.commit({ seqTxn: 0, sync: false });
  }
  drop(name: string): void {
    const table = this.tables.get(name)!;
    table.writer.close();
    Deno.removeSync(table.context.tableDir, { recursive: true });
    this.tables.delete(name);
  }
  rows(): Record<string, Row[]> {
    return rowsOf([...this.tables.values()].map(({ token, context }) => [token, context]));
  }
  pinAll(): DatabasePin {
    const readers = [...this.tables.values()].map(({ token, context }) => ({
      token,
      reader: TableReader.open(context),
      sequencerTxn: 0,
    }));
    const release = () => readers.forEach(({ reader }) => reader.close());
    return { tables: readers, views: [], broken: [], release, [Symbol.dispose]: release };
  }
  sync(): Promise<void> {
    return Promise.resolve();
  }
  [Symbol.dispose](): void {
    for (const { writer } of this.tables.values()) writer.close();
  }
}

function rowsOf(tables: [{ name: string }, StorageContext][]): Record<string, Row[]> {
  return Object.fromEntries(tables.map(([{ name }, context]) => [name, readRows(context)]));
}

/** Opens the store below a directory. */
export function openStore(directory: string, fs: FileSystem = new RealFileSystem()): FsObjectStore {
  const root = `${directory}/store`;
  return FsObjectStore.open({ root, atomicWriteDir: `${directory}/store-tmp`, fs, random });
}

/** Settings of test services: nothing is cleaned up unless a test asks for it. */
export const TEST_BACKUP_CONFIG: BackupConfig = {
  ...DEFAULT_BACKUP_CONFIG,
  isEnabled: true,
  compressionLevel: 1,
  keepLatestCount: 10_000,
};

/** A backup service over a test database. */
export function serviceOf(
  database: TestDatabase,
  store: ObjectStore,
  config: Partial<BackupConfig> = {},
): RunnableBackupService {
  const fs = new RealFileSystem();
  return createBackupService({
    engine: database,
    tasks: new InlineTaskRunner({ core, fs }, backupTasks),
    fs,
    clock,
    random,
    log: SILENT_LOG,
    config: { ...TEST_BACKUP_CONFIG, ...config },
    dbRoot: database.dbRoot,
    productVersion: PRODUCT_VERSION,
    openStore: () => Promise.resolve(store),
  });
}

/** Runs a backup to its end and returns its timestamp. @throws {Error} with the row's error if it failed. */
export async function backUp(service: RunnableBackupService): Promise<bigint> {
  const timestamp = await service.start();
  await service.idle();
  const row = service.list().at(-1)!;
  if (row.backupError !== null) throw new Error(row.backupError);
  return timestamp;
}

/** What {@linkcode restore} may change. */
export interface RestoreSettings {
  readonly lines?: readonly string[];
  readonly fs?: FileSystem;
  readonly log?: Log;
  readonly verifiesPartitionHashes?: boolean;
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/** Restores from a store into a root, writing the trigger file if it is not there. */
export function restore(
  installRoot: string,
  store: ObjectStore,
  settings: RestoreSettings = {},
): Promise<RestoreSummary | null> {
  Deno.mkdirSync(installRoot, { recursive: true });
  if (settings.lines !== undefined) {
    Deno.writeTextFileSync(`${installRoot}/_backup_restore`, settings.lines.join("\n"));
  }
  return restoreOn(settings.fs ?? new RealFileSystem(), store, { ...settings, installRoot });
}

/** Restores into a root on any file system; the trigger file is there already. */
export function restoreOn(
  fs: FileSystem,
  store: ObjectStore,
  settings: Omit<RestoreSettings, "lines" | "fs"> & { readonly installRoot?: string } = {},
): Promise<RestoreSummary | null> {
  const { installRoot = "/install", log = SILENT_LOG, onProgress = () => {} } = settings;
  const { verifiesPartitionHashes = false } = settings;
  return restoreIfTriggered({
    installRoot,
    dbRoot: `${installRoot}/db`,
    fs,
    random,
    tasks: new InlineTaskRunner({ core, fs }, backupTasks),
    core,
    log,
    onProgress,
    verifiesPartitionHashes,
    configuredStore: "fs::unused=",
    productVersion: PRODUCT_VERSION,
    openStore: () => Promise.resolve(store),
  });
}

/** Rows of every table in a restored root, by table name. */
export function restoredRows(installRoot: string): Record<string, Row[]> {
  const fs = new RealFileSystem();
  const directories = [...Deno.readDirSync(`${installRoot}/db`)]
    .filter((entry) => entry.isDirectory && !entry.name.startsWith("."))
    .map((entry) => entry.name).sort();
  return rowsOf(directories.map((name) => [
    { name: name.split("~")[0] },
    { fs, core, tableDir: `${installRoot}/db/${name}` },
  ]));
}

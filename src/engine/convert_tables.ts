/**
 * `ALTER TABLE … SET TYPE`: the statement leaves a file in the table's directory, and the next start gives the table a WAL or takes it away.
 *
 * ```
 * <table>/_convert   u8: 0 without WAL, 1 with WAL
 *
 * to WAL        txn_seq/ ─► _txn (structure version 0, seqTxn 0) ─► _meta (WAL on) ─► registry entry ─► no _convert
 * to no WAL     _meta (WAL off) ─► registry without the table ─► _txn (seqTxn 0) ─► no wal<N>/, txn_seq/ ─► no _convert
 * ```
 * Each step is durable before the next, and all can be done again: a start that was cut off is gone on with by the next one.
 *
 * Invariant: a WAL goes only when the table has applied all of it; until then the table keeps it, and the next start tries again.
 *
 * @module
 */
import { PartitionBy, StorageError } from "../common/mod.ts";
import {
  type Clock,
  type FileSystem,
  joinPath,
  type Log,
  readFile,
  writeFileAtomic,
} from "../platform/mod.ts";
import {
  encodeTableMetadata,
  readTableMetadata,
  readTableName,
  readTxn,
  recoverAlter,
  type TableMetadata,
  type TxnRecord,
  TxnWriter,
} from "../storage/mod.ts";
import {
  createSequencerFiles,
  removeDurableMark,
  saveInitialMetadata,
  TxnLog,
} from "../wal/mod.ts";
import type { TableRegistry } from "./table_registry.ts";

const CONVERT_FILE = "_convert";
const CONVERT_BYTES_MAX = 4096;
const WAL_DIR = /^wal\d+$/;
/** High half of a structure version that stands for column structure version 0. */
const STRUCTURE_VERSION_ZERO = -0x80000000n;
const INT32_MASK = 0xffffffffn;

/** What converting needs. */
export interface ConvertContext {
  readonly fs: FileSystem;
  readonly dbRoot: string;
  readonly registry: TableRegistry;
  readonly clock: Clock;
  readonly log: Log;
}

/** Asks the next start to give a table a WAL, or to take it away; durable. */
export function requestConversion(fs: FileSystem, tableDir: string, isWal: boolean): void {
  writeFileAtomic(fs, `${tableDir}/${CONVERT_FILE}`, new Uint8Array([isWal ? 1 : 0]));
}

/** Converts the tables that were asked for; one whose files do not make sense is left as it is and reported. */
export function convertTables(context: ConvertContext): void {
  const { fs, dbRoot, log } = context;
  for (const { name, isDirectory } of fs.readDir(dbRoot)) {
    if (!isDirectory) continue;
    const tableDir = joinPath(dbRoot, name);
    if (fs.stat(`${tableDir}/${CONVERT_FILE}`) === null) continue;
    if (fs.stat(`${tableDir}/_txn`) === null || context.registry.isRemoved(name)) continue;
    try {
      convertTable(context, name);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      log.critical("engine", "table is not converted", { dir: name, reason: error.message });
    }
  }
}

function convertTable(context: ConvertContext, dirName: string): void {
  const { fs, dbRoot, log } = context;
  const tableDir = joinPath(dbRoot, dirName);
  const path = `${tableDir}/${CONVERT_FILE}`;
  const target = readFile(fs, path, CONVERT_BYTES_MAX)[0];
  if (target !== 0 && target !== 1) {
    throw new StorageError(path, "unknown table type", { type: target ?? null });
  }
  recoverAlter(fs, tableDir);
  const metadata = readTableMetadata(fs, tableDir);
  const txn = readTxn(fs, tableDir, metadata.partitionBy);
  const isRegistered = context.registry.entries().some((entry) => entry.dirName === dirName);
  if (target === 1) {
    if (metadata.partitionBy === PartitionBy.NONE) {
      throw new StorageError(path, "table without partitions cannot have a WAL");
    }
    if (!metadata.isWalEnabled) addWal(context, tableDir, { metadata, txn });
    if (!isRegistered) register(context, dirName, metadata);
  } else {
    if (metadata.isWalEnabled) {
      const lastTxn = lastSequencerTxn(fs, tableDir);
      if (lastTxn > txn.seqTxn) {
        log.critical("engine", "table keeps its WAL until it is applied", {
          dir: dirName,
          applied: txn.seqTxn,
          committed: lastTxn,
        });
        return;
      }
      writeMetadata(fs, tableDir, { ...metadata, isWalEnabled: false });
    }
    if (isRegistered) context.registry.forget(dirName);
    removeWal(fs, tableDir, txn);
  }
  fs.remove(path);
  fs.syncDir(tableDir);
  log.info("engine", "table is converted", { dir: dirName, wal: target === 1 });
}

function addWal(
  context: ConvertContext,
  tableDir: string,
  table: { metadata: TableMetadata; txn: TxnRecord },
): void {
  const { fs, clock } = context;
  const { metadata, txn } = table;
  fs.removeTree(`${tableDir}/txn_seq`);
  removeWalDirs(fs, tableDir);
  createSequencerFiles(fs, tableDir, { metadata, createMicros: clock.nowMicros() });
  saveInitialMetadata(fs, tableDir);
  fs.syncDir(tableDir);
  // The log's first structural change leads from version 0 to 1, whatever the table has been through.
  const low = txn.structureVersion & INT32_MASK;
  const structureVersion = low === 0n ? 0n : (STRUCTURE_VERSION_ZERO << 32n) | low;
  commitTxn(fs, tableDir, { ...txn, structureVersion, seqTxn: 0 });
  writeMetadata(fs, tableDir, { ...metadata, isWalEnabled: true });
}

function removeWal(fs: FileSystem, tableDir: string, txn: TxnRecord): void {
  if (txn.seqTxn !== 0) commitTxn(fs, tableDir, { ...txn, seqTxn: 0 });
  removeWalDirs(fs, tableDir);
  fs.removeTree(`${tableDir}/txn_seq`);
  removeDurableMark(fs, tableDir);
  fs.syncDir(tableDir);
}

function removeWalDirs(fs: FileSystem, tableDir: string): void {
  for (const { name, isDirectory } of fs.readDir(tableDir)) {
    if (isDirectory && WAL_DIR.test(name)) fs.removeTree(`${tableDir}/${name}`);
  }
}

function commitTxn(fs: FileSystem, tableDir: string, record: TxnRecord): void {
  using writer = TxnWriter.open(fs, tableDir);
  writer.commit({ ...record, txn: record.txn + 1, lagRowCount: 0, lagTxnCount: 0 }, true);
}

function writeMetadata(fs: FileSystem, tableDir: string, metadata: TableMetadata): void {
  writeFileAtomic(fs, `${tableDir}/_meta`, encodeTableMetadata(metadata));
}

function register(context: ConvertContext, dirName: string, metadata: TableMetadata): void {
  const { fs, dbRoot, registry } = context;
  const name = readTableName(fs, joinPath(dbRoot, dirName)) ?? dirName.replace(/~.*$/, "");
  registry.add({ name, dirName, id: metadata.tableId, isWal: true, type: 1 });
}

function lastSequencerTxn(fs: FileSystem, tableDir: string): number {
  using log = TxnLog.open(fs, tableDir, "read");
  return log.lastTxn;
}

/**
 * Recovery of one table: its state files become the checkpoint's, everything derived is built again, everything that came
 * later goes.
 *
 * A copy of a root that was written to meanwhile has the rows of the pinned transaction in full, for nothing that it refers to
 * was purged. It may have more, and in pieces: rows behind the committed ones, partition versions of later transactions, log
 * records of transactions that the checkpoint does not have, hash chains of symbols that were copied half way.
 *
 * @module
 */
import { StorageError } from "../common/mod.ts";
import { type FileSystem, joinPath, type Log, readFile } from "../platform/mod.ts";
import {
  buildPartitionIndex,
  type ColumnVersions,
  isParquet,
  listStalePartitionDirs,
  partitionPath,
  partitionScheme,
  readColumnVersions,
  readSymbolSettings,
  readTableMetadata,
  readTxn,
  rebuildSymbolFiles,
  tableIndexes,
  type TableMetadata,
  tableSymbols,
  type TxnRecord,
  writeFileSynced,
} from "../storage/mod.ts";
import { cutLog, txnLogPath } from "../wal/mod.ts";

const SMALL_FILE_BYTES_MAX = 256 << 20;
const TODO_BYTES = 40;
/** Where a log's header has the last transaction. */
const LOG_LAST_TXN_OFFSET = 4;

/** Files that a recovery wrote or built. */
export interface RecoveryCounts {
  metaFilesCount: number;
  txnFilesCount: number;
  cvFilesCount: number;
  walFilesCount: number;
  symbolFilesCount: number;
}

/** What {@linkcode recoverTable} works with. */
export interface TableRecoveryOptions {
  readonly fs: FileSystem;
  readonly log: Log;
  /** The table's directory in the checkpoint. */
  readonly source: string;
  /** The table's directory in the database. */
  readonly tableDir: string;
  /** Whether symbol indexes of partitions are built again. */
  readonly isIndexRebuilt: boolean;
  readonly sleep: (millis: number) => Promise<void>;
}

/** Makes a copied table the one of the checkpoint. @throws {StorageError} naming the file that is wrong. */
export async function recoverTable(
  options: TableRecoveryOptions,
  counts: RecoveryCounts,
): Promise<void> {
  const { fs, source, tableDir } = options;
  fs.mkdir(tableDir);
  const isView = fs.stat(joinPath(source, "_view")) !== null;
  const copy = (name: string, isRequired: boolean) => copyFile(options, name, isRequired);
  copy("_meta", true);
  counts.metaFilesCount++;
  copy("_name", false);
  copy("_txn", true);
  counts.txnFilesCount++;
  if (isView) copy("_view", true);
  else {
    copy("_cv", true);
    counts.cvFilesCount++;
    copy("_mv", false);
    copy("_mv.s", false);
    writeFileSynced(fs, joinPath(tableDir, "_todo_"), new Uint8Array(TODO_BYTES));
    await rebuildFiles(options, counts);
  }
  if (fs.stat(joinPath(source, "txn_seq")) !== null) {
    restoreSequencer(options);
    counts.walFilesCount++;
  }
  fs.syncDir(tableDir);
}

async function rebuildFiles(options: TableRecoveryOptions, counts: RecoveryCounts): Promise<void> {
  const { fs, tableDir } = options;
  const metadata = readTableMetadata(fs, tableDir);
  const txn = readTxn(fs, tableDir, metadata.partitionBy);
  checkParquetFiles(options, { metadata, txn });
  const versions = readColumnVersions(fs, tableDir, txn.columnVersion);
  for (const { files, count } of tableSymbols(tableDir, { metadata, txn, versions })) {
    await options.sleep(0);
    rebuildSymbolFiles(fs, files, { count, ...readSymbolSettings(fs, files) });
    counts.symbolFilesCount++;
  }
  removeYoungerPartitions(options, { metadata, txn });
  if (options.isIndexRebuilt) await rebuildIndexes(options, { metadata, txn, versions });
}

/** Builds the indexes of partitions from the columns, beside the copied ones and then in their place. */
async function rebuildIndexes(
  options: TableRecoveryOptions,
  state: { metadata: TableMetadata; txn: TxnRecord; versions: ColumnVersions },
): Promise<void> {
  const { fs, tableDir } = options;
  for (const { files, column } of tableIndexes(tableDir, state)) {
    await options.sleep(0);
    const fresh = { ...files, keys: `${files.keys}.tmp`, values: `${files.values}.tmp` };
    buildPartitionIndex(fs, fresh, column);
    fs.rename(fresh.values, files.values);
    fs.rename(fresh.keys, files.keys);
  }
}

/** A Parquet partition is one file that is trusted by its length. */
function checkParquetFiles(
  options: TableRecoveryOptions,
  state: { metadata: TableMetadata; txn: TxnRecord },
): void {
  const { fs, tableDir } = options;
  const scheme = partitionScheme(state.metadata);
  for (const partition of state.txn.partitions) {
    if (!isParquet(partition)) continue;
    const name = partitionPath(scheme, partition);
    const path = joinPath(tableDir, name, "data.parquet");
    const info = fs.stat(path);
    if (info === null) {
      throw new StorageError(path, "cannot read size of restored parquet file", {
        partition: name,
      });
    }
    if (info.size < partition.parquetFileSize) {
      throw new StorageError(path, "restored parquet file is shorter than committed size", {
        partition: name,
        expected: partition.parquetFileSize,
        actual: info.size,
      });
    }
  }
}

function removeYoungerPartitions(
  options: TableRecoveryOptions,
  state: { metadata: TableMetadata; txn: TxnRecord },
): void {
  const { fs, tableDir } = options;
  for (const name of listStalePartitionDirs(fs, tableDir, state)) {
    fs.removeTree(joinPath(tableDir, name));
  }
}

/** Cuts the log back to the checkpoint's last transaction. */
function restoreSequencer(options: TableRecoveryOptions): void {
  const { fs, source, tableDir } = options;
  const directory = joinPath(tableDir, "txn_seq");
  fs.mkdir(directory);
  copyFile(options, "txn_seq/_meta", true);
  const path = joinPath(source, "txn_seq", "_txn");
  const bytes = readFile(fs, path, SMALL_FILE_BYTES_MAX);
  if (bytes.length < 8) throw new StorageError(path, "file is too short");
  const lastTxn = Number(new DataView(bytes.buffer).getBigInt64(0, true));
  const stored = readLastTxn(fs, tableDir);
  if (lastTxn >= 0 && stored > lastTxn) cutLog(fs, tableDir, lastTxn);
  fs.syncDir(directory);
}

function readLastTxn(fs: FileSystem, tableDir: string): number {
  const path = txnLogPath(tableDir);
  if (fs.stat(path) === null) throw new StorageError(path, "file does not exist");
  using file = fs.open(path, "read");
  const bytes = new Uint8Array(8);
  if (file.read(bytes, LOG_LAST_TXN_OFFSET) < 8) throw new StorageError(path, "file is too short");
  return Number(new DataView(bytes.buffer).getBigInt64(0, true));
}

function copyFile(options: TableRecoveryOptions, name: string, isRequired: boolean): void {
  const { fs, source, tableDir } = options;
  const from = joinPath(source, name), to = joinPath(tableDir, name);
  if (fs.stat(from) === null) {
    if (isRequired) throw new StorageError(from, "checkpoint file does not exist");
    return;
  }
  writeFileSynced(fs, to, readFile(fs, from, SMALL_FILE_BYTES_MAX));
}

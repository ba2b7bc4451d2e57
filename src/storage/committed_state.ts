/**
 * What a table has committed: `_meta`, `_txn` and `_cv` as they belong together, read while a writer may be committing.
 *
 * @module
 */
import { ColumnType, isVariableSize, StorageError } from "../common/mod.ts";
import type { FileSystem } from "../platform/mod.ts";
import {
  checkPartitionNames,
  columnFileName,
  columnPlace,
  committedLength,
  partitionPath,
  partitionScheme,
} from "./column_files.ts";
import { type ColumnVersions, readColumnVersions } from "./column_versions.ts";
import { readTableMetadata, type TableMetadata } from "./metadata.ts";
import { isParquet, readTxn, readTxnVersion, type TxnRecord } from "./txn.ts";

/** Attempts while commits get in between. */
const ATTEMPTS_MAX = 100;

/** The three files of one transaction. */
export interface CommittedState {
  readonly metadata: TableMetadata;
  readonly txn: TxnRecord;
  readonly versions: ColumnVersions;
}

/**
 * Reads the last committed state and checks that its parts fit each other.
 *
 * @throws {StorageError} naming the file that is wrong.
 */
export function readCommittedState(fs: FileSystem, tableDir: string): CommittedState {
  for (let attempt = 1;; attempt++) {
    const before = readTxnVersion(fs, tableDir);
    try {
      return readOnce(fs, tableDir);
    } catch (error) {
      // A commit in between makes files that do not fit; without one, they are broken.
      const isMoving = error instanceof StorageError && attempt < ATTEMPTS_MAX &&
        readTxnVersion(fs, tableDir) !== before;
      if (!isMoving) throw error;
    }
  }
}

function readOnce(fs: FileSystem, tableDir: string): CommittedState {
  const metadata = readTableMetadata(fs, tableDir);
  const txn = readTxn(fs, tableDir, metadata.partitionBy);
  const symbols = metadata.columns.filter((column) => column.type === ColumnType.SYMBOL).length;
  if (txn.symbolCounts.length !== symbols) {
    throw new StorageError(`${tableDir}/_txn`, "symbol column count does not match _meta", {
      txn: txn.symbolCounts.length,
      meta: symbols,
    });
  }
  const structureVersion = BigInt.asUintN(32, txn.structureVersion);
  if (structureVersion !== BigInt.asUintN(32, BigInt(metadata.metadataVersion))) {
    throw new StorageError(`${tableDir}/_meta`, "metadata version does not match _txn", {
      meta: metadata.metadataVersion,
      txn: structureVersion,
    });
  }
  checkPartitionNames(tableDir, partitionScheme(metadata), txn.partitions);
  const versions = readColumnVersions(fs, tableDir, txn.columnVersion);
  // The area of an older version is overwritten two commits later: what was read is whole only if `_txn` has not gone on.
  if (readTxnVersion(fs, tableDir) !== txn.txn && versions.version !== versions.publishedVersion) {
    throw new StorageError(`${tableDir}/_cv`, "version was replaced while it was read");
  }
  const state = { metadata, txn, versions };
  checkLastPartition(fs, tableDir, state);
  return state;
}

/**
 * The row count of the last partition is the one number in `_txn` that no other must agree with; so its file is asked whether it
 * can be true before anybody plans memory or loops by it.
 */
function checkLastPartition(fs: FileSystem, tableDir: string, state: CommittedState): void {
  const { metadata, txn, versions } = state;
  const last = txn.partitions.at(-1);
  if (last === undefined || last.rowCount === 0 || isParquet(last)) return;
  const column = metadata.timestampIndex >= 0
    ? metadata.columns[metadata.timestampIndex]
    : metadata.liveColumns.find((one) =>
      columnPlace(versions, last, one.writerIndex).storedRows > 0
    );
  if (column === undefined) return;
  const place = columnPlace(versions, last, column.writerIndex);
  const extension = isVariableSize(column.type) ? "i" : "d";
  const name = columnFileName(column.name, extension, place.nameTxn);
  const path = `${tableDir}/${partitionPath(partitionScheme(metadata), last)}/${name}`;
  const length = fs.stat(path)?.size;
  if (length === undefined) throw new StorageError(path, "file does not exist");
  const size = committedLength(column.type, place.storedRows);
  if (length < size) {
    throw new StorageError(path, "file is too short", { size, length, rows: last.rowCount });
  }
}

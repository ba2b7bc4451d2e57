/**
 * Publishes what an operation has prepared:
 *
 * ```
 * files and directories durable → `_meta.swp` → `_meta.prev` → `_todo_` → `_meta` → `_cv` → `_txn` → `_todo_` empty
 * ```
 * `_txn` is the commit. Until it is there, opening the table takes `_meta` back by `_todo_` and `_cv` by its version; everything else
 * that was written is not referred to. An operation is always durable on return: `_todo_` may only be emptied when `_txn` is on the
 * disk. So whoever has a log of what the table has applied makes it durable before.
 *
 * @module
 */
import { ColumnType } from "../../common/mod.ts";
import { ColumnVersions, type ColumnVersionsWriter } from "../column_versions.ts";
import { liveOrder } from "../metadata.ts";
import { encodeTableName, writeFileSynced } from "../table_files.ts";
import type { PartitionRecord, TxnRecord, TxnWriter } from "../txn.ts";
import type { AlterContext, TableChange } from "./alter_context.ts";
import { clearMetaTodo, swapMetadata } from "./metadata_swap.ts";
import { finishMoves, prepareMoves } from "./recover_moves.ts";
import { raiseStructureVersion } from "./structure_version.ts";

/** The files that a commit writes. */
export interface CommitFiles {
  readonly versions: ColumnVersionsWriter;
  readonly txn: TxnWriter;
}

/** Commits a change as the next transaction, durably. */
export function commitChange(
  context: AlterContext,
  files: CommitFiles,
  change: TableChange,
  seqTxn: number,
): void {
  const { fs, tableDir, reader } = context;
  prepareMoves(context, change.moves ?? []);
  syncTouched(context);
  const metadataVersion = reader.metadata.metadataVersion +
    (change.bump === "metadata" || change.bump === "structure" ? 1 : 0);
  if (change.metadata !== undefined) {
    const { columns } = change.metadata;
    const metadata = { ...change.metadata, metadataVersion, liveColumns: liveOrder(columns) };
    swapMetadata({ fs, tableDir }, metadata, reader.txn.txn);
  }
  let columnVersion = reader.versions.version;
  if (change.versions !== undefined) {
    columnVersion++;
    files.versions.commit(new ColumnVersions(columnVersion, change.versions), true);
  }
  files.txn.commit(nextRecord(reader.txn, change, { seqTxn, columnVersion }), true);
  if (change.metadata !== undefined) clearMetaTodo(fs, tableDir);
  if (change.tableName !== undefined) {
    writeFileSynced(fs, `${tableDir}/_name`, encodeTableName(change.tableName));
  }
  finishMoves(context, change.moves ?? []);
}

function nextRecord(
  txn: TxnRecord,
  change: TableChange,
  to: { seqTxn: number; columnVersion: number },
): TxnRecord {
  const partitions = change.partitions ?? txn.partitions;
  const transientRowCount = partitions.at(-1)?.rowCount ?? 0;
  const total = partitions.reduce((sum, partition) => sum + partition.rowCount, 0);
  return {
    ...txn,
    txn: txn.txn + 1,
    transientRowCount,
    fixedRowCount: total - transientRowCount,
    minTimestamp: change.minTimestamp ?? txn.minTimestamp,
    maxTimestamp: change.maxTimestamp ?? txn.maxTimestamp,
    structureVersion: raiseStructureVersion(txn.structureVersion, change.bump),
    dataVersion: txn.dataVersion + (change.raise?.dataVersion ?? 0),
    partitionTableVersion: txn.partitionTableVersion + (change.raise?.partitionTableVersion ?? 0),
    columnVersion: to.columnVersion,
    truncateVersion: txn.truncateVersion + (change.raise?.truncateVersion ?? 0),
    seqTxn: to.seqTxn,
    lagRowCount: 0,
    lagTxnCount: 0,
    symbolCounts: change.symbolCounts ?? txn.symbolCounts,
    partitions: partitions as readonly PartitionRecord[],
  };
}

function syncTouched(context: AlterContext): void {
  const { fs, touched } = context;
  for (const path of touched) {
    const info = fs.stat(path);
    if (info === null) continue; // purged in the meantime
    if (info.isDirectory) fs.syncDir(path);
    else {
      using file = fs.open(path, "readWrite");
      file.syncData();
    }
  }
  touched.clear();
}

/** Symbol counts for changed columns: those of the columns that stay, and of new ones as told. */
export function symbolCountsFor(
  context: AlterContext,
  columns: readonly { readonly type: number; readonly writerIndex: number }[],
  added: ReadonlyMap<number, number> = new Map(),
): number[] {
  const { metadata, txn } = context.reader;
  const counts = new Map<number, number>();
  for (const column of metadata.columns) {
    if (column.type === ColumnType.SYMBOL) {
      counts.set(column.writerIndex, txn.symbolCounts[counts.size]);
    }
  }
  return columns.filter((column) => column.type === ColumnType.SYMBOL)
    .map((column) => added.get(column.writerIndex) ?? counts.get(column.writerIndex) ?? 0);
}

/**
 * What an operation works on, and what it wants committed. An operation writes files that no committed state refers to, and returns
 * a {@linkcode TableChange}; `commit_change.ts` publishes it.
 *
 * Invariants of every operation:
 * 1. It never changes bytes that a committed state refers to, and never removes a file: readers may use both.
 * 2. A file that it makes is new: whatever has its name is un-linked first, since an operation that a crash cut off may have left a
 *    hard link to a live file under that name.
 *
 * @module
 */
import { ColumnType, PartitionBy } from "../../common/mod.ts";
import type { FileHandle, FileSystem } from "../../platform/mod.ts";
import {
  columnFileName,
  type ColumnPlace,
  columnPlace,
  partitionPath,
  partitionScheme,
} from "../column_files.ts";
import type { ColumnVersionEntry } from "../column_versions.ts";
import type { TableMetadata } from "../metadata.ts";
import type { StorageContext, TableReader } from "../table_reader.ts";
import type { PartitionRecord, TxnRecord } from "../txn.ts";

/** A table under its writer. */
export interface AlterContext extends StorageContext {
  /** The committed state. */
  readonly reader: TableReader;
  /** Takes the paths of files and directories that are written; they are made durable before the commit. */
  readonly touched: Set<string>;
}

/** Which versions a change of `_meta` raises; see docs/internals/table_alter.md. */
export type VersionBump = "none" | "metadata" | "structure" | "structureOnly";

/** What an operation wants committed. What is left out stays. */
export interface TableChange {
  readonly bump: VersionBump;
  /** The new `_meta`; the commit gives it its version. */
  readonly metadata?: TableMetadata;
  /** All entries of the new `_cv`. */
  readonly versions?: readonly ColumnVersionEntry[];
  readonly partitions?: readonly PartitionRecord[];
  readonly minTimestamp?: bigint;
  readonly maxTimestamp?: bigint;
  /** Per live SYMBOL column of the new metadata. */
  readonly symbolCounts?: readonly number[];
  /** Raises of other counters of `_txn`. */
  readonly raise?: Partial<
    Pick<TxnRecord, "dataVersion" | "partitionTableVersion" | "truncateVersion">
  >;
  /** Transactions that QuestDB makes of the change; 1 if left out. */
  readonly txnCount?: number;
  /** Moves of whole directories that go with the commit. */
  readonly moves?: readonly DirectoryMove[];
}

/**
 * A directory that appears or disappears with the commit: it goes by a name of its own in between, and opening the table finishes
 * or takes back what a crash cut off (see `recover_moves.ts`).
 */
export interface DirectoryMove {
  /** `detach`: `<path>.tmp` becomes `path`; `attach`: `path` becomes `<path>.tmp` and is removed. */
  readonly kind: "detach" | "attach";
  /** Absolute path of `<partition>.detached` or `<partition>.attachable`. */
  readonly path: string;
}

/** A column of a partition with the paths of its files. */
export interface ColumnFiles {
  readonly partition: PartitionRecord;
  readonly place: ColumnPlace;
  /** Absolute path of the partition's directory. */
  readonly directory: string;
  /** Path of a file of the column under any version. */
  path(extension: ColumnExtension, nameTxn?: number, name?: string): string;
}

/** Files that a column may have in a partition. */
export type ColumnExtension = "d" | "i" | "k" | "v";

/** Every extension that a column may have. */
export const COLUMN_EXTENSIONS: readonly ColumnExtension[] = ["d", "i", "k", "v"];

/** Timestamp by which `_cv` knows the last partition: that of the first row's partition of a table without partitions is 0. */
export function lastPartitionTimestamp(context: AlterContext): bigint | null {
  const { metadata, txn } = context.reader;
  if (metadata.partitionBy === PartitionBy.NONE) return 0n;
  return txn.partitions.at(-1)?.timestamp ?? null;
}

/** Tells where a column is in each partition. */
export function columnInPartitions(context: AlterContext, writerIndex: number): ColumnFiles[] {
  return context.reader.txn.partitions
    .map((partition) => columnInPartition(context, partition, writerIndex));
}

/** Tells where a column is in a partition. */
export function columnInPartition(
  context: AlterContext,
  partition: PartitionRecord,
  writerIndex: number,
): ColumnFiles {
  const { metadata, versions } = context.reader;
  const column = metadata.columns[writerIndex];
  const place = columnPlace(versions, partition, writerIndex);
  const directory = `${context.tableDir}/${partitionPath(partitionScheme(metadata), partition)}`;
  return {
    partition,
    place,
    directory,
    path: (extension, nameTxn = place.nameTxn, name = column.name) =>
      `${directory}/${indexFileName(name, extension, nameTxn)}`,
  };
}

/** Name of any file of a column. */
export function indexFileName(
  column: string,
  extension: ColumnExtension | "o" | "c",
  nameTxn: number,
): string {
  return columnFileName(column, extension as "d", nameTxn);
}

/** Removes a file if it is there. */
export function removeIfThere(fs: FileSystem, path: string): void {
  if (fs.stat(path) !== null) fs.remove(path);
}

/** Makes a file that shares nothing with one of the same name. */
export function createFresh(context: AlterContext, path: string): FileHandle {
  removeIfThere(context.fs, path);
  context.touched.add(path).add(directoryOf(path));
  return context.fs.open(path, "createNew");
}

/** Gives a file a second name. */
export function linkFresh(context: AlterContext, from: string, to: string): void {
  removeIfThere(context.fs, to);
  context.fs.link(from, to);
  context.touched.add(directoryOf(to));
}

/** Directory of a path. */
export function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
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

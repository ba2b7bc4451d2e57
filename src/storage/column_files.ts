/**
 * Names and committed lengths of the files of a partition's columns.
 *
 * @module
 */
import {
  ColumnType,
  fixedSize,
  isVariableSize,
  PartitionBy,
  partitionDirName,
  StorageError,
} from "../common/mod.ts";
import type { FileSystem } from "../platform/mod.ts";
import type { ColumnVersions } from "./column_versions.ts";
import type { ColumnMetadata, TableMetadata } from "./metadata.ts";
import { openStorageFile } from "./storage_file.ts";
import { isParquet, type PartitionRecord, type TxnRecord } from "./txn.ts";
import { auxFileBytes, variableBounds } from "./variable_files.ts";

const NANOS_PER_MICRO = 1000n;
const NANOS_PER_SECOND = 1_000_000_000n;
/** First microsecond of the year 0, and of the year 10 000: directory names have four digits for a year. */
const NAMED_MICROS_MIN = -62_167_219_200_000_000n;
const NAMED_MICROS_END = 253_402_300_800_000_000n;

/** What the names of a table's partitions depend on. */
export interface PartitionScheme {
  /** A `PartitionBy` code. */
  readonly partitionBy: number;
  /** Type code of the designated timestamp, whose unit `_txn` counts in; TIMESTAMP if there is none. */
  readonly timestampType: number;
}

/** Tells how a table's partitions are named. */
export function partitionScheme(metadata: TableMetadata): PartitionScheme {
  const { partitionBy, timestampIndex, columns } = metadata;
  const timestampType = timestampIndex < 0 ? ColumnType.TIMESTAMP : columns[timestampIndex].type;
  return { partitionBy, timestampType };
}

/** Directory of a partition, relative to the table's. */
export function partitionPath(
  scheme: PartitionScheme,
  partition: { timestamp: bigint; nameTxn: number },
): string {
  const name = scheme.timestampType === ColumnType.TIMESTAMP_NS
    ? nanosDirName(scheme.partitionBy, partition.timestamp)
    : partitionDirName(scheme.partitionBy, partition.timestamp);
  return partition.nameTxn >= 0 && scheme.partitionBy !== PartitionBy.NONE
    ? `${name}.${partition.nameTxn}`
    : name;
}

/** Name of a partition whose timestamp is in nanoseconds: as in microseconds, but a fraction has nine digits. */
function nanosDirName(partitionBy: number, nanos: bigint): string {
  const fraction = ((nanos % NANOS_PER_SECOND) + NANOS_PER_SECOND) % NANOS_PER_SECOND;
  const second = (nanos - fraction) / NANOS_PER_MICRO;
  if (fraction === 0n || partitionBy === PartitionBy.NONE) {
    return partitionDirName(partitionBy, second);
  }
  // Any fraction makes the name print one; the digits are put in then.
  return partitionDirName(partitionBy, second + 1n)
    .replace(/\d{6}$/, String(fraction).padStart(9, "0"));
}

/**
 * Checks that every partition has a name: its timestamp lies in the years 0 to 9999.
 *
 * @throws {StorageError} naming `_txn`.
 */
export function checkPartitionNames(
  tableDir: string,
  scheme: PartitionScheme,
  partitions: readonly PartitionRecord[],
): void {
  if (scheme.partitionBy === PartitionBy.NONE) return;
  const unitsPerMicro = scheme.timestampType === ColumnType.TIMESTAMP_NS ? NANOS_PER_MICRO : 1n;
  for (const { timestamp } of partitions) {
    const micros = timestamp / unitsPerMicro;
    if (micros < NAMED_MICROS_MIN || micros >= NAMED_MICROS_END) {
      throw new StorageError(`${tableDir}/_txn`, "partition timestamp is out of range", {
        timestamp,
      });
    }
  }
}

/** Name of a column file; `nameTxn` −1 means no suffix. */
export function columnFileName(column: string, extension: "d" | "i", nameTxn: number): string {
  return nameTxn >= 0 ? `${column}.${extension}.${nameTxn}` : `${column}.${extension}`;
}

/** One file of a partition with the number of bytes that are committed. */
export interface CommittedFile {
  /** Relative to the table's directory. */
  readonly path: string;
  readonly bytes: number;
  readonly column: ColumnMetadata;
  /** First row of the partition that the file holds. */
  readonly columnTop: number;
  /** `d` for values, `i` for the aux entries of a variable-width column. */
  readonly extension: "d" | "i";
}

/** What a column has in a partition. */
export interface ColumnPlace {
  readonly nameTxn: number;
  /** Rows before this one have no stored value. */
  readonly columnTop: number;
  /** Rows with a stored value; 0 if there is no file. */
  readonly storedRows: number;
}

/** Finds a column's file version and top in a partition. */
export function columnPlace(
  versions: ColumnVersions,
  partition: PartitionRecord,
  columnIndex: number,
): ColumnPlace {
  const columnTop = Math.min(
    Math.max(versions.columnTop(partition, columnIndex), 0),
    partition.rowCount,
  );
  return {
    nameTxn: versions.nameTxn(partition.timestamp, columnIndex),
    columnTop,
    storedRows: partition.rowCount - columnTop,
  };
}

/** What {@linkcode columnFilesOf} looks at. */
export interface PartitionView {
  readonly fs: FileSystem;
  readonly tableDir: string;
  readonly metadata: TableMetadata;
  readonly versions: ColumnVersions;
  readonly partition: PartitionRecord;
}

/**
 * Lists the column files of a partition with their committed lengths; never the lengths the file system tells, which may
 * include rows that are not committed.
 *
 * @throws {StorageError} if a file is shorter than what is committed, or the partition is in Parquet format.
 */
export function columnFilesOf(view: PartitionView): CommittedFile[] {
  const directory = partitionPath(partitionScheme(view.metadata), view.partition);
  if (isParquet(view.partition)) {
    throw new StorageError(
      `${view.tableDir}/${directory}`,
      "parquet partitions are not supported yet",
    );
  }
  const files: CommittedFile[] = [];
  for (const column of view.metadata.liveColumns) {
    const place = columnPlace(view.versions, view.partition, column.writerIndex);
    if (place.storedRows === 0) continue;
    const { columnTop } = place;
    const path = (extension: "d" | "i") =>
      `${directory}/${columnFileName(column.name, extension, place.nameTxn)}`;
    const bytes = committedLength(column.type, place.storedRows);
    if (!isVariableSize(column.type)) {
      files.push({ path: path("d"), bytes, column, columnTop, extension: "d" });
      continue;
    }
    const dataBytes = variableDataBytes(view.fs, `${view.tableDir}/${path("i")}`, {
      column,
      storedRows: place.storedRows,
    });
    files.push({ path: path("i"), bytes, column, columnTop, extension: "i" });
    files.push({ path: path("d"), bytes: dataBytes, column, columnTop, extension: "d" });
  }
  for (const file of files) {
    const size = view.fs.stat(`${view.tableDir}/${file.path}`)?.size ?? -1;
    if (size < file.bytes) {
      throw new StorageError(
        `${view.tableDir}/${file.path}`,
        size < 0 ? "file does not exist" : "file is too short",
        {
          expected: file.bytes,
          actual: size,
        },
      );
    }
  }
  return files;
}

/** Bytes that rows take in the `.d` file of a fixed-width column, in the `.i` file of another. */
export function committedLength(type: number, rows: number): number {
  return isVariableSize(type) ? auxFileBytes(type, rows) : rows * fixedSize(type);
}

/** Bytes of the data file that the first `storedRows` entries of the aux file describe. */
function variableDataBytes(
  fs: FileSystem,
  auxPath: string,
  of: { column: ColumnMetadata; storedRows: number },
): number {
  using file = openStorageFile(fs, auxPath);
  return variableBounds(of.column.type, file, { row: of.storedRows - 1, rows: 1 }).end;
}

/** Number of live SYMBOL columns before a column: its place in `_txn`'s symbol counts. */
export function symbolSlot(metadata: TableMetadata, writerIndex: number): number {
  let slot = 0;
  for (const column of metadata.columns) {
    if (column.writerIndex === writerIndex) return slot;
    if (column.type === ColumnType.SYMBOL) slot++;
  }
  throw new Error(`Assertion failed: column ${writerIndex} exists`);
}

const PARTITION_DIR =
  /^\d{4}(-\d{2}(-\d{2}(T\d{2,}(-\d+)?)?)?|-W\d{2}(-\d(T\d{2,}(-\d+)?)?)?)?(\.\d+)?$/;

/**
 * Partition directories that a committed state does not use: left by merges, truncation, or a crash. What this lists is going to
 * be removed, so it would rather list nothing than trust a state that does not fit the directories.
 *
 * @throws {StorageError} if a committed partition has no directory.
 */
export function listStalePartitionDirs(
  fs: FileSystem,
  tableDir: string,
  state: { metadata: TableMetadata; txn: TxnRecord },
): string[] {
  const scheme = partitionScheme(state.metadata);
  const { partitions } = state.txn;
  if (scheme.partitionBy === PartitionBy.NONE) return [];
  checkPartitionNames(tableDir, scheme, partitions);
  const directories = fs.readDir(tableDir).filter((entry) => entry.isDirectory)
    .map((entry) => entry.name);
  const present = new Set(directories);
  const used = new Set<string>();
  for (const partition of partitions) {
    const name = partitionPath(scheme, partition);
    used.add(name);
    if (partition.rowCount > 0 && !present.has(name)) {
      throw new StorageError(`${tableDir}/${name}`, "partition directory does not exist");
    }
  }
  return directories.filter((name) => PARTITION_DIR.test(name) && !used.has(name));
}

/** Bytes that one row takes in the fixed-width files of a table; a measure for limits, not for files. */
export function fixedRowBytes(metadata: TableMetadata): number {
  return metadata.liveColumns.reduce((sum, column) => sum + (fixedSize(column.type) || 32), 0);
}

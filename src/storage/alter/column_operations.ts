/**
 * Adding, dropping and renaming columns.
 *
 * - A new column has a default entry in `_cv`: its name txn and the last partition, in which it was added. Older partitions have no
 *   file of it; the last one has an empty file and a column top of all its rows.
 * - A dropped column has a negative type; its files stay for readers until they are purged.
 * - A renamed column's files get the new name as hard links, with the current txn as name txn.
 *
 * @module
 */
import { assert, ColumnType, isVariableSize, PartitionBy } from "../../common/mod.ts";
import {
  type ColumnVersionEntry,
  DEFAULT_TIMESTAMP,
  SYMBOL_TIMESTAMP,
  withEntries,
} from "../column_versions.ts";
import {
  type ColumnMetadata,
  DEFAULT_INDEX_BLOCK_CAPACITY,
  DEFAULT_SYMBOL_CAPACITY,
  type TableMetadata,
} from "../metadata.ts";
import { partitionIndexFiles } from "../partition_index.ts";
import { createSymbolFiles, symbolFiles } from "../symbol_map.ts";
import { NO_MAX_TIMESTAMP, NO_MIN_TIMESTAMP } from "../txn.ts";
import {
  type AlterContext,
  type ColumnFiles,
  columnInPartitions,
  createFresh,
  lastPartitionTimestamp,
  linkFresh,
  removeIfThere,
  symbolCountsFor,
  type TableChange,
} from "./alter_context.ts";
import type { NewColumn } from "./alter_operation.ts";
import { buildEmptyIndex } from "./index_operations.ts";
import { findColumn } from "./validate_alter.ts";

/** Where `.o` tells that the column holds a NULL. */
const HAS_NULL_OFFSET = 8;

/** Smallest power of two that is not below a number. */
export function ceilPowerOfTwo(value: number): number {
  let power = 1;
  while (power < value) power *= 2;
  return power;
}

/** Describes a column as it goes into `_meta`. */
export function newColumnMetadata(
  column: NewColumn,
  writerIndex: number,
  replacingIndex = -1,
): ColumnMetadata {
  const isSymbol = column.type === ColumnType.SYMBOL;
  return {
    name: column.name,
    type: column.type,
    writerIndex,
    isIndexed: isSymbol && (column.isIndexed ?? false),
    indexBlockCapacity: ceilPowerOfTwo(column.indexBlockCapacity ?? DEFAULT_INDEX_BLOCK_CAPACITY),
    symbolCapacity: ceilPowerOfTwo(column.symbolCapacity ?? DEFAULT_SYMBOL_CAPACITY),
    isSymbolCached: column.isSymbolCached ?? true,
    isDedupKey: false,
    replacingIndex,
  };
}

/** Metadata with one column described anew. */
export function withColumn(
  metadata: TableMetadata,
  writerIndex: number,
  change: Partial<ColumnMetadata>,
): TableMetadata {
  const columns = metadata.columns.map((column) =>
    column.writerIndex === writerIndex ? { ...column, ...change } : column
  );
  return { ...metadata, columns };
}

/** Makes the files of an empty symbol table; what a crash left under their names goes. */
export function createFreshSymbolFiles(
  context: AlterContext,
  column: ColumnMetadata,
  options: { nameTxn: number; hasNull: boolean },
): void {
  const { fs, tableDir, touched } = context;
  const files = symbolFiles(tableDir, column.name, options.nameTxn);
  for (const path of Object.values(files)) {
    removeIfThere(fs, path);
    touched.add(path);
  }
  touched.add(tableDir);
  createSymbolFiles(fs, files, {
    capacity: column.symbolCapacity,
    isCached: column.isSymbolCached,
  });
  if (!options.hasNull) return;
  using offsets = fs.open(files.offsets, "readWrite");
  offsets.write(new Uint8Array([1]), HAS_NULL_OFFSET);
}

/** Adds a column. */
export function addColumn(context: AlterContext, column: NewColumn): TableChange | null {
  const { metadata, txn, versions } = context.reader;
  if (findColumn(metadata, column.name) !== null) return null; // IF NOT EXISTS
  const nameTxn = txn.txn;
  const added = newColumnMetadata(column, metadata.columns.length);
  const columns = [...metadata.columns, added];
  const last = lastPartitionTimestamp(context);
  const rows = txn.partitions.at(-1)?.rowCount ?? 0;
  const columnIndex = added.writerIndex;
  const entries: ColumnVersionEntry[] = [
    { timestamp: DEFAULT_TIMESTAMP, columnIndex, nameTxn, top: last ?? DEFAULT_TIMESTAMP },
  ];
  if (last !== null && rows > 0) {
    entries.push({ timestamp: last, columnIndex, nameTxn, top: BigInt(rows) });
  }
  if (added.type === ColumnType.SYMBOL) {
    createFreshSymbolFiles(context, added, { nameTxn, hasNull: txn.partitions.length > 0 });
  }
  createEmptyFiles(context, added, nameTxn);
  return {
    bump: "structure",
    metadata: { ...metadata, columns },
    versions: withEntries(versions, entries).entries,
    symbolCounts: symbolCountsFor(context, columns),
  };
}

/** Makes the files that the last partition will append to. */
function createEmptyFiles(context: AlterContext, column: ColumnMetadata, nameTxn: number): void {
  const { metadata, txn } = context.reader;
  const last = txn.partitions.at(-1);
  if (last === undefined || last.rowCount === 0) return;
  // The column is not in the reader's metadata: any other one tells the directory.
  const files = columnInPartitions(context, metadata.columns[0].writerIndex).at(-1)!;
  createFresh(context, files.path("d", nameTxn, column.name)).close();
  if (isVariableSize(column.type)) {
    using aux = createFresh(context, files.path("i", nameTxn, column.name));
    if (column.type === ColumnType.STRING || column.type === ColumnType.BINARY) {
      aux.write(new Uint8Array(8), 0); // where the first value will begin
    }
  }
  if (column.isIndexed) {
    buildEmptyIndex(context, partitionIndexFiles(files.directory, column, nameTxn));
  }
}

/** Drops a column. */
export function dropColumn(context: AlterContext, name: string): TableChange {
  const { metadata } = context.reader;
  const column = findColumn(metadata, name);
  assert(column !== null, "the operation was checked");
  const isTimestamp = column.writerIndex === metadata.timestampIndex;
  const changed = withColumn(metadata, column.writerIndex, { type: -column.type });
  return {
    bump: "structure",
    metadata: { ...changed, timestampIndex: isTimestamp ? -1 : metadata.timestampIndex },
    symbolCounts: symbolCountsFor(context, changed.columns),
    ...isTimestamp ? { minTimestamp: NO_MIN_TIMESTAMP, maxTimestamp: NO_MAX_TIMESTAMP } : {},
  };
}

/** Renames a column. */
export function renameColumn(context: AlterContext, from: string, to: string): TableChange {
  const { metadata, txn, versions } = context.reader;
  const column = findColumn(metadata, from);
  assert(column !== null, "the operation was checked");
  const columnIndex = column.writerIndex, nameTxn = txn.txn;
  const own = versions.entries.filter((entry) => entry.columnIndex === columnIndex);
  const addedIn = own.find((entry) => entry.timestamp === DEFAULT_TIMESTAMP)?.top;
  const entries: ColumnVersionEntry[] = [
    { timestamp: DEFAULT_TIMESTAMP, columnIndex, nameTxn, top: addedIn ?? DEFAULT_TIMESTAMP },
  ];
  for (const entry of own) {
    if (entry.timestamp > SYMBOL_TIMESTAMP) entries.push({ ...entry, nameTxn });
  }
  const partitions = columnInPartitions(context, columnIndex);
  for (const files of partitions) linkColumn(context, files, { column: to, nameTxn });
  if (metadata.partitionBy === PartitionBy.NONE) {
    const top = BigInt(partitions.at(0)?.place.columnTop ?? 0);
    entries.push({ timestamp: 0n, columnIndex, nameTxn, top });
  }
  if (column.type === ColumnType.SYMBOL) {
    entries.push({ timestamp: SYMBOL_TIMESTAMP, columnIndex, nameTxn, top: 0n });
    linkSymbolFiles(context, column.name, { column: to, columnIndex, nameTxn });
  }
  return {
    bump: "structure",
    metadata: withColumn(metadata, columnIndex, { name: to }),
    versions: withEntries(versions, entries).entries,
  };
}

/** Gives the files of a column in a partition another name. */
function linkColumn(
  context: AlterContext,
  files: ColumnFiles,
  to: { column: string; nameTxn: number },
): void {
  for (const extension of ["d", "i", "k", "v"] as const) {
    const from = files.path(extension);
    if (context.fs.stat(from) !== null) {
      linkFresh(context, from, files.path(extension, to.nameTxn, to.column));
    }
  }
}

function linkSymbolFiles(
  context: AlterContext,
  from: string,
  to: { column: string; columnIndex: number; nameTxn: number },
): void {
  const { tableDir, reader } = context;
  const source = symbolFiles(tableDir, from, reader.versions.symbolNameTxn(to.columnIndex));
  const target = symbolFiles(tableDir, to.column, to.nameTxn);
  for (const file of ["offsets", "chars", "keys", "values"] as const) {
    linkFresh(context, source[file], target[file]);
  }
}

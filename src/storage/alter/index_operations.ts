/**
 * Adding and dropping the index of a SYMBOL column.
 *
 * An index is a pair of files per partition, with the column's name txn. Dropping it gives the column files a new name txn, so that a
 * later index cannot meet the files of the dropped one; the values are hard links.
 *
 * @module
 */
import { assert } from "../../common/mod.ts";
import { symbolSlot } from "../column_files.ts";
import { type ColumnVersionEntry, withEntries } from "../column_versions.ts";
import { type ColumnMetadata, DEFAULT_INDEX_BLOCK_CAPACITY } from "../metadata.ts";
import {
  buildPartitionIndex,
  type IndexedColumn,
  type PartitionIndexFiles,
  partitionIndexFiles,
} from "../partition_index.ts";
import {
  type AlterContext,
  type ColumnFiles,
  columnInPartitions,
  directoryOf,
  linkFresh,
  removeIfThere,
  type TableChange,
} from "./alter_context.ts";
import { ceilPowerOfTwo, withColumn } from "./column_operations.ts";
import { findColumn } from "./validate_alter.ts";

const INDEX_CAPACITY_MIN = 2;

/** Makes an index without rows. */
export function buildEmptyIndex(context: AlterContext, files: PartitionIndexFiles): void {
  indexColumnFile(context, files, { dataPath: "", columnTop: 0, rowCount: 0 });
}

/** Builds the index of a stored column in a partition. @throws {StorageError} if a key is not one of its symbol table. */
export function buildIndex(
  context: AlterContext,
  column: Pick<ColumnMetadata, "name" | "writerIndex" | "indexBlockCapacity">,
  { partition, place, directory, path }: ColumnFiles,
): void {
  const { metadata, txn } = context.reader;
  const index = partitionIndexFiles(directory, column, place.nameTxn);
  indexColumnFile(context, index, {
    dataPath: path("d"),
    columnTop: place.columnTop,
    rowCount: partition.rowCount,
    symbolCount: txn.symbolCounts[symbolSlot(metadata, column.writerIndex)],
  });
}

/** Builds the index of a column in new files from the keys in its data file. */
export function indexColumnFile(
  context: AlterContext,
  files: PartitionIndexFiles,
  column: IndexedColumn,
): void {
  const { fs, touched } = context;
  for (const path of [files.values, files.keys]) {
    removeIfThere(fs, path);
    touched.add(path);
  }
  buildPartitionIndex(fs, files, column);
  touched.add(directoryOf(files.keys));
}

/** Adds an index. */
export function addIndex(
  context: AlterContext,
  name: string,
  blockCapacity: number,
): TableChange {
  const { metadata } = context.reader;
  const column = findColumn(metadata, name);
  assert(column !== null, "the operation was checked");
  const indexBlockCapacity = ceilPowerOfTwo(Math.max(blockCapacity, INDEX_CAPACITY_MIN));
  const partitions = columnInPartitions(context, column.writerIndex);
  for (const [i, files] of partitions.entries()) {
    const indexed = { ...column, indexBlockCapacity };
    const { directory, place } = files;
    if (place.storedRows > 0) buildIndex(context, indexed, files);
    else if (i === partitions.length - 1 && context.fs.stat(directory) !== null) {
      buildEmptyIndex(context, partitionIndexFiles(directory, indexed, place.nameTxn));
    }
  }
  return {
    bump: "metadata",
    metadata: withColumn(metadata, column.writerIndex, { isIndexed: true, indexBlockCapacity }),
  };
}

/** Drops an index. */
export function dropIndex(context: AlterContext, name: string): TableChange {
  const { metadata, txn, versions } = context.reader;
  const column = findColumn(metadata, name);
  assert(column !== null, "the operation was checked");
  const nameTxn = txn.txn;
  const entries: ColumnVersionEntry[] = [];
  for (const files of columnInPartitions(context, column.writerIndex)) {
    const { partition, place } = files;
    const from = files.path("d");
    if (context.fs.stat(from) === null) continue; // the column has no file here
    linkFresh(context, from, files.path("d", nameTxn));
    entries.push({
      timestamp: partition.timestamp,
      columnIndex: column.writerIndex,
      nameTxn,
      top: BigInt(place.columnTop),
    });
  }
  return {
    bump: "metadata",
    metadata: withColumn(metadata, column.writerIndex, {
      isIndexed: false,
      indexBlockCapacity: DEFAULT_INDEX_BLOCK_CAPACITY,
    }),
    ...entries.length > 0 ? { versions: withEntries(versions, entries).entries } : {},
  };
}

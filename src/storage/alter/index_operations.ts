/**
 * Adding and dropping the index of a SYMBOL column.
 *
 * An index is a pair of files per partition, with the column's name txn. Dropping it gives the column files a new name txn, so that a
 * later index cannot meet the files of the dropped one; the values are hard links.
 *
 * @module
 */
import { assert } from "../../common/mod.ts";
import { Arena } from "../../wasm/mod.ts";
import { type ColumnVersionEntry, withEntries } from "../column_versions.ts";
import { CHUNK_ROWS } from "../column_writer.ts";
import { DEFAULT_INDEX_BLOCK_CAPACITY } from "../metadata.ts";
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
import { IndexBuilder, type IndexTarget } from "./index_builder.ts";
import { findColumn } from "./validate_alter.ts";

const INDEX_CAPACITY_MIN = 2;

/** Makes an index without rows. */
export function buildEmptyIndex(context: AlterContext, target: IndexTarget): void {
  writeIndex(context, new IndexBuilder(target.blockCapacity), target);
}

/** Builds the index of a column in one partition from the column's values. */
export function buildIndex(
  context: AlterContext,
  column: { writerIndex: number; files: ColumnFiles },
  target: IndexTarget,
): void {
  const builder = new IndexBuilder(target.blockCapacity);
  const { reader, core } = context;
  const { partition, place } = column.files;
  const index = reader.partitions.findIndex((one) => one.timestamp === partition.timestamp);
  for (let row = place.columnTop; row < partition.rowCount; row += CHUNK_ROWS) {
    using arena = new Arena(core.memory);
    const range = { rowLo: row, rowHi: Math.min(row + CHUNK_ROWS, partition.rowCount) };
    const { data } = reader.readColumn(index, column.writerIndex, range, arena);
    builder.add(core.memory.i32.subarray(data / 4, data / 4 + range.rowHi - row), row);
  }
  writeIndex(context, builder, target);
}

function writeIndex(context: AlterContext, builder: IndexBuilder, target: IndexTarget): void {
  const { fs, touched } = context;
  removeIfThere(fs, target.values);
  removeIfThere(fs, target.keys);
  builder.write(fs, target);
  touched.add(target.values).add(target.keys).add(directoryOf(target.keys));
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
    const target = {
      keys: files.path("k"),
      values: files.path("v"),
      blockCapacity: indexBlockCapacity,
    };
    if (files.place.storedRows > 0) buildIndex(context, { ...column, files }, target);
    else if (i === partitions.length - 1 && context.fs.stat(files.directory) !== null) {
      buildEmptyIndex(context, target);
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

/**
 * Copies the rows of partition entries, one behind the other, into a directory of their own.
 *
 * @module
 */
import { isVariableSize } from "../../common/mod.ts";
import { Arena } from "../../wasm/mod.ts";
import { partitionPath, partitionScheme } from "../column_files.ts";
import { type ColumnVersionEntry, DEFAULT_TIMESTAMP } from "../column_versions.ts";
import { ColumnWriter } from "../column_writer.ts";
import type { ColumnMetadata } from "../metadata.ts";
import { partitionIndexFiles } from "../partition_index.ts";
import { rowChunks } from "../row_chunks.ts";
import type { PartitionRecord } from "../txn.ts";
import {
  type AlterContext,
  type ColumnFiles,
  columnInPartitions,
  indexFileName,
} from "./alter_context.ts";
import { indexColumnFile } from "./index_operations.ts";

/** Copies the rows of the parts; returns the `_cv` entries of the joined partition. */
export function copyParts(
  context: AlterContext,
  parts: readonly PartitionRecord[],
  record: PartitionRecord,
): ColumnVersionEntry[] {
  const { fs, tableDir, reader, touched } = context;
  const directory = `${tableDir}/${partitionPath(partitionScheme(reader.metadata), record)}`;
  fs.removeTree(directory); // what a crash left
  fs.mkdir(directory);
  touched.add(tableDir).add(directory);
  const entries: ColumnVersionEntry[] = [];
  for (const column of reader.metadata.liveColumns) {
    const files = columnInPartitions(context, column.writerIndex)
      .filter((one) => parts.includes(one.partition));
    const top = joinedTop(files);
    const fallback = reader.versions.entries.find((entry) =>
      entry.timestamp === DEFAULT_TIMESTAMP && entry.columnIndex === column.writerIndex
    );
    const nameTxn = fallback?.nameTxn ?? -1;
    const isAddedLater = fallback !== undefined && fallback.top > record.timestamp &&
      !files.some((one) => one.partition.timestamp === fallback.top);
    if (top < record.rowCount) {
      copyColumn(context, { column, files, directory, nameTxn, top });
      if (top > 0 || isAddedLater) {
        entries.push(entryOf(record, column, { nameTxn, top }));
      }
    } else if (!isAddedLater) {
      entries.push(entryOf(record, column, { nameTxn, top: record.rowCount }));
    }
  }
  return entries;
}

function entryOf(
  record: PartitionRecord,
  column: ColumnMetadata,
  place: { nameTxn: number; top: number },
): ColumnVersionEntry {
  const { timestamp } = record;
  const { nameTxn, top } = place;
  return { timestamp, columnIndex: column.writerIndex, nameTxn, top: BigInt(top) };
}

/** Rows before the first stored one. */
function joinedTop(files: readonly ColumnFiles[]): number {
  let top = 0;
  for (const { place, partition } of files) {
    top += place.columnTop;
    if (place.columnTop < partition.rowCount) break;
  }
  return top;
}

function copyColumn(
  context: AlterContext,
  job: {
    column: ColumnMetadata;
    files: readonly ColumnFiles[];
    directory: string;
    nameTxn: number;
    top: number;
  },
): void {
  const { fs, core, reader, touched } = context;
  const { column, directory, nameTxn } = job;
  const path = (extension: "d" | "i") =>
    `${directory}/${indexFileName(column.name, extension, nameTxn)}`;
  const target = { type: column.type, dataPath: path("d"), auxPath: path("i") };
  using writer = new ColumnWriter({ fs, core }, target, 0);
  let start = 0; // row of the joined partition at which a part begins
  for (const { partition } of job.files) {
    const index = reader.partitions.findIndex((one) => one.timestamp === partition.timestamp);
    const from = Math.max(job.top - start, 0);
    const { writerIndex } = column;
    const rest = { rowLo: from, rowHi: partition.rowCount };
    for (const rows of rowChunks(reader, { partitionIndex: index, writerIndex }, rest)) {
      using arena = new Arena(core.memory);
      const vector = reader.readColumn(index, writerIndex, rows, arena);
      writer.append({ vector, rowLo: 0, rowHi: rows.rowHi - rows.rowLo });
    }
    start += partition.rowCount;
  }
  touched.add(target.dataPath);
  if (isVariableSize(column.type)) touched.add(target.auxPath);
  if (!column.isIndexed) return;
  const index = partitionIndexFiles(directory, column, nameTxn);
  const { dataPath } = target;
  indexColumnFile(context, index, { dataPath, columnTop: job.top, rowCount: start });
}

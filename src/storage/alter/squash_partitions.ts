/**
 * Joining the parts of split partitions. The parts of a logical partition are copied into a new directory that has the logical
 * partition's timestamp; its squash counter tells backups that it is not the directory of that name they know.
 *
 * QuestDB appends to the first part's directory in place when no reader can see its tail. Here it is always copied, so that no reader
 * has to be asked.
 *
 * @module
 */
import { isVariableSize, StorageError, TableError } from "../../common/mod.ts";
import { Arena } from "../../wasm/mod.ts";
import { partitionPath, partitionScheme } from "../column_files.ts";
import { type ColumnVersionEntry, ColumnVersions, DEFAULT_TIMESTAMP } from "../column_versions.ts";
import { ColumnWriter } from "../column_writer.ts";
import type { ColumnMetadata } from "../metadata.ts";
import { partitionStart } from "../partition_plan.ts";
import { isParquet, isReadOnly, type PartitionRecord, SQUASHED_ONCE } from "../txn.ts";
import {
  type AlterContext,
  chunkRowsOf,
  type ColumnFiles,
  columnInPartitions,
  indexFileName,
  type TableChange,
} from "./alter_context.ts";
import { sortEntries, withoutEntriesOf } from "./drop_partitions.ts";
import { IndexBuilder } from "./index_builder.ts";

/** Joins all split partitions, or those of one logical partition; `null` if there are none. */
export function squashPartitions(context: AlterContext, only?: bigint): TableChange | null {
  const { metadata, txn, versions } = context.reader;
  const scheme = partitionScheme(metadata);
  const groups = new Map<bigint, PartitionRecord[]>();
  for (const partition of txn.partitions) {
    const start = partitionStart(scheme, partition.timestamp);
    if (only !== undefined && start !== only) continue;
    groups.set(start, [...groups.get(start) ?? [], partition]);
  }
  let partitions: readonly PartitionRecord[] = txn.partitions;
  let entries: readonly ColumnVersionEntry[] = versions.entries;
  for (const [start, parts] of groups) {
    if (parts.length === 1) continue;
    checkParts(context, parts);
    const record: PartitionRecord = {
      timestamp: start,
      rowCount: parts.reduce((sum, part) => sum + part.rowCount, 0),
      nameTxn: txn.txn,
      flags: SQUASHED_ONCE,
      parquetFileSize: -1,
    };
    const tops = copyParts(context, parts, record);
    const first = partitions.indexOf(parts[0]);
    partitions = [
      ...partitions.slice(0, first),
      record,
      ...partitions.slice(first + parts.length),
    ];
    entries = sortEntries([
      ...withoutEntriesOf(entries, parts).map((entry) => movedTo(entry, parts, start)),
      ...tops,
    ]);
  }
  if (partitions === txn.partitions) return null;
  return { bump: "none", partitions, versions: new ColumnVersions(0, entries).entries };
}

function checkParts(context: AlterContext, parts: readonly PartitionRecord[]): void {
  const scheme = partitionScheme(context.reader.metadata);
  for (const part of parts) {
    const path = partitionPath(scheme, part);
    if (isParquet(part)) {
      throw new StorageError(
        `${context.tableDir}/${path}`,
        "parquet partitions are not supported yet",
      );
    }
    if (isReadOnly(part)) throw new TableError("partition is read-only", { partition: path });
  }
}

/** A column that was added in a part counts as added in the joined partition. */
function movedTo(
  entry: ColumnVersionEntry,
  parts: readonly PartitionRecord[],
  start: bigint,
): ColumnVersionEntry {
  const isInPart = entry.timestamp === DEFAULT_TIMESTAMP &&
    parts.some((part) => part.timestamp === entry.top);
  return isInPart ? { ...entry, top: start } : entry;
}

/** Copies the rows of the parts; returns the `_cv` entries of the joined partition. */
function copyParts(
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
        entries.push(entryOf(record, column, nameTxn, top));
      }
    } else if (!isAddedLater) entries.push(entryOf(record, column, nameTxn, record.rowCount));
  }
  return entries;
}

function entryOf(
  record: PartitionRecord,
  column: ColumnMetadata,
  nameTxn: number,
  top: number,
): ColumnVersionEntry {
  const { timestamp } = record;
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
  const path = (extension: "d" | "i" | "k" | "v") =>
    `${directory}/${indexFileName(column.name, extension, nameTxn)}`;
  const target = { type: column.type, dataPath: path("d"), auxPath: path("i") };
  using writer = new ColumnWriter({ fs, core }, target, 0);
  const builder = column.isIndexed ? new IndexBuilder(column.indexBlockCapacity) : null;
  const chunkRows = chunkRowsOf(column.type);
  let start = 0; // row of the joined partition at which a part begins
  for (const { partition } of job.files) {
    const index = reader.partitions.findIndex((one) => one.timestamp === partition.timestamp);
    const from = Math.max(job.top - start, 0);
    for (let row = from; row < partition.rowCount; row += chunkRows) {
      using arena = new Arena(core.memory);
      const rowHi = Math.min(row + chunkRows, partition.rowCount);
      const vector = reader.readColumn(index, column.writerIndex, { rowLo: row, rowHi }, arena);
      writer.append({ vector, rowLo: 0, rowHi: rowHi - row });
      const keys = core.memory.i32.subarray(vector.data / 4, vector.data / 4 + rowHi - row);
      builder?.add(keys, start + row);
    }
    start += partition.rowCount;
  }
  touched.add(target.dataPath);
  if (isVariableSize(column.type)) touched.add(target.auxPath);
  if (builder === null) return;
  const { indexBlockCapacity: blockCapacity } = column;
  builder.write(fs, { keys: path("k"), values: path("v"), blockCapacity });
  touched.add(path("k")).add(path("v"));
}

/**
 * UPDATE: the columns that change get new files in the partitions that have rows to change, with the current txn as name txn; `_cv` tells
 * which. The old files stay for readers until they are purged.
 *
 * A column's top moves up to the first changed row: before it there is nothing to store.
 *
 * @module
 */
import { assert, isVariableSize } from "../../common/mod.ts";
import { Arena, type Vector } from "../../wasm/mod.ts";
import { type ColumnVersionEntry, withEntries } from "../column_versions.ts";
import { ColumnWriter } from "../column_writer.ts";
import type { ColumnMetadata } from "../metadata.ts";
import { partitionIndexFiles } from "../partition_index.ts";
import { type AlterContext, type ColumnFiles, columnInPartition } from "./alter_context.ts";
import { indexColumnFile } from "./index_operations.ts";
import { rowChunks } from "../row_chunks.ts";
import { AlterRefusedError } from "./validate_alter.ts";
import { isReadOnly } from "../txn.ts";

/** Marks rows of the second side of a merge index. */
const NEW_VALUE = 0x8000_0000;

/** Rows of a partition and their new values. */
export interface PartitionUpdate {
  /** Index of the partition among the reader's. */
  readonly index: number;
  /** Pointer to ascending, distinct uint32 rows. */
  readonly rows: number;
  readonly rowCount: number;
  /** Values in the order of `rows`; symbols as keys of the table. */
  readonly columns: readonly { readonly writerIndex: number; readonly vector: Vector }[];
}

/** What an UPDATE changes. */
export interface TableUpdate {
  /** May be made while they are written: each is done with when the next one is asked for. */
  readonly partitions: Iterable<PartitionUpdate>;
}

/**
 * Writes new versions of the columns; they become visible when the returned entries are committed.
 *
 * @returns All entries of `_cv`.
 * @throws {AlterRefusedError} if a partition is read-only.
 */
export function updateColumns(
  context: AlterContext,
  update: TableUpdate,
): readonly ColumnVersionEntry[] {
  const { reader } = context;
  const entries: ColumnVersionEntry[] = [];
  for (const partition of update.partitions) {
    if (partition.rowCount === 0) continue;
    const info = reader.partitions[partition.index];
    const { timestamp, dirName } = info;
    if (isReadOnly(info)) {
      throw new AlterRefusedError("cannot update read-only partition", { partition: dirName });
    }
    for (const { writerIndex, vector } of partition.columns) {
      const column = reader.metadata.columns[writerIndex];
      assert(writerIndex !== reader.metadata.timestampIndex, "the timestamp is never updated");
      const files = columnInPartition(context, info, writerIndex);
      const top = updateColumn(context, partition, { column, files, vector });
      entries.push({ timestamp, columnIndex: writerIndex, nameTxn: reader.txn.txn, top });
    }
  }
  return withEntries(reader.versions, entries).entries;
}

function updateColumn(
  context: AlterContext,
  update: PartitionUpdate,
  to: { column: ColumnMetadata; files: ColumnFiles; vector: Vector },
): bigint {
  const { fs, core, reader, touched } = context;
  const { column, files, vector } = to;
  const nameTxn = reader.txn.txn;
  const { u32 } = core.memory;
  const rowAt = (i: number) => u32[update.rows / 4 + i];
  const top = Math.min(files.place.columnTop, rowAt(0));
  const dataPath = files.path("d", nameTxn), auxPath = files.path("i", nameTxn);
  using writer = new ColumnWriter({ fs, core }, { type: column.type, dataPath, auxPath }, 0);
  const { rowCount } = files.partition;
  let next = 0; // of the rows that change
  const where = { partitionIndex: update.index, writerIndex: column.writerIndex };
  for (const rows of rowChunks(reader, where, { rowLo: top, rowHi: rowCount })) {
    using arena = new Arena(core.memory);
    const { rowLo: row, rowHi } = rows;
    const old = reader.readColumn(update.index, column.writerIndex, rows, arena);
    const index = arena.alloc(4 * (rowHi - row));
    const first = next;
    for (let i = row; i < rowHi; i++) {
      const isChanged = next < update.rowCount && rowAt(next) === i;
      u32[index / 4 + i - row] = isChanged ? NEW_VALUE + (next++ - first) : i - row;
    }
    const added = { vector, rowLo: first, rowHi: next };
    writer.appendMerged(
      { vector: old, rowLo: 0, rowHi: rowHi - row },
      added,
      { index, rowCount: rowHi - row },
    );
  }
  touched.add(dataPath).add(files.directory);
  if (isVariableSize(column.type)) touched.add(auxPath);
  if (column.isIndexed) {
    const index = partitionIndexFiles(files.directory, column, nameTxn);
    indexColumnFile(context, index, { dataPath, columnTop: top, rowCount });
  }
  return BigInt(top);
}

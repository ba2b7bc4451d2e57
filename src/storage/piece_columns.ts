/**
 * Writes the columns of partition pieces, one column of all pieces at a time, so that one column of the source is in memory.
 *
 * @module
 */
import { isVariableSize } from "../common/mod.ts";
import { Arena, type Vector } from "../wasm/mod.ts";
import { columnFileName, columnPlace } from "./column_files.ts";
import type { ColumnVersionEntry } from "./column_versions.ts";
import {
  CHUNK_HEAP_BYTES,
  CHUNK_ROWS,
  ColumnWriter,
  type MergeChunk,
  type VectorSlice,
} from "./column_writer.ts";
import type { MergeOrders } from "./merge_order.ts";
import { isMixed, type MergeRange } from "./merge_plan.ts";
import type { ColumnMetadata } from "./metadata.ts";
import {
  buildPartitionIndex,
  extendPartitionIndex,
  partitionIndexFiles,
} from "./partition_index.ts";
import { rowChunks } from "./row_chunks.ts";
import type { RowRange, StorageContext, TableReader } from "./table_reader.ts";
import type { PartitionRecord } from "./txn.ts";

/** A partition entry that is written. */
export interface PieceJob {
  /** `append`: behind the rows of `existing`; `rewrite`: into new files. */
  readonly kind: "append" | "rewrite";
  /** The entry as it was; `null` if it is new. */
  readonly existing: PartitionRecord | null;
  /** The entry as it will be. */
  readonly record: PartitionRecord;
  /** Absolute path of the directory that is written. */
  readonly directory: string;
  /** What the partition is made of, in order. */
  readonly ranges: readonly MergeRange[];
  /** Orders of the ranges that are merged; `null` if there are none. */
  readonly orders: MergeOrders | null;
}

/** Where the columns come from and go to. */
export interface ColumnContext {
  /** The state that is written over. */
  readonly reader: TableReader;
  /** Takes the paths of the files and directories that are written. */
  readonly touched: Set<string>;
}

/** See the module's description. */
export class PieceColumnWriter {
  /** Entries of `_cv` that the columns written so far need. */
  readonly versions: ColumnVersionEntry[] = [];
  readonly #context: StorageContext;
  readonly #reader: TableReader;
  readonly #touched: Set<string>;

  constructor(context: StorageContext, columns: ColumnContext) {
    this.#context = context;
    this.#reader = columns.reader;
    this.#touched = columns.touched;
  }

  /** Writes a column of all pieces. @param vector Values of the source's rows, `null` if all are NULL. */
  write(column: ColumnMetadata, vector: Vector | null, jobs: readonly PieceJob[]): void {
    for (const job of jobs) this.#writePiece(job, column, vector);
  }

  #writePiece(job: PieceJob, column: ColumnMetadata, vector: Vector | null): void {
    const { fs, core } = this.#context;
    const { versions } = this.#reader;
    const { record, directory } = job;
    const isAppended = job.kind === "append";
    const place = isAppended && job.existing !== null
      ? columnPlace(versions, job.existing, column.writerIndex)
      : null;
    const top = place?.columnTop ?? this.#keptTop(job, column);
    const nameTxn = versions.nameTxn(record.timestamp, column.writerIndex);
    const dataPath = `${directory}/${columnFileName(column.name, "d", nameTxn)}`;
    const auxPath = `${directory}/${columnFileName(column.name, "i", nameTxn)}`;
    const storedRows = place?.storedRows ?? 0;
    if (storedRows === 0) this.#touched.add(directory); // the files are new in it
    this.#touched.add(dataPath);
    if (isVariableSize(column.type)) this.#touched.add(auxPath);
    const files = { type: column.type, dataPath, auxPath };
    {
      using writer = new ColumnWriter({ fs, core }, files, storedRows);
      for (const [index, range] of job.ranges.entries()) {
        const isCut = !isAppended && index === 0 && top > 0;
        const stored = isCut ? { ...range, oldLo: top } : range;
        this.#writeRange(writer, column, { job, range: stored, vector });
      }
    }
    if (column.isIndexed) this.#index(job, column, { nameTxn, dataPath, columnTop: top });
    // A column that was added later than this partition, or in the middle of it, starts where its file starts now.
    if (versions.columnTop(record, column.writerIndex) !== top) {
      const { timestamp } = record;
      const columnIndex = column.writerIndex;
      this.versions.push({ timestamp, columnIndex, nameTxn, top: BigInt(top) });
    }
  }

  /**
   * Where a column starts in a partition that is written anew: where it did, if rows that have it come before the first that are merged.
   * Else there is nothing to gain, and it starts at the first row, as in QuestDB.
   */
  #keptTop(job: PieceJob, column: ColumnMetadata): number {
    const { existing, record, ranges } = job;
    const [head] = ranges;
    const isHeadKept = existing !== null && existing.timestamp === record.timestamp &&
      head.oldLo === 0 && head.newLo === head.newHi;
    if (!isHeadKept) return 0;
    const { columnTop } = columnPlace(this.#reader.versions, existing, column.writerIndex);
    return columnTop < head.oldHi ? columnTop : 0;
  }

  /** Notes what QuestDB does about a deleted column where it writes a partition anew: that it starts at the first row. */
  passOver(column: ColumnMetadata, jobs: readonly PieceJob[]): void {
    const { versions } = this.#reader;
    const columnIndex = column.writerIndex;
    for (const { kind, existing, record } of jobs) {
      if (kind === "append" || existing === null) continue;
      if (versions.columnTop(record, columnIndex) === 0) continue;
      const { timestamp } = record;
      const nameTxn = versions.nameTxn(timestamp, columnIndex);
      this.versions.push({ timestamp, columnIndex, nameTxn, top: 0n });
    }
  }

  #writeRange(
    writer: ColumnWriter,
    column: ColumnMetadata,
    work: { job: PieceJob; range: MergeRange; vector: Vector | null },
  ): void {
    const { job, range, vector } = work;
    const added = { vector, rowLo: range.newLo, rowHi: range.newHi };
    if (range.oldHi === range.oldLo) writer.append(added);
    else if (!isMixed(range)) this.#copy(writer, column, { job, range });
    else {
      job.orders!.use(range, (order) => {
        this.#merge(writer, column, { job, range, added, order });
      });
    }
  }

  /** Brings the index of a SYMBOL column up to date with its rows. */
  #index(
    job: PieceJob,
    column: ColumnMetadata,
    rows: { nameTxn: number; dataPath: string; columnTop: number },
  ): void {
    const { fs } = this.#context;
    const files = partitionIndexFiles(job.directory, column, rows.nameTxn);
    const { rowCount } = job.record;
    const stored = { dataPath: rows.dataPath, columnTop: rows.columnTop, rowCount };
    if (job.kind === "append") {
      extendPartitionIndex(fs, files, { ...stored, committedRows: job.existing!.rowCount });
    } else buildPartitionIndex(fs, files, stored);
    // An index that was built anew has new files in the directory.
    this.#touched.add(job.directory).add(files.keys).add(files.values);
  }

  #partitionIndex(job: PieceJob): number {
    const { timestamp } = job.existing!;
    return this.#reader.partitions.findIndex((info) => info.timestamp === timestamp);
  }

  /** Copies rows that the partition had. */
  #copy(
    writer: ColumnWriter,
    column: ColumnMetadata,
    from: { job: PieceJob; range: MergeRange },
  ): void {
    const { oldLo, oldHi } = from.range;
    const partition = this.#partitionIndex(from.job);
    const { writerIndex } = column;
    const where = { partitionIndex: partition, writerIndex };
    for (const rows of rowChunks(this.#reader, where, { rowLo: oldLo, rowHi: oldHi })) {
      using arena = new Arena(this.#context.core.memory);
      const vector = this.#reader.readColumn(partition, writerIndex, rows, arena);
      writer.append({ vector, rowLo: 0, rowHi: rows.rowHi - rows.rowLo });
    }
  }

  #heapBytes(partition: number, column: ColumnMetadata, rows: RowRange): number {
    if (!isVariableSize(column.type)) return 0;
    return this.#reader.variableBytes(partition, column.writerIndex, rows);
  }

  /** Merges rows of a range; long values in several turns. */
  #merge(
    writer: ColumnWriter,
    column: ColumnMetadata,
    work: { job: PieceJob; range: MergeRange; added: VectorSlice; order: MergeChunk },
  ): void {
    const { range, added, order } = work;
    const partition = this.#partitionIndex(work.job);
    if (!isVariableSize(column.type)) {
      using arena = new Arena(this.#context.core.memory);
      const rows = { rowLo: range.oldLo, rowHi: range.oldHi };
      const vector = this.#reader.readColumn(partition, column.writerIndex, rows, arena);
      const old = { vector, rowLo: 0, rowHi: range.oldHi - range.oldLo };
      return writer.appendMerged(old, added, order);
    }
    for (let lo = 0; lo < order.rowCount;) {
      lo += this.#mergePart(writer, column, { partition, range, added, order, lo });
    }
  }

  /** Merges some rows of an order from `lo` on, as many as memory allows; returns how many. */
  #mergePart(
    writer: ColumnWriter,
    column: ColumnMetadata,
    part: {
      partition: number;
      range: MergeRange;
      added: VectorSlice;
      order: MergeChunk;
      lo: number;
    },
  ): number {
    const { core } = this.#context;
    const { partition, range, added, order, lo } = part;
    const start = order.index + 4 * lo;
    using arena = new Arena(core.memory);
    const bounds = arena.alloc(16);
    let count = Math.min(CHUNK_ROWS, order.rowCount - lo);
    for (;; count >>>= 1) {
      core.kernels.indexBounds(start, count, bounds);
      if (count === 1) break;
      const [oldMin, oldMax, newMin, newMax] = core.memory.i32.subarray(bounds / 4, bounds / 4 + 4);
      const oldBytes = oldMin < 0 ? 0 : this.#heapBytes(partition, column, {
        rowLo: range.oldLo + oldMin,
        rowHi: range.oldLo + oldMax + 1,
      });
      const newBytes = newMin < 0 || added.vector === null ? 0 : core.kernels.varcharHeapBytes(
        added.vector.data + 16 * (added.rowLo + newMin),
        newMax - newMin + 1,
      );
      if (oldBytes + newBytes <= CHUNK_HEAP_BYTES) break;
    }
    const [oldMin, oldMax, newMin, newMax] = core.memory.i32.subarray(bounds / 4, bounds / 4 + 4);
    const index = arena.alloc(4 * count);
    core.kernels.rebaseIndex(start, count, Math.max(oldMin, 0), Math.max(newMin, 0), index);
    const rows = { rowLo: range.oldLo + oldMin, rowHi: range.oldLo + oldMax + 1 };
    const old = oldMin < 0 ? { vector: null, rowLo: 0, rowHi: 0 } : {
      vector: this.#reader.readColumn(partition, column.writerIndex, rows, arena),
      rowLo: 0,
      rowHi: oldMax - oldMin + 1,
    };
    const fresh = newMin < 0 ? { vector: null, rowLo: 0, rowHi: 0 } : {
      vector: added.vector,
      rowLo: added.rowLo + newMin,
      rowHi: added.rowLo + newMax + 1,
    };
    writer.appendMerged(old, fresh, { index, rowCount: count });
    return count;
  }
}

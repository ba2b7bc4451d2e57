/**
 * Writes the rows of one transaction into partition directories: behind the committed rows where the new ones are later, else
 * merged with them into a new version of the directory. Nothing of it is visible before `_txn` names it.
 *
 * @module
 */
import { assert, ColumnType, PartitionBy, StorageError, TableError } from "../common/mod.ts";
import { Arena, type Vector } from "../wasm/mod.ts";
import { columnFileName, columnPlace, partitionPath, partitionScheme } from "./column_files.ts";
import type { ColumnVersionEntry } from "./column_versions.ts";
import { ColumnWriter, type VectorSlice } from "./column_writer.ts";
import { type MergeInput, type MergeRange, planMerge, splitByHeap } from "./merge_plan.ts";
import type { ColumnMetadata } from "./metadata.ts";
import { type PartitionPiece, planPieces } from "./partition_plan.ts";
import type { StorageContext, TableReader } from "./table_reader.ts";
import { isParquet, isReadOnly, type PartitionRecord } from "./txn.ts";

/** Rows to write, in timestamp order; rows with equal timestamps in commit order. */
export interface RowSource {
  readonly rowCount: number;
  /** Pointer to `rowCount` ascending int64 timestamps; unused for a table without a designated timestamp. */
  readonly timestamps: number;
  readonly minTimestamp: bigint;
  readonly maxTimestamp: bigint;
  /** Values of a column in the same order, symbols as keys of the table; `null` when all are NULL. */
  column(writerIndex: number): Vector | null;
  /** Tells that the column's values are not needed any more. */
  release(writerIndex: number): void;
}

/** What writing changed, to be committed. */
export interface WrittenRows {
  /** New or changed partitions, ascending. */
  readonly partitions: readonly PartitionRecord[];
  /** Entries of `_cv` that these need. */
  readonly versions: readonly ColumnVersionEntry[];
}

interface PieceJob {
  readonly piece: PartitionPiece;
  readonly kind: "new" | "append" | "merge";
  readonly existing: PartitionRecord | null;
  /** The partition as it will be committed. */
  readonly record: PartitionRecord;
  /** Absolute path of the directory that is written. */
  readonly directory: string;
  readonly merge: MergeInput | null;
  readonly ranges: readonly MergeRange[];
}

/** Writes on top of the committed state that `reader` has open. */
export class PartitionWriter {
  readonly #context: StorageContext;
  readonly #reader: TableReader;
  readonly #touched: Set<string>;
  readonly #versions: ColumnVersionEntry[] = [];

  /** @param touched Takes the paths of the files and directories that are written. */
  constructor(context: StorageContext, reader: TableReader, touched: Set<string>) {
    this.#context = context;
    this.#reader = reader;
    this.#touched = touched;
  }

  /** Writes the rows of a source. @throws {TableError} if a partition cannot take them. */
  write(source: RowSource): WrittenRows {
    const jobs = this.#planJobs(source);
    for (const column of this.#reader.metadata.liveColumns) {
      const vector = source.column(column.writerIndex);
      for (const job of jobs) this.#writeColumn(job, column, { source, vector });
      source.release(column.writerIndex);
    }
    return { partitions: jobs.map((job) => job.record), versions: this.#versions };
  }

  #planJobs(source: RowSource): PieceJob[] {
    const { metadata, txn } = this.#reader;
    if (metadata.partitionBy === PartitionBy.NONE) return [this.#openDefault(source)];
    const pieces = planPieces(this.#context.core, source, {
      partitionBy: metadata.partitionBy,
      partitions: txn.partitions,
    });
    return pieces.map((piece) => this.#openPiece(piece, source));
  }

  /** The one directory of a table without partitions only grows. */
  #openDefault(source: RowSource): PieceJob {
    const { fs, tableDir, core } = this.#context;
    const { metadata, txn } = this.#reader;
    const existing = txn.partitions.at(0) ?? null;
    if (metadata.timestampIndex >= 0) {
      const first = core.memory.i64[source.timestamps / 8];
      if (first < txn.maxTimestamp) {
        throw new TableError("cannot insert rows out of order to non-partitioned table", {
          table: tableDir,
        });
      }
    }
    const directory = `${tableDir}/${partitionPath(partitionScheme(metadata), NO_PARTITION)}`;
    if (fs.stat(directory) === null) {
      fs.mkdir(directory);
      this.#touched.add(tableDir);
    }
    this.#touched.add(directory);
    const rowCount = (existing?.rowCount ?? 0) + source.rowCount;
    const record = { ...(existing ?? NO_PARTITION), rowCount };
    const piece = { target: record, isNew: false, rowLo: 0, rowHi: source.rowCount };
    return { piece, kind: "append", existing, record, directory, merge: null, ranges: [] };
  }

  /** Decides between append and merge, and makes the directory of a new or rewritten partition. */
  #openPiece(piece: PartitionPiece, source: RowSource): PieceJob {
    const { fs, tableDir, core } = this.#context;
    const { metadata, txn } = this.#reader;
    const rows = piece.rowHi - piece.rowLo;
    const rewritten = { flags: 0n, parquetFileSize: -1 };
    if (piece.isNew) {
      const { timestamp } = piece.target;
      const record = { ...rewritten, timestamp, rowCount: rows, nameTxn: txn.txn - 1 };
      const directory = this.#makeDirectory(record);
      return { piece, kind: "new", existing: null, record, directory, merge: null, ranges: [] };
    }
    const existing = piece.target as PartitionRecord;
    const path = partitionPath(partitionScheme(metadata), existing);
    if (isParquet(existing)) {
      throw new StorageError(`${tableDir}/${path}`, "parquet partitions are not supported yet");
    }
    if (isReadOnly(existing)) throw new TableError("partition is read-only", { partition: path });
    const first = core.memory.i64[source.timestamps / 8 + piece.rowLo];
    const rowCount = existing.rowCount + rows;
    if (
      existing.rowCount === 0 || first >= this.#timestampAt(existing, existing.rowCount - 1)
    ) {
      const directory = `${tableDir}/${path}`;
      assert(fs.stat(directory) !== null, `the partition's directory exists: ${path}`);
      const record = { ...existing, rowCount };
      return { piece, kind: "append", existing, record, directory, merge: null, ranges: [] };
    }
    const record = { ...existing, ...rewritten, rowCount, nameTxn: txn.txn };
    const merge: MergeInput = {
      core,
      oldRowCount: existing.rowCount,
      timestampAt: (row) => this.#timestampAt(existing, row),
      timestamps: source.timestamps,
      newLo: piece.rowLo,
      newHi: piece.rowHi,
    };
    const directory = this.#makeDirectory(record);
    const ranges = planMerge(merge);
    return { piece, kind: "merge", existing, record, directory, merge, ranges };
  }

  #partitionIndex(partition: PartitionRecord): number {
    return this.#reader.partitions.findIndex((info) => info.timestamp === partition.timestamp);
  }

  #timestampAt(partition: PartitionRecord, row: number): bigint {
    using arena = new Arena(this.#context.core.memory);
    const index = this.#partitionIndex(partition);
    const range = { rowLo: row, rowHi: row + 1 };
    const { timestampIndex } = this.#reader.metadata;
    const vector = this.#reader.readColumn(index, timestampIndex, range, arena);
    return this.#context.core.memory.i64[vector.data / 8];
  }

  #makeDirectory(record: PartitionRecord): string {
    const { fs, tableDir } = this.#context;
    const path = partitionPath(partitionScheme(this.#reader.metadata), record);
    const directory = `${tableDir}/${path}`;
    // Only a transaction that never committed can have left this name: no committed state refers to it.
    fs.removeTree(directory);
    fs.mkdir(directory);
    this.#touched.add(tableDir).add(directory);
    return directory;
  }

  #writeColumn(
    job: PieceJob,
    column: ColumnMetadata,
    from: { source: RowSource; vector: Vector | null },
  ): void {
    const { fs, core } = this.#context;
    const { versions } = this.#reader;
    const { record } = job;
    const place = job.existing === null
      ? null
      : columnPlace(versions, job.existing, column.writerIndex);
    const nameTxn = versions.nameTxn(record.timestamp, column.writerIndex);
    const dataPath = `${job.directory}/${columnFileName(column.name, "d", nameTxn)}`;
    const auxPath = `${job.directory}/${columnFileName(column.name, "i", nameTxn)}`;
    const storedRows = job.kind === "append" ? place?.storedRows ?? 0 : 0;
    if (storedRows === 0) this.#touched.add(job.directory); // the files are new in it
    this.#touched.add(dataPath);
    if (column.type === ColumnType.VARCHAR) this.#touched.add(auxPath);
    const files = { type: column.type, dataPath, auxPath };
    using writer = new ColumnWriter({ fs, core }, files, storedRows);
    const rows = { vector: from.vector, rowLo: job.piece.rowLo, rowHi: job.piece.rowHi };
    if (job.merge === null) writer.append(rows);
    else for (const range of job.ranges) this.#mergeRange(writer, column, { job, range, from });
    const top = job.kind === "append" ? place?.columnTop ?? 0 : 0;
    // A column that was added later than this partition, or in the middle of it, starts where its file starts now.
    if (versions.columnTop(record, column.writerIndex) !== top) {
      this.#versions.push({
        timestamp: record.timestamp,
        columnIndex: column.writerIndex,
        nameTxn,
        top: BigInt(top),
      });
    }
  }

  #mergeRange(
    writer: ColumnWriter,
    column: ColumnMetadata,
    work: { job: PieceJob; range: MergeRange; from: { source: RowSource; vector: Vector | null } },
  ): void {
    const { job, from } = work;
    const index = this.#partitionIndex(job.existing!);
    const parts = column.type === ColumnType.VARCHAR
      ? splitByHeap(
        job.merge!,
        work.range,
        (range) =>
          this.#reader.varcharBytes(index, column.writerIndex, {
            rowLo: range.oldLo,
            rowHi: range.oldHi,
          }) + this.#newHeapBytes(from.vector, range),
      )
      : [work.range];
    for (const range of parts) {
      using arena = new Arena(this.#context.core.memory);
      const rows = { rowLo: range.oldLo, rowHi: range.oldHi };
      const vector = this.#reader.readColumn(index, column.writerIndex, rows, arena);
      const old: VectorSlice = { vector, rowLo: 0, rowHi: rows.rowHi - rows.rowLo };
      const added: VectorSlice = { vector: from.vector, rowLo: range.newLo, rowHi: range.newHi };
      if (range.newHi === range.newLo) writer.append(old);
      else if (old.rowHi === 1) this.#surround(writer, { old, added, job, range, from });
      else this.#mergeSlices(writer, { old, added, index, range, from, arena });
    }
  }

  #newHeapBytes(vector: Vector | null, range: MergeRange): number {
    if (vector === null) return 0;
    const entries = vector.data + 16 * range.newLo;
    return this.#context.core.kernels.varcharHeapBytes(entries, range.newHi - range.newLo);
  }

  /** One committed row among new ones: those before it, itself, those at its time or later. */
  #surround(
    writer: ColumnWriter,
    work: {
      old: VectorSlice;
      added: VectorSlice;
      job: PieceJob;
      range: MergeRange;
      from: { source: RowSource };
    },
  ): void {
    const { old, added, range } = work;
    const time = this.#timestampAt(work.job.existing!, range.oldLo);
    const start = work.from.source.timestamps + 8 * range.newLo;
    const middle = range.newLo + this.#context.core.kernels.lowerBoundI64(
      start,
      range.newHi - range.newLo,
      time,
    );
    writer.append({ ...added, rowHi: middle });
    writer.append(old);
    writer.append({ ...added, rowLo: middle });
  }

  #mergeSlices(
    writer: ColumnWriter,
    work: {
      old: VectorSlice;
      added: VectorSlice;
      index: number;
      range: MergeRange;
      from: { source: RowSource };
      arena: Arena;
    },
  ): void {
    const { old, added, range, arena } = work;
    const oldRows = old.rowHi, newRows = added.rowHi - added.rowLo;
    const { timestampIndex } = this.#reader.metadata;
    const rows = { rowLo: range.oldLo, rowHi: range.oldHi };
    const times = this.#reader.readColumn(work.index, timestampIndex, rows, arena);
    const order = arena.alloc(4 * (oldRows + newRows));
    this.#context.core.kernels.mergeIndex(
      times.data,
      oldRows,
      work.from.source.timestamps + 8 * range.newLo,
      newRows,
      order,
    );
    writer.appendMerged(old, added, { index: order, rowCount: oldRows + newRows });
  }
}

/** The implicit partition of a table that has none. */
const NO_PARTITION: PartitionRecord = {
  timestamp: 0n,
  rowCount: 0,
  nameTxn: -1,
  flags: 0n,
  parquetFileSize: -1,
};

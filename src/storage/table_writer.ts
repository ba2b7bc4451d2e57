/**
 * Writes sorted rows into a table and commits them. One writer per table at a time.
 *
 * Invariants:
 * 1. Committed bytes are never changed: rows go behind the committed ones of a partition, or, merged with them, into a new
 *    directory `<partition>.<txn>`.
 * 2. Nothing is visible before `_txn` is committed, and that is the last write: column files, symbols, `_cv`, `_txn`.
 * 3. With `sync`, everything `_txn` refers to is durable before `_txn` is.
 *
 * Write order, torn writes and recovery: docs/internals/table_writer.md.
 *
 * @module
 */
import {
  assert,
  ColumnType,
  fixedSize,
  isSupportedColumnType,
  PartitionBy,
  StorageError,
  TableError,
  UnsupportedTypeError,
} from "../common/mod.ts";
import { Arena, type Vector } from "../wasm/mod.ts";
import { columnFileName, columnPlace, partitionPath, partitionScheme } from "./column_files.ts";
import {
  type ColumnVersionEntry,
  ColumnVersionsWriter,
  withEntries,
  withoutPartitions,
} from "./column_versions.ts";
import { CHUNK_ROWS, ColumnWriter, type VectorSlice } from "./column_writer.ts";
import type { ColumnMetadata, TableMetadata } from "./metadata.ts";
import { readStorageFile } from "./storage_file.ts";
import { type PartitionPiece, planPieces } from "./partition_plan.ts";
import { symbolFiles, SymbolMapWriter } from "./symbol_map.ts";
import { type StorageContext, TableReader } from "./table_reader.ts";
import {
  isParquet,
  isReadOnly,
  NO_MAX_TIMESTAMP,
  NO_MIN_TIMESTAMP,
  type PartitionRecord,
  type TxnRecord,
  TxnWriter,
} from "./txn.ts";

const TODO_BYTES_MAX = 1 << 16;

/** Rows to write, in timestamp order; rows with equal timestamps in commit order. */
export interface RowSource {
  readonly rowCount: number;
  /** Pointer to `rowCount` ascending int64 timestamps. */
  readonly timestamps: number;
  readonly minTimestamp: bigint;
  readonly maxTimestamp: bigint;
  /** Values of a column in the same order, symbols as keys of the table; `null` when all are NULL. */
  column(writerIndex: number): Vector | null;
  /** Tells that the column's values are not needed any more. */
  release(writerIndex: number): void;
}

/** See the module's description. */
export class TableWriter implements Disposable {
  readonly #context: StorageContext;
  readonly #txnWriter: TxnWriter;
  readonly #versionsWriter: ColumnVersionsWriter;
  readonly #symbols = new Map<number, SymbolMapWriter>();
  #reader: TableReader;
  /** Partitions as they will be committed; the same objects as committed where nothing changed. */
  #pending: PartitionRecord[];
  #pendingVersions: ColumnVersionEntry[] = [];
  #pendingRange: { min: bigint; max: bigint };
  #isTruncated = false;
  #hasWritten = false;
  readonly #touched = new Set<string>();

  private constructor(context: StorageContext) {
    this.#context = context;
    this.#reader = TableReader.open(context);
    checkTodo(context, this.#reader.txn);
    this.#versionsWriter = new ColumnVersionsWriter(
      context.fs,
      context.tableDir,
      this.#reader.txn.columnVersion,
    );
    this.#txnWriter = TxnWriter.open(context.fs, context.tableDir);
    this.#pending = [...this.#reader.txn.partitions];
    this.#pendingRange = { min: this.#reader.txn.minTimestamp, max: this.#reader.txn.maxTimestamp };
  }

  /** Opens a table for writing; takes back what a crash left un-committed. @throws {StorageError} */
  static open(context: StorageContext): TableWriter {
    return new TableWriter(context);
  }

  get metadata(): TableMetadata {
    return this.#reader.metadata;
  }
  /** The last committed transaction. */
  get txn(): TxnRecord {
    return this.#reader.txn;
  }

  /** The symbols of a SYMBOL column, to add to; they are committed with the rows. */
  symbolMap(writerIndex: number): SymbolMapWriter {
    let map = this.#symbols.get(writerIndex);
    if (map === undefined) {
      const column = this.metadata.columns[writerIndex];
      assert(column.type === ColumnType.SYMBOL, `column is a symbol: ${column.name}`);
      const files = symbolFiles(
        this.#context.tableDir,
        column.name,
        this.#reader.versions.symbolNameTxn(writerIndex),
      );
      map = new SymbolMapWriter(this.#context.fs, files, this.#symbolCount(writerIndex));
      this.#symbols.set(writerIndex, map);
    }
    return map;
  }

  /**
   * Writes rows; one call per transaction. They become visible at {@linkcode commit}.
   *
   * @throws {TableError} {@linkcode UnsupportedTypeError} if the table has something that cannot be written yet.
   */
  write(source: RowSource): void {
    this.#checkWritable();
    assert(!this.#hasWritten, "a transaction is written by one call");
    if (source.rowCount === 0) return;
    this.#hasWritten = true;
    const pieces = planPieces(this.#context.core, source, {
      partitionBy: this.metadata.partitionBy,
      partitions: this.#pending,
    });
    const jobs = pieces.map((piece) => this.#openPiece(piece, source));
    for (const column of this.metadata.liveColumns) {
      const vector = source.column(column.writerIndex);
      for (const job of jobs) this.#writePiece(job, column, { source, vector });
      source.release(column.writerIndex);
    }
    for (const job of jobs) this.#finishPiece(job);
    const { min, max } = this.#pendingRange;
    this.#pendingRange = {
      min: source.minTimestamp < min ? source.minTimestamp : min,
      max: source.maxTimestamp > max ? source.maxTimestamp : max,
    };
  }

  /** Removes all rows at the next commit. Symbols stay, since WAL transactions behind this one may refer to their keys. */
  truncate(): void {
    assert(!this.#hasWritten, "truncation is a transaction of its own");
    this.#isTruncated = true;
    this.#pending = [];
    this.#pendingRange = { min: NO_MIN_TIMESTAMP, max: NO_MAX_TIMESTAMP };
  }

  /**
   * Publishes what was written. `seqTxn` is the sequencer transaction the table has now applied. With `sync`, durable on
   * return.
   */
  commit(options: { seqTxn: number; sync: boolean }): void {
    for (const map of this.#symbols.values()) map.flush(options.sync);
    if (options.sync) this.#syncTouched();
    const versions = this.#isTruncated
      ? withoutPartitions(this.#reader.versions)
      : this.#pendingVersions.length > 0
      ? withEntries(this.#reader.versions, this.#pendingVersions)
      : this.#reader.versions;
    if (versions !== this.#reader.versions) this.#versionsWriter.commit(versions, options.sync);
    this.#txnWriter.commit(this.#nextRecord(options.seqTxn, versions.version), options.sync);
    for (const map of this.#symbols.values()) map.commit();
    this.#reopen();
  }

  /** Forgets what was written since the last commit. */
  rollback(): void {
    for (const map of this.#symbols.values()) map.rollback();
    this.#reopen();
  }

  /** Paths of the files and directories written since the last call; not durable yet unless they were committed with `sync`. */
  takeTouchedPaths(): string[] {
    const paths = [...this.#touched];
    this.#touched.clear();
    return paths;
  }

  close(): void {
    this.#reader.close();
    this.#txnWriter.close();
  }
  [Symbol.dispose](): void {
    this.close();
  }

  #symbolCount(writerIndex: number): number {
    const live = this.metadata.columns.filter((column) => column.type === ColumnType.SYMBOL);
    return this.txn.symbolCounts[live.findIndex((column) => column.writerIndex === writerIndex)];
  }

  #checkWritable(): void {
    const { metadata } = this;
    if (metadata.timestampIndex < 0 || metadata.partitionBy === PartitionBy.NONE) {
      throw new TableError("writing to a table without partitions is not supported yet", {
        dir: this.#context.tableDir,
      });
    }
    for (const column of metadata.liveColumns) {
      if (!isSupportedColumnType(column.type)) {
        throw new UnsupportedTypeError(column.name, column.type);
      }
      if (column.isIndexed) {
        throw new TableError("writing to an indexed column is not supported yet", {
          column: column.name,
        });
      }
      if (column.isDedupKey) {
        throw new TableError("deduplication is not supported yet", { column: column.name });
      }
    }
  }

  /** Decides between append and merge, and makes the directory of a new or rewritten partition. */
  #openPiece(piece: PartitionPiece, source: RowSource): PieceJob {
    const { fs, tableDir, core } = this.#context;
    const rows = piece.rowHi - piece.rowLo;
    if (piece.isNew) {
      const record = {
        timestamp: piece.target.timestamp,
        rowCount: rows,
        nameTxn: this.txn.txn - 1,
        flags: 0n,
        parquetFileSize: -1,
      };
      return {
        piece,
        kind: "new",
        existing: null,
        record,
        directory: this.#makeDirectory(record),
        chunks: [],
      };
    }
    const existing = piece.target as PartitionRecord;
    const path = partitionPath(partitionScheme(this.metadata), existing);
    if (isParquet(existing)) {
      throw new StorageError(`${tableDir}/${path}`, "parquet partitions are not supported yet");
    }
    if (isReadOnly(existing)) throw new TableError("partition is read-only", { partition: path });
    const first = core.memory.i64[source.timestamps / 8 + piece.rowLo];
    if (
      existing.rowCount === 0 ||
      (this.#canAppend(existing) && first >= this.#lastTimestamp(existing))
    ) {
      const record = { ...existing, rowCount: existing.rowCount + rows };
      assert(fs.stat(`${tableDir}/${path}`) !== null, `the partition's directory exists: ${path}`);
      return {
        piece,
        kind: "append",
        existing,
        record,
        directory: `${tableDir}/${path}`,
        chunks: [],
      };
    }
    const record = {
      ...existing,
      rowCount: existing.rowCount + rows,
      nameTxn: this.txn.txn,
      flags: 0n,
      parquetFileSize: -1,
    };
    const chunks = this.#planMerge(existing, piece, source);
    return {
      piece,
      kind: "merge",
      existing,
      record,
      directory: this.#makeDirectory(record),
      chunks,
    };
  }

  /** Tells whether every column has a file whose end is the end of the committed rows. */
  #canAppend(partition: PartitionRecord): boolean {
    return this.metadata.liveColumns.every((column) => {
      const place = columnPlace(this.#reader.versions, partition, column.writerIndex);
      return place.storedRows > 0 || this.#hasOwnEntry(partition, column);
    });
  }

  #hasOwnEntry(partition: PartitionRecord, column: ColumnMetadata): boolean {
    return this.#reader.versions.entries.some((entry) =>
      entry.timestamp === partition.timestamp && entry.columnIndex === column.writerIndex
    );
  }

  #lastTimestamp(partition: PartitionRecord): bigint {
    return this.#timestampAt(partition, partition.rowCount - 1);
  }

  #timestampAt(partition: PartitionRecord, row: number): bigint {
    using arena = new Arena(this.#context.core.memory);
    const index = this.#reader.partitions.findIndex((info) =>
      info.timestamp === partition.timestamp
    );
    const range = { rowLo: row, rowHi: row + 1 };
    const vector = this.#reader.readColumn(index, this.metadata.timestampIndex, range, arena);
    return this.#context.core.memory.i64[vector.data / 8];
  }

  #makeDirectory(record: PartitionRecord): string {
    const { fs, tableDir } = this.#context;
    const directory = `${tableDir}/${partitionPath(partitionScheme(this.metadata), record)}`;
    // Only a transaction that never committed can have left this name: no committed state refers to it.
    fs.removeTree(directory);
    fs.mkdir(directory);
    this.#touched.add(tableDir).add(directory);
    return directory;
  }

  /** Cuts a merge so that a bounded number of committed rows is in memory at a time. */
  #planMerge(existing: PartitionRecord, piece: PartitionPiece, source: RowSource): MergeRange[] {
    const { kernels } = this.#context.core;
    const chunks: MergeRange[] = [];
    let newLo = piece.rowLo;
    for (let lo = 0; lo < existing.rowCount; lo += CHUNK_ROWS) {
      const hi = Math.min(lo + CHUNK_ROWS, existing.rowCount);
      // New rows with the time of the chunk's last row wait: rows with that time may go on in the next chunk, and come first.
      const newHi = hi === existing.rowCount ? piece.rowHi : newLo +
        kernels.lowerBoundI64(
          source.timestamps + 8 * newLo,
          piece.rowHi - newLo,
          this.#timestampAt(existing, hi - 1),
        );
      chunks.push({ oldLo: lo, oldHi: hi, newLo, newHi });
      newLo = newHi;
    }
    return chunks;
  }

  #writePiece(
    job: PieceJob,
    column: ColumnMetadata,
    from: { source: RowSource; vector: Vector | null },
  ): void {
    const { fs, core } = this.#context;
    const place = job.existing === null
      ? null
      : columnPlace(this.#reader.versions, job.existing, column.writerIndex);
    const nameTxn = this.#reader.versions.nameTxn(job.record.timestamp, column.writerIndex);
    const dataPath = `${job.directory}/${columnFileName(column.name, "d", nameTxn)}`;
    const auxPath = `${job.directory}/${columnFileName(column.name, "i", nameTxn)}`;
    const storedRows = job.kind === "append" ? place!.storedRows : 0;
    using writer = new ColumnWriter(
      { fs, core },
      { type: column.type, dataPath, auxPath },
      storedRows,
    );
    this.#touched.add(dataPath);
    if (column.type === ColumnType.VARCHAR) this.#touched.add(auxPath);
    const rows = { vector: from.vector, rowLo: job.piece.rowLo, rowHi: job.piece.rowHi };
    if (job.kind !== "merge") return writer.append(rows);
    for (const chunk of job.chunks) this.#mergeChunk(writer, column, { job, chunk, from });
    const hasTop = place!.columnTop > 0;
    if (hasTop) {
      const entry = {
        timestamp: job.record.timestamp,
        columnIndex: column.writerIndex,
        nameTxn,
        top: 0n,
      };
      this.#pendingVersions.push(entry);
    }
  }

  #mergeChunk(
    writer: ColumnWriter,
    column: ColumnMetadata,
    work: { job: PieceJob; chunk: MergeRange; from: { source: RowSource; vector: Vector | null } },
  ): void {
    const { core } = this.#context;
    const { chunk, from, job } = work;
    using arena = new Arena(core.memory);
    const index = this.#reader.partitions.findIndex((info) =>
      info.timestamp === job.existing!.timestamp
    );
    const range = { rowLo: chunk.oldLo, rowHi: chunk.oldHi };
    const old = this.#reader.readColumn(index, column.writerIndex, range, arena);
    const oldRows = chunk.oldHi - chunk.oldLo, newRows = chunk.newHi - chunk.newLo;
    const oldSlice: VectorSlice = { vector: old, rowLo: 0, rowHi: oldRows };
    if (newRows === 0) return writer.append(oldSlice);
    const newSlice: VectorSlice = { vector: from.vector, rowLo: chunk.newLo, rowHi: chunk.newHi };
    const times = this.#reader.readColumn(index, this.metadata.timestampIndex, range, arena);
    const order = arena.alloc(4 * (oldRows + newRows));
    core.kernels.mergeIndex(
      times.data,
      oldRows,
      from.source.timestamps + 8 * chunk.newLo,
      newRows,
      order,
    );
    writer.appendMerged(oldSlice, newSlice, { index: order, rowCount: oldRows + newRows });
  }

  #finishPiece(job: PieceJob): void {
    const at = this.#pending.findIndex((partition) => partition.timestamp >= job.record.timestamp);
    if (at < 0) this.#pending.push(job.record);
    else if (this.#pending[at].timestamp === job.record.timestamp) this.#pending[at] = job.record;
    else this.#pending.splice(at, 0, job.record);
  }

  #nextRecord(seqTxn: number, columnVersion: number): TxnRecord {
    const { txn } = this;
    const last = this.#pending.at(-1);
    const transientRowCount = last?.rowCount ?? 0;
    const total = this.#pending.reduce((sum, partition) => sum + partition.rowCount, 0);
    // Only a change of an entry before the last one is told by the partition table's version.
    const isTableChanged = this.#isTruncated || this.#pending.length !== txn.partitions.length ||
      this.#pending.slice(0, -1).some((partition, i) => partition !== txn.partitions[i]) ||
      last?.nameTxn !== txn.partitions.at(-1)?.nameTxn;
    const symbols = this.metadata.columns.filter((column) => column.type === ColumnType.SYMBOL);
    return {
      ...txn,
      txn: txn.txn + 1,
      transientRowCount,
      fixedRowCount: total - transientRowCount,
      minTimestamp: this.#pendingRange.min,
      maxTimestamp: this.#pendingRange.max,
      dataVersion: txn.dataVersion + (this.#isTruncated ? 1 : 0),
      partitionTableVersion: txn.partitionTableVersion + (isTableChanged ? 1 : 0),
      columnVersion,
      truncateVersion: txn.truncateVersion + (this.#isTruncated ? 1 : 0),
      seqTxn,
      lagRowCount: 0,
      lagTxnCount: 0,
      symbolCounts: symbols.map((column) =>
        this.#symbols.get(column.writerIndex)?.count ?? this.#symbolCount(column.writerIndex)
      ),
      partitions: this.#pending,
    };
  }

  #syncTouched(): void {
    const { fs } = this.#context;
    for (const path of this.#touched) syncPath(fs, path);
    this.#touched.clear();
  }

  #reopen(): void {
    this.#reader.close();
    this.#reader = TableReader.open(this.#context);
    this.#pending = [...this.#reader.txn.partitions];
    this.#pendingRange = { min: this.#reader.txn.minTimestamp, max: this.#reader.txn.maxTimestamp };
    this.#pendingVersions = [];
    this.#isTruncated = false;
    this.#hasWritten = false;
  }
}

interface MergeRange {
  readonly oldLo: number;
  readonly oldHi: number;
  readonly newLo: number;
  readonly newHi: number;
}

interface PieceJob {
  readonly piece: PartitionPiece;
  readonly kind: "new" | "append" | "merge";
  readonly existing: PartitionRecord | null;
  /** The partition as it will be committed. */
  readonly record: PartitionRecord;
  /** Absolute path of the directory that is written. */
  readonly directory: string;
  readonly chunks: readonly MergeRange[];
}

/** Makes a file or directory durable; one that was purged in the meantime needs nothing. */
export function syncPath(fs: StorageContext["fs"], path: string): void {
  const info = fs.stat(path);
  if (info === null) return;
  if (info.isDirectory) return fs.syncDir(path);
  using file = fs.open(path, "readWrite");
  file.syncData();
}

/** Refuses a table whose last structural change was cut off by a crash. */
function checkTodo(context: StorageContext, txn: TxnRecord): void {
  const path = `${context.tableDir}/_todo_`;
  if (context.fs.stat(path) === null) return;
  const todo = readStorageFile(context.fs, path, TODO_BYTES_MAX);
  if (
    todo.length < 40 || todo.i64(0) !== todo.i64(24) || todo.i64(32) === 0n ||
    todo.i64(0) !== BigInt(txn.txn)
  ) return;
  throw new StorageError(path, "table has an unfinished structural change", { txn: txn.txn });
}

/** Bytes that one row takes in the fixed-width files of a table; a measure for limits, not for files. */
export function fixedRowBytes(metadata: TableMetadata): number {
  return metadata.liveColumns.reduce((sum, column) => sum + (fixedSize(column.type) || 32), 0);
}

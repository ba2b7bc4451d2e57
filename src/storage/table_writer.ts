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
  isStoredType,
  PartitionBy,
  TableError,
  UnsupportedTypeError,
} from "../common/mod.ts";
import {
  type ColumnVersionEntry,
  type ColumnVersions,
  ColumnVersionsWriter,
  withEntries,
  withoutPartitions,
} from "./column_versions.ts";
import type { TableMetadata } from "./metadata.ts";
import { PartitionWriter, type RowSource } from "./partition_writer.ts";
import { symbolFiles, SymbolMapWriter } from "./symbol_map.ts";
import { type StorageContext, TableReader } from "./table_reader.ts";
import { recoverTodo } from "./todo.ts";
import {
  NO_MAX_TIMESTAMP,
  NO_MIN_TIMESTAMP,
  type PartitionRecord,
  type TxnRecord,
  TxnWriter,
} from "./txn.ts";

/** See the module's description. */
export class TableWriter implements Disposable {
  readonly #context: StorageContext;
  #txnWriter: TxnWriter;
  #versionsWriter: ColumnVersionsWriter;
  readonly #symbols = new Map<number, SymbolMapWriter>();
  #reader: TableReader;
  /** Partitions as they will be committed; the same objects as committed where nothing changed. */
  #pending: PartitionRecord[];
  #pendingVersions: ColumnVersionEntry[] = [];
  #pendingRange: { min: bigint; max: bigint };
  #isTruncated = false;
  #hasWritten = false;
  /** Files and directories that were written and are not known to be durable, over any number of commits. */
  readonly #touched = new Set<string>();

  private constructor(context: StorageContext) {
    this.#context = context;
    recoverTodo(context.fs, context.tableDir);
    this.#reader = TableReader.open(context);
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
    // New directories are named by the transaction, so truncation and rows in one would name the same one twice.
    assert(!this.#hasWritten && !this.#isTruncated, "a transaction is written by one call");
    if (source.rowCount === 0) return;
    this.#hasWritten = true;
    const writer = new PartitionWriter(this.#context, this.#reader, this.#touched);
    const written = writer.write(source);
    this.#pending = mergePartitions(this.#pending, written.partitions);
    this.#pendingVersions = [...written.versions];
    this.#widenRange(source);
  }

  /** Removes all rows at the next commit. Symbols stay, since WAL transactions behind this one may refer to their keys. */
  truncate(): void {
    assert(!this.#hasWritten, "truncation is a transaction of its own");
    if (this.metadata.partitionBy === PartitionBy.NONE) this.#checkWritable();
    this.#isTruncated = true;
    this.#pending = [];
    this.#pendingRange = { min: NO_MIN_TIMESTAMP, max: NO_MAX_TIMESTAMP };
  }

  /**
   * Publishes what was written. `seqTxn` is the sequencer transaction the table has now applied. With `sync`, durable on
   * return.
   */
  commit(options: { seqTxn: number; sync: boolean }): void {
    const { sync } = options;
    for (const map of this.#symbols.values()) {
      for (const path of map.flush(sync)) this.#touched.add(path);
    }
    if (sync) this.#syncTouched();
    const versions = this.#nextVersions();
    if (versions !== this.#reader.versions) {
      this.#versionsWriter.commit(versions, sync);
      if (!sync) this.#touched.add(`${this.#context.tableDir}/_cv`);
    }
    this.#txnWriter.commit(this.#nextRecord(options.seqTxn, versions.version), sync);
    this.#reopen();
  }

  /** Forgets what was written since the last commit, or goes on from wherever a commit that failed has left the files. */
  rollback(): void {
    const { fs, tableDir } = this.#context;
    this.#symbols.clear();
    this.#txnWriter.close();
    this.#reopen();
    this.#versionsWriter = new ColumnVersionsWriter(fs, tableDir, this.txn.columnVersion);
    this.#txnWriter = TxnWriter.open(fs, tableDir);
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
    for (const column of metadata.liveColumns) {
      if (!isStoredType(column.type)) {
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

  #widenRange(source: RowSource): void {
    const { timestampIndex, partitionBy } = this.metadata;
    if (timestampIndex < 0) return;
    const { min, max } = this.#pendingRange;
    // Without partitions QuestDB keeps the latest timestamp only.
    const hasMin = partitionBy !== PartitionBy.NONE;
    this.#pendingRange = {
      min: hasMin && source.minTimestamp < min ? source.minTimestamp : min,
      max: source.maxTimestamp > max ? source.maxTimestamp : max,
    };
  }

  #nextVersions(): ColumnVersions {
    const { versions } = this.#reader;
    if (!this.#isTruncated) {
      return this.#pendingVersions.length > 0
        ? withEntries(versions, this.#pendingVersions)
        : versions;
    }
    if (this.metadata.partitionBy !== PartitionBy.NONE) return withoutPartitions(versions);
    // The one directory keeps its name, and readers may still use its files: the next rows go into files of another name.
    const nameTxn = this.txn.txn;
    return withEntries(
      versions,
      this.metadata.liveColumns.map((column) => ({
        timestamp: 0n,
        columnIndex: column.writerIndex,
        nameTxn,
        top: 0n,
      })),
    );
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

/** Puts changed partitions in the place of what they were, new ones between the others; both lists are in order. */
function mergePartitions(
  committed: readonly PartitionRecord[],
  changed: readonly PartitionRecord[],
): PartitionRecord[] {
  const merged: PartitionRecord[] = [];
  let next = 0;
  for (const partition of committed) {
    while (next < changed.length && changed[next].timestamp < partition.timestamp) {
      merged.push(changed[next++]);
    }
    const isChanged = next < changed.length && changed[next].timestamp === partition.timestamp;
    merged.push(isChanged ? changed[next++] : partition);
  }
  return [...merged, ...changed.slice(next)];
}

/** Makes a file or directory durable; one that was purged in the meantime needs nothing. */
export function syncPath(fs: StorageContext["fs"], path: string): void {
  const info = fs.stat(path);
  if (info === null) return;
  if (info.isDirectory) return fs.syncDir(path);
  using file = fs.open(path, "readWrite");
  file.syncData();
}

/** Bytes that one row takes in the fixed-width files of a table; a measure for limits, not for files. */
export function fixedRowBytes(metadata: TableMetadata): number {
  return metadata.liveColumns.reduce((sum, column) => sum + (fixedSize(column.type) || 32), 0);
}

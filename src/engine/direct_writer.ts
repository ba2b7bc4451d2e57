/**
 * Takes rows for a table without WAL. They are buffered, and written when they are many or the transaction ends, sorted by timestamp;
 * one transaction is one table commit, so it is there whole or not at all.
 *
 * Invariants:
 * 1. Memory is bounded: at {@linkcode DirectWriterOptions.bufferedRowsMax} rows or {@linkcode BUFFERED_BYTES_MAX} bytes the rows go to the
 *    files, where nobody sees them before the commit.
 * 2. Nobody else commits to the table while a transaction is open; between transactions others may, and the writer takes notice.
 *
 * @module
 */
import { assert, ColumnType, PartitionBy, TableError } from "../common/mod.ts";
import type { Clock, FileSystem } from "../platform/mod.ts";
import {
  readTxnVersion,
  type TableMetadata,
  TableWriter,
  type TableWriterOptions,
} from "../storage/mod.ts";
import { type RowWriter, SymbolWriter, TimestampRange, type WalBatch } from "../wal/mod.ts";
import type { WasmCore } from "../wasm/mod.ts";
import { RowBuffer } from "./row_buffer.ts";
import type { TableDurability } from "./table_durability.ts";

/** Bytes of buffered values after which they are written. */
const BUFFERED_BYTES_MAX = 64 << 20;

/** What a writer needs. */
export interface DirectWriterOptions {
  readonly fs: FileSystem;
  readonly core: WasmCore;
  readonly clock: Clock;
  readonly tableDir: string;
  /** Tells whether a commit of rows must be durable on return, and makes it durable later if it need not. */
  readonly durability: TableDurability;
  /** Buffered rows after which they are written; the table's `maxUncommittedRows` when left out. */
  readonly bufferedRowsMax?: number;
  /** Settings of the table's writer; QuestDB's defaults when left out. */
  readonly writer?: TableWriterOptions;
  /** Called after every commit, with the table's metadata as it is then. */
  readonly onCommit?: (metadata: TableMetadata) => void;
}

/** A row that is older than one before it, for a table without partitions, which only takes rows in order. */
export class OutOfOrderRowError extends TableError {
  /** The row's number in the transaction, from 0. */
  readonly row: number;

  constructor(tableDir: string, row: number) {
    super(`cannot insert rows out of order to non-partitioned table. Table=${tableDir}`);
    this.row = row;
  }
}

/** See the module's description. */
export class DirectWriter implements RowWriter, Disposable {
  readonly #options: DirectWriterOptions;
  #writer: TableWriter | null = null;
  #buffer: RowBuffer | null = null;
  #symbols: (SymbolWriter | null)[] = [];
  /** Of the open transaction. */
  #range = new TimestampRange();
  /** Rows of the open transaction that are in the files. */
  #writtenRows = 0;
  #isClosed = false;

  constructor(options: DirectWriterOptions) {
    this.#options = options;
  }

  get metadata(): TableMetadata {
    return this.tableWriter.metadata;
  }
  get uncommittedRowCount(): number {
    return this.#writtenRows + (this.#buffer?.rowCount ?? 0);
  }

  /** The table's writer, for changes that are not rows; only while no transaction is open. @throws {StorageError} */
  get tableWriter(): TableWriter {
    this.#requireOpen();
    const { fs, core, tableDir, writer } = this.#options;
    const isOpen = this.uncommittedRowCount > 0;
    if (this.#writer?.isBroken) this.#closeTable();
    if (
      this.#writer !== null && !isOpen && readTxnVersion(fs, tableDir) !== this.#writer.txn.txn
    ) this.#closeTable();
    return this.#writer ??= TableWriter.open({ fs, core, tableDir }, writer);
  }

  append(batch: WalBatch): void {
    this.#requireOpen();
    if (batch.rowCount === 0) return;
    const writer = this.uncommittedRowCount > 0 ? this.#writer! : this.#begin();
    const { metadata } = writer;
    assert(batch.columns.length === metadata.columns.length, "a vector per column");
    const { timestampIndex } = metadata;
    if (timestampIndex >= 0) this.#checkTimestamps(writer, batch);
    try {
      this.#bufferRows(batch);
      this.#writeIfLarge();
    } catch (error) {
      this.rollback();
      throw error;
    }
  }

  commit(): number {
    this.#requireOpen(); // whoever closed it has rolled the transaction back
    if (this.uncommittedRowCount === 0) return 0;
    const { durability, clock, onCommit } = this.#options;
    const writer = this.#writer!;
    try {
      this.#writeBuffer();
      const { seqTxn } = writer.txn;
      const isDeferred = durability.prepareNow();
      writer.commit({ seqTxn, sync: !isDeferred });
      this.#endTransaction();
      if (isDeferred) {
        writer.handOver();
        durability.note(writer.image);
      }
      const now = clock.nowMicros();
      if (writer.needsHousekeeping(now)) {
        durability.settleNow();
        writer.housekeep(now, { seqTxn, sync: true });
      }
    } catch (error) {
      this.#endTransaction();
      writer.rollback();
      durability.noteCommitted();
      throw error;
    } finally {
      // The rows may be committed even so: what comes behind the commit may have failed.
      onCommit?.(writer.metadata);
    }
    return 0;
  }

  rollback(): void {
    const isOpen = this.uncommittedRowCount > 0 || this.#buffer !== null;
    this.#endTransaction();
    if (isOpen) this.#writer?.rollback();
  }

  truncate(options: { keepsSymbols: boolean }): number {
    assert(this.uncommittedRowCount === 0, "nothing is uncommitted when a table is truncated");
    const { durability, onCommit } = this.#options;
    const writer = this.tableWriter;
    try {
      durability.settleNow();
      if (!writer.truncate(options)) return 0;
      writer.commit({ seqTxn: writer.txn.seqTxn, sync: true });
    } catch (error) {
      writer.rollback();
      throw error;
    }
    onCommit?.(writer.metadata);
    return 0;
  }

  /** Rolls back and closes the files. */
  close(): void {
    if (this.#isClosed) return;
    this.rollback();
    this.#closeTable();
    this.#isClosed = true;
  }
  [Symbol.dispose](): void {
    this.close();
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new TableError("the table is closed for writing");
  }

  #begin(): TableWriter {
    const writer = this.tableWriter;
    const { metadata } = writer;
    this.#buffer = new RowBuffer(this.#options.core, metadata);
    this.#range = rangeOf(metadata);
    // New texts get the keys behind those of the table, in the order in which they are added to it.
    this.#symbols = metadata.columns.map(({ type, writerIndex }) =>
      type === ColumnType.SYMBOL
        ? new SymbolWriter(writerIndex, writer.symbolMap(writerIndex))
        : null
    );
    return writer;
  }

  #checkTimestamps(writer: TableWriter, batch: WalBatch): void {
    const { timestampIndex, partitionBy } = writer.metadata;
    const { memory, kernels } = this.#options.core;
    const vector = batch.columns[timestampIndex];
    if (vector === null) throw new TableError("designated timestamp column cannot be NULL");
    if (partitionBy === PartitionBy.NONE) {
      const last = this.uncommittedRowCount > 0 ? this.#range.max : writer.txn.maxTimestamp;
      const times = memory.i64.subarray(vector.data / 8, vector.data / 8 + batch.rowCount);
      const isInOrder = times[0] >= last &&
        kernels.isSortedI64(vector.data, batch.rowCount) === 1;
      if (!isInOrder) {
        // NULL is told first.
        rangeOf(writer.metadata).add(memory, vector.data, batch.rowCount);
        const row = times[0] < last ? 0 : times.findIndex((time, at) => time < times[at - 1]);
        throw new OutOfOrderRowError(this.#options.tableDir, this.uncommittedRowCount + row);
      }
    }
    this.#range.add(memory, vector.data, batch.rowCount);
  }

  #bufferRows(batch: WalBatch): void {
    const { core } = this.#options;
    const buffer = this.#buffer!, writer = this.#writer!;
    const { rowCount } = batch;
    const keyColumns: number[] = [];
    for (const { writerIndex } of writer.metadata.liveColumns) {
      const vector = batch.columns[writerIndex];
      const symbols = this.#symbols[writerIndex];
      if (symbols === null) {
        buffer.append(writerIndex, vector, rowCount);
        continue;
      }
      const out = buffer.reserveKeys(writerIndex, rowCount);
      if (vector === null) symbols.mapNulls(core, rowCount, out);
      else symbols.map(core, vector, { rowCount, out });
      keyColumns.push(writerIndex);
    }
    buffer.addRows(rowCount, keyColumns);
  }

  #writeIfLarge(): void {
    const buffer = this.#buffer!;
    const rowsMax = this.#options.bufferedRowsMax ?? this.#writer!.metadata.maxUncommittedRows;
    if (buffer.rowCount < rowsMax && buffer.byteSize < BUFFERED_BYTES_MAX) return;
    this.#writeBuffer();
  }

  /** Writes the buffered rows to the files; nobody sees them yet. */
  #writeBuffer(): void {
    const buffer = this.#buffer!, writer = this.#writer!;
    if (buffer.rowCount === 0) return;
    for (const symbols of this.#symbols) {
      const diff = symbols?.diff() ?? null;
      if (diff === null) continue;
      const map = writer.symbolMap(diff.writerIndex);
      if (diff.hasNull) map.noteNull();
      for (const text of diff.texts.slice(map.count - diff.cleanCount)) map.intern(text);
    }
    const rowCount = buffer.rowCount;
    {
      using rows = buffer.sorted();
      writer.write(rows);
    }
    buffer.clear();
    this.#writtenRows += rowCount;
  }

  #endTransaction(): void {
    this.#buffer?.clear();
    this.#buffer = null;
    for (const symbols of this.#symbols) symbols?.reset();
    this.#symbols = [];
    this.#range = new TimestampRange();
    this.#writtenRows = 0;
  }

  #closeTable(): void {
    this.#writer?.close();
    this.#writer = null;
  }
}

function rangeOf({ columns, timestampIndex }: TableMetadata): TimestampRange {
  return new TimestampRange(timestampIndex < 0 ? undefined : columns[timestampIndex].type);
}

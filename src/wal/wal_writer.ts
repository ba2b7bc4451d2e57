/**
 * Writes one WAL of a table. Synchronous, so that appends and commits of concurrent statements never mix.
 *
 * Order of a commit: column files → event → [sync: all of them, and new directories] → sequencer record → maxTxn
 * [sync]. A transaction exists if and only if maxTxn of the sequencer covers it.
 *
 * Invariants:
 * 1. The WAL's directory and number are taken at the first append; a writer that writes nothing leaves nothing.
 * 2. A structural change comes between transactions: if it changes columns, the segment ends, and the next one has the new columns.
 * 3. After any failure the open transaction is gone and the segment is left as it is: the next append starts a new one, so
 *    whatever the failure left in the files is never referred to.
 *
 * Details: docs/internals/wal.md.
 *
 * @module
 */
import {
  assert,
  ColumnType,
  isStoredType,
  isVariableSize,
  LONG_NULL,
  QuestError,
  TableError,
  UnsupportedTypeError,
  WalError,
} from "../common/mod.ts";
import type { Clock, FileSystem } from "../platform/mod.ts";
import {
  type SymbolFiles,
  symbolFiles,
  type TableMetadata,
  type TableReader,
} from "../storage/mod.ts";
import type { Vector, WasmCore } from "../wasm/mod.ts";
import { CommitGroup } from "./commit_group.ts";
import { DurableMark } from "./durable_mark.ts";
import type { RowWriter } from "./row_writer.ts";
import type { SequencedTxn, Sequencer } from "./sequencer.ts";
import { SymbolWriter } from "./symbol_writer.ts";
import { TimestampRange } from "./timestamp_range.ts";
import type { CommitMode, WalBatch } from "./wal_batch.ts";
import {
  type DataEvent,
  DedupMode,
  encodeEvent,
  type SqlEvent,
  type WritableEvent,
} from "./wal_event.ts";
import { allocateWalId } from "./wal_ids.ts";
import { WalSegment } from "./wal_segment.ts";

/** Files of a column, at most. */
const FILES_PER_COLUMN = 2;
/** `_meta`, `_event`, `_event.i`. */
const FILES_PER_SEGMENT = 3;
/** Transactions of a segment; QuestDB's readers count them in 31 bits. */
const SEGMENT_TXNS_MAX = 0x7fffffff;

/** What a writer needs. */
export interface WalWriterOptions {
  readonly fs: FileSystem;
  readonly core: WasmCore;
  readonly clock: Clock;
  readonly tableDir: string;
  readonly tableName: string;
  readonly sequencer: Sequencer;
  readonly commitMode: CommitMode;
  /** Rows after which a segment is followed by a new one. */
  readonly segmentRowsMax: number;
  /** Bytes after which a segment is followed by a new one; 0 = by rows only. */
  readonly segmentBytesMax: number;
  /** Columns at the sequencer's structure version. */
  readonly metadata: TableMetadata;
  /** A snapshot of the table, which may be behind; its symbols keep their keys. Used by the constructor only. */
  readonly reader: TableReader;
  /**
   * Identity of the running machine, for the mark of what is durable; `null` where there is none to tell. Everything that is
   * committed already must be durable when it is given.
   */
  readonly bootId: string | null;
  /** Called after every commit with its transaction. */
  readonly onCommit?: (txn: number) => void;
}

/** See the module's description. */
export class WalWriter implements RowWriter, Disposable {
  readonly #options: WalWriterOptions;
  /** For messages. */
  #tableName: string;
  #metadata: TableMetadata;
  /** By writer index; `null` for columns that are not symbols. */
  #symbols: (SymbolWriter | null)[];
  /** Symbol files of the table to link into the WAL: those of columns that have symbols. */
  readonly #cleanFiles: { name: string; files: SymbolFiles }[] = [];
  readonly #range: TimestampRange;
  #walId = 0;
  #nextSegmentId = 0;
  #segment: WalSegment | null = null;
  /** Segments that are written to no more but not durable yet. */
  #retired: WalSegment[] = [];
  #mark: DurableMark | null = null;
  /** Commits of `sync` mode; `null` in the others. */
  readonly #group: CommitGroup | null;
  /** Why the open transaction is gone, until its owner was told. */
  #lostTransaction: Error | null = null;
  #isShut = false;
  #isClosed = false;
  /** Set for good once a sync failed. */
  #syncFailure: WalError | null = null;
  #idleWaiters: (() => void)[] = [];

  /**
   * @throws {UnsupportedTypeError} if the table has a column type that cannot be written yet.
   * @throws {WalError} if the metadata is not that of the sequencer's structure version.
   */
  constructor(options: WalWriterOptions) {
    const { reader, sequencer, metadata } = options;
    this.#options = options;
    this.#tableName = options.tableName;
    this.#metadata = metadata;
    this.#range = new TimestampRange(metadata.columns[metadata.timestampIndex].type);
    for (const column of metadata.liveColumns) {
      if (!isStoredType(column.type)) {
        throw new UnsupportedTypeError(column.name, column.type);
      }
    }
    checkStructure(options.tableName, metadata, sequencer);
    this.#group = options.commitMode !== "sync" ? null : new CommitGroup({
      sequencer,
      onCommit: (txn) => options.onCommit?.(txn),
      asError: (error) => asWalError(error, this.#tableName),
      onFailure: (error) => this.#loseTransaction(error),
    });
    const known = reader.metadata.columns;
    this.#symbols = metadata.columns.map(({ type, writerIndex }) => {
      if (type !== ColumnType.SYMBOL) return null;
      // A column that the table does not have yet has no symbols there.
      const isKnown = known[writerIndex]?.type === ColumnType.SYMBOL;
      const table = isKnown ? reader.symbolTable(writerIndex) : null;
      if (table === null || table.count === 0) return new SymbolWriter(writerIndex, null);
      const { name } = known[writerIndex];
      const nameTxn = reader.versions.symbolNameTxn(writerIndex);
      this.#cleanFiles.push({ name, files: symbolFiles(options.tableDir, name, nameTxn) });
      return new SymbolWriter(writerIndex, table);
    });
  }

  /** Columns at the sequencer's structure version. */
  get metadata(): TableMetadata {
    return this.#metadata;
  }
  /** Number of the WAL, 0 before the first append. */
  get walId(): number {
    return this.#walId;
  }
  /** Lowest segment that is still being written or not durable yet; every later one is in use, too. */
  get firstUsedSegmentId(): number {
    return this.#retired[0]?.segmentId ?? this.#segment?.segmentId ?? this.#nextSegmentId;
  }
  /** Rows appended since the last commit. */
  get uncommittedRowCount(): number {
    const segment = this.#segment;
    return segment === null ? 0 : segment.rowCount - segment.committedRowCount;
  }

  /**
   * Appends rows to the open transaction.
   *
   * @throws {TableError} if a designated timestamp is NULL or out of range; the open transaction stays as it was.
   * @throws {WalError} if a segment file cannot be written; the open transaction is rolled back.
   */
  append(batch: WalBatch): void {
    this.#requireOpen();
    if (batch.columns.length !== this.metadata.columns.length) {
      throw new TableError("table has changed since the rows were made", {
        table: this.#tableName,
      });
    }
    if (batch.rowCount === 0) return;
    const timestamps = batch.columns[this.metadata.timestampIndex];
    if (timestamps === null || timestamps === undefined) throw timestampIsNull();
    const { memory } = this.#options.core;
    this.#range.add(memory, timestamps.data, batch.rowCount);
    try {
      const segment = this.#writableSegment();
      for (const column of this.metadata.liveColumns) {
        this.#appendColumn(segment, column.writerIndex, batch);
      }
      segment.addRows(batch.rowCount);
    } catch (error) {
      this.#abandon();
      throw asWalError(error, this.#tableName);
    }
  }

  /**
   * Commits the open transaction and returns its sequencer transaction; without rows, returns the last one.
   *
   * @throws {WalError} if it cannot be made as durable as the commit mode asks; nothing of it is visible then.
   */
  commit(): number {
    this.#requireOpen();
    const segment = this.#segment;
    if (segment === null || this.uncommittedRowCount === 0) return this.#options.sequencer.lastTxn;
    return this.#commitEvent(segment, this.#dataEvent(segment));
  }

  /** Like {@linkcode commit}; in `sync` mode the transactions of concurrent statements are made durable together. */
  async commitDurably(): Promise<number> {
    this.#requireOpen();
    const segment = this.#segment;
    if (segment === null || this.uncommittedRowCount === 0 || this.#group === null) {
      return this.commit();
    }
    const event = this.#dataEvent(segment);
    let txn: SequencedTxn;
    try {
      txn = this.#writeEvent(segment, event);
    } catch (error) {
      this.#abandon();
      throw asWalError(error, this.#tableName);
    }
    this.#resetTransaction();
    return await this.#group.add(segment, txn);
  }

  #dataEvent(segment: WalSegment): DataEvent {
    return {
      kind: "data",
      startRow: segment.committedRowCount,
      endRow: segment.rowCount,
      minTimestamp: this.#range.min,
      maxTimestamp: this.#range.max,
      isOutOfOrder: !this.#range.isAscending,
      symbols: this.#symbols.flatMap((symbols) => symbols?.diff() ?? []),
      dedupMode: DedupMode.DEFAULT,
      replaceLo: LONG_NULL,
      replaceHi: LONG_NULL,
    };
  }

  /** Removes all rows of the table: a transaction of its own. The open transaction must be empty. */
  truncate(): number {
    return this.#commitAlone({ kind: "truncate" });
  }

  /** Commits a statement that is run when it is applied, as a transaction of its own. The open transaction must be empty. */
  commitStatement(event: SqlEvent): number {
    return this.#commitAlone(event);
  }

  /**
   * Goes on with other columns: those behind a structural change that the sequencer is about to get, or has got. The open transaction must be
   * empty.
   */
  restructure(metadata: TableMetadata): void {
    assert(this.uncommittedRowCount === 0, "nothing is uncommitted when the columns change");
    this.#resetTransaction();
    if (this.#segment !== null && !hasSameColumns(metadata, this.#metadata)) {
      this.#retire(this.#segment);
    }
    this.#symbols = metadata.columns.map(({ type, writerIndex }) =>
      type !== ColumnType.SYMBOL
        ? null
        : this.#symbols[writerIndex] ?? new SymbolWriter(writerIndex, null)
    );
    this.#metadata = metadata;
  }

  /** Goes on under another name of the table. */
  rename(tableName: string): void {
    this.#tableName = tableName;
  }

  /** True if no transaction is open or waits for the disk. */
  get isIdle(): boolean {
    return this.uncommittedRowCount === 0 && !(this.#group?.isWaiting ?? false);
  }

  /** Resolves when the open transaction is empty: at once, or when somebody commits or rolls back. */
  whenIdle(): Promise<void> {
    if (this.uncommittedRowCount === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Forgets the rows appended since the last commit. */
  rollback(): void {
    this.#lostTransaction = null;
    this.#segment?.rollback();
    this.#resetTransaction();
  }

  /** True if acknowledged transactions of this WAL may not be durable yet; for good once a sync failed. */
  get isDirty(): boolean {
    const { sequencer } = this.#options;
    // What the mark does not cover is given up when the power goes, however durable its files are.
    const isUnmarked = this.#mark !== null && this.#mark.durableTxn < sequencer.lastTxn;
    return this.#retired.length > 0 || (this.#segment?.isDirty ?? false) || sequencer.isDirty ||
      isUnmarked || this.#syncFailure !== null;
  }

  /**
   * Makes what was committed so far durable: segments, then the sequencer's log, then the mark.
   *
   * @throws {WalError} if a sync fails, and from then on: the operating system may have given up what it could not write, so a later
   * success would say nothing.
   */
  async syncAsync(): Promise<void> {
    const { sequencer } = this.#options;
    this.#requireSyncable();
    await this.#group?.settled();
    const committedTxn = sequencer.lastTxn;
    // All that can hold these transactions: a segment may be retired while another is being synced.
    const segments = [...this.#retired, ...(this.#segment === null ? [] : [this.#segment])];
    try {
      for (const segment of segments) {
        if (segment.isDirty) await segment.syncAsync();
        const index = this.#retired.indexOf(segment);
        if (index < 0 || segment.isDirty || this.#group?.uses(segment)) continue;
        this.#retired.splice(index, 1);
        segment.close();
      }
      if (sequencer.isDirty) await sequencer.syncAsync();
      await this.#mark?.advance(committedTxn);
    } catch (error) {
      throw this.#poison(error);
    }
  }

  /** Like {@linkcode syncAsync}, at once. */
  syncNow(): void {
    const { sequencer } = this.#options;
    this.#requireSyncable();
    this.#group?.flushNow();
    try {
      for (const segment of this.#retired) if (segment.isDirty) segment.sync();
      if (this.#segment?.isDirty) this.#segment.sync();
      if (sequencer.isDirty) sequencer.sync();
      this.#mark?.advanceNow(sequencer.lastTxn);
    } catch (error) {
      throw this.#poison(error);
    }
  }

  /** Resolves when the commits that wait for the disk are done. */
  async settled(): Promise<void> {
    await this.#group?.settled();
  }

  /** Rolls back and takes nothing more; what is committed can still be made durable. */
  shut(): void {
    this.rollback();
    this.#isShut = true;
  }

  /** Rolls back, makes everything durable and closes the files. @throws {WalError} if it could not be made durable. */
  close(): void {
    if (this.#isClosed) return;
    this.shut();
    this.#isClosed = true;
    using _mark = this.#mark;
    this.releaseFiles();
  }

  /** Makes everything durable and closes the segment; the next row opens another one. No transaction may be open. */
  releaseFiles(): void {
    assert(this.uncommittedRowCount === 0, "nothing is uncommitted when the segment is closed");
    try {
      this.syncNow();
    } finally {
      for (const segment of this.#retired) segment.close();
      this.#segment?.close();
      this.#retired = [];
      this.#segment = null;
    }
  }
  /** Files of segments that are open, at most. */
  get openFileCount(): number {
    const segments = this.#retired.length + (this.#segment === null ? 0 : 1);
    const files = FILES_PER_COLUMN * this.#metadata.liveColumns.length + FILES_PER_SEGMENT;
    return segments * files;
  }
  [Symbol.dispose](): void {
    this.close();
  }

  #requireSyncable(): void {
    if (this.#syncFailure !== null) throw this.#syncFailure;
  }

  #poison(cause: unknown): Error {
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.#syncFailure ??= new WalError("committed data could not be made durable", {
      table: this.#tableName,
      reason,
    }, { cause });
    return this.#syncFailure;
  }

  #requireOpen(): void {
    const lost = this.#lostTransaction;
    this.#lostTransaction = null;
    if (lost !== null) throw lost;
    // What is acknowledged from now on might never become durable, however long one waits.
    if (this.#syncFailure !== null) throw this.#syncFailure;
    if (!this.#isShut) return;
    throw new WalError("the table is closed for writing", { table: this.#tableName });
  }

  #appendColumn(segment: WalSegment, writerIndex: number, batch: WalBatch): void {
    const vector = batch.columns[writerIndex];
    const { rowCount } = batch;
    const symbols = this.#symbols[writerIndex];
    if (symbols !== null) {
      this.#appendSymbols(segment, { writerIndex, symbols, vector, rowCount });
    } else if (vector === null) {
      segment.writeNulls(writerIndex, rowCount);
    } else if (writerIndex === this.metadata.timestampIndex) {
      segment.writeTimestamps(vector.data, rowCount);
    } else if (isVariableSize(this.metadata.columns[writerIndex].type)) {
      segment.writeVariable(writerIndex, vector, rowCount);
    } else {
      const { type } = this.metadata.columns[writerIndex];
      assert(vector.type === type, `vector of column ${writerIndex} has type ${type}`);
      segment.writeFixed(writerIndex, vector.data, rowCount);
    }
  }

  #appendSymbols(segment: WalSegment, column: {
    writerIndex: number;
    symbols: SymbolWriter;
    vector: Vector | null;
    rowCount: number;
  }): void {
    const { writerIndex, symbols, vector, rowCount } = column;
    const { core } = this.#options;
    const { memory } = core;
    const keys = memory.alloc(4 * rowCount);
    try {
      if (vector === null) symbols.mapNulls(core, rowCount, keys);
      else symbols.map(core, vector, { rowCount, out: keys });
      segment.writeFixed(writerIndex, keys, rowCount);
    } finally {
      memory.free(keys);
    }
  }

  #commitAlone(event: WritableEvent): number {
    this.#requireOpen();
    assert(
      this.uncommittedRowCount === 0,
      "nothing is uncommitted when another transaction begins",
    );
    let segment: WalSegment;
    try {
      segment = this.#writableSegment();
    } catch (error) {
      this.#abandon();
      throw asWalError(error, this.#tableName);
    }
    return this.#commitEvent(segment, event);
  }

  #commitEvent(segment: WalSegment, event: WritableEvent): number {
    let txn: number;
    try {
      const sequenced = this.#writeEvent(segment, event);
      if (this.#group !== null) {
        this.#resetTransaction();
        return this.#group.addNow(segment, sequenced);
      }
      txn = this.#options.sequencer.commit(sequenced, false);
    } catch (error) {
      this.#abandon();
      throw asWalError(error, this.#tableName);
    }
    this.#resetTransaction();
    this.#options.onCommit?.(txn);
    return txn;
  }

  /** Writes the event of a transaction and returns what the sequencer's log will say about it. */
  #writeEvent(segment: WalSegment, event: WritableEvent): SequencedTxn {
    const data = event.kind === "data" ? event : null;
    return {
      walId: segment.walId,
      segmentId: segment.segmentId,
      segmentTxn: segment.writeEvent(encodeEvent(segment.nextTxn, event)),
      commitMicros: this.#options.clock.nowMicros(),
      minTimestamp: data?.minTimestamp ?? NO_MIN_TIMESTAMP,
      maxTimestamp: data?.maxTimestamp ?? -1n,
      rowCount: data === null ? 0 : data.endRow - data.startRow,
    };
  }

  /** The segment to append to; a full one is followed by a new one, between transactions only. */
  #writableSegment(): WalSegment {
    const { segmentRowsMax, segmentBytesMax } = this.#options;
    let segment = this.#segment;
    if (segment !== null && this.uncommittedRowCount === 0) {
      const isFull = segment.rowCount >= segmentRowsMax ||
        (segmentBytesMax > 0 && segment.byteSize >= segmentBytesMax) ||
        segment.nextTxn >= SEGMENT_TXNS_MAX;
      if (isFull) {
        this.#retire(segment);
        segment = null;
      }
    }
    return segment ?? this.#openSegment();
  }

  #openSegment(): WalSegment {
    const { fs, core, tableDir, sequencer } = this.#options;
    if (this.#walId === 0) this.#openWal();
    const segmentId = this.#nextSegmentId++;
    const place = { fs, core, tableDir, walId: this.#walId, segmentId };
    this.#segment = new WalSegment(place, this.metadata, sequencer.structureVersion);
    return this.#segment;
  }

  /** Takes a WAL number and links the table's symbol files, so that clean keys can be resolved for good. */
  #openWal(): void {
    const { fs, tableDir } = this.#options;
    const walId = allocateWalId(fs, tableDir);
    const walDir = `${tableDir}/wal${walId}`;
    fs.mkdir(walDir);
    for (const { name, files } of this.#cleanFiles) {
      // A change of the column since may have replaced them; nothing that is applied reads the links.
      if (fs.stat(files.offsets) === null) continue;
      const to = symbolFiles(walDir, name, -1);
      fs.link(files.offsets, to.offsets);
      fs.link(files.chars, to.chars);
      fs.link(files.keys, to.keys);
      fs.link(files.values, to.values);
    }
    const { bootId, commitMode, sequencer } = this.#options;
    if (commitMode !== "sync" && bootId !== null) {
      const durableTxn = sequencer.lastTxn;
      this.#mark = DurableMark.start(fs, tableDir, { walId, durableTxn, bootId });
    }
    this.#walId = walId;
  }

  #retire(segment: WalSegment): void {
    this.#segment = null;
    // In sync mode what is committed is durable, and what is not need not be.
    const isNeeded = this.#group === null ? segment.isDirty : this.#group.uses(segment);
    if (isNeeded) this.#retired.push(segment);
    else segment.close();
  }

  /** Gives up the segment after a failure of commits; who has the open transaction learns of it by his next call. */
  #loseTransaction(error: Error): void {
    if (this.uncommittedRowCount > 0) this.#lostTransaction = error;
    try {
      this.#abandon();
    } catch (cause) {
      this.#poison(cause); // nobody is there to be told; the next sync tells
    }
  }

  /** Gives up the segment after a failure; its committed transactions still have to become durable. */
  #abandon(): void {
    const segment = this.#segment;
    this.#resetTransaction();
    if (segment === null) return;
    segment.rollback();
    this.#retire(segment);
  }

  #resetTransaction(): void {
    this.#range.reset();
    for (const symbols of this.#symbols) symbols?.reset();
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }
}

const NO_MIN_TIMESTAMP = 0x7fffffffffffffffn;

function timestampIsNull(): TableError {
  return new TableError("designated timestamp column cannot be NULL");
}

function asWalError(error: unknown, table: string): Error {
  if (error instanceof QuestError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new WalError("cannot write to the WAL", { table, reason }, { cause: error });
}

/** Tells whether segments of both have the same files: deduplication keys and names of tables are not among them. */
function hasSameColumns(a: TableMetadata, b: TableMetadata): boolean {
  return a.columns.length === b.columns.length &&
    a.columns.every(({ type, name }, i) =>
      type === b.columns[i].type && name === b.columns[i].name
    );
}

function checkStructure(table: string, metadata: TableMetadata, sequencer: Sequencer): void {
  const known = sequencer.metadata.columns;
  const isSame = known.length === metadata.columns.length &&
    sequencer.structureVersion === sequencer.metadata.structureVersion &&
    metadata.columns.every((column, i) =>
      column.type === known[i].type && column.name === known[i].name
    );
  if (!isSame) {
    throw new WalError("table has other columns than its sequencer", { table });
  }
}

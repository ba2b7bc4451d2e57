/**
 * Writes sorted rows into a table and commits them. One writer per table at a time.
 *
 * Invariants:
 * 1. Committed bytes are never changed: rows go behind the committed ones of a partition, or, merged with them, into a new
 *    directory `<partition>.<txn>`.
 * 2. Nothing is visible before `_txn` is committed, and that is the last write: column files, symbols, `_cv`, `_meta`, `_txn`.
 * 3. With `sync`, everything `_txn` refers to is durable before `_txn` is. Without, a record of the last durable state must be on the disk
 *    (durable_state.ts) and the commit is one of rows only.
 *
 * Write order, torn writes and recovery: docs/internals/table_writer.md.
 *
 * @module
 */
import { assert, ColumnType, PartitionBy } from "../common/mod.ts";
import { Arena } from "../wasm/mod.ts";
import type { AlterOperation } from "./alter/alter_operation.ts";
import { alterTable } from "./alter/alter_table.ts";
import { createFreshSymbolFiles } from "./alter/column_operations.ts";
import { recoverAlter } from "./alter/recover_moves.ts";
import { type SymbolGrowth, symbolGrowth } from "./alter/symbol_operations.ts";
import { type TableUpdate, updateColumns } from "./alter/update_columns.ts";
import { partitionScheme, symbolSlot } from "./column_files.ts";
import { partitionEnd, partitionStart } from "./partition_plan.ts";
import {
  type ColumnVersionEntry,
  ColumnVersions,
  ColumnVersionsWriter,
  SYMBOL_TIMESTAMP,
  withEntries,
  withoutPartitions,
} from "./column_versions.ts";
import { readCommittedState } from "./committed_state.ts";
import { encodeTableImage, type TableImage } from "./durable_state.ts";
import type { TableMetadata } from "./metadata.ts";
import { PartitionWriter } from "./partition_writer.ts";
import type { RowSource, WriteOptions } from "./row_source.ts";
import { symbolFiles, SymbolMapWriter } from "./symbol_map.ts";
import { type StorageContext, TableReader } from "./table_reader.ts";
import {
  NO_MAX_TIMESTAMP,
  NO_MIN_TIMESTAMP,
  type PartitionRecord,
  type TxnRecord,
  TxnWriter,
} from "./txn.ts";
import { expiredPartitions } from "./ttl.ts";

/** Default of {@linkcode TableWriterOptions.splitMinBytes}, as in QuestDB. */
const SPLIT_MIN_BYTES = 50 << 20;
/** Default of {@linkcode TableWriterOptions.symbolGrowthThreshold}, as in QuestDB. */
const SYMBOL_GROWTH_THRESHOLD = 0.8;
/** Files that are made durable at the same time. */
const SYNCED_AT_ONCE = 32;
/** Parts that a logical partition may have before they are joined. */
const SPLIT_PARTS_MAX = 20;

/** A time, in either unit of timestamps, in a month of 31 days; in microseconds in a year of 366. */
const LONGEST_UNITS = 1_704_067_200_000_000n;

/** Settings of a writer. */
export interface TableWriterOptions {
  /** Bytes of rows before late ones from which on a partition is split instead of copied; `cairo.o3.partition.split.min.size`. */
  readonly splitMinBytes?: number;
  /**
   * Share of a symbol table's capacity that more symbols than that make grow: `cairo.auto.scale.symbol.capacity.threshold`; `null`: none
   * grows, `cairo.auto.scale.symbol.capacity`.
   */
  readonly symbolGrowthThreshold?: number | null;
}

/** How a commit is made. */
export interface CommitOptions {
  /** The sequencer transaction that the table has applied then; 0 without a WAL. */
  readonly seqTxn: number;
  /** Whether it is durable on return. */
  readonly sync: boolean;
}

type TimestampRange = Pick<TxnRecord, "minTimestamp" | "maxTimestamp">;

/** What the next commit changes in `_txn` and `_cv`; what is left out stays. */
export interface StagedChange {
  /** Fields of `_txn`; row counts follow from the partitions. */
  readonly record?: Partial<
    Pick<
      TxnRecord,
      | "structureVersion"
      | "partitions"
      | "minTimestamp"
      | "maxTimestamp"
      | "dataVersion"
      | "truncateVersion"
      | "symbolCounts"
    >
  >;
  /** All entries of `_cv`, in order. */
  readonly versions?: readonly ColumnVersionEntry[];
}

/** See the module's description. */
export class TableWriter implements Disposable {
  readonly context: StorageContext;
  #txnWriter: TxnWriter;
  #versionsWriter: ColumnVersionsWriter;
  readonly #symbols = new Map<number, SymbolMapWriter>();
  #committed: TableReader;
  /** The committed state, and what was written since over it. */
  #view: TableReader;
  #staged: Required<StagedChange>["record"] = {};
  #dedupedRowCount = 0;
  #readOnlyRowCount = 0;
  /** Paths relative to the table's directory of partitions that the open transaction has made. */
  readonly #created = new Set<string>();
  /** Files and directories that were written and are not known to be durable, over any number of commits. */
  readonly #touched = new Set<string>();

  readonly #splitMinBytes: number;
  readonly #symbolGrowthThreshold: number | null;
  #isBroken = false;

  private constructor(context: StorageContext, options: TableWriterOptions) {
    this.context = context;
    const { splitMinBytes, symbolGrowthThreshold } = options;
    this.#splitMinBytes = splitMinBytes ?? SPLIT_MIN_BYTES;
    this.#symbolGrowthThreshold = symbolGrowthThreshold === undefined
      ? SYMBOL_GROWTH_THRESHOLD
      : symbolGrowthThreshold;
    recoverAlter(context.fs, context.tableDir);
    this.#committed = this.#view = this.#readCommitted();
    const { columnVersion } = this.txn;
    this.#versionsWriter = new ColumnVersionsWriter(context.fs, context.tableDir, columnVersion);
    this.#txnWriter = TxnWriter.open(context.fs, context.tableDir);
  }

  /** Opens a table for writing; takes back what a crash left un-committed. @throws {StorageError} */
  static open(context: StorageContext, options: TableWriterOptions = {}): TableWriter {
    return new TableWriter(context, options);
  }

  get metadata(): TableMetadata {
    return this.#committed.metadata;
  }
  /** The last committed transaction. */
  get txn(): TxnRecord {
    return this.#committed.txn;
  }
  /** The table as it will be committed: reads rows that were written since the last commit, too. Valid until the next change. */
  get view(): TableReader {
    return this.#view;
  }
  /** Rows that deduplication has taken out since the last commit. */
  get dedupedRowCount(): number {
    return this.#dedupedRowCount;
  }

  /** Rows that were given up since the last commit, since their partitions are read-only. */
  get readOnlyRowCount(): number {
    return this.#readOnlyRowCount;
  }

  /** The symbols of a SYMBOL column, to add to; they are committed with the rows. */
  symbolMap(writerIndex: number): SymbolMapWriter {
    let map = this.#symbols.get(writerIndex);
    if (map === undefined) {
      const column = this.metadata.columns[writerIndex];
      assert(column.type === ColumnType.SYMBOL, `column is a symbol: ${column.name}`);
      const files = symbolFiles(
        this.context.tableDir,
        column.name,
        this.#committed.versions.symbolNameTxn(writerIndex),
      );
      map = new SymbolMapWriter(this.context.fs, files, this.#symbolCount(writerIndex));
      this.#symbols.set(writerIndex, map);
    }
    return map;
  }

  /**
   * Writes rows, over those that earlier calls have written. They become visible at {@linkcode commit}.
   *
   * Rows of read-only partitions are given up: {@linkcode readOnlyRowCount}.
   *
   * @throws {TableError} if the table cannot take them: rows out of order without partitions.
   */
  write(source: RowSource, options: WriteOptions = {}): void {
    // New directories are named by the transaction, so truncation and rows in one would name the same one twice.
    assert(this.#staged.truncateVersion === undefined, "truncation is a transaction of its own");
    if (source.rowCount === 0 && options.replaceRange === undefined) return;
    const target = {
      reader: this.#view,
      committed: this.txn.partitions,
      touched: this.#touched,
      created: this.#created,
      splitMinBytes: this.#splitMinBytes,
    };
    const written = new PartitionWriter(this.context, target).write(source, options);
    this.#dedupedRowCount += written.dedupedRowCount;
    this.#readOnlyRowCount += written.readOnlyRowCount;
    const { partitions } = written;
    this.stage({
      record: { partitions, ...this.#widenedRange(source) },
      ...(written.versions === null ? {} : { versions: written.versions }),
    });
    const isLess = options.replaceRange !== undefined || written.readOnlyRowCount > 0;
    if (isLess) this.stage({ record: this.#storedRange() });
  }

  /**
   * Removes all rows at the next commit. With a WAL the symbols stay, since transactions behind this one may refer to their keys.
   *
   * @returns False if there are no rows: then nothing changes, not even what counts truncations.
   */
  truncate(options: { keepsSymbols: boolean }): boolean {
    assert(this.#view === this.#committed, "truncation is a transaction of its own");
    const { txn, metadata } = this;
    if (txn.partitions.length === 0) return false;
    const { versions } = this.#committed;
    const isPartitioned = metadata.partitionBy !== PartitionBy.NONE;
    // The one directory keeps its name, and readers may still use its files: the next rows go into files of another name.
    const next = isPartitioned ? withoutPartitions(versions) : withEntries(
      versions,
      metadata.liveColumns.map((column) => ({
        timestamp: 0n,
        columnIndex: column.writerIndex,
        nameTxn: txn.txn,
        top: 0n,
      })),
    );
    this.stage({
      record: {
        partitions: [],
        minTimestamp: NO_MIN_TIMESTAMP,
        maxTimestamp: NO_MAX_TIMESTAMP,
        dataVersion: txn.dataVersion + 1,
        truncateVersion: txn.truncateVersion + 1,
      },
      versions: options.keepsSymbols ? next.entries : this.#emptySymbols(next).entries,
    });
    return true;
  }

  /** Gives SYMBOL columns empty symbol tables under new names: readers may still use the old ones. */
  #emptySymbols(versions: ColumnVersions): ColumnVersions {
    const nameTxn = this.txn.txn;
    const context = { ...this.context, reader: this.#view, touched: this.#touched };
    const columns = this.metadata.columns.filter(({ type }) => type === ColumnType.SYMBOL);
    for (const column of columns) {
      createFreshSymbolFiles(context, column, { nameTxn, hasNull: false });
    }
    this.#symbols.clear();
    this.stage({ record: { symbolCounts: columns.map(() => 0) } });
    const entries = columns.map(({ writerIndex: columnIndex }) => (
      { timestamp: SYMBOL_TIMESTAMP, columnIndex, nameTxn, top: 0n }
    ));
    return withEntries(versions, entries);
  }

  /** Joins the parts of split partitions if one has become too many; a transaction of its own. */
  squashIfNeeded(options: CommitOptions): void {
    if (this.#isSplitTooOften()) this.alter({ kind: "squashPartitions" }, options);
  }

  #isSplitTooOften(): boolean {
    const scheme = partitionScheme(this.metadata);
    if (scheme.partitionBy === PartitionBy.NONE) return false;
    const { partitions } = this.txn;
    const longest = partitionEnd(scheme, LONGEST_UNITS) - partitionStart(scheme, LONGEST_UNITS);
    for (let i = SPLIT_PARTS_MAX; i < partitions.length; i++) {
      const { timestamp } = partitions[i], first = partitions[i - SPLIT_PARTS_MAX].timestamp;
      if (timestamp - first >= longest) continue;
      if (partitionStart(scheme, timestamp) === partitionStart(scheme, first)) return true;
    }
    return false;
  }

  /** Removes the partitions that are older than the table's TTL allows; a transaction of its own. @param nowMicros Wall clock. */
  enforceTtl(nowMicros: bigint, options: CommitOptions): void {
    const timestamps = expiredPartitions(this.metadata, this.txn, nowMicros);
    if (timestamps.length === 0) return;
    this.alter({ kind: "dropPartitions", timestamps, isForced: false, isExpiry: true }, options);
  }

  /**
   * What follows a commit of rows or values: joins what was split too often, removes what the TTL lets go, and grows symbol tables; in
   * transactions of their own.
   *
   * @param nowMicros Wall clock.
   */
  housekeep(nowMicros: bigint, options: CommitOptions): void {
    this.squashIfNeeded(options);
    this.enforceTtl(nowMicros, options);
    this.growSymbols(options);
  }

  /** True if {@linkcode housekeep} has something to do. @param nowMicros Wall clock. */
  needsHousekeeping(nowMicros: bigint): boolean {
    return this.needsSymbolGrowth || this.#isSplitTooOften() ||
      expiredPartitions(this.metadata, this.txn, nowMicros).length > 0;
  }

  /** True if {@linkcode growSymbols} has something to do. */
  get needsSymbolGrowth(): boolean {
    return this.#symbolGrowth().length > 0;
  }

  /**
   * Raises the capacity of symbol tables that are nearly full, after a commit of rows; a transaction per column, durable on return like every
   * change of `_meta`. The rows are committed whether this succeeds or not: the next commit finds what was left.
   */
  growSymbols(options: CommitOptions): void {
    for (const { name, capacity } of this.#symbolGrowth()) {
      this.alter({ kind: "changeSymbolCapacity", name, capacity }, options);
    }
  }

  #symbolGrowth(): SymbolGrowth[] {
    const threshold = this.#symbolGrowthThreshold;
    return threshold === null ? [] : symbolGrowth(this.metadata, this.txn, threshold);
  }

  /** Adds changes to the next commit; {@linkcode view} shows them. For alterations and updates. */
  stage(change: StagedChange): void {
    this.#staged = { ...this.#staged, ...change.record };
    const { versions } = this.#committed;
    const next = change.versions === undefined
      ? this.#view.versions
      : new ColumnVersions(versions.version + 1, change.versions);
    const { txn, metadata } = this;
    const partitions = this.#staged.partitions ?? txn.partitions;
    const record = { ...txn, ...this.#staged, ...rowCounts(partitions), partitions };
    this.#closeView();
    this.#view = this.#readerOver({ metadata, txn: record, versions: next });
  }

  /** Notes a file or directory that must be durable before what was staged is committed with `sync`. */
  touch(path: string): void {
    this.#touched.add(path);
  }

  /**
   * Publishes what was written. `seqTxn` is the sequencer transaction the table has now applied. With `sync`, durable on
   * return.
   *
   * @param options.txnCount Transactions that QuestDB makes of this one, which the numbers of later ones, and so the names of files, count.
   */
  commit(options: CommitOptions & { txnCount?: number }): void {
    const { sync, txnCount = 1 } = options;
    for (const map of this.#symbols.values()) {
      for (const path of map.flush(sync)) this.#touched.add(path);
    }
    if (sync) this.syncTouched();
    const { versions } = this.#view;
    if (versions !== this.#committed.versions) {
      this.#versionsWriter.commit(versions, sync);
      if (!sync) this.#touched.add(`${this.context.tableDir}/_cv`);
    }
    // An even step would end in the slot of the current record: one that changes nothing comes between.
    if (txnCount % 2 === 0) this.#txnWriter.commit({ ...this.txn, txn: this.txn.txn + 1 }, sync);
    const txn = this.txn.txn + txnCount;
    const record = { ...this.#nextRecord(options.seqTxn, versions.version), txn };
    this.#txnWriter.commit(record, sync);
    const isRestructured = record.structureVersion !== this.txn.structureVersion;
    const state = { metadata: this.metadata, txn: record, versions };
    this.#reset(isRestructured ? this.#readCommitted() : this.#readerOver(state));
    if (isRestructured) this.#symbols.clear();
  }

  /**
   * Changes the structure, partitions or settings of the table, in transactions of its own. Those that change `_meta` or attach or detach
   * are durable on return whatever `sync` says: a log of what the table has applied must be durable before. Nothing may be un-committed.
   * After any error but a refusal, {@linkcode rollback}.
   * If there is nothing to do, `seqTxn` is committed nevertheless.
   *
   * @throws {AlterRefusedError} if the operation does not fit the table as it is.
   */
  alter(operation: AlterOperation, options: CommitOptions & { tableName?: string }): void {
    const isCommitted = alterTable(this, operation, options);
    if (!isCommitted && options.seqTxn !== this.txn.seqTxn) this.commit(options);
  }

  /**
   * Changes values of rows that the table has; they become visible at {@linkcode commit}. One call per transaction, with nothing else
   * in it.
   *
   * @throws {AlterRefusedError} if a partition is read-only.
   */
  update(update: TableUpdate): void {
    assert(this.#view === this.#committed, "an update is a transaction of its own");
    const touched = new Set<string>();
    const versions = updateColumns({ ...this.context, reader: this.#view, touched }, update);
    for (const path of touched) this.touch(path);
    this.stage({ versions });
  }

  /** Forgets what was written since the last commit, or goes on from wherever a commit that failed has left the files. */
  rollback(): void {
    const { fs, tableDir } = this.context;
    this.#isBroken = true;
    this.#symbols.clear();
    this.#txnWriter.close();
    recoverAlter(fs, tableDir);
    this.#reset(this.#readCommitted());
    this.#versionsWriter = new ColumnVersionsWriter(fs, tableDir, this.txn.columnVersion);
    this.#txnWriter = TxnWriter.open(fs, tableDir);
    this.#isBroken = false;
  }
  /** True once a rollback has failed: what was written is still in the way, and the writer can only be closed. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  close(): void {
    this.#closeView();
    this.#committed.close();
    this.#txnWriter.close();
  }
  [Symbol.dispose](): void {
    this.close();
  }

  #symbolCount(writerIndex: number): number {
    return this.txn.symbolCounts[symbolSlot(this.metadata, writerIndex)];
  }

  /** The earliest and latest timestamp when a source's rows are added to the view's. */
  #widenedRange(source: RowSource): TimestampRange {
    const { timestampIndex, partitionBy } = this.metadata;
    const { minTimestamp, maxTimestamp } = this.#view.txn;
    if (timestampIndex < 0 || source.rowCount === 0) return { minTimestamp, maxTimestamp };
    // Without partitions QuestDB keeps the latest timestamp only.
    const hasMin = partitionBy !== PartitionBy.NONE;
    return {
      minTimestamp: hasMin && source.minTimestamp < minTimestamp
        ? source.minTimestamp
        : minTimestamp,
      maxTimestamp: source.maxTimestamp > maxTimestamp ? source.maxTimestamp : maxTimestamp,
    };
  }

  /** The earliest and latest timestamp that the view's files hold; after rows were removed. */
  #storedRange(): TimestampRange {
    const { partitions, metadata } = this.#view;
    const last = partitions.at(-1);
    if (last === undefined) {
      return { minTimestamp: NO_MIN_TIMESTAMP, maxTimestamp: NO_MAX_TIMESTAMP };
    }
    using arena = new Arena(this.context.core.memory);
    const at = (partition: number, row: number) => {
      const range = { rowLo: row, rowHi: row + 1 };
      const vector = this.#view.readColumn(partition, metadata.timestampIndex, range, arena);
      return this.context.core.memory.i64[vector.data / 8];
    };
    return {
      minTimestamp: at(0, 0),
      maxTimestamp: at(partitions.length - 1, last.rowCount - 1),
    };
  }

  #nextRecord(seqTxn: number, columnVersion: number): TxnRecord {
    const { txn } = this;
    const partitions = this.#staged.partitions ?? txn.partitions;
    const last = partitions.at(-1), lastCommitted = txn.partitions.at(-1);
    // Only a change of an entry before the last one is told by the partition table's version.
    const isTableChanged = this.#staged.truncateVersion !== undefined ||
      partitions.length !== txn.partitions.length ||
      partitions.slice(0, -1).some((partition, i) => partition !== txn.partitions[i]) ||
      last?.nameTxn !== lastCommitted?.nameTxn || last?.timestamp !== lastCommitted?.timestamp;
    const symbols = this.metadata.columns.filter((column) => column.type === ColumnType.SYMBOL);
    return {
      ...txn,
      symbolCounts: symbols.map((column) =>
        this.#symbols.get(column.writerIndex)?.count ?? this.#symbolCount(column.writerIndex)
      ),
      ...this.#staged,
      ...rowCounts(partitions),
      partitionTableVersion: txn.partitionTableVersion + (isTableChanged ? 1 : 0),
      columnVersion,
      seqTxn,
      lagRowCount: 0,
      lagTxnCount: 0,
      partitions,
    };
  }

  /**
   * Makes what was written so far durable, many files at a time and off the calling thread; a commit with `sync` has little left to do
   * then. Nothing may be written meanwhile.
   */
  async syncAhead(): Promise<void> {
    const { fs } = this.context;
    for (const map of this.#symbols.values()) {
      for (const path of map.flush(false)) this.#touched.add(path);
    }
    const files: string[] = [], directories: string[] = [];
    for (const path of this.#touched) {
      const info = fs.stat(path);
      if (info !== null) (info.isDirectory ? directories : files).push(path);
    }
    for (let i = 0; i < files.length; i += SYNCED_AT_ONCE) {
      await Promise.all(
        files.slice(i, i + SYNCED_AT_ONCE).map(async (path) => {
          using file = fs.open(path, "readWrite");
          await file.syncDataAsync();
        }),
      );
    }
    for (const path of directories) fs.syncDir(path);
    this.#touched.clear();
  }

  /** The committed state, for whoever makes it durable. */
  get image(): TableImage {
    const { metadata, txn, versions } = this.#committed;
    return encodeTableImage({ metadata, txn, versions });
  }

  /** Leaves it to somebody else to make durable what was committed so far: {@linkcode image} tells it. */
  handOver(): void {
    this.#touched.clear();
  }

  /** Makes what was {@linkcode touch}ed durable. */
  syncTouched(): void {
    const { fs } = this.context;
    for (const path of this.#touched) syncPath(fs, path);
    this.#touched.clear();
  }

  #readCommitted(): TableReader {
    return this.#readerOver(readCommittedState(this.context.fs, this.context.tableDir));
  }

  #readerOver(state: Parameters<typeof TableReader.over>[1]): TableReader {
    return TableReader.over(this.context, state, (writerIndex) => this.symbolMap(writerIndex));
  }

  #closeView(): void {
    if (this.#view !== this.#committed) this.#view.close();
  }

  #reset(committed: TableReader): void {
    this.#closeView();
    this.#committed.close();
    this.#committed = this.#view = committed;
    this.#staged = {};
    this.#created.clear();
    this.#dedupedRowCount = this.#readOnlyRowCount = 0;
  }
}

function rowCounts(
  partitions: readonly PartitionRecord[],
): { transientRowCount: number; fixedRowCount: number } {
  const transientRowCount = partitions.at(-1)?.rowCount ?? 0;
  const total = partitions.reduce((sum, partition) => sum + partition.rowCount, 0);
  return { transientRowCount, fixedRowCount: total - transientRowCount };
}

/** Makes a file or directory durable; one that was purged in the meantime needs nothing. */
export function syncPath(fs: StorageContext["fs"], path: string): void {
  const info = fs.stat(path);
  if (info === null) return;
  if (info.isDirectory) return fs.syncDir(path);
  using file = fs.open(path, "readWrite");
  file.syncData();
}

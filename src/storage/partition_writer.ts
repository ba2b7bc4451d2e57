/**
 * Writes rows into partition directories: behind the rows that are there where the new ones are later, else merged with them into a new
 * version of the directory. Nothing of it is visible before `_txn` names it.
 *
 * @module
 */
import { assert, PartitionBy, StorageError, TableError } from "../common/mod.ts";
import { Arena } from "../wasm/mod.ts";
import {
  fixedRowBytes,
  partitionPath,
  type PartitionScheme,
  partitionScheme,
} from "./column_files.ts";
import { type ColumnVersionEntry, withEntries } from "./column_versions.ts";
import { DedupKeys, upsertKeys } from "./dedup_keys.ts";
import { MergeOrders } from "./merge_order.ts";
import { isMixed, type MergeInput, type MergeRange, planMerge, planReplace } from "./merge_plan.ts";
import {
  exposedEntries,
  type PartitionPiece,
  planPieces,
  withRangePieces,
} from "./partition_plan.ts";
import { PieceColumnWriter, type PieceJob } from "./piece_columns.ts";
import { PickedRows, type RowSource, type WriteOptions } from "./row_source.ts";
import type { StorageContext, TableReader } from "./table_reader.ts";
import { isParquet, isReadOnly, type PartitionRecord } from "./txn.ts";
import { isUnchanged } from "./unchanged_rows.ts";

/** What rows are written over. */
export interface WriteTarget {
  /** The committed state, and what the open transaction has written so far. */
  readonly reader: TableReader;
  /** Partitions of the last committed transaction. */
  readonly committed: readonly PartitionRecord[];
  /** Takes the paths of the files and directories that are written. */
  readonly touched: Set<string>;
  /** Absolute paths of partition directories that the open transaction has made; takes new ones. */
  readonly created: Set<string>;
  /** Bytes of rows before the new ones from which on they are split off and left where they are. */
  readonly splitMinBytes: number;
}

/** What writing changed, to be committed. */
export interface WrittenRows {
  /** All partitions, ascending. */
  readonly partitions: readonly PartitionRecord[];
  /** All entries of `_cv`, or `null` if they stay. */
  readonly versions: readonly ColumnVersionEntry[] | null;
  /** Rows that deduplication took out, of the source and of the table. */
  readonly dedupedRowCount: number;
  /** Rows that were given up, since their partition must not be written. */
  readonly readOnlyRowCount: number;
}

/** How rows are written. */
interface Method {
  readonly keys: DedupKeys | null;
  readonly range: WriteOptions["replaceRange"];
  readonly keepsTails: boolean;
}

/** The implicit partition of a table that has none. */
const NO_PARTITION: PartitionRecord = {
  timestamp: 0n,
  rowCount: 0,
  nameTxn: -1,
  flags: 0n,
  parquetFileSize: -1,
};

/** Writes the rows of one source. */
export class PartitionWriter {
  readonly #context: StorageContext;
  readonly #target: WriteTarget;
  readonly #scheme: PartitionScheme;
  readonly #jobs: PieceJob[] = [];
  /** Entries that keep only their first rows: the others go to an entry of their own. */
  readonly #prefixes: PartitionRecord[] = [];
  /** Entries that lose all their rows. */
  readonly #removed = new Set<bigint>();
  /** Directories that take the place of ones that the open transaction has made: from, to. */
  readonly #renames: [string, string][] = [];
  /** Rows that deduplication took out of partitions that stay. */
  #unchangedRowCount = 0;
  #readOnlyRowCount = 0;

  constructor(context: StorageContext, target: WriteTarget) {
    this.#context = context;
    this.#target = target;
    this.#scheme = partitionScheme(target.reader.metadata);
  }

  /** Writes the rows of a source. @throws {TableError} if a partition cannot take them. */
  write(source: RowSource, options: WriteOptions): WrittenRows {
    const { core } = this.#context;
    const range = options.replaceRange;
    const isDeduplicated = range === undefined && (options.isDeduplicated ?? true);
    const columns = isDeduplicated ? upsertKeys(this.#target.reader.metadata) : null;
    const keepsTails = options.keepsTails ?? false;
    if (columns === null) return this.#writeRows(source, { keys: null, range, keepsTails });
    using keys = new DedupKeys(core, columns);
    using arena = new Arena(core.memory);
    const picked = keys.pick(source, arena);
    try {
      const written = this.#writeRows(picked, { keys, range, keepsTails });
      const dedupedRowCount = written.dedupedRowCount + source.rowCount - picked.rowCount;
      return { ...written, dedupedRowCount };
    } finally {
      keys.unload();
      if (picked instanceof PickedRows) picked[Symbol.dispose]();
    }
  }

  #writeRows(source: RowSource, method: Method): WrittenRows {
    const { reader, touched } = this.#target;
    try {
      this.#planJobs(source, method);
      const columns = new PieceColumnWriter(this.#context, { reader, touched });
      for (const column of reader.metadata.columns) {
        if (column.type < 0) columns.passOver(column, this.#jobs);
      }
      for (const column of reader.metadata.liveColumns) {
        const { writerIndex } = column;
        const key = method.keys?.loaded(writerIndex);
        columns.write(column, key ?? source.column(writerIndex), this.#jobs);
        if (key === undefined) source.release(writerIndex);
      }
      this.#renameDirectories();
      return this.#result(columns.versions);
    } finally {
      for (const job of this.#jobs) job.orders?.[Symbol.dispose]();
    }
  }

  #result(entries: readonly ColumnVersionEntry[]): WrittenRows {
    const { txn, versions } = this.#target.reader;
    const removed = this.#removed;
    const kept = txn.partitions.filter((partition) => !removed.has(partition.timestamp));
    const changed = [...this.#prefixes, ...this.#jobs.map((job) => job.record)]
      .sort((a, b) => a.timestamp < b.timestamp ? -1 : 1);
    const partitions = mergePartitions(kept, changed);
    const isChanged = entries.length > 0 ||
      versions.entries.some((entry) => removed.has(entry.timestamp));
    const remaining = withEntries(versions, entries).entries
      .filter((entry) => !removed.has(entry.timestamp));
    const dedupedRowCount = this.#jobs.reduce(
      (sum, job) => sum + (job.orders?.droppedRowCount ?? 0),
      this.#unchangedRowCount,
    );
    return {
      partitions,
      versions: isChanged ? remaining : null,
      dedupedRowCount,
      readOnlyRowCount: this.#readOnlyRowCount,
    };
  }

  #planJobs(source: RowSource, method: Method): void {
    const { partitions } = this.#target.reader.txn;
    if (this.#scheme.partitionBy === PartitionBy.NONE) {
      assert(method.range === undefined, "a range is replaced in partitions");
      this.#openDefault(source);
      return;
    }
    const table = { scheme: this.#scheme, partitions };
    const cut = planPieces(this.#context.core, source, table);
    const pieces = method.range === undefined ? cut : withRangePieces(cut, method.range, table);
    for (const piece of pieces) this.#openPiece(piece, source, method);
    const written = new Set(this.#jobs.map((job) => job.existing));
    for (const existing of exposedEntries(this.#scheme, partitions, this.#removed)) {
      if (written.has(existing)) continue;
      const ranges = [wholeOf(existing, 0)];
      this.#rewrite(existing, { ranges, source, method });
    }
  }

  /** The one directory of a table without partitions only grows. */
  #openDefault(source: RowSource): void {
    const { fs, tableDir, core } = this.#context;
    const { metadata, txn } = this.#target.reader;
    const existing = txn.partitions.at(0) ?? null;
    if (metadata.timestampIndex >= 0) {
      const first = core.memory.i64[source.timestamps / 8];
      if (first < txn.maxTimestamp) {
        throw new TableError(
          `cannot insert rows out of order to non-partitioned table. Table=${tableDir}`,
        );
      }
    }
    const directory = `${tableDir}/${partitionPath(this.#scheme, NO_PARTITION)}`;
    if (fs.stat(directory) === null) {
      fs.mkdir(directory);
      this.#target.touched.add(tableDir);
    }
    this.#target.touched.add(directory);
    this.#append(existing ?? NO_PARTITION, directory, { rowLo: 0, rowHi: source.rowCount });
  }

  /** Decides how a piece is written, and makes the directory of a new or rewritten partition. */
  #openPiece(piece: PartitionPiece, source: RowSource, method: Method): void {
    const { tableDir } = this.#context;
    const { existing } = piece;
    if (existing === null) return this.#create(piece);
    const path = partitionPath(this.#scheme, existing);
    if (isReadOnly(existing)) {
      // As in QuestDB the rows are given up, and those of other partitions are written.
      this.#readOnlyRowCount += piece.rowHi - piece.rowLo;
      return;
    }
    const input = this.#mergeInput(existing, piece, source);
    const ranges = this.#planRanges(piece, input, method);
    if (ranges === null) return;
    if (isParquet(existing)) {
      throw new StorageError(`${tableDir}/${path}`, "parquet partitions are not supported yet");
    }
    if (ranges.length === 0) this.#removed.add(existing.timestamp);
    else if (!isBehind(ranges, existing)) {
      this.#rewrite(existing, { ranges, source, method });
    } else if ((piece.isFollowed || method.keepsTails) && existing.rowCount > 0) {
      // What lies behind the rows of an entry that was split is still read by those who have it open from before.
      const kept = wholeOf(existing, piece.rowLo);
      this.#rewrite(existing, { ranges: [kept, ...ranges], source, method });
    } else this.#append(existing, `${tableDir}/${path}`, piece);
  }

  /** What the partition will be made of; just the new rows if they go behind the others, `null` if nothing changes. */
  #planRanges(piece: PartitionPiece, input: MergeInput, method: Method): MergeRange[] | null {
    const { rowLo, rowHi } = piece;
    const rows = input.oldRowCount;
    const behind = { oldLo: rows, oldHi: rows, newLo: rowLo, newHi: rowHi };
    if (method.range !== undefined) {
      const ranges = planReplace(input, method.range);
      const kept = ranges.reduce((sum, one) => sum + one.oldHi - one.oldLo, 0);
      if (kept < rows) return ranges;
      if (rowHi === rowLo) return null;
      const isLast = ranges[ranges.length - 1].newHi > ranges[ranges.length - 1].newLo;
      return isLast ? [behind] : ranges;
    }
    if (rows === 0) return [behind];
    const first = this.#context.core.memory.i64[input.timestamps / 8 + rowLo];
    const last = input.timestampAt(rows - 1);
    const isLater = first > last || (first === last && method.keys === null);
    return isLater ? [behind] : planMerge(input, method.keys !== null);
  }

  #create(piece: PartitionPiece): void {
    const { rowLo, rowHi, timestamp } = piece;
    const { txn } = this.#target.reader.txn;
    // If the open transaction has removed the partition, the usual name may be that of its committed directory.
    const isRemade = this.#target.committed.some((one) => one.timestamp === timestamp);
    const nameTxn = isRemade ? txn : txn - 1;
    const record = { ...NO_PARTITION, timestamp, rowCount: rowHi - rowLo, nameTxn };
    this.#jobs.push({
      kind: "rewrite",
      existing: null,
      record,
      directory: this.#makeDirectory(record),
      ranges: [{ oldLo: 0, oldHi: 0, newLo: rowLo, newHi: rowHi }],
      orders: null,
    });
  }

  #append(
    existing: PartitionRecord,
    directory: string,
    rows: { rowLo: number; rowHi: number },
  ): void {
    const { fs } = this.#context;
    const { rowLo, rowHi } = rows;
    assert(fs.stat(directory) !== null, `the partition's directory exists: ${directory}`);
    const { rowCount } = existing;
    this.#jobs.push({
      kind: "append",
      existing,
      record: { ...existing, rowCount: rowCount + rowHi - rowLo },
      directory,
      ranges: [{ oldLo: rowCount, oldHi: rowCount, newLo: rowLo, newHi: rowHi }],
      orders: null,
    });
  }

  #rewrite(
    existing: PartitionRecord,
    work: { ranges: MergeRange[]; source: RowSource; method: Method },
  ): void {
    const { core } = this.#context;
    const { reader } = this.#target;
    const { source, method } = work;
    const prefixCount = this.#prefixes.length;
    const { ranges, timestamp } = this.#splitOff(existing, work);
    method.keys?.load(source);
    const orders = new MergeOrders({
      core,
      reader,
      partition: this.#partitionIndex(existing),
      timestamps: source.timestamps,
      keys: method.keys,
    }, ranges);
    if (this.#isNothingNew(existing, { ...work, orders })) {
      this.#prefixes.length = prefixCount;
      return;
    }
    const record = {
      ...NO_PARTITION,
      timestamp,
      rowCount: orders.rowCount,
      nameTxn: reader.txn.txn,
    };
    const job: PieceJob = {
      kind: "rewrite",
      existing,
      record,
      directory: "",
      ranges,
      orders,
    };
    this.#jobs.push(job);
    this.#jobs[this.#jobs.length - 1] = { ...job, directory: this.#makeDirectory(record) };
  }

  /** True if deduplication leaves the partition as it is. Disposes of the orders if so. */
  #isNothingNew(
    existing: PartitionRecord,
    work: { source: RowSource; method: Method; orders: MergeOrders },
  ): boolean {
    const { core } = this.#context;
    const { reader } = this.#target;
    const { source, orders } = work;
    const { keys } = work.method;
    const { ranges } = orders;
    const isReplaced = ranges.some(isMixed) && ranges.every((range) => range.oldHi > range.oldLo);
    if (keys === null || !isReplaced) return false;
    const partition = this.#partitionIndex(existing);
    let isSame: boolean;
    try {
      isSame = isUnchanged({ core, reader, partition, source, keys, orders });
    } catch (error) {
      orders[Symbol.dispose](); // no job has them yet
      throw error;
    }
    if (!isSame) return false;
    this.#unchangedRowCount += orders.droppedRowCount;
    orders[Symbol.dispose]();
    return true;
  }

  /**
   * Splits an entry if many rows before the new ones would have to be copied: they stay in their directory, which keeps fewer rows; the
   * others make an entry right behind them. Returns what that is made of.
   */
  #splitOff(
    existing: PartitionRecord,
    work: { ranges: MergeRange[]; source: RowSource; method: Method },
  ): { ranges: MergeRange[]; timestamp: bigint } {
    const { ranges, source, method } = work;
    const { timestamp } = existing;
    const { reader, splitMinBytes } = this.#target;
    const [head] = ranges;
    const newRows = ranges[ranges.length - 1].newHi - head.newLo;
    const isPlain = head.newHi === head.newLo && newRows > 0;
    if (!isPlain || method.range !== undefined || method.keepsTails) return { ranges, timestamp };
    const first = this.#context.core.memory.i64[source.timestamps / 8 + head.newLo];
    const kept = reader.lowerBound(this.#partitionIndex(existing), first);
    const isWorthIt = kept > existing.rowCount - kept + newRows &&
      kept * fixedRowBytes(reader.metadata) >= splitMinBytes;
    if (!isWorthIt) return { ranges, timestamp };
    this.#prefixes.push({ ...existing, rowCount: kept });
    const rest = { ...head, oldLo: kept };
    return {
      ranges: rest.oldHi > kept ? [rest, ...ranges.slice(1)] : ranges.slice(1),
      timestamp: this.#timestampAt(existing, kept - 1) + 1n,
    };
  }

  #mergeInput(existing: PartitionRecord, piece: PartitionPiece, source: RowSource): MergeInput {
    const { reader } = this.#target;
    return {
      core: this.#context.core,
      oldRowCount: existing.rowCount,
      timestampAt: (row) => this.#timestampAt(existing, row),
      lowerBound: (timestamp) =>
        existing.rowCount === 0 ? 0 : reader.lowerBound(this.#partitionIndex(existing), timestamp),
      timestamps: source.timestamps,
      newLo: piece.rowLo,
      newHi: piece.rowHi,
    };
  }

  #partitionIndex(partition: PartitionRecord): number {
    const { partitions } = this.#target.reader;
    return partitions.findIndex((info) => info.timestamp === partition.timestamp);
  }

  #timestampAt(partition: PartitionRecord, row: number): bigint {
    const { core } = this.#context;
    const { reader } = this.#target;
    using arena = new Arena(core.memory);
    const range = { rowLo: row, rowHi: row + 1 };
    const { timestampIndex } = reader.metadata;
    const index = this.#partitionIndex(partition);
    return core.memory.i64[reader.readColumn(index, timestampIndex, range, arena).data / 8];
  }

  /** Makes the directory that a partition is written to; another one, for now, if the open transaction has made it before. */
  #makeDirectory(record: PartitionRecord): string {
    const { fs, tableDir } = this.#context;
    const { touched, created } = this.#target;
    const path = `${tableDir}/${partitionPath(this.#scheme, record)}`;
    let directory = path;
    if (created.has(path)) {
      const later = { ...record, nameTxn: record.nameTxn + 1 };
      directory = `${tableDir}/${partitionPath(this.#scheme, later)}`;
      this.#renames.push([directory, path]);
    } else created.add(path);
    // Only a transaction that never committed can have left this name: no committed state refers to it.
    fs.removeTree(directory);
    fs.mkdir(directory);
    touched.add(tableDir).add(directory);
    return directory;
  }

  #renameDirectories(): void {
    const { fs } = this.#context;
    const { touched } = this.#target;
    for (const [from, to] of this.#renames) {
      fs.removeTree(to);
      fs.rename(from, to);
      for (const path of [...touched]) {
        if (path !== from && !path.startsWith(`${from}/`)) continue;
        touched.delete(path);
        touched.add(to + path.slice(from.length));
      }
    }
  }
}

/** All rows that an entry has. @param newRow Row of the source before which they go. */
function wholeOf(existing: PartitionRecord, newRow: number): MergeRange {
  return { oldLo: 0, oldHi: existing.rowCount, newLo: newRow, newHi: newRow };
}

/** Whether the ranges are new rows behind those of a partition. */
function isBehind(ranges: readonly MergeRange[], existing: PartitionRecord): boolean {
  return ranges.length === 1 && ranges[0].oldLo === ranges[0].oldHi &&
    ranges[0].oldLo === existing.rowCount;
}

/** Puts changed partitions in the place of what they were, new ones between the others; both lists are in order. */
function mergePartitions(
  partitions: readonly PartitionRecord[],
  changed: readonly PartitionRecord[],
): PartitionRecord[] {
  const merged: PartitionRecord[] = [];
  let next = 0;
  for (const partition of partitions) {
    while (next < changed.length && changed[next].timestamp < partition.timestamp) {
      merged.push(changed[next++]);
    }
    const isChanged = next < changed.length && changed[next].timestamp === partition.timestamp;
    merged.push(isChanged ? changed[next++] : partition);
  }
  return [...merged, ...changed.slice(next)];
}

/**
 * The rows of an apply step, a column at a time: read from the segments, put in timestamp order, symbols as table keys.
 *
 * Invariants:
 * 1. At most one column is in memory besides the timestamps and the order.
 * 2. Everything read from a segment is checked against what the events say before it is used.
 *
 * @module
 */
import { assert, ColumnType, StorageError } from "../common/mod.ts";
import {
  type ColumnMetadata,
  gatherRows,
  type RowSource,
  type SymbolMapWriter,
  type TableWriter,
} from "../storage/mod.ts";
import type { SymbolDiff } from "./wal_event.ts";
import { Arena, fixedVector, type TaskContext, type Vector } from "../wasm/mod.ts";
import type { DataStep, TxnSlice } from "./apply_plan.ts";
import { readSegmentColumn, readSegmentTimestamps, type SegmentSource } from "./segment_columns.ts";

const PAIR_BYTES = 16;
/** Extra bytes that the sort kernel needs for its counters. */
const SORT_COUNTER_BYTES = 8192;

/** See the module's description. */
export class StepRows implements RowSource, Disposable {
  readonly rowCount: number;
  readonly timestamps: number;
  readonly minTimestamp: bigint;
  readonly maxTimestamp: bigint;
  readonly #isPart: boolean;
  readonly #context: TaskContext;
  readonly #step: DataStep;
  readonly #writer: TableWriter;
  readonly #arena: Arena;
  /** Pointer to the uint32 row of the step for each row in order; 0 if the rows are in order already. */
  readonly #order: number;
  readonly #columns = new Map<number, Arena>();

  /**
   * @param step At least one row. Of a part of a step, the timestamps are bounds.
   * @throws {StorageError} if the timestamps are not what the events say.
   */
  constructor(
    context: TaskContext,
    step: DataStep,
    options: { writer: TableWriter; isPart: boolean },
  ) {
    this.#context = context;
    this.#step = step;
    this.#writer = options.writer;
    this.#isPart = options.isPart;
    this.rowCount = step.rowCount;
    this.#arena = new Arena(context.core.memory);
    try {
      const sorted = this.#readTimestamps();
      this.timestamps = sorted.timestamps;
      const { i64 } = context.core.memory;
      this.minTimestamp = i64[this.timestamps / 8];
      this.maxTimestamp = i64[this.timestamps / 8 + this.rowCount - 1];
      this.#checkRange();
      this.#order = sorted.order;
    } catch (error) {
      this.#arena.release();
      throw error;
    }
  }

  column(writerIndex: number): Vector | null {
    const { metadata } = this.#writer;
    const column = metadata.columns[writerIndex];
    if (writerIndex === metadata.timestampIndex) return fixedVector(column.type, this.timestamps);
    const arena = new Arena(this.#context.core.memory);
    this.#columns.set(writerIndex, arena);
    const vector = readSegmentColumn(this.#source(), column, arena);
    if (column.type !== ColumnType.SYMBOL) return this.#inOrder(vector, arena);
    this.#mapSymbols(column, vector.data);
    return this.#inOrder({ ...vector, symbols: this.#writer.symbolMap(writerIndex) }, arena);
  }

  release(writerIndex: number): void {
    this.#columns.get(writerIndex)?.release();
    this.#columns.delete(writerIndex);
  }

  [Symbol.dispose](): void {
    for (const arena of this.#columns.values()) arena.release();
    this.#columns.clear();
    this.#arena.release();
  }

  #source(): SegmentSource {
    const { fs, core } = this.#context;
    return { fs, core, runs: this.#step.runs };
  }

  #readTimestamps(): { timestamps: number; order: number } {
    const { memory, kernels } = this.#context.core;
    const { rowCount } = this;
    const column = this.#writer.metadata.columns[this.#writer.metadata.timestampIndex];
    using arena = new Arena(memory);
    const pairs = arena.alloc(PAIR_BYTES * rowCount);
    readSegmentTimestamps(this.#source(), column, pairs);
    const timestamps = this.#arena.alloc(8 * rowCount);
    if (kernels.isSortedPairs(pairs, rowCount) === 1) {
      kernels.splitPairs(pairs, rowCount, 0, timestamps, 0);
      return { timestamps, order: 0 };
    }
    // The row numbers of the segments make way for row numbers of the step.
    kernels.splitPairs(pairs, rowCount, 0, timestamps, 0);
    kernels.joinPairs(timestamps, rowCount, 0, pairs);
    kernels.sortPairs(
      pairs,
      arena.alloc(PAIR_BYTES * rowCount + SORT_COUNTER_BYTES),
      rowCount,
    );
    const order = this.#arena.alloc(4 * rowCount);
    kernels.splitPairs(pairs, rowCount, 0, timestamps, order);
    return { timestamps, order };
  }

  #checkRange(): void {
    const { minTimestamp: min, maxTimestamp: max } = this;
    const { minTimestamp: eventMin, maxTimestamp: eventMax } = this.#step;
    const isRight = this.#isPart
      ? min >= eventMin && max <= eventMax
      : min === eventMin && max === eventMax;
    if (isRight) return;
    const column = this.#writer.metadata.columns[this.#writer.metadata.timestampIndex];
    throw new StorageError(
      `${this.#step.runs[0].segmentDir}/${column.name}.d`,
      "timestamps do not match the events",
      { min, max, eventMin, eventMax },
    );
  }

  /** Turns the keys of each transaction into keys of the table, in place. */
  #mapSymbols(column: ColumnMetadata, data: number): void {
    const { memory, kernels } = this.#context.core;
    const table = this.#writer.symbolMap(column.writerIndex);
    const committedCount = table.count;
    for (const slice of this.#step.slices) {
      const diff = slice.symbols.find((one) => one.writerIndex === column.writerIndex);
      const clean = diff?.cleanCount ?? 0;
      const count = diff?.encoded === undefined
        ? diff?.texts.length ?? 0
        : diff.encoded.places.length / 2;
      if (diff?.hasNull) table.noteNull();
      const keys = data + 4 * slice.batchRow;
      this.#checkKeys(column, slice, {
        max: kernels.maxKeyI32(keys, slice.rowCount),
        clean,
        known: clean + count,
        committedCount,
      });
      if (count === 0) continue;
      using arena = new Arena(memory);
      const map = arena.alloc(4 * count);
      internTexts(table, diff!, memory.i32.subarray(map / 4, map / 4 + count));
      kernels.remapI32(keys, slice.rowCount, clean, map, keys);
    }
  }

  #checkKeys(
    column: ColumnMetadata,
    slice: TxnSlice,
    keys: { max: number; clean: number; known: number; committedCount: number },
  ): void {
    if (keys.max < keys.known && keys.clean <= keys.committedCount) return;
    const run = this.#step.runs.findLast((one) => one.batchRow <= slice.batchRow);
    assert(run !== undefined, "a transaction lies in a run");
    throw new StorageError(
      `${run.segmentDir}/${column.name}.d`,
      "symbol keys do not match the event",
      { seqTxn: slice.seqTxn, ...keys },
    );
  }

  /** Values in timestamp order. */
  #inOrder(vector: Vector, arena: Arena): Vector {
    if (this.#order === 0) return vector;
    const picked = { vector, rows: this.#order, rowCount: this.rowCount };
    return gatherRows(this.#context.core, picked, arena);
  }
}

/** Writes the table's keys of a transaction's new texts. */
function internTexts(table: SymbolMapWriter, diff: SymbolDiff, keys: Int32Array): void {
  const { encoded } = diff;
  if (encoded === undefined) {
    for (const [i, text] of diff.texts.entries()) keys[i] = table.intern(text);
    return;
  }
  const { bytes, places } = encoded;
  for (let i = 0; i < keys.length; i++) {
    keys[i] = table.internUnits(bytes, places[2 * i], places[2 * i + 1]);
  }
}

/**
 * The rows of an apply step, a column at a time: read from the segments, put in timestamp order, symbols as table keys.
 *
 * Invariants:
 * 1. At most one column is in memory besides the timestamps and the order.
 * 2. Everything read from a segment is checked against what the events say before it is used.
 *
 * @module
 */
import { assert, ColumnType, fixedSize, StorageError } from "../common/mod.ts";
import {
  type ColumnMetadata,
  gatherRows,
  type RowSource,
  type TableWriter,
} from "../storage/mod.ts";
import { Arena, fixedVector, type TaskContext, type Vector } from "../wasm/mod.ts";
import type { DataStep, SegmentRun, TxnSlice } from "./apply_plan.ts";
import { openSegmentFile } from "./segment_events.ts";

const PAIR_BYTES = 16;
const AUX_ENTRY_BYTES = 16;
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
    writer: TableWriter,
    options: { isPart: boolean } = { isPart: false },
  ) {
    this.#context = context;
    this.#step = step;
    this.#writer = writer;
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
    if (column.type === ColumnType.VARCHAR) return this.#readVarchar(column, arena);
    const data = this.#readFixed(column, arena);
    if (column.type === ColumnType.SYMBOL) this.#mapSymbols(column, data);
    const symbols = column.type === ColumnType.SYMBOL ? this.#writer.symbolMap(writerIndex) : null;
    return this.#inOrder(fixedVector(column.type, data, symbols), arena);
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

  #readTimestamps(): { timestamps: number; order: number } {
    const { memory, kernels } = this.#context.core;
    const { rowCount } = this;
    const column = this.#writer.metadata.columns[this.#writer.metadata.timestampIndex];
    using arena = new Arena(memory);
    const pairs = arena.alloc(PAIR_BYTES * rowCount);
    for (const run of this.#step.runs) {
      const at = pairs + PAIR_BYTES * run.batchRow;
      const path = `${run.segmentDir}/${column.name}.d`;
      this.#read(path, { pointer: at, width: PAIR_BYTES, run });
      checkRowNumbers(memory.i64, at, { path, run });
    }
    const timestamps = this.#arena.alloc(8 * rowCount);
    if (kernels.isSortedPairs(pairs, rowCount) === 1) {
      kernels.splitPairs(pairs, rowCount, 0, timestamps, 0);
      return { timestamps, order: 0 };
    }
    // The row numbers of the segments make way for row numbers of the step.
    kernels.splitPairs(pairs, rowCount, 0, timestamps, 0);
    kernels.joinPairs(timestamps, rowCount, 0, pairs);
    kernels.radixSortPairs(
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

  #readFixed(column: ColumnMetadata, arena: Arena): number {
    const width = fixedSize(column.type);
    const data = arena.alloc(width * this.rowCount);
    for (const run of this.#step.runs) {
      const pointer = data + width * run.batchRow;
      this.#read(`${run.segmentDir}/${column.name}.d`, { pointer, width, run });
    }
    return data;
  }

  #read(path: string, target: { pointer: number; width: number; run: SegmentRun }): void {
    const { pointer, width, run } = target;
    using file = openSegmentFile(this.#context.fs, path);
    const size = width * run.rowCount;
    const count = file.read(
      this.#context.core.memory.bytes(pointer, size),
      width * run.startRow,
    );
    if (count < size) {
      throw new StorageError(path, "file is shorter than its committed rows", {
        rows: run.startRow + run.rowCount,
      });
    }
  }

  /** Turns the keys of each transaction into keys of the table, in place. */
  #mapSymbols(column: ColumnMetadata, data: number): void {
    const { memory, kernels } = this.#context.core;
    const table = this.#writer.symbolMap(column.writerIndex);
    const committedCount = table.count;
    for (const slice of this.#step.slices) {
      const diff = slice.symbols.find((one) => one.writerIndex === column.writerIndex);
      const clean = diff?.cleanCount ?? 0;
      const texts = diff?.texts ?? [];
      if (diff?.hasNull) table.noteNull();
      const keys = data + 4 * slice.batchRow;
      this.#checkKeys(column, slice, {
        max: kernels.maxKeyI32(keys, slice.rowCount),
        clean,
        known: clean + texts.length,
        committedCount,
      });
      if (texts.length === 0) continue;
      using arena = new Arena(memory);
      const map = arena.alloc(4 * texts.length);
      for (const [i, text] of texts.entries()) memory.i32[map / 4 + i] = table.intern(text);
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
    const picked = { rows: this.#order, rowCount: this.rowCount };
    return gatherRows(this.#context.core, vector, picked, arena);
  }

  #readVarchar(column: ColumnMetadata, arena: Arena): Vector {
    const parts = this.#step.runs.map((run) => this.#readVarcharRun(column, run, arena));
    const vector = parts.length === 1 ? parts[0].vector : this.#joinVarchar(column, parts, arena);
    return this.#inOrder(vector, arena);
  }

  #readVarcharRun(column: ColumnMetadata, run: SegmentRun, arena: Arena): VarcharPart {
    const { memory, kernels } = this.#context.core;
    const auxPath = `${run.segmentDir}/${column.name}.i`;
    const data = arena.alloc(AUX_ENTRY_BYTES * run.rowCount);
    this.#read(auxPath, { pointer: data, width: AUX_ENTRY_BYTES, run });
    const low = kernels.varcharOffset(data);
    const high = kernels.varcharEnd(data + AUX_ENTRY_BYTES * (run.rowCount - 1));
    const bad = high < low ? 0 : kernels.varcharValidate(data, run.rowCount, low, high);
    if (bad >= 0) {
      throw new StorageError(auxPath, "invalid entry", { row: run.startRow + bad });
    }
    const heapBytes = high - low;
    let heap = 0;
    if (heapBytes > 0) {
      using file = openSegmentFile(this.#context.fs, `${run.segmentDir}/${column.name}.d`);
      if (high > file.size()) {
        throw new StorageError(auxPath, "entries point outside the data file", { high });
      }
      heap = arena.alloc(heapBytes);
      file.read(memory.bytes(heap, heapBytes), low);
    }
    const vector = { type: column.type, data, heap, heapBytes, heapOffset: low, symbols: null };
    return { vector, rowCount: run.rowCount };
  }

  #joinVarchar(column: ColumnMetadata, parts: readonly VarcharPart[], arena: Arena): Vector {
    const { kernels } = this.#context.core;
    const heapBytes = parts.reduce((sum, part) => sum + part.vector.heapBytes, 0);
    const data = arena.alloc(AUX_ENTRY_BYTES * this.rowCount);
    const heap = arena.alloc(heapBytes);
    let row = 0, end = 0;
    for (const { vector, rowCount } of parts) {
      end += kernels.varcharCopy(
        vector.data,
        vector.heap,
        vector.heapOffset,
        rowCount,
        data + AUX_ENTRY_BYTES * row,
        heap + end,
        end,
      );
      row += rowCount;
    }
    return { type: column.type, data, heap, heapBytes: end, heapOffset: 0, symbols: null };
  }
}

interface VarcharPart {
  readonly vector: Vector;
  readonly rowCount: number;
}

/** A run's first and last pair must carry their own row numbers; lost pages read as zeros. */
function checkRowNumbers(
  i64: BigInt64Array,
  pairs: number,
  of: { path: string; run: SegmentRun },
): void {
  const { run, path } = of;
  for (const i of [0, run.rowCount - 1]) {
    const row = i64[(pairs + PAIR_BYTES * i) / 8 + 1];
    if (row !== BigInt(run.startRow + i)) {
      throw new StorageError(path, "row number does not match its place", {
        row: run.startRow + i,
        stored: row,
      });
    }
  }
}

/**
 * LIMIT: a range of rows counted from the start, the last rows, and rows turned around.
 *
 * @module
 */
import { type Batch, BATCH_ROWS, type Vector } from "../../wasm/mod.ts";
import { vectorStride } from "../functions/mod.ts";
import { GrowableBuffer, type QueryMemory } from "./query_memory.ts";
import type { CursorColumn, ExecutionContext, RowCursor } from "./row_cursor.ts";
import { RowStore } from "./row_store.ts";

/** Rows `low` … `high` − 1 of a batch, without copying. */
export function sliceBatch(batch: Batch, low: number, high: number): Batch {
  if (low === 0 && high === batch.rowCount) return batch;
  const vectors = batch.vectors.map((vector) => ({
    ...vector,
    data: vector.data + low * vectorStride(vector.type),
  }));
  return { rowCount: high - low, vectors };
}

/** Passes rows `low` … `high` − 1 of its source on and stops reading behind them. */
export class LimitCursor implements RowCursor {
  readonly columns: readonly CursorColumn[];
  readonly timestampIndex: number;
  readonly #source: RowCursor;
  readonly #low: number;
  readonly #high: number;
  #position = 0;

  constructor(source: RowCursor, low: number, high: number) {
    this.#source = source;
    this.#low = low;
    this.#high = high;
    this.columns = source.columns;
    this.timestampIndex = source.timestampIndex;
  }
  async next(): Promise<Batch | null> {
    while (this.#position < this.#high) {
      const batch = await this.#source.next();
      if (batch === null) return null;
      const start = this.#position;
      this.#position += batch.rowCount;
      const low = Math.max(0, this.#low - start);
      const high = Math.min(batch.rowCount, this.#high - start);
      if (low < high) return sliceBatch(batch, low, high);
    }
    return null;
  }
  close(): void {
    this.#source.close();
  }
}

/** How a {@linkcode TailCursor} reads. */
export interface TailOptions {
  readonly memory: QueryMemory;
  readonly execution: ExecutionContext;
  /** Rows from the `from`-th last … */
  readonly from: number;
  /** … to just before the `to`-th last (0: to the end). */
  readonly to: number;
  /** Leaves out so many rows at the start as well: `LIMIT m, -n`. */
  readonly skip: number;
  /** The source hands out batches from the end (see ScanCursor). */
  readonly isBackward: boolean;
}

/** The last rows of its source. A source that reads backwards is read no further than needed. */
export class TailCursor implements RowCursor {
  readonly columns: readonly CursorColumn[];
  readonly timestampIndex: number;
  readonly #source: RowCursor;
  readonly #options: TailOptions;
  readonly #store: RowStore;
  readonly #rows: GrowableBuffer;
  #order: number[] | null = null;
  #emitted = 0;

  constructor(source: RowCursor, options: TailOptions) {
    this.#source = source;
    this.#options = options;
    this.columns = source.columns;
    this.timestampIndex = source.timestampIndex;
    this.#store = new RowStore(options.memory, source.columns);
    this.#rows = new GrowableBuffer(options.memory, 4);
  }
  async next(): Promise<Batch | null> {
    this.#order ??= await (this.#options.isBackward ? this.#readBackward() : this.#readForward());
    const rowCount = Math.min(BATCH_ROWS, this.#order.length - this.#emitted);
    if (rowCount <= 0) return null;
    this.#rows.reserve(rowCount);
    const { i32 } = this.#options.memory.core.memory;
    for (let i = 0; i < rowCount; i++) {
      i32[(this.#rows.pointer >> 2) + i] = this.#order[this.#emitted + i];
    }
    this.#emitted += rowCount;
    return this.#store.pick(this.#rows.pointer, rowCount);
  }
  close(): void {
    this.#source.close();
  }

  /** Batches come last first: the store holds them in that order. */
  async #readBackward(): Promise<number[]> {
    const { from, to, execution } = this.#options;
    const pieces: { start: number; count: number }[] = [];
    let seen = 0;
    while (seen < from) {
      const batch = await this.#source.next();
      if (batch === null) break;
      const high = batch.rowCount - Math.min(batch.rowCount, Math.max(0, to - seen));
      const low = Math.max(0, batch.rowCount - (from - seen));
      if (low < high) {
        pieces.push({ start: this.#store.rowCount, count: high - low });
        this.#store.append(sliceBatch(batch, low, high));
      }
      seen += batch.rowCount;
      await execution.yieldIfDue();
    }
    return pieces.reverse().flatMap(({ start, count }) =>
      Array.from({ length: count }, (_, i) => start + i)
    );
  }
  /** Without a way back everything is read; the store keeps it. */
  async #readForward(): Promise<number[]> {
    const { from, to, skip, execution } = this.#options;
    while (true) {
      const batch = await this.#source.next();
      if (batch === null) break;
      this.#store.append(batch);
      await execution.yieldIfDue();
    }
    const total = this.#store.rowCount;
    const low = Math.max(skip, total - from), high = total - to;
    return Array.from({ length: Math.max(0, high - low) }, (_, i) => low + i);
  }
}

/** Turns the rows inside each batch around: with a backward scan, all rows come in descending order. */
export class ReverseCursor implements RowCursor {
  readonly columns: readonly CursorColumn[];
  readonly timestampIndex: number;
  readonly #source: RowCursor;
  readonly #memory: QueryMemory;
  readonly #rows: GrowableBuffer;
  readonly #buffers: readonly GrowableBuffer[];

  constructor(source: RowCursor, memory: QueryMemory) {
    this.#source = source;
    this.#memory = memory;
    this.columns = source.columns;
    this.timestampIndex = source.timestampIndex;
    this.#rows = new GrowableBuffer(memory, 4);
    this.#buffers = source.columns.map((column) =>
      new GrowableBuffer(memory, vectorStride(column.type))
    );
  }
  async next(): Promise<Batch | null> {
    const batch = await this.#source.next();
    if (batch === null) return null;
    const { rowCount } = batch;
    const { kernels } = this.#memory.core;
    this.#rows.reserve(rowCount);
    kernels.sequenceI32(rowCount - 1, -1, this.#rows.pointer, rowCount);
    const vectors = batch.vectors.map((vector, i): Vector => {
      this.#buffers[i].reserve(rowCount);
      const out = this.#buffers[i].pointer;
      kernels.gatherRows(vectorStride(vector.type), vector.data, this.#rows.pointer, out, rowCount);
      return { ...vector, data: out };
    });
    return { rowCount, vectors };
  }
  close(): void {
    this.#source.close();
  }
}

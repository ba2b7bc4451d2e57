/**
 * ORDER BY: all rows, or with a limit only as many as are asked for.
 *
 * With a limit, rows are kept in a store of bounded size; whenever it is full it is cut back to the best rows, and from then
 * on a row whose first key is beyond the worst of them is dropped before its other columns are even read.
 *
 * @module
 */
import { type Batch, BATCH_ROWS } from "../../wasm/mod.ts";
import type { VectorExpression } from "../functions/mod.ts";
import { vectorStride } from "../functions/mod.ts";
import { isLocalKey, SortKeyMaker, sortRows } from "./order.ts";
import { GrowableBuffer, type QueryMemory } from "./query_memory.ts";
import type { CursorColumn, ExecutionContext, RowCursor } from "./row_cursor.ts";
import { RowStore } from "./row_store.ts";

/** One ORDER BY key over the source's columns. */
export interface SortKey {
  readonly expression: VectorExpression;
  readonly isDescending: boolean;
}

/** How to sort. */
export interface SortOptions {
  readonly memory: QueryMemory;
  readonly execution: ExecutionContext;
  readonly keys: readonly SortKey[];
  /** Only so many rows are wanted; `null`: all. */
  readonly limit: number | null;
  readonly timestampIndex: number;
}

/** Rows kept beyond the limit before the store is cut back. */
const SLACK_ROWS = 4 * BATCH_ROWS;

/** See the module's description. */
export class SortCursor implements RowCursor {
  readonly columns: readonly CursorColumn[];
  readonly timestampIndex: number;
  readonly #source: RowCursor;
  readonly #options: SortOptions;
  readonly #keyMaker: SortKeyMaker;
  readonly #selected: GrowableBuffer;
  readonly #gathered: GrowableBuffer[];
  #store: RowStore;
  #bound: bigint | null = null;
  #order = 0;
  #orderCount = -1;
  #emitted = 0;

  constructor(source: RowCursor, options: SortOptions) {
    this.#source = source;
    this.#options = options;
    this.columns = source.columns;
    this.timestampIndex = options.timestampIndex;
    this.#keyMaker = new SortKeyMaker(options.memory);
    this.#selected = new GrowableBuffer(options.memory, 4);
    this.#gathered = this.#storedTypes().map((type) =>
      new GrowableBuffer(options.memory, vectorStride(type))
    );
    this.#store = this.#newStore();
  }

  async next(): Promise<Batch | null> {
    if (this.#orderCount < 0) await this.#consume();
    const rowCount = Math.min(BATCH_ROWS, this.#orderCount - this.#emitted);
    if (rowCount <= 0) return null;
    const batch = this.#store.pick(this.#order + 4 * this.#emitted, rowCount);
    this.#emitted += rowCount;
    return { rowCount, vectors: batch.vectors.slice(0, this.columns.length) };
  }
  close(): void {
    this.#source.close();
  }

  /** Source columns, then the keys that are not columns themselves. */
  #storedTypes(): number[] {
    return [
      ...this.columns.map((column) => column.type),
      ...this.#extraKeys().map((key) => key.expression.type),
    ];
  }
  #extraKeys(): SortKey[] {
    return this.#options.keys.filter((key) => key.expression.column === undefined);
  }
  /** Index of each key among the stored columns. */
  #keyColumns(): number[] {
    let next = this.columns.length;
    return this.#options.keys.map((key) => key.expression.column ?? next++);
  }
  #newStore(): RowStore {
    return new RowStore(this.#options.memory, this.#storedTypes().map((type) => ({ type })));
  }

  async #consume(): Promise<void> {
    const { limit, execution } = this.#options;
    while (true) {
      const batch = await this.#source.next();
      if (batch === null) break;
      this.#add(batch);
      if (limit !== null && this.#store.rowCount > limit + SLACK_ROWS) this.#cutBack(limit);
      await execution.yieldIfDue();
    }
    this.#sort();
    this.#orderCount = Math.min(this.#store.rowCount, limit ?? Infinity);
  }

  #add(batch: Batch): void {
    const { keys, memory } = this.#options;
    if (this.#bound === null) {
      const vectors = [
        ...batch.vectors,
        ...this.#extraKeys().map((key) => key.expression.evaluate(batch)),
      ];
      this.#store.append({ rowCount: batch.rowCount, vectors });
      return;
    }
    const [first] = keys;
    const values = this.#keyMaker.keys(first.expression.evaluate(batch), batch.rowCount);
    const descending = first.isDescending ? 1 : 0;
    this.#selected.reserve(batch.rowCount + 1);
    const rows = this.#selected.pointer;
    const { kernels } = memory.core;
    const count = kernels.selectWithin(values, descending, this.#bound, batch.rowCount, rows);
    if (count === 0) return;
    const extra = this.#extraKeys().map((key) => key.expression.evaluate(batch));
    const all = [...batch.vectors, ...extra];
    const vectors = all.map((vector, i) => {
      const buffer = this.#gathered[i];
      buffer.reserve(count);
      kernels.gatherRows(vectorStride(vector.type), vector.data, rows, buffer.pointer, count);
      return { ...vector, data: buffer.pointer };
    });
    this.#store.append({ rowCount: count, vectors });
  }

  #sort(): void {
    const { keys, memory } = this.#options;
    const columns = this.#keyColumns();
    if (this.#order !== 0) memory.free(this.#order);
    const order = keys.map((key, i) => ({
      vector: this.#store.column(columns[i]),
      isDescending: key.isDescending,
    }));
    this.#order = sortRows(memory, order, this.#store.rowCount);
  }

  /** Keeps the best rows only, and remembers the first key of the worst of them. */
  #cutBack(limit: number): void {
    const { keys, memory } = this.#options;
    this.#sort();
    const kept = this.#newStore();
    for (let low = 0; low < limit; low += BATCH_ROWS) {
      kept.append(this.#store.pick(this.#order + 4 * low, Math.min(BATCH_ROWS, limit - low)));
    }
    const [first] = keys;
    if (isLocalKey(first.expression.type) && limit > 0) {
      const values = this.#keyMaker.keys(kept.column(this.#keyColumns()[0]), limit);
      this.#bound = memory.core.memory.i64[(values >> 3) + limit - 1];
    }
    this.#store.close();
    this.#store = kept;
  }
}

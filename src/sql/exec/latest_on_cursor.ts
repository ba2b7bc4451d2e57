/**
 * LATEST ON: the last row of each key. Reads backwards and stops as soon as every symbol has been seen, if the key is a
 * single SYMBOL column without NULLs.
 *
 * @module
 */
import { ColumnType, typeTag } from "../../common/mod.ts";
import { type Batch, BATCH_ROWS, type SymbolTable } from "../../wasm/mod.ts";
import type { VectorExpression } from "../functions/mod.ts";
import { type KeyColumn, keyColumn, LongKeyTable } from "./key_table.ts";
import { GrowableBuffer, type QueryMemory } from "./query_memory.ts";
import type { CursorColumn, ExecutionContext, RowCursor } from "./row_cursor.ts";
import { RowStore } from "./row_store.ts";
import { vectorStride } from "../functions/mod.ts";

/** What to look for. */
export interface LatestOnOptions {
  readonly memory: QueryMemory;
  readonly execution: ExecutionContext;
  readonly keys: readonly VectorExpression[];
  /** The source hands out batches from the end. Otherwise it ascends and later rows replace earlier ones. */
  readonly isBackward: boolean;
}

/** A dictionary that knows whether the column holds NULLs. */
type NullAwareSymbols = SymbolTable & { readonly hasNull?: boolean };

/** See the module's description. */
export class LatestOnCursor implements RowCursor {
  readonly columns: readonly CursorColumn[];
  readonly timestampIndex: number;
  readonly #source: RowCursor;
  readonly #options: LatestOnOptions;
  readonly #keys: readonly KeyColumn[];
  readonly #stages: LongKeyTable[] = [];
  readonly #pairs: GrowableBuffer;
  readonly #ids: GrowableBuffer[] = [];
  readonly #rows: GrowableBuffer;
  readonly #gathered: readonly GrowableBuffer[];
  readonly #store: RowStore;
  readonly #seen = new Map<number, number>();
  #order: number[] | null = null;
  #emitted = 0;

  constructor(source: RowCursor, options: LatestOnOptions) {
    const { memory } = options;
    this.#source = source;
    this.#options = options;
    this.columns = source.columns;
    this.timestampIndex = source.timestampIndex;
    this.#keys = options.keys.map((key) => keyColumn(memory, key.type));
    this.#pairs = new GrowableBuffer(memory, 8);
    this.#rows = new GrowableBuffer(memory, 4);
    this.#gathered = source.columns.map((column) =>
      new GrowableBuffer(memory, vectorStride(column.type))
    );
    this.#store = new RowStore(memory, source.columns);
  }

  async next(): Promise<Batch | null> {
    this.#order ??= await this.#consume();
    const rowCount = Math.min(BATCH_ROWS, this.#order.length - this.#emitted);
    if (rowCount <= 0) return null;
    this.#putRows(this.#order.slice(this.#emitted, this.#emitted + rowCount));
    this.#emitted += rowCount;
    return this.#store.pick(this.#rows.pointer, rowCount);
  }
  close(): void {
    this.#source.close();
  }

  async #consume(): Promise<number[]> {
    const { execution } = this.#options;
    while (!this.#isComplete()) {
      const batch = await this.#source.next();
      if (batch === null) break;
      this.#add(batch);
      await execution.yieldIfDue();
    }
    const { memory } = this.#options;
    const rows = [...this.#seen.values()];
    const times = this.timestampIndex < 0 ? null : this.#store.column(this.timestampIndex);
    if (times === null) return rows;
    // Ties keep the table's order: backward reading stored later rows first.
    const timeOf = (row: number) => memory.core.memory.i64[(times.data >> 3) + row];
    const direction = this.#options.isBackward ? -1 : 1;
    return rows.sort((a, b) => {
      const x = timeOf(a), y = timeOf(b);
      return x < y ? -1 : x > y ? 1 : direction * (a - b);
    });
  }

  #isComplete(): boolean {
    const { keys, isBackward } = this.#options;
    if (!isBackward || keys.length !== 1 || typeTag(keys[0].type) !== ColumnType.SYMBOL) {
      return false;
    }
    const symbols = this.#symbols;
    return symbols !== null && symbols.count > 0 && symbols.hasNull === false &&
      this.#seen.size >= symbols.count;
  }
  #symbols: NullAwareSymbols | null = null;

  #add(batch: Batch): void {
    const { memory, isBackward, keys } = this.#options;
    const ids = this.#idsOf(batch);
    if (keys.length === 1 && typeTag(keys[0].type) === ColumnType.SYMBOL) {
      this.#symbols ??= keys[0].evaluate(batch).symbols;
    }
    const { i32 } = memory.core.memory;
    const found: number[] = [];
    if (isBackward) {
      for (let row = batch.rowCount - 1; row >= 0; row--) {
        const id = i32[(ids >> 2) + row];
        if (this.#seen.has(id)) continue;
        this.#seen.set(id, this.#store.rowCount + found.length);
        found.push(row);
        if (this.#isComplete()) break;
      }
    } else {
      const latest = new Map<number, number>();
      for (let row = 0; row < batch.rowCount; row++) latest.set(i32[(ids >> 2) + row], row);
      for (const [id, row] of latest) {
        this.#seen.set(id, this.#store.rowCount + found.length);
        found.push(row);
      }
    }
    if (found.length > 0) this.#keep(batch, found);
  }

  #keep(batch: Batch, found: readonly number[]): void {
    const { kernels } = this.#options.memory.core;
    this.#putRows(found);
    const vectors = batch.vectors.map((vector, i) => {
      const buffer = this.#gathered[i];
      buffer.reserve(found.length);
      const size = vectorStride(vector.type);
      kernels.gatherRows(size, vector.data, this.#rows.pointer, buffer.pointer, found.length);
      return { ...vector, data: buffer.pointer };
    });
    this.#store.append({ rowCount: found.length, vectors });
  }
  #putRows(rows: readonly number[]): void {
    this.#rows.reserve(rows.length);
    this.#options.memory.core.memory.i32.set(rows, this.#rows.pointer >> 2);
  }

  #idsOf(batch: Batch): number {
    const { keys, memory } = this.#options;
    let current = 0;
    for (const [i, key] of keys.entries()) {
      const own = this.#keys[i].ids(key.evaluate(batch), batch.rowCount);
      if (i === 0) {
        current = own;
        continue;
      }
      this.#pairs.reserve(batch.rowCount);
      memory.core.kernels.pairIds(current, own, this.#pairs.pointer, batch.rowCount);
      const out = this.#ids[i - 1] ??= new GrowableBuffer(memory, 4);
      out.reserve(batch.rowCount);
      const table = this.#stages[i - 1] ??= new LongKeyTable(memory);
      table.intern(this.#pairs.pointer, batch.rowCount, out.pointer);
      current = out.pointer;
    }
    return current;
  }
}

/**
 * Materialised rows: contiguous columns that grow, from batches in, to batches out by row number.
 *
 * @module
 */
import { assert, ColumnType, typeTag } from "../../common/mod.ts";
import type { Batch, SymbolTable, Vector } from "../../wasm/mod.ts";
import { isVariable, vectorStride } from "../functions/mod.ts";
import { GrowableBuffer, type QueryMemory } from "./query_memory.ts";
import type { CursorColumn } from "./row_cursor.ts";

/** One stored column. */
class StoredColumn {
  readonly type: number;
  readonly #memory: QueryMemory;
  readonly #stride: number;
  readonly #data: GrowableBuffer;
  readonly #heap: GrowableBuffer;
  readonly #gathered: GrowableBuffer;
  #heapBytes = 0;
  #symbols: SymbolTable | null = null;

  constructor(memory: QueryMemory, type: number) {
    this.#memory = memory;
    this.type = type;
    this.#stride = vectorStride(type);
    this.#data = new GrowableBuffer(memory, this.#stride);
    this.#heap = new GrowableBuffer(memory, 1);
    this.#gathered = new GrowableBuffer(memory, this.#stride);
  }

  /** Appends values behind `rowCount` stored ones. */
  append(vector: Vector, rowCount: number, n: number): void {
    const { kernels, memory } = this.#memory.core;
    this.#data.reserve(rowCount + n);
    const to = this.#data.pointer + rowCount * this.#stride;
    if (isVariable(this.type)) {
      this.#heap.reserve(this.#heapBytes + kernels.varcharHeapBytes(vector.data, n));
      const heapEnd = this.#heap.pointer + this.#heapBytes;
      const { data, heap, heapOffset } = vector;
      this.#heapBytes += kernels.varcharCopy(
        data,
        heap,
        heapOffset,
        n,
        to,
        heapEnd,
        this.#heapBytes,
      );
      return;
    }
    if (typeTag(this.type) === ColumnType.SYMBOL) {
      this.#symbols ??= vector.symbols;
      assert(vector.symbols === this.#symbols, "a SYMBOL column has one dictionary");
    }
    memory.u8.copyWithin(to, vector.data, vector.data + n * this.#stride);
  }
  /** All stored values, or those that the int32 row numbers pick. */
  vector(rows: number, n: number): Vector {
    let data = this.#data.pointer;
    if (rows !== 0) {
      this.#gathered.reserve(n);
      const out = this.#gathered.pointer;
      this.#memory.core.kernels.gatherRows(this.#stride, data, rows, out, n);
      data = out;
    }
    return {
      type: this.type,
      data,
      heap: this.#heap.pointer,
      heapBytes: this.#heapBytes,
      heapOffset: 0,
      symbols: this.#symbols,
    };
  }
  /** Gives the memory back. */
  close(): void {
    for (const buffer of [this.#data, this.#heap, this.#gathered]) buffer.close();
    this.#heapBytes = 0;
  }
}

/** See the module's description. */
export class RowStore {
  readonly #columns: readonly StoredColumn[];
  #rowCount = 0;

  constructor(memory: QueryMemory, columns: readonly Pick<CursorColumn, "type">[]) {
    this.#columns = columns.map((column) => new StoredColumn(memory, column.type));
  }

  /** Rows stored. */
  get rowCount(): number {
    return this.#rowCount;
  }
  /** Appends a batch. */
  append(batch: Batch): void {
    for (const [i, column] of this.#columns.entries()) {
      column.append(batch.vectors[i], this.#rowCount, batch.rowCount);
    }
    this.#rowCount += batch.rowCount;
  }
  /** Rows by number: `n` int32 at `rows`. Valid until the next call. */
  pick(rows: number, n: number): Batch {
    return { rowCount: n, vectors: this.#columns.map((column) => column.vector(rows, n)) };
  }
  /** A whole column. */
  column(index: number): Vector {
    return this.#columns[index].vector(0, 0);
  }
  /** Gives the memory back. */
  close(): void {
    for (const column of this.#columns) column.close();
    this.#rowCount = 0;
  }
}

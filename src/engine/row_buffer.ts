/**
 * Rows of an open transaction in memory, as growing columns, and those rows in timestamp order for a table writer.
 *
 * @module
 */
import { assert, fixedSize, isVariableSize } from "../common/mod.ts";
import { fillNulls, gatherRows, type RowSource, type TableMetadata } from "../storage/mod.ts";
import { Arena, fixedVector, type Vector, type WasmCore, type WasmMemory } from "../wasm/mod.ts";

const AUX_ENTRY_BYTES = 16;
const PAIR_BYTES = 16;
/** Extra bytes that the sort kernel needs for its counters. */
const SORT_COUNTER_BYTES = 8192;
const ROWS_MIN = 64;

/** A block of memory that grows. */
class GrowingBlock {
  readonly #memory: WasmMemory;
  #pointer = 0;
  #capacity = 0;

  constructor(memory: WasmMemory) {
    this.#memory = memory;
  }
  get pointer(): number {
    return this.#pointer;
  }
  /** Makes room for `size` bytes, of which the first `used` are kept. @throws {LimitError} if there is none. */
  reserve(size: number, used: number): void {
    if (size <= this.#capacity) return;
    const capacity = Math.max(size, 2 * this.#capacity);
    const pointer = this.#memory.alloc(capacity);
    this.#memory.u8.copyWithin(pointer, this.#pointer, this.#pointer + used);
    if (this.#capacity > 0) this.#memory.free(this.#pointer);
    this.#pointer = pointer;
    this.#capacity = capacity;
  }
  release(): void {
    if (this.#capacity > 0) this.#memory.free(this.#pointer);
    this.#pointer = this.#capacity = 0;
  }
}

/** The values of one column. */
class ColumnBuffer {
  readonly type: number;
  readonly #core: WasmCore;
  readonly #width: number;
  readonly #data: GrowingBlock;
  readonly #heap: GrowingBlock;
  #heapBytes = 0;
  #rows = 0;

  constructor(core: WasmCore, type: number) {
    this.type = type;
    this.#core = core;
    this.#width = isVariableSize(type) ? AUX_ENTRY_BYTES : fixedSize(type);
    this.#data = new GrowingBlock(core.memory);
    this.#heap = new GrowingBlock(core.memory);
  }
  get byteSize(): number {
    return this.#rows * this.#width + this.#heapBytes;
  }
  /** Makes room for rows and returns where they go; {@linkcode addRows} counts them in. */
  reserve(rows: number): number {
    const used = this.#rows * this.#width;
    this.#data.reserve(Math.max(ROWS_MIN, this.#rows + rows) * this.#width, used);
    return this.#data.pointer + used;
  }
  addRows(rows: number): void {
    this.#rows += rows;
  }
  append(vector: Vector | null, rows: number): void {
    const { kernels, memory } = this.#core;
    const to = this.reserve(rows);
    if (!isVariableSize(this.type)) {
      if (vector === null) fillNulls(this.#core, { type: this.type, data: to, rows });
      else memory.u8.copyWithin(to, vector.data, vector.data + rows * this.#width);
    } else if (vector === null) kernels.varcharNulls(to, rows, this.#heapBytes);
    else {
      const bytes = kernels.varcharHeapBytes(vector.data, rows);
      this.#heap.reserve(this.#heapBytes + bytes, this.#heapBytes);
      const end = this.#heap.pointer + this.#heapBytes;
      const { data, heap, heapOffset } = vector;
      kernels.varcharCopy(data, heap, heapOffset, rows, to, end, this.#heapBytes);
      this.#heapBytes += bytes;
    }
    this.#rows += rows;
  }
  vector(): Vector {
    return {
      ...fixedVector(this.type, this.#data.pointer),
      heap: this.#heap.pointer,
      heapBytes: this.#heapBytes,
    };
  }
  clear(): void {
    this.#data.release();
    this.#heap.release();
    this.#heapBytes = this.#rows = 0;
  }
}

/** See the module's description. */
export class RowBuffer implements Disposable {
  readonly #core: WasmCore;
  readonly #metadata: TableMetadata;
  /** By writer index; `null` for deleted columns. */
  readonly #columns: (ColumnBuffer | null)[];
  #rowCount = 0;

  constructor(core: WasmCore, metadata: TableMetadata) {
    this.#core = core;
    this.#metadata = metadata;
    this.#columns = metadata.columns.map(({ type }) =>
      type > 0 ? new ColumnBuffer(core, type) : null
    );
  }

  get rowCount(): number {
    return this.#rowCount;
  }
  /** Bytes of all values. */
  get byteSize(): number {
    return this.#columns.reduce((sum, column) => sum + (column?.byteSize ?? 0), 0);
  }
  /** Where `rows` int32 symbol keys are to be written before {@linkcode addRows}. */
  reserveKeys(writerIndex: number, rows: number): number {
    return this.#column(writerIndex).reserve(rows);
  }
  /** Adds values of a column that is not a SYMBOL; `null` for NULLs. */
  append(writerIndex: number, vector: Vector | null, rows: number): void {
    this.#column(writerIndex).append(vector, rows);
  }
  /** Counts rows in after every column of them was added; `keyColumns` are those whose keys were written in place. */
  addRows(rows: number, keyColumns: readonly number[]): void {
    for (const writerIndex of keyColumns) this.#column(writerIndex).addRows(rows);
    this.#rowCount += rows;
  }
  /** The rows in timestamp order, ties as they came. Valid until the buffer changes. */
  sorted(): RowSource & Disposable {
    const { timestampIndex, columns } = this.#metadata;
    const vectors = this.#columns.map((column) => column?.vector() ?? null);
    const times = timestampIndex < 0 ? null : vectors[timestampIndex];
    assert(columns.length === vectors.length, "a buffer per column");
    return new SortedRows(this.#core, { vectors, times, rowCount: this.#rowCount });
  }
  /** Forgets all rows and gives their memory back. */
  clear(): void {
    for (const column of this.#columns) column?.clear();
    this.#rowCount = 0;
  }
  [Symbol.dispose](): void {
    this.clear();
  }

  #column(writerIndex: number): ColumnBuffer {
    const column = this.#columns[writerIndex];
    assert(column !== null && column !== undefined, `column ${writerIndex} is live`);
    return column;
  }
}

/** Buffered rows by timestamp. */
class SortedRows implements RowSource, Disposable {
  readonly rowCount: number;
  timestamps: number;
  readonly minTimestamp: bigint = 0n;
  readonly maxTimestamp: bigint = 0n;
  readonly #core: WasmCore;
  readonly #vectors: readonly (Vector | null)[];
  /** Pointer to the uint32 rows in order; 0 if they are in order. */
  #order = 0;
  readonly #arena: Arena;
  readonly #columns = new Map<number, Arena>();

  constructor(
    core: WasmCore,
    rows: { vectors: readonly (Vector | null)[]; times: Vector | null; rowCount: number },
  ) {
    const { times, rowCount } = rows;
    this.#core = core;
    this.#vectors = rows.vectors;
    this.rowCount = rowCount;
    this.#arena = new Arena(core.memory);
    this.timestamps = times?.data ?? 0;
    if (times === null || rowCount === 0) return;
    const { kernels, memory } = core;
    try {
      if (kernels.isSortedI64(times.data, rowCount) === 0) this.#sort(times.data);
    } catch (error) {
      this.#arena.release();
      throw error;
    }
    this.minTimestamp = memory.i64[this.timestamps / 8];
    this.maxTimestamp = memory.i64[this.timestamps / 8 + rowCount - 1];
  }
  column(writerIndex: number): Vector | null {
    const vector = this.#vectors[writerIndex];
    if (vector === null || this.#order === 0) return vector;
    const arena = new Arena(this.#core.memory);
    this.#columns.set(writerIndex, arena);
    const picked = { vector, rows: this.#order, rowCount: this.rowCount };
    return gatherRows(this.#core, picked, arena);
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

  #sort(times: number): void {
    const { kernels, memory } = this.#core;
    const { rowCount } = this;
    using scratch = new Arena(memory);
    const pairs = scratch.alloc(PAIR_BYTES * rowCount);
    kernels.joinPairs(times, rowCount, 0, pairs);
    const space = scratch.alloc(PAIR_BYTES * rowCount + SORT_COUNTER_BYTES);
    kernels.sortPairs(pairs, space, rowCount);
    this.timestamps = this.#arena.alloc(8 * rowCount);
    this.#order = this.#arena.alloc(4 * rowCount);
    kernels.splitPairs(pairs, rowCount, 0, this.timestamps, this.#order);
  }
}

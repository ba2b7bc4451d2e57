/**
 * Writes one column's rows into one partition's files: behind the committed rows, or merged with them into new files.
 *
 * @module
 */
import { assert, ColumnType, fixedSize } from "../common/mod.ts";
import type { FileHandle, FileSystem } from "../platform/mod.ts";
import { Arena, type Vector, type WasmCore } from "../wasm/mod.ts";
import { AUX_ENTRY_BYTES } from "./column_files.ts";
import { fillNulls } from "./table_reader.ts";

/** Rows that are copied through memory at a time. */
export const CHUNK_ROWS = 1 << 20;

/** Rows `rowLo` … `rowHi` − 1 of a vector; `null` stands for NULLs. */
export interface VectorSlice {
  readonly vector: Vector | null;
  readonly rowLo: number;
  readonly rowHi: number;
}

/** A merge order for some rows: a uint32 index over slices `a` and `b` that start at row 0 of what it was made from. */
export interface MergeChunk {
  readonly index: number;
  readonly rowCount: number;
}

/** Appends rows to the files of one column. */
export class ColumnWriter implements Disposable {
  readonly #core: WasmCore;
  readonly #type: number;
  readonly #data: FileHandle;
  readonly #aux: FileHandle | null;
  #rowCount: number;
  #dataEnd: number;

  /**
   * @param paths of the value file and, for VARCHAR, the aux file; created if missing.
   * @param storedRows rows the files hold already; what lies behind them is overwritten.
   */
  constructor(
    context: { fs: FileSystem; core: WasmCore },
    column: { type: number; dataPath: string; auxPath: string },
    storedRows: number,
  ) {
    this.#core = context.core;
    this.#type = column.type;
    this.#rowCount = storedRows;
    this.#data = context.fs.open(column.dataPath, "create");
    this.#aux = column.type === ColumnType.VARCHAR
      ? context.fs.open(column.auxPath, "create")
      : null;
    this.#dataEnd = this.#aux === null ? 0 : varcharDataEnd(this.#aux, storedRows);
  }

  /** Appends rows as they are. */
  append(rows: VectorSlice): void {
    for (let lo = rows.rowLo; lo < rows.rowHi; lo += CHUNK_ROWS) {
      const hi = Math.min(lo + CHUNK_ROWS, rows.rowHi);
      if (rows.vector === null) this.#appendNulls(hi - lo);
      else if (this.#aux === null) {
        this.#appendFixed(rows.vector.data + lo * fixedSize(this.#type), hi - lo);
      } else this.#appendVarchar(rows.vector, lo, hi);
    }
  }

  /** Appends rows picked from two vectors, starting at a row of each, in merge order. */
  appendMerged(a: VectorSlice, b: VectorSlice, chunk: MergeChunk): void {
    using arena = new Arena(this.#core.memory);
    const left = this.#materialize(a, arena), right = this.#materialize(b, arena);
    if (this.#aux !== null) return this.#appendMergedVarchar(left, right, { a, b, chunk, arena });
    const size = fixedSize(this.#type);
    const target = arena.alloc(chunk.rowCount * size);
    const from = left.data + a.rowLo * size, other = right.data + b.rowLo * size;
    const { kernels } = this.#core;
    if (size === 1) kernels.mergeGather1(from, other, chunk.index, chunk.rowCount, target);
    else if (size === 4) kernels.mergeGather4(from, other, chunk.index, chunk.rowCount, target);
    else {
      assert(size === 8, `width has a kernel: ${size}`);
      kernels.mergeGather8(from, other, chunk.index, chunk.rowCount, target);
    }
    this.#appendFixed(target, chunk.rowCount);
  }

  /** Makes the files durable. */
  sync(): void {
    this.#data.syncData();
    this.#aux?.syncData();
  }
  close(): void {
    this.#data.close();
    this.#aux?.close();
  }
  [Symbol.dispose](): void {
    this.close();
  }

  #appendFixed(pointer: number, rows: number): void {
    const size = fixedSize(this.#type);
    this.#data.write(this.#core.memory.bytes(pointer, rows * size), this.#rowCount * size);
    this.#rowCount += rows;
  }

  #appendNulls(rows: number): void {
    using arena = new Arena(this.#core.memory);
    if (this.#aux !== null) {
      const aux = arena.alloc(rows * AUX_ENTRY_BYTES);
      this.#core.kernels.varcharNulls(aux, rows, this.#dataEnd);
      return this.#writeVarchar(aux, rows, { heap: 0, heapBytes: 0 });
    }
    const data = arena.alloc(rows * fixedSize(this.#type));
    fillNulls(this.#core, { type: this.#type, data, rows });
    this.#appendFixed(data, rows);
  }

  #appendVarchar(vector: Vector, lo: number, hi: number): void {
    using arena = new Arena(this.#core.memory);
    const { kernels } = this.#core;
    const from = vector.data + lo * AUX_ENTRY_BYTES;
    const aux = arena.alloc((hi - lo) * AUX_ENTRY_BYTES);
    const heap = arena.alloc(kernels.varcharHeapBytes(from, hi - lo));
    const heapBytes = kernels.varcharCopy(
      from,
      vector.heap,
      vector.heapOffset,
      hi - lo,
      aux,
      heap,
      this.#dataEnd,
    );
    this.#writeVarchar(aux, hi - lo, { heap, heapBytes });
  }

  #appendMergedVarchar(
    left: Vector,
    right: Vector,
    work: { a: VectorSlice; b: VectorSlice; chunk: MergeChunk; arena: Arena },
  ): void {
    const { kernels } = this.#core;
    const { a, b, chunk, arena } = work;
    const auxA = left.data + a.rowLo * AUX_ENTRY_BYTES,
      auxB = right.data + b.rowLo * AUX_ENTRY_BYTES;
    const aux = arena.alloc(chunk.rowCount * AUX_ENTRY_BYTES);
    const heap = arena.alloc(kernels.varcharMergeBytes(auxA, auxB, chunk.index, chunk.rowCount));
    const heapBytes = kernels.varcharMerge(
      auxA,
      left.heap,
      left.heapOffset,
      auxB,
      right.heap,
      right.heapOffset,
      chunk.index,
      chunk.rowCount,
      aux,
      heap,
      this.#dataEnd,
    );
    this.#writeVarchar(aux, chunk.rowCount, { heap, heapBytes });
  }

  #writeVarchar(aux: number, rows: number, values: { heap: number; heapBytes: number }): void {
    const { memory } = this.#core;
    // Values before entries: an entry never points at bytes that are not there.
    this.#data.write(memory.bytes(values.heap, values.heapBytes), this.#dataEnd);
    this.#aux!.write(memory.bytes(aux, rows * AUX_ENTRY_BYTES), this.#rowCount * AUX_ENTRY_BYTES);
    this.#dataEnd += values.heapBytes;
    this.#rowCount += rows;
  }

  /** A vector to gather from; NULLs are written out. */
  #materialize(slice: VectorSlice, arena: Arena): Vector {
    if (slice.vector !== null) return slice.vector;
    const data = arena.alloc(
      slice.rowHi * (this.#aux === null ? fixedSize(this.#type) : AUX_ENTRY_BYTES),
    );
    if (this.#aux === null) fillNulls(this.#core, { type: this.#type, data, rows: slice.rowHi });
    else this.#core.kernels.varcharNulls(data, slice.rowHi, 0);
    return { type: this.#type, data, heap: 0, heapBytes: 0, heapOffset: 0, symbols: null };
  }
}

/** Bytes of the data file that the first `rows` aux entries describe. */
function varcharDataEnd(aux: FileHandle, rows: number): number {
  if (rows === 0) return 0;
  const entry = new Uint8Array(AUX_ENTRY_BYTES);
  const count = aux.read(entry, (rows - 1) * AUX_ENTRY_BYTES);
  assert(count === AUX_ENTRY_BYTES, "the committed aux entries are there");
  const view = new DataView(entry.buffer);
  const header = view.getUint32(0, true);
  return Number(view.getBigUint64(8, true) >> 16n) + ((header & 5) === 0 ? header >>> 4 : 0);
}

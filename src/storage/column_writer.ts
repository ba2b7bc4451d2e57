/**
 * Writes one column's rows into one partition's files: behind the committed rows, or merged with them into new files.
 *
 * @module
 */
import { assert, fixedSize, isVariableSize } from "../common/mod.ts";
import type { FileHandle, FileSystem } from "../platform/mod.ts";
import { Arena, type Vector, type WasmCore } from "../wasm/mod.ts";
import { nullVector } from "./null_values.ts";
import { createFreshFile, openStorageFile } from "./storage_file.ts";
import { AUX_ENTRY_BYTES, requireBytes, VariableWriter } from "./variable_files.ts";

/** Rows that are copied through memory at a time. */
export const CHUNK_ROWS = 1 << 20;
/** Bytes of long values that are copied through memory at a time; a single value may be larger. */
export const CHUNK_HEAP_BYTES = 1 << 25;

/** Rows `rowLo` … `rowHi` − 1 of a vector; `null` stands for NULLs. */
export interface VectorSlice {
  readonly vector: Vector | null;
  readonly rowLo: number;
  readonly rowHi: number;
}

/** A merge order for some rows: a uint32 index over two slices, each counted from its first row. */
export interface MergeChunk {
  readonly index: number;
  readonly rowCount: number;
}

/** Appends rows to the files of one column. */
export class ColumnWriter implements Disposable {
  readonly #core: WasmCore;
  readonly #type: number;
  readonly #data: FileHandle;
  readonly #aux: FileHandle | null = null;
  /** Of a column of variable width. */
  readonly #variable: VariableWriter | null = null;
  /** Rows in the file of a column of fixed width. */
  #rowCount: number;

  /**
   * @param paths of the value file and, for a type of variable width, the aux file; new ones if no row is stored.
   * @param storedRows rows the files hold already; what lies behind them is overwritten.
   * @throws {StorageError} if they do not hold them.
   */
  constructor(
    context: { fs: FileSystem; core: WasmCore },
    column: { type: number; dataPath: string; auxPath: string },
    storedRows: number,
  ) {
    const { core } = context;
    const { type } = column;
    this.#core = core;
    this.#type = type;
    this.#rowCount = storedRows;
    const open = (path: string) =>
      storedRows > 0
        ? openStorageFile(context.fs, path, "readWrite")
        : createFreshFile(context.fs, path);
    this.#data = open(column.dataPath);
    try {
      if (isVariableSize(type)) {
        this.#aux = open(column.auxPath);
        const files = { type, aux: this.#aux, data: this.#data };
        this.#variable = new VariableWriter(core, files, storedRows);
      } else {
        // A file that is shorter than what is committed must not be made to look whole by a hole before the new rows.
        requireBytes(this.#data, { position: 0, bytes: storedRows * fixedSize(type) });
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Appends rows as they are. */
  append(rows: VectorSlice): void {
    for (let lo = rows.rowLo; lo < rows.rowHi;) {
      const hi = this.#chunkEnd(rows, lo);
      if (rows.vector === null) this.#appendNulls(hi - lo);
      else if (this.#variable !== null) {
        this.#variable.append(rows.vector, { rowLo: lo, rowHi: hi });
      } else this.#appendFixed(rows.vector.data + lo * fixedSize(this.#type), hi - lo);
      lo = hi;
    }
  }

  /** Appends rows picked from two slices in merge order. */
  appendMerged(a: VectorSlice, b: VectorSlice, chunk: MergeChunk): void {
    using arena = new Arena(this.#core.memory);
    const left = this.#sliceStart(a, arena), right = this.#sliceStart(b, arena);
    if (this.#variable !== null) {
      return this.#appendMergedVariable(this.#variable, { left, right, chunk });
    }
    const merged = mergeFixed(this.#core, { type: this.#type, left, right, chunk }, arena);
    this.#appendFixed(merged, chunk.rowCount);
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
    if (this.#variable !== null) return this.#variable.appendNulls(rows);
    using arena = new Arena(this.#core.memory);
    this.#appendFixed(nullVector(this.#core, { type: this.#type, rows }, arena).data, rows);
  }

  #appendMergedVariable(
    writer: VariableWriter,
    merge: { left: Vector; right: Vector; chunk: MergeChunk },
  ): void {
    using arena = new Arena(this.#core.memory);
    const of = { ...merge, type: this.#type, heapOffset: writer.dataEnd };
    writer.appendCompact(mergeVariable(this.#core, of, arena), merge.chunk.rowCount);
  }

  /** End of the rows from `lo` on that go through memory together. */
  #chunkEnd(rows: VectorSlice, lo: number): number {
    let count = Math.min(CHUNK_ROWS, rows.rowHi - lo);
    if (this.#variable === null || rows.vector === null) return lo + count;
    const entries = rows.vector.data + lo * AUX_ENTRY_BYTES;
    while (count > 1 && this.#core.kernels.varcharHeapBytes(entries, count) > CHUNK_HEAP_BYTES) {
      count >>>= 1;
    }
    return lo + count;
  }

  /** A vector whose row 0 is the first row of the slice; NULLs are written out. */
  #sliceStart(slice: VectorSlice, arena: Arena): Vector {
    const { vector, rowLo, rowHi } = slice;
    if (vector === null) {
      return nullVector(this.#core, { type: this.#type, rows: rowHi - rowLo }, arena);
    }
    const width = this.#variable === null ? fixedSize(this.#type) : AUX_ENTRY_BYTES;
    return { ...vector, data: vector.data + rowLo * width };
  }
}

/** Rows of two vectors, each counted from its first row, in merge order. */
interface Merge {
  readonly type: number;
  readonly left: Vector;
  readonly right: Vector;
  readonly chunk: MergeChunk;
}

/** Merges values of a fixed width; returns where they are. */
export function mergeFixed(core: WasmCore, merge: Merge, arena: Arena): number {
  const { type, left, right, chunk } = merge;
  const { kernels } = core;
  const size = fixedSize(type);
  const target = arena.alloc(chunk.rowCount * size);
  const kernel = {
    1: kernels.mergeGather1,
    2: kernels.mergeGather2,
    4: kernels.mergeGather4,
    8: kernels.mergeGather8,
    16: kernels.mergeGather16,
    32: kernels.mergeGather32,
  }[size];
  assert(kernel !== undefined, `width has a kernel: ${size}`);
  kernel(left.data, right.data, chunk.index, chunk.rowCount, target);
  return target;
}

/** Merges values of variable width. @param merge `heapOffset`: where the first byte of the values' heap is going to be. */
export function mergeVariable(
  core: WasmCore,
  merge: Merge & { readonly heapOffset: number },
  arena: Arena,
): Vector {
  const { type, left, right, chunk, heapOffset } = merge;
  const { kernels } = core;
  const data = arena.alloc(chunk.rowCount * AUX_ENTRY_BYTES);
  const heap = arena.alloc(
    kernels.varcharMergeBytes(left.data, right.data, chunk.index, chunk.rowCount),
  );
  const heapBytes = kernels.varcharMerge(
    left.data,
    left.heap,
    left.heapOffset,
    right.data,
    right.heap,
    right.heapOffset,
    chunk.index,
    chunk.rowCount,
    data,
    heap,
    heapOffset,
  );
  return { type, data, heap, heapBytes, heapOffset, symbols: null };
}

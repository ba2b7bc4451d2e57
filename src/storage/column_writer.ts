/**
 * Writes one column's rows into one partition's files: behind the committed rows, or merged with them into new files.
 *
 * @module
 */
import { assert, ColumnType, fixedSize, StorageError } from "../common/mod.ts";
import type { FileHandle, FileSystem } from "../platform/mod.ts";
import { Arena, type Vector, type WasmCore } from "../wasm/mod.ts";
import { AUX_ENTRY_BYTES, committedLength, varcharBounds } from "./column_files.ts";
import { openStorageFile } from "./storage_file.ts";
import { fillNulls } from "./table_reader.ts";

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
  #aux: FileHandle | null;
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
    const mode = storedRows > 0 ? "readWrite" : "create";
    const open = (path: string) => openStorageFile(context.fs, path, mode);
    this.#data = open(column.dataPath);
    this.#aux = null;
    try {
      if (column.type === ColumnType.VARCHAR) this.#aux = open(column.auxPath);
      // A file that is shorter than what is committed must not be made to look whole by a hole before the new rows.
      requireBytes(this.#aux ?? this.#data, committedLength(column.type, storedRows));
      this.#dataEnd = this.#aux === null ? 0 : varcharDataEnd(this.#aux, storedRows);
      requireBytes(this.#data, this.#dataEnd);
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
      else if (this.#aux === null) {
        this.#appendFixed(rows.vector.data + lo * fixedSize(this.#type), hi - lo);
      } else this.#appendVarchar(rows.vector, lo, hi);
      lo = hi;
    }
  }

  /** Appends rows picked from two slices in merge order. */
  appendMerged(a: VectorSlice, b: VectorSlice, chunk: MergeChunk): void {
    using arena = new Arena(this.#core.memory);
    const left = this.#sliceStart(a, arena), right = this.#sliceStart(b, arena);
    if (this.#aux !== null) return this.#appendMergedVarchar(left, right, chunk);
    const size = fixedSize(this.#type);
    const target = arena.alloc(chunk.rowCount * size);
    const { kernels } = this.#core;
    const merge = {
      1: kernels.mergeGather1,
      4: kernels.mergeGather4,
      8: kernels.mergeGather8,
    }[size];
    assert(merge !== undefined, `width has a kernel: ${size}`);
    merge(left.data, right.data, chunk.index, chunk.rowCount, target);
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

  #appendMergedVarchar(left: Vector, right: Vector, chunk: MergeChunk): void {
    using arena = new Arena(this.#core.memory);
    const { kernels } = this.#core;
    const aux = arena.alloc(chunk.rowCount * AUX_ENTRY_BYTES);
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

  /** End of the rows from `lo` on that go through memory together. */
  #chunkEnd(rows: VectorSlice, lo: number): number {
    let count = Math.min(CHUNK_ROWS, rows.rowHi - lo);
    if (this.#aux === null || rows.vector === null) return lo + count;
    const entries = rows.vector.data + lo * AUX_ENTRY_BYTES;
    while (count > 1 && this.#core.kernels.varcharHeapBytes(entries, count) > CHUNK_HEAP_BYTES) {
      count >>>= 1;
    }
    return lo + count;
  }

  /** A vector whose row 0 is the first row of the slice; NULLs are written out. */
  #sliceStart(slice: VectorSlice, arena: Arena): Vector {
    const width = this.#aux === null ? fixedSize(this.#type) : AUX_ENTRY_BYTES;
    if (slice.vector !== null) {
      return { ...slice.vector, data: slice.vector.data + slice.rowLo * width };
    }
    const rows = slice.rowHi - slice.rowLo;
    const data = arena.alloc(rows * width);
    if (this.#aux === null) fillNulls(this.#core, { type: this.#type, data, rows });
    else this.#core.kernels.varcharNulls(data, rows, 0);
    return { type: this.#type, data, heap: 0, heapBytes: 0, heapOffset: 0, symbols: null };
  }
}

/** Bytes of the data file that the first `rows` aux entries describe. */
function varcharDataEnd(aux: FileHandle, rows: number): number {
  if (rows === 0) return 0;
  const entry = new Uint8Array(AUX_ENTRY_BYTES);
  aux.read(entry, (rows - 1) * AUX_ENTRY_BYTES);
  return varcharBounds(entry).end;
}

/** @throws {StorageError} if a file does not hold its committed bytes. */
function requireBytes(file: FileHandle, committed: number): void {
  const size = file.size();
  if (size < committed) throw new StorageError(file.path, "file is too short", { committed, size });
}

/**
 * The two files of a column of variable width, `.i` and `.d`, in tables and WAL segments alike, and the one form that their values have in
 * memory: 16-byte entries and a heap (src/wasm/vector.ts).
 *
 * | type | `.i` | `.d` |
 * |---|---|---|
 * | VARCHAR | 16-byte entries, as in memory | values of 10 bytes or more, as in memory |
 * | STRING | (rows + 1) × i64 offset | i32 units (−1 NULL), UTF-16 units |
 * | BINARY | (rows + 1) × i64 offset | i64 bytes (−1 NULL), bytes |
 * | ARRAY | i64 offset, i32 bytes (0 NULL), i32 0 | i32 × dimensions, padding to 8, f64 elements |
 *
 * Invariants:
 * 1. Nothing that was read is used before it is checked: offsets in order and inside the file, lengths that fit.
 * 2. Values are written before the entries that point at them.
 * 3. The offset that ends one row and begins the next is written once, with the row it ends.
 *
 * Details: docs/internals/variable_columns.md.
 *
 * @module
 */
import {
  arrayDimensions,
  assert,
  ColumnType,
  isVariableSize,
  StorageError,
  typeTag,
} from "../common/mod.ts";
import type { FileHandle } from "../platform/mod.ts";
import { Arena, type Vector, type WasmCore } from "../wasm/mod.ts";

/** Bytes of an entry in memory, and in the aux file of a VARCHAR or ARRAY column. */
export const AUX_ENTRY_BYTES = 16;
const OFFSET_BYTES = 8;
/** `format` of the `stored…` kernels; an ARRAY's is its dimensions. */
const STRING_FORMAT = -1, BINARY_FORMAT = -2;
const OFFSET_MASK = 0xffff_ffff_ffffn;

/** The files of a column of variable width. */
export interface VariableFiles {
  readonly type: number;
  /** `.i` */
  readonly aux: FileHandle;
  /** `.d` */
  readonly data: FileHandle;
}

/** Tells whether the aux file has offsets and one more than rows (STRING, BINARY). */
function hasOffsets(type: number): boolean {
  const tag = typeTag(type);
  return tag === ColumnType.STRING || tag === ColumnType.BINARY;
}

function formatOf(type: number): number {
  const tag = typeTag(type);
  if (tag === ColumnType.STRING) return STRING_FORMAT;
  return tag === ColumnType.BINARY ? BINARY_FORMAT : arrayDimensions(type);
}

/** Bytes that `rows` rows take in the aux file of a column of variable width. */
export function auxFileBytes(type: number, rows: number): number {
  assert(isVariableSize(type), `a type of variable width: ${type}`);
  return hasOffsets(type) ? OFFSET_BYTES * (rows + 1) : AUX_ENTRY_BYTES * rows;
}

/** A vector of variable width without values of its own in a heap. */
export function entriesVector(type: number, data: number): Vector {
  return { type, data, heap: 0, heapBytes: 0, heapOffset: 0, symbols: null };
}

/** Where the value of a VARCHAR's aux entry begins and ends in the data file; for others both are the end of the data so far. */
export function varcharBounds(entry: Uint8Array): { start: number; end: number } {
  const view = new DataView(entry.buffer, entry.byteOffset, AUX_ENTRY_BYTES);
  const header = view.getUint32(0, true);
  const start = view.getUint16(10, true) + view.getUint32(12, true) * 0x1_0000;
  const isSplit = (header & 5) === 0; // neither inlined nor NULL
  return { start, end: start + (isSplit ? header >>> 4 : 0) };
}

/**
 * Where the data of rows `row` … `row + rows` − 1 of the files begins and ends in `.d`.
 *
 * @throws {StorageError} if the aux file is too short or its offsets make no sense.
 */
export function variableBounds(
  type: number,
  aux: FileHandle,
  range: { row: number; rows: number },
): { start: number; end: number } {
  const { row, rows } = range;
  if (rows === 0) return { start: 0, end: 0 };
  const entry = new Uint8Array(AUX_ENTRY_BYTES);
  const view = new DataView(entry.buffer);
  const read = (position: number, bytes: number) => {
    requireBytes(aux, { position, bytes });
    aux.read(entry.subarray(0, bytes), position);
  };
  let start: number, end: number;
  if (hasOffsets(type)) {
    read(OFFSET_BYTES * row, OFFSET_BYTES);
    start = Number(view.getBigInt64(0, true));
    read(OFFSET_BYTES * (row + rows), OFFSET_BYTES);
    end = Number(view.getBigInt64(0, true));
  } else {
    const bounds = typeTag(type) === ColumnType.VARCHAR ? varcharBounds : arrayBounds;
    read(AUX_ENTRY_BYTES * row, AUX_ENTRY_BYTES);
    start = bounds(entry).start;
    read(AUX_ENTRY_BYTES * (row + rows - 1), AUX_ENTRY_BYTES);
    end = bounds(entry).end;
  }
  if (!(start >= 0 && start <= end && end <= Number.MAX_SAFE_INTEGER)) {
    throw new StorageError(aux.path, "offsets are not in order", { row, rows, start, end });
  }
  return { start, end };
}

function arrayBounds(entry: Uint8Array): { start: number; end: number } {
  const view = new DataView(entry.buffer, entry.byteOffset, AUX_ENTRY_BYTES);
  const start = Number(view.getBigUint64(0, true) & OFFSET_MASK);
  return { start, end: start + view.getInt32(8, true) };
}

/** Rows to read: NULLs that the files do not hold, then rows of the files. */
export interface VariableRows extends VariableFiles {
  readonly nullRows: number;
  /** First row in the files. */
  readonly row: number;
  /** Rows of the files. */
  readonly rows: number;
}

/**
 * Reads rows into the memory form.
 *
 * @throws {StorageError} if a file is short or does not make sense.
 */
export function readVariable(
  core: WasmCore,
  source: VariableRows,
  arena: Arena,
): Vector {
  const { type, rows, nullRows } = source;
  if (rows > 0) {
    return typeTag(type) === ColumnType.VARCHAR
      ? readEntries(core, source, arena)
      : readStored(core, source, arena);
  }
  const data = arena.alloc(nullRows * AUX_ENTRY_BYTES);
  core.kernels.varcharNulls(data, nullRows, 0);
  return entriesVector(type, data);
}

function readEntries(
  core: WasmCore,
  { type, aux, data: values, row, rows, nullRows }: VariableRows,
  arena: Arena,
): Vector {
  const { memory, kernels } = core;
  const stored = { position: row * AUX_ENTRY_BYTES, bytes: rows * AUX_ENTRY_BYTES };
  requireBytes(aux, stored); // before memory is taken: the count may be damaged
  const data = arena.alloc((nullRows + rows) * AUX_ENTRY_BYTES);
  const first = data + nullRows * AUX_ENTRY_BYTES;
  aux.read(memory.bytes(first, stored.bytes), stored.position);
  const low = kernels.varcharOffset(first);
  const high = kernels.varcharEnd(first + (rows - 1) * AUX_ENTRY_BYTES);
  requireInside(aux, values, { low, high });
  const bad = kernels.varcharValidate(first, rows, low, high);
  if (bad >= 0) throw new StorageError(aux.path, "invalid entry", { row: row + bad });
  const heapBytes = high - low;
  const heap = arena.alloc(heapBytes);
  readFully(values, memory.bytes(heap, heapBytes), low);
  kernels.varcharNulls(data, nullRows, low);
  return { type, data, heap, heapBytes, heapOffset: low, symbols: null };
}

function readStored(
  core: WasmCore,
  { type, aux, data: values, row, rows, nullRows }: VariableRows,
  arena: Arena,
): Vector {
  const { memory, kernels } = core;
  const bounds = variableBounds(type, aux, { row, rows });
  requireInside(aux, values, { low: bounds.start, high: bounds.end });
  using scratch = new Arena(memory);
  const position = hasOffsets(type) ? row * OFFSET_BYTES : row * AUX_ENTRY_BYTES;
  const auxBytes = auxFileBytes(type, rows);
  const stored = scratch.alloc(auxBytes);
  readFully(aux, memory.bytes(stored, auxBytes), position);
  const dataBytes = bounds.end - bounds.start;
  const raw = scratch.alloc(dataBytes);
  readFully(values, memory.bytes(raw, dataBytes), bounds.start);
  const format = formatOf(type);
  const heapBytes = kernels.storedHeapBytes(format, stored, rows, raw, bounds.start, bounds.end);
  if (heapBytes < 0) {
    throw new StorageError(aux.path, "invalid entry", { row: row - 1 - heapBytes });
  }
  const data = arena.alloc((nullRows + rows) * AUX_ENTRY_BYTES);
  const heap = arena.alloc(heapBytes);
  kernels.varcharNulls(data, nullRows, 0);
  const first = data + nullRows * AUX_ENTRY_BYTES;
  const used = kernels.storedDecode(format, stored, rows, raw, bounds.start, first, heap);
  return { type, data, heap, heapBytes: used, heapOffset: 0, symbols: null };
}

/** Appends rows to the files of a column of variable width. */
export class VariableWriter {
  readonly #core: WasmCore;
  readonly #files: VariableFiles;
  #rowCount: number;
  #dataEnd: number;

  /**
   * @param storedRows rows the files hold already; what lies behind them is overwritten.
   * @throws {StorageError} if they do not hold them.
   */
  constructor(core: WasmCore, files: VariableFiles, storedRows: number) {
    this.#core = core;
    this.#files = files;
    this.#rowCount = storedRows;
    const { type, aux, data } = files;
    // A file that is shorter than what is committed must not be made to look whole by a hole before the new rows.
    if (storedRows > 0) requireBytes(aux, { position: 0, bytes: auxFileBytes(type, storedRows) });
    const last = { row: storedRows - 1, rows: 1 };
    this.#dataEnd = storedRows === 0 ? 0 : variableBounds(type, aux, last).end;
    requireBytes(data, { position: 0, bytes: this.#dataEnd });
  }

  /** Offset at which the data of the next row begins. */
  get dataEnd(): number {
    return this.#dataEnd;
  }

  /** Rows in the files, those of earlier writers included. */
  get rowCount(): number {
    return this.#rowCount;
  }

  /** Goes back to an earlier end; what lies behind it is overwritten. */
  rewind(to: { rowCount: number; dataEnd: number }): void {
    this.#rowCount = to.rowCount;
    this.#dataEnd = to.dataEnd;
  }

  /** Appends rows of a vector, as many as memory takes at a time. */
  append(vector: Vector, rows: { rowLo: number; rowHi: number }): void {
    const { kernels, memory } = this.#core;
    const { rowLo, rowHi } = rows;
    const count = rowHi - rowLo;
    const from = vector.data + rowLo * AUX_ENTRY_BYTES;
    if (typeTag(this.#files.type) !== ColumnType.VARCHAR) {
      return this.#encode({ ...vector, data: from }, count);
    }
    using arena = new Arena(memory);
    const aux = arena.alloc(count * AUX_ENTRY_BYTES);
    const heap = arena.alloc(kernels.varcharHeapBytes(from, count));
    const heapBytes = kernels.varcharCopy(
      from,
      vector.heap,
      vector.heapOffset,
      count,
      aux,
      heap,
      this.#dataEnd,
    );
    this.#write(
      { aux, auxBytes: count * AUX_ENTRY_BYTES, data: heap, dataBytes: heapBytes },
      count,
    );
  }

  /** Appends NULLs. */
  appendNulls(rows: number): void {
    using arena = new Arena(this.#core.memory);
    const data = arena.alloc(rows * AUX_ENTRY_BYTES);
    this.#core.kernels.varcharNulls(data, rows, this.#dataEnd);
    this.appendCompact(entriesVector(this.#files.type, data), rows);
  }

  /** Appends all rows of a vector whose heap holds just their values, in order, from offset {@linkcode dataEnd} on. */
  appendCompact(vector: Vector, rows: number): void {
    if (typeTag(this.#files.type) !== ColumnType.VARCHAR) return this.#encode(vector, rows);
    this.#write({
      aux: vector.data,
      auxBytes: rows * AUX_ENTRY_BYTES,
      data: vector.heap,
      dataBytes: vector.heapBytes,
    }, rows);
  }

  #encode(vector: Vector, rows: number): void {
    const { kernels, memory } = this.#core;
    const { type } = this.#files;
    const format = formatOf(type);
    using arena = new Arena(memory);
    const { data: entries, heap, heapOffset } = vector;
    const dataBytes = kernels.storedDataBytes(
      format,
      entries,
      heap,
      heapOffset,
      rows,
      this.#dataEnd,
    );
    const aux = arena.alloc(auxFileBytes(type, rows));
    const data = arena.alloc(dataBytes);
    kernels.storedEncode(format, entries, heap, heapOffset, rows, aux, data, this.#dataEnd);
    this.#write({ aux, auxBytes: auxFileBytes(type, rows), data, dataBytes }, rows);
  }

  #write(
    block: { aux: number; auxBytes: number; data: number; dataBytes: number },
    rows: number,
  ): void {
    const { memory } = this.#core;
    const { type, aux, data } = this.#files;
    if (block.dataBytes > 0) data.write(memory.bytes(block.data, block.dataBytes), this.#dataEnd);
    // The first offset is there already, as the end of the row before.
    const skip = hasOffsets(type) && this.#rowCount > 0 ? OFFSET_BYTES : 0;
    const position = hasOffsets(type)
      ? OFFSET_BYTES * this.#rowCount
      : AUX_ENTRY_BYTES * this.#rowCount;
    aux.write(memory.bytes(block.aux + skip, block.auxBytes - skip), position + skip);
    this.#dataEnd += block.dataBytes;
    this.#rowCount += rows;
  }
}

function readFully(file: FileHandle, target: Uint8Array, position: number): void {
  if (target.length > 0 && file.read(target, position) !== target.length) {
    throw new StorageError(file.path, "file is too short", { position, bytes: target.length });
  }
}

function requireInside(
  aux: FileHandle,
  values: FileHandle,
  bounds: { low: number; high: number },
): void {
  const { low, high } = bounds;
  if (high < low || (high > low && high > values.size())) {
    throw new StorageError(aux.path, "entries point outside the data file", { low, high });
  }
}

/** @throws {StorageError} if the file ends before the bytes that are needed. */
export function requireBytes(file: FileHandle, need: { position: number; bytes: number }): void {
  const size = file.size();
  if (need.position + need.bytes > size) {
    throw new StorageError(file.path, "file is too short", { ...need, size });
  }
}

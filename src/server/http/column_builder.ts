/**
 * Collects a column's values from CSV fields in wasm memory, up to a fixed number of rows.
 *
 * @module
 */
import { assert, ColumnType, fixedSize, INT_NULL } from "../../common/mod.ts";
import { fixedVector, type Vector, type WasmCore } from "../../wasm/mod.ts";
import type { CsvLine } from "./csv_lines.ts";
import {
  type LongHalves,
  parseBoolean,
  parseDouble,
  parseLong,
  parseTimestamp,
} from "./field_values.ts";

const AUX_BYTES = 16;
const QUOTE = 34;
const INITIAL_HEAP_BYTES = 65_536;
const INT_MAX = 0x7fffffff;

/** See the module's description. */
export class ColumnBuilder implements Disposable {
  readonly type: number;
  readonly #core: WasmCore;
  readonly #data: number;
  readonly #halves: LongHalves = { low: 0, high: 0 };
  #heap = 0;
  #heapCapacity = 0;
  #heapBytes = 0;

  /** @param type column type; SYMBOL values are collected as text. */
  constructor(core: WasmCore, type: number, rowsMax: number) {
    this.type = type;
    this.#core = core;
    this.#data = core.memory.alloc(rowsMax * (this.#isText ? AUX_BYTES : fixedSize(type)));
    if (this.#isText) {
      this.#heap = core.memory.alloc(INITIAL_HEAP_BYTES);
      this.#heapCapacity = INITIAL_HEAP_BYTES;
    }
  }

  /** Sets the value of a row from a field; `false` if the field is no value of the type: the row is NULL then. */
  set(row: number, line: CsvLine, field: number): boolean {
    const start = line.starts[field], end = line.ends[field];
    if (start === end && !this.#isText) return this.setNull(row);
    if (start === end) return this.setNull(row);
    const isSet = this.#parse(row, line, field);
    if (!isSet) this.setNull(row);
    return isSet;
  }

  /** Makes a row NULL. */
  setNull(row: number): boolean {
    const { memory, kernels } = this.#core;
    switch (this.type) {
      case ColumnType.BOOLEAN:
        memory.u8[this.#data + row] = 0;
        break;
      case ColumnType.INT:
        memory.i32[this.#data / 4 + row] = INT_NULL;
        break;
      case ColumnType.DOUBLE:
        memory.f64[this.#data / 8 + row] = NaN;
        break;
      case ColumnType.LONG:
      case ColumnType.TIMESTAMP:
        memory.u32[this.#data / 4 + 2 * row] = 0;
        memory.i32[this.#data / 4 + 2 * row + 1] = INT_NULL;
        break;
      default:
        assert(this.#isText, `type is supported: ${this.type}`);
        kernels.varcharNulls(this.#data + AUX_BYTES * row, 1, this.#heapBytes);
    }
    return true;
  }

  /** The rows set so far; valid until {@linkcode reset}. */
  vector(): Vector {
    if (!this.#isText) return fixedVector(this.type, this.#data);
    return {
      type: ColumnType.VARCHAR,
      data: this.#data,
      heap: this.#heap,
      heapBytes: this.#heapBytes,
      heapOffset: 0,
      symbols: null,
    };
  }

  /** Starts again with row 0. */
  reset(): void {
    this.#heapBytes = 0;
  }

  [Symbol.dispose](): void {
    this.#core.memory.free(this.#data);
    if (this.#heap !== 0) this.#core.memory.free(this.#heap);
  }

  get #isText(): boolean {
    return this.type === ColumnType.VARCHAR || this.type === ColumnType.SYMBOL;
  }

  #parse(row: number, line: CsvLine, field: number): boolean {
    const { memory } = this.#core;
    const { bytes } = line;
    const start = line.starts[field], end = line.ends[field];
    switch (this.type) {
      case ColumnType.BOOLEAN: {
        const value = parseBoolean(bytes, start, end);
        if (value < 0) return false;
        memory.u8[this.#data + row] = value;
        return true;
      }
      case ColumnType.INT: {
        const value = end - start <= 11 ? intOf(bytes, start, end, this.#halves) : NaN;
        if (Number.isNaN(value)) return false;
        memory.i32[this.#data / 4 + row] = value;
        return true;
      }
      case ColumnType.DOUBLE: {
        const value = parseDouble(bytes, start, end);
        if (Number.isNaN(value)) return false;
        memory.f64[this.#data / 8 + row] = value;
        return true;
      }
      case ColumnType.LONG:
        return parseLong(bytes, start, end, this.#halves) && this.#setLong(row);
      case ColumnType.TIMESTAMP:
        return parseTimestamp(bytes, start, end, this.#halves) && this.#setLong(row);
      default:
        return this.#setText(row, line, field);
    }
  }

  #setLong(row: number): boolean {
    const { memory } = this.#core;
    memory.u32[this.#data / 4 + 2 * row] = this.#halves.low;
    memory.i32[this.#data / 4 + 2 * row + 1] = this.#halves.high;
    return true;
  }

  #setText(row: number, line: CsvLine, field: number): boolean {
    const { memory, kernels } = this.#core;
    const start = line.starts[field], length = line.ends[field] - start;
    if (this.#heapBytes + length > this.#heapCapacity) this.#growHeap(this.#heapBytes + length);
    const at = this.#heap + this.#heapBytes;
    let size = length;
    if (line.escaped[field] === 1) {
      size = copyUnescaped(line.bytes.subarray(start, start + length), memory.u8, at);
    } else for (let i = 0; i < length; i++) memory.u8[at + i] = line.bytes[start + i];
    kernels.varcharPut(this.#data + AUX_BYTES * row, at, size, this.#heapBytes);
    if (size > 9) this.#heapBytes += size;
    return true;
  }

  #growHeap(bytes: number): void {
    const { memory } = this.#core;
    const capacity = Math.max(bytes, this.#heapCapacity * 2);
    const larger = memory.alloc(capacity);
    memory.u8.copyWithin(larger, this.#heap, this.#heap + this.#heapBytes);
    memory.free(this.#heap);
    this.#heap = larger;
    this.#heapCapacity = capacity;
  }
}

function intOf(bytes: Uint8Array, start: number, end: number, halves: LongHalves): number {
  if (!parseLong(bytes, start, end, halves)) return NaN;
  const value = halves.high * 4_294_967_296 + halves.low;
  return Math.abs(value) <= INT_MAX ? value : NaN;
}

/** Copies a quoted field with each pair of quotes made one; returns the bytes written. */
function copyUnescaped(source: Uint8Array, target: Uint8Array, at: number): number {
  let size = 0;
  for (let i = 0; i < source.length; i++) {
    target[at + size++] = source[i];
    if (source[i] === QUOTE && source[i + 1] === QUOTE) i++;
  }
  return size;
}

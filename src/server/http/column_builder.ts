/**
 * Collects a column's values from CSV fields in wasm memory, up to a fixed number of rows.
 *
 * @module
 */
import { ColumnType, fixedSize, INT_NULL } from "../../common/mod.ts";
import { writeFixed } from "../../sql/mod.ts";
import { fixedVector, type Vector, type WasmCore } from "../../wasm/mod.ts";
import type { CsvLine } from "./csv_lines.ts";
import {
  isNullWord,
  type LongHalves,
  parseBoolean,
  parseDouble,
  parseInt32,
  parseLong,
  parseTimestamp,
  putNumber,
} from "./field_values.ts";
import type { TimestampPattern } from "./timestamp_pattern.ts";
import { type FieldParser, fieldParser } from "./typed_field.ts";

const AUX_BYTES = 16;
const INLINE_BYTES_MAX = 9;
const QUOTE = 34;
/** Longer fields are no value of a type of fixed width. */
const FIELD_BYTES_MAX = 400;
const SOFT_DECODER = new TextDecoder();
const INITIAL_HEAP_BYTES = 65_536;
/** Flags of a VARCHAR entry's first byte: docs/internals/varchar.md. */
const INLINED = 1;
const ASCII = 2;
const NULL = 4;
const ASCII_END = 128;

/** See the module's description. */
export class ColumnBuilder implements Disposable {
  readonly type: number;
  readonly #core: WasmCore;
  readonly #data: number;
  readonly #isText: boolean;
  readonly #pattern: TimestampPattern | null;
  readonly #halves: LongHalves = { low: 0, high: 0 };
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  readonly #parseField: FieldParser;
  #heap = 0;
  #heapCapacity = 0;
  #heapBytes = 0;

  /** @param column `type`: column type, SYMBOL values are collected as text; `pattern`: how timestamps are written. */
  constructor(
    core: WasmCore,
    column: { readonly type: number; readonly pattern: TimestampPattern | null },
    rowsMax: number,
  ) {
    const { type } = column;
    this.type = type;
    this.#core = core;
    this.#pattern = column.pattern;
    this.#isText = type === ColumnType.VARCHAR || type === ColumnType.SYMBOL ||
      type === ColumnType.STRING;
    this.#parseField = fieldParser(type, column.pattern);
    this.#data = core.memory.alloc(rowsMax * (this.#isText ? AUX_BYTES : fixedSize(type)));
    if (this.#isText) {
      this.#heap = core.memory.alloc(INITIAL_HEAP_BYTES);
      this.#heapCapacity = INITIAL_HEAP_BYTES;
    }
  }

  /** Sets the value of a row from a field; `false` if the field is no value of the type: the row is NULL then. */
  set(row: number, line: CsvLine, field: number): boolean {
    const start = line.starts[field], end = line.ends[field];
    if (start !== end && this.#parse(row, line, field)) return true;
    this.setNull(row);
    return start === end || (!this.#isText && isNullWord(line.bytes, start, end));
  }

  /** Tells whether a row is NULL; for timestamps. */
  isNullTimestamp(row: number): boolean {
    const { memory } = this.#core;
    const word = (this.#data >> 2) + 2 * row;
    return memory.u32[word] === 0 && memory.i32[word + 1] === INT_NULL;
  }

  /** The time of a row, in the column's unit; for timestamps. */
  timestampAt(row: number): bigint {
    return this.#core.memory.i64[(this.#data >> 3) + row];
  }

  /** Makes a row NULL. */
  setNull(row: number): void {
    const { memory } = this.#core;
    switch (this.type) {
      case ColumnType.BOOLEAN:
        memory.u8[this.#data + row] = 0;
        break;
      case ColumnType.INT:
        memory.i32[(this.#data >> 2) + row] = INT_NULL;
        break;
      case ColumnType.DOUBLE:
        memory.f64[(this.#data >> 3) + row] = NaN;
        break;
      case ColumnType.LONG:
      case ColumnType.DATE:
      case ColumnType.TIMESTAMP:
      case ColumnType.TIMESTAMP_NS:
        memory.u32[(this.#data >> 2) + 2 * row] = 0;
        memory.i32[(this.#data >> 2) + 2 * row + 1] = INT_NULL;
        break;
      default:
        if (this.#isText) this.#putEntry(row, NULL, this.#heapBytes);
        else writeFixed(memory, this.type, { data: this.#data, row, value: null });
    }
  }

  /** The rows set so far; valid until {@linkcode reset}. */
  vector(): Vector {
    if (!this.#isText) return fixedVector(this.type, this.#data);
    return {
      type: this.type === ColumnType.STRING ? ColumnType.STRING : ColumnType.VARCHAR,
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

  #parse(row: number, line: CsvLine, field: number): boolean {
    const { memory } = this.#core;
    const { bytes } = line;
    const start = line.starts[field], end = line.ends[field];
    switch (this.type) {
      case ColumnType.BOOLEAN:
        memory.u8[this.#data + row] = parseBoolean(bytes, start, end);
        return true;
      case ColumnType.INT: {
        const value = parseInt32(bytes, start, end);
        memory.i32[(this.#data >> 2) + row] = value;
        return !Number.isNaN(value);
      }
      case ColumnType.DOUBLE: {
        const value = parseDouble(bytes, start, end);
        memory.f64[(this.#data >> 3) + row] = value ?? NaN;
        return value !== undefined;
      }
      case ColumnType.LONG:
        return parseLong(bytes, start, end, this.#halves) && this.#setLong(row);
      case ColumnType.TIMESTAMP:
        return this.#parseTimestamp(bytes, start, end) && this.#setLong(row);
      default:
        return this.#isText ? this.#setText(row, line, field) : this.#setValue(row, line, field);
    }
  }

  /** Sets a value of a type that is read as a text. */
  #setValue(row: number, line: CsvLine, field: number): boolean {
    const start = line.starts[field], end = line.ends[field];
    if (end - start > FIELD_BYTES_MAX) return false;
    const source = line.bytes;
    const text = SOFT_DECODER.decode(source.subarray(start, end));
    const value = this.#parseField(text, { source, start, end });
    if (value === undefined) return false;
    const { memory } = this.#core;
    writeFixed(memory, this.type, { data: this.#data, row, value });
    return true;
  }

  #parseTimestamp(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#pattern === null) return parseTimestamp(bytes, start, end, this.#halves);
    const micros = this.#pattern.parse(bytes, start, end);
    if (Number.isNaN(micros)) return false;
    putNumber(micros, this.#halves);
    return true;
  }

  #setLong(row: number): boolean {
    const { memory } = this.#core;
    memory.u32[(this.#data >> 2) + 2 * row] = this.#halves.low;
    memory.i32[(this.#data >> 2) + 2 * row + 1] = this.#halves.high;
    return true;
  }

  /** Puts a text into the heap, and into its entry if it is short; `false` if it is no UTF-8. */
  #setText(row: number, line: CsvLine, field: number): boolean {
    const { bytes } = line;
    const start = line.starts[field], end = line.ends[field];
    const offset = this.#heapBytes;
    if (offset + end - start > this.#heapCapacity) this.#growHeap(offset + end - start);
    const { u8, u32, u16 } = this.#core.memory;
    const isEscaped = line.escaped[field] === 1;
    let at = this.#heap + offset, seen = 0;
    for (let i = start; i < end; i++) {
      const byte = bytes[i];
      seen |= byte;
      u8[at++] = byte;
      if (isEscaped && byte === QUOTE) i++; // two quotes stand for one
    }
    const from = this.#heap + offset, length = at - from;
    if (seen >= ASCII_END && !this.#isUtf8(u8.subarray(from, at))) return false;
    const ascii = seen < ASCII_END ? ASCII : 0;
    const entry = this.#data + AUX_BYTES * row;
    if (length > INLINE_BYTES_MAX) {
      this.#putEntry(row, length * 16 + ascii, offset);
      u32[(entry >> 2) + 1] = u8[from] | (u8[from + 1] << 8) | (u8[from + 2] << 16) |
        (u8[from + 3] << 24);
      u16[(entry >> 1) + 4] = u8[from + 4] | (u8[from + 5] << 8);
      this.#heapBytes = offset + length;
    } else {
      this.#putEntry(row, length * 16 + ascii + INLINED, offset);
      for (let i = 0; i < length; i++) u8[entry + 1 + i] = u8[from + i];
    }
    return true;
  }

  #isUtf8(bytes: Uint8Array): boolean {
    try {
      this.#decoder.decode(bytes);
      return true;
    } catch (error) {
      if (error instanceof TypeError) return false;
      throw error;
    }
  }

  /** Writes an entry's header and heap offset, and zeros between them. */
  #putEntry(row: number, header: number, offset: number): void {
    const { u32, u16 } = this.#core.memory;
    const entry = this.#data + AUX_BYTES * row;
    u32[entry >> 2] = header;
    u32[(entry >> 2) + 1] = 0;
    u32[(entry >> 2) + 2] = 0;
    u16[(entry >> 1) + 5] = offset & 0xffff;
    u32[(entry >> 2) + 3] = offset >>> 16;
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

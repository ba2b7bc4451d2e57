/**
 * Writes the values of a result as JSON or CSV, straight from the vectors.
 *
 * @module
 */
import {
  ColumnType,
  formatTimestampMicros,
  INT_NULL,
  LONG_NULL,
  typeTag,
} from "../../common/mod.ts";
import { formatDouble, formatFloat, formatValue, readValue } from "../../sql/mod.ts";
import type { Vector, WasmMemory } from "../../wasm/mod.ts";
import type { ByteBuffer } from "./byte_writer.ts";

/** Writes the value of one row. */
export type ValueWriter = (row: number) => void;

/** How values look. */
export interface ValueFormat {
  /** What stands for NULL. */
  readonly nullText: string;
  /** Encodes a text with its quotes. */
  readonly quote: (text: string) => string;
  /** LONG values are quoted. */
  readonly quotesLongs: boolean;
  /** Values without a JSON form of their own are quoted. */
  readonly isJson: boolean;
}

/** JSON as /exec writes it. */
export function jsonFormat(quotesLongs: boolean): ValueFormat {
  return { nullText: "null", quote: (text) => JSON.stringify(text), quotesLongs, isJson: true };
}

/** CSV as /exp writes it: quotes doubled; backslashes and control characters as in JSON, which is what QuestDB does. */
export const CSV_FORMAT: ValueFormat = {
  nullText: "",
  quote: (text) =>
    `"${
      JSON.stringify(text).slice(1, -1).replace(/\\(.)/g, (escape, char) =>
        char === '"' ? '""' : escape)
    }"`,
  quotesLongs: false,
  isJson: false,
};

const TWO_32 = 4_294_967_296;
const QUOTE = 34;
const BACKSLASH = 92;

/** Makes the writer of a vector's values. */
export function valueWriter(
  memory: WasmMemory,
  vector: Vector,
  output: { readonly buffer: ByteBuffer; readonly format: ValueFormat },
): ValueWriter {
  const { buffer, format } = output;
  const { nullText } = format;
  switch (typeTag(vector.type)) {
    case ColumnType.BOOLEAN:
      return (row) => buffer.ascii(memory.u8[vector.data + row] === 1 ? "true" : "false");
    case ColumnType.BYTE:
      return (row) => buffer.ascii(String(memory.i8[vector.data + row]));
    case ColumnType.SHORT:
      return (row) => buffer.ascii(String(memory.i16[vector.data / 2 + row]));
    case ColumnType.INT:
      return (row) => {
        const value = memory.i32[vector.data / 4 + row];
        buffer.ascii(value === INT_NULL ? nullText : String(value));
      };
    case ColumnType.LONG:
      return longWriter(memory, vector, output);
    case ColumnType.TIMESTAMP:
      return timestampWriter(memory, vector, output);
    case ColumnType.DOUBLE:
      return (row) => {
        const value = memory.f64[vector.data / 8 + row];
        buffer.ascii(Number.isFinite(value) ? formatDouble(value) : nullText);
      };
    case ColumnType.FLOAT: {
      const floats = new Float32Array(memory.memory.buffer);
      return (row) => {
        const value = floats[vector.data / 4 + row];
        buffer.ascii(Number.isFinite(value) ? formatFloat(value) : nullText);
      };
    }
    case ColumnType.SYMBOL:
      return symbolWriter(memory, vector, output);
    case ColumnType.VARCHAR:
    case ColumnType.STRING:
      return varcharWriter(memory, vector, output);
    default:
      return otherWriter(memory, vector, output);
  }
}

type Output = { readonly buffer: ByteBuffer; readonly format: ValueFormat };

function longWriter(memory: WasmMemory, vector: Vector, { buffer, format }: Output): ValueWriter {
  const words = vector.data / 4;
  return (row) => {
    const low = memory.u32[words + 2 * row], high = memory.i32[words + 2 * row + 1];
    if (low === 0 && high === INT_NULL) return buffer.ascii(format.nullText);
    // Two 32-bit halves make an exact double up to 2^53; only beyond that a bigint is needed.
    const text = high >= -0x200000 && high < 0x200000
      ? String(high * TWO_32 + low)
      : String(memory.i64[vector.data / 8 + row]);
    buffer.ascii(format.quotesLongs ? `"${text}"` : text);
  };
}

function timestampWriter(
  memory: WasmMemory,
  vector: Vector,
  { buffer, format }: Output,
): ValueWriter {
  const isNanos = vector.type === ColumnType.TIMESTAMP_NS;
  let lastSecond = -1n, prefix = "";
  return (row) => {
    const value = memory.i64[vector.data / 8 + row];
    if (value === LONG_NULL) return buffer.ascii(format.nullText);
    const unit = isNanos ? 1_000_000_000n : 1_000_000n;
    const second = value >= 0n ? value / unit : -1n;
    if (second < 0n || second !== lastSecond) {
      const micros = isNanos ? value / 1000n : value;
      prefix = `"${formatTimestampMicros(micros).slice(0, -7)}`;
      lastSecond = second;
    }
    const fraction = value >= 0n ? value % unit : ((value % unit) + unit) % unit;
    buffer.ascii(prefix);
    buffer.ascii(String(fraction).padStart(isNanos ? 9 : 6, "0"));
    buffer.ascii('Z"');
  };
}

function symbolWriter(memory: WasmMemory, vector: Vector, { buffer, format }: Output): ValueWriter {
  const encoded: (Uint8Array | undefined)[] = [];
  const encoder = new TextEncoder();
  return (row) => {
    const key = memory.i32[vector.data / 4 + row];
    if (key === INT_NULL) return buffer.ascii(format.nullText);
    buffer.bytes(encoded[key] ??= encoder.encode(format.quote(vector.symbols!.text(key))));
  };
}

/** Value bytes without anything to escape are copied as they are. */
function varcharWriter(
  memory: WasmMemory,
  vector: Vector,
  { buffer, format }: Output,
): ValueWriter {
  const decoder = new TextDecoder();
  return (row) => {
    const entry = vector.data + 16 * row;
    const header = memory.u32[entry / 4];
    if (header & 4) return buffer.ascii(format.nullText);
    const isInlined = (header & 1) === 1;
    const length = isInlined ? (header >> 4) & 15 : header >>> 4;
    const offset = memory.u16[(entry + 10) / 2] + memory.u32[(entry + 12) / 4] * 65_536;
    const start = isInlined ? entry + 1 : vector.heap + offset - vector.heapOffset;
    const bytes = memory.u8.subarray(start, start + length);
    if (!needsEscape(bytes)) {
      buffer.byte(QUOTE);
      buffer.bytes(bytes);
      return buffer.byte(QUOTE);
    }
    buffer.text(format.quote(decoder.decode(bytes)));
  };
}

function needsEscape(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte < 32 || byte === QUOTE || byte === BACKSLASH) return true;
  }
  return false;
}

/** Types that only expressions make: their text comes from SQL's own conversion. */
function otherWriter(memory: WasmMemory, vector: Vector, { buffer, format }: Output): ValueWriter {
  const isQuoted = typeTag(vector.type) === ColumnType.DATE || format.isJson;
  return (row) => {
    const text = formatValue(readValue(memory, vector, row), vector.type);
    if (text === null) buffer.ascii(format.nullText);
    else buffer.text(isQuoted ? format.quote(text) : text);
  };
}

/**
 * What ALTER COLUMN TYPE makes of a text, and which text it makes of a value. A text that is no value of the type becomes NULL.
 *
 * @module
 */
import {
  ColumnType,
  formatIpv4,
  formatTimestampMicros,
  formatTimestampNanos,
  formatUuid,
  LONG_NULL,
  MICROS_PER_MILLI,
  parseIpv4,
  parseTimestampMicros,
  parseTimestampNanos,
  parseUuid,
  typeTag,
} from "../../common/mod.ts";
import { formatDateMillis, formatDouble, formatFloat, INT_NULL } from "../../common/mod.ts";
import type { WasmMemory } from "../../wasm/mod.ts";

/** Writes the value of a text, or NULL, into a vector's row. */
export type TextParser = (text: string | null, row: number) => void;
/** Text of a vector's row, `null` for NULL. */
export type TextFormatter = (row: number) => string | null;

const INT = /^[+-]?\d+(_\d+)*$/;
const LONG = /^-?\d+(_\d+)*L?$/i;
const REAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const INFINITY = /^[+-]?Infinity$/;
const INT_MAX = 0x7fffffff;
const LONG_MAX = 0x7fffffffffffffffn;

/** Parses an int32; `null` if the text is none. */
export function parseInt32(text: string): number | null {
  if (!INT.test(text)) return null;
  const value = Number(text.replaceAll("_", ""));
  return value >= -INT_MAX && value <= INT_MAX ? value : null;
}

/** Parses an int64; `null` if the text is none. */
export function parseInt64(text: string): bigint | null {
  if (!LONG.test(text)) return null;
  const value = BigInt(text.replaceAll("_", "").replace(/L$/i, ""));
  return value >= -LONG_MAX && value <= LONG_MAX ? value : null;
}

/** Parses a real with the type's suffix letter allowed; NaN if the text is none, or too large. */
export function parseReal(text: string, suffix: "f" | "d"): number {
  let plain = text.trim();
  if (INFINITY.test(plain)) return plain.startsWith("-") ? -Infinity : Infinity;
  if (plain.toLowerCase().endsWith(suffix)) plain = plain.slice(0, -1);
  if (!REAL.test(plain)) return NaN;
  const value = suffix === "f" ? Math.fround(Number(plain)) : Number(plain);
  return Number.isFinite(value) ? value : NaN;
}

/** Makes the parser of a fixed-width type over the values at `data`. */
export function textParser(memory: WasmMemory, type: number, data: number): TextParser {
  switch (typeTag(type)) {
    case ColumnType.BOOLEAN:
      return (text, row) => memory.u8[data + row] = text?.toLowerCase() === "true" ? 1 : 0;
    case ColumnType.BYTE:
      return (text, row) => memory.u8[data + row] = text === null ? 0 : parseInt32(text) ?? 0;
    case ColumnType.SHORT:
      return (text, row) =>
        putUnit(memory, data + 2 * row, text === null ? 0 : parseInt32(text) ?? 0);
    case ColumnType.CHAR:
      return (text, row) => putUnit(memory, data + 2 * row, text?.charCodeAt(0) || 0);
    case ColumnType.INT:
      return (text, row) =>
        memory.i32[data / 4 + row] = (text === null ? null : parseInt32(text)) ?? INT_NULL;
    case ColumnType.IPV4:
      return (text, row) =>
        memory.i32[data / 4 + row] = (text === null ? null : parseIpv4(text)) ?? 0;
    case ColumnType.FLOAT:
      return (text, row) => memory.f32[data / 4 + row] = text === null ? NaN : parseReal(text, "f");
    case ColumnType.DOUBLE:
      return (text, row) => memory.f64[data / 8 + row] = text === null ? NaN : parseReal(text, "d");
    case ColumnType.UUID:
      return (text, row) =>
        putUuid(memory, data + 16 * row, text === null ? null : parseUuid(text));
    default:
      return longParser(memory, type, data);
  }
}

function longParser(memory: WasmMemory, type: number, data: number): TextParser {
  const parse = (text: string): bigint | null => {
    if (type === ColumnType.LONG) return parseInt64(text);
    if (type === ColumnType.TIMESTAMP_NS) return parseTimestampNanos(text);
    const micros = parseTimestampMicros(text);
    if (type === ColumnType.TIMESTAMP || micros === null) return micros;
    const rest = micros % MICROS_PER_MILLI;
    return (micros - (rest < 0n ? rest + MICROS_PER_MILLI : rest)) / MICROS_PER_MILLI;
  };
  return (text, row) =>
    memory.i64[data / 8 + row] = (text === null ? null : parse(text)) ?? LONG_NULL;
}

function putUnit(memory: WasmMemory, pointer: number, unit: number): void {
  memory.u8[pointer] = unit;
  memory.u8[pointer + 1] = unit >> 8;
}

function putUuid(memory: WasmMemory, pointer: number, value: bigint | null): void {
  const at = pointer / 8;
  memory.i64[at] = value === null ? LONG_NULL : BigInt.asIntN(64, value);
  memory.i64[at + 1] = value === null ? LONG_NULL : BigInt.asIntN(64, value >> 64n);
}

/** Makes the formatter of a fixed-width type over the values at `data`. */
export function textFormatter(memory: WasmMemory, type: number, data: number): TextFormatter {
  const unitAt = (row: number) => memory.u8[data + 2 * row] | memory.u8[data + 2 * row + 1] << 8;
  switch (typeTag(type)) {
    case ColumnType.BOOLEAN:
      return (row) => memory.u8[data + row] !== 0 ? "true" : "false";
    case ColumnType.BYTE:
      return (row) => String(memory.u8[data + row] << 24 >> 24);
    case ColumnType.SHORT:
      return (row) => String(unitAt(row) << 16 >> 16);
    case ColumnType.CHAR:
      return (row) => unitAt(row) === 0 ? null : String.fromCharCode(unitAt(row));
    case ColumnType.INT:
      return (row) => {
        const value = memory.i32[data / 4 + row];
        return value === INT_NULL ? null : String(value);
      };
    case ColumnType.IPV4:
      return (row) => {
        const value = memory.i32[data / 4 + row];
        return value === 0 ? null : formatIpv4(value >>> 0);
      };
    case ColumnType.FLOAT:
      return (row) => {
        const value = memory.f32[data / 4 + row];
        return Number.isFinite(value) ? formatFloat(value) : null;
      };
    case ColumnType.DOUBLE:
      return (row) => {
        const value = memory.f64[data / 8 + row];
        return Number.isFinite(value) ? formatDouble(value) : null;
      };
    case ColumnType.UUID:
      return (row) => {
        const low = memory.i64[data / 8 + 2 * row], high = memory.i64[data / 8 + 2 * row + 1];
        if (low === LONG_NULL && high === LONG_NULL) return null;
        return formatUuid(BigInt.asUintN(64, high) << 64n | BigInt.asUintN(64, low));
      };
    default:
      return longFormatter(memory, type, data);
  }
}

function longFormatter(memory: WasmMemory, type: number, data: number): TextFormatter {
  const format = type === ColumnType.TIMESTAMP_NS
    ? formatTimestampNanos
    : type === ColumnType.TIMESTAMP
    ? formatTimestampMicros
    : type === ColumnType.DATE
    ? formatDateMillis
    : String;
  return (row) => {
    const value = memory.i64[data / 8 + row];
    return value === LONG_NULL ? null : format(value);
  };
}

/**
 * Writes the values of a result as JSON or CSV, straight from the vectors.
 *
 * @module
 */
import { ColumnType, INT_NULL, isDecimal, isGeohash, typeTag } from "../../common/mod.ts";
import { formatFloat, formatValue, valueReader } from "../../sql/mod.ts";
import type { SymbolTable, Vector, WasmMemory } from "../../wasm/mod.ts";
import type { ByteWriter } from "./byte_writer.ts";
import { timestampWriter } from "./timestamp_writer.ts";

/** Writes the value of one row. */
export type ValueWriter = (row: number) => void;

/** How values look. */
export interface ValueFormat {
  /** JSON as /exec writes it, otherwise CSV as /exp does. */
  readonly isJson: boolean;
  /** What stands for NULL. */
  readonly nullText: string;
  /** LONG values are quoted. */
  readonly quotesLongs: boolean;
}

/** JSON as /exec writes it. */
export function jsonFormat(quotesLongs: boolean): ValueFormat {
  return { isJson: true, nullText: "null", quotesLongs };
}

/** CSV as /exp writes it. */
export const CSV_FORMAT: ValueFormat = { isJson: false, nullText: "", quotesLongs: false };

/** Where values go, and what is kept between batches. */
export interface ValueOutput {
  readonly buffer: ByteWriter;
  readonly format: ValueFormat;
  /** Encoded texts of symbols by dictionary and key, filled as they are met. */
  readonly symbols: Map<SymbolTable, (Uint8Array | undefined)[]>;
}

const TWO_32 = 4_294_967_296;
/** High halves within ±2^21 belong to int64 values that a double holds exactly. */
const EXACT_HIGH = 0x200000;
const QUOTE = 34;
const ENCODER = new TextEncoder();

/** Appends any text with its quotes and escapes. */
export function writeText({ buffer, format }: Omit<ValueOutput, "symbols">, text: string): void {
  const bytes = ENCODER.encode(wellFormed(text));
  if (format.isJson) buffer.jsonText(bytes, 0, bytes.length);
  else buffer.csvText(bytes, 0, bytes.length);
}

/** Half of a character, with what follows it where the other half should be, is a question mark in QuestDB's answers. */
const HALF_CHARACTER = /[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff][^]?/g;

function wellFormed(text: string): string {
  if (text.isWellFormed()) return text;
  return text.replace(HALF_CHARACTER, (found) => found.isWellFormed() ? found : "?");
}

/** Makes the writer of a vector's values. */
export function valueWriter(memory: WasmMemory, vector: Vector, output: ValueOutput): ValueWriter {
  const { buffer, format: { nullText } } = output;
  const { data } = vector;
  switch (typeTag(vector.type)) {
    case ColumnType.BOOLEAN:
      return (row) => buffer.ascii(memory.u8[data + row] === 0 ? "false" : "true");
    case ColumnType.BYTE:
      return (row) => buffer.integer(memory.i8[data + row]);
    case ColumnType.SHORT:
      return (row) => buffer.integer(memory.i16[(data >> 1) + row]);
    case ColumnType.INT:
      return (row) => {
        const value = memory.i32[(data >> 2) + row];
        if (value === INT_NULL) buffer.ascii(nullText);
        else buffer.integer(value);
      };
    case ColumnType.LONG:
      return longWriter(memory, vector, output);
    case ColumnType.DATE:
    case ColumnType.TIMESTAMP:
      return timestampWriter(memory, vector, output);
    case ColumnType.DOUBLE:
      return (row) => {
        const value = memory.f64[(data >> 3) + row];
        if (Number.isFinite(value)) buffer.double(value);
        else buffer.ascii(nullText);
      };
    case ColumnType.FLOAT:
      return floatWriter(memory, vector, output);
    case ColumnType.SYMBOL:
      return symbolWriter(memory, vector, output);
    case ColumnType.VARCHAR:
    case ColumnType.STRING:
      return varcharWriter(memory, vector, output);
    case ColumnType.CHAR:
      return charWriter(memory, vector, output);
    case ColumnType.BINARY:
      // QuestDB gives no bytes away here: `[]` in JSON, nothing in CSV.
      return () => buffer.ascii(output.format.isJson ? "[]" : "");
    case ColumnType.ARRAY:
      return arrayWriter(memory, vector, output);
    case ColumnType.NULL:
      return () => buffer.ascii(nullText);
    default:
      return otherWriter(memory, vector, output);
  }
}

function longWriter(memory: WasmMemory, vector: Vector, output: ValueOutput): ValueWriter {
  const { buffer, format } = output;
  const words = vector.data >> 2;
  return (row) => {
    const low = memory.u32[words + 2 * row], high = memory.i32[words + 2 * row + 1];
    if (low === 0 && high === INT_NULL) return buffer.ascii(format.nullText);
    if (format.quotesLongs) buffer.byte(QUOTE);
    if (high >= -EXACT_HIGH && high < EXACT_HIGH) buffer.integer(high * TWO_32 + low);
    else buffer.ascii(String(memory.i64[(vector.data >> 3) + row])); // rare: beyond 2^53
    if (format.quotesLongs) buffer.byte(QUOTE);
  };
}

function floatWriter(memory: WasmMemory, vector: Vector, output: ValueOutput): ValueWriter {
  const { buffer, format: { nullText } } = output;
  const floats = new Float32Array(memory.memory.buffer);
  return (row) => {
    const value = floats[(vector.data >> 2) + row];
    buffer.ascii(Number.isFinite(value) ? formatFloat(value) : nullText);
  };
}

function symbolWriter(memory: WasmMemory, vector: Vector, output: ValueOutput): ValueWriter {
  const { buffer, format: { isJson, nullText } } = output;
  const symbols = vector.symbols!;
  const encoded = output.symbols.get(symbols) ?? [];
  output.symbols.set(symbols, encoded);
  return (row) => {
    const key = memory.i32[(vector.data >> 2) + row];
    if (key === INT_NULL) return buffer.ascii(nullText);
    const text = encoded[key] ??= ENCODER.encode(symbols.text(key));
    if (isJson) buffer.jsonText(text, 0, text.length);
    else buffer.csvText(text, 0, text.length);
  };
}

function varcharWriter(memory: WasmMemory, vector: Vector, output: ValueOutput): ValueWriter {
  const { buffer, format: { isJson, nullText } } = output;
  const { u8, u16, u32 } = memory;
  return (row) => {
    const entry = vector.data + 16 * row;
    const header = u32[entry >> 2];
    if ((header & 4) !== 0) return buffer.ascii(nullText);
    const isInlined = (header & 1) === 1;
    const length = isInlined ? (header >> 4) & 15 : header >>> 4;
    const start = isInlined
      ? entry + 1
      : vector.heap + u16[(entry + 10) >> 1] + u32[(entry + 12) >> 2] * 65_536 - vector.heapOffset;
    if (isJson) buffer.jsonText(u8, start, start + length);
    else buffer.csvText(u8, start, start + length);
  };
}

/** A CHAR of 0 is an empty text in JSON and nothing in CSV, where characters have no quotes. */
function charWriter(memory: WasmMemory, vector: Vector, output: ValueOutput): ValueWriter {
  const { buffer, format: { isJson } } = output;
  return (row) => {
    const code = memory.u16[(vector.data >> 1) + row];
    const text = code === 0 ? "" : String.fromCharCode(code);
    if (isJson) writeText(output, text);
    else buffer.text(wellFormed(text));
  };
}

/** How a type that has no writer of its own looks. */
interface TextStyle {
  /** CSV puts it into quotes; JSON always does. */
  readonly isQuoted: boolean;
  /** NULL in JSON. */
  readonly jsonNull: string;
  /** NULL in CSV. */
  readonly csvNull: string;
}

const PLAIN: TextStyle = { isQuoted: false, jsonNull: "null", csvNull: "" };
const LONG256_STYLE: TextStyle = { isQuoted: false, jsonNull: '""', csvNull: "" };
const QUOTED: TextStyle = { isQuoted: true, jsonNull: "null", csvNull: "null" };
const INTERVAL_STYLE: TextStyle = { isQuoted: true, jsonNull: "null", csvNull: "" };

function styleOf(type: number): TextStyle {
  if (typeTag(type) === ColumnType.LONG256) return LONG256_STYLE;
  if (typeTag(type) === ColumnType.INTERVAL) return INTERVAL_STYLE;
  return isGeohash(type) || isDecimal(type) ? QUOTED : PLAIN;
}

/** GEOHASH, UUID, IPv4, LONG256, DECIMAL: their text comes from SQL's own conversion. */
function otherWriter(memory: WasmMemory, vector: Vector, output: ValueOutput): ValueWriter {
  const { buffer, format: { isJson } } = output;
  const { isQuoted, jsonNull, csvNull } = styleOf(vector.type);
  const hasQuotes = isJson || isQuoted;
  const read = valueReader(memory, vector);
  return (row) => {
    const text = formatValue(read(row), vector.type);
    if (text === null) return buffer.ascii(isJson ? jsonNull : csvNull);
    if (hasQuotes) buffer.byte(QUOTE);
    buffer.ascii(text);
    if (hasQuotes) buffer.byte(QUOTE);
  };
}

/** `[1.0,null]`; CSV puts it, and the word for NULL, into quotes. */
function arrayWriter(memory: WasmMemory, vector: Vector, output: ValueOutput): ValueWriter {
  const { buffer, format: { isJson } } = output;
  const read = valueReader(memory, vector);
  return (row) => {
    const text = formatValue(read(row), vector.type) ?? "null";
    if (!isJson) buffer.byte(QUOTE);
    buffer.ascii(text);
    if (!isJson) buffer.byte(QUOTE);
  };
}

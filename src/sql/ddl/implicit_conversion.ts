/**
 * What INSERT converts without being asked, and how constants of VALUES become column values. Texts and limits are
 * QuestDB's: numbers take strings that spell numbers, timestamps take ISO strings, texts take texts, and BOOLEAN takes
 * nothing but BOOLEAN.
 *
 * @module
 */
import {
  ColumnType,
  isTimestamp,
  parseTimestampMicros,
  SqlError,
  typeName,
  typeTag,
} from "../../common/mod.ts";
import type { ScalarValue } from "../exec/mod.ts";

const NUMBERS: ReadonlySet<number> = new Set([
  ColumnType.BYTE,
  ColumnType.SHORT,
  ColumnType.INT,
  ColumnType.LONG,
  ColumnType.FLOAT,
  ColumnType.DOUBLE,
]);
const TEXTS: ReadonlySet<number> = new Set([
  ColumnType.STRING,
  ColumnType.VARCHAR,
  ColumnType.CHAR,
]);
const WHOLE_NUMBERS: ReadonlySet<number> = new Set([
  ColumnType.BYTE,
  ColumnType.SHORT,
  ColumnType.INT,
  ColumnType.LONG,
]);
const LONG_MIN = -(1n << 63n), LONG_MAX = (1n << 63n) - 1n;
const INT_MIN = -2147483648n, INT_MAX = 2147483647n;

/** Tells whether INSERT converts values of one type into a column of another without a cast. */
export function isInsertable(from: number, to: number): boolean {
  const source = typeTag(from), target = typeTag(to);
  if (source === target || source === ColumnType.NULL) return true;
  const isMoment = isTimestamp(from) || source === ColumnType.DATE;
  switch (target) {
    case ColumnType.BYTE:
    case ColumnType.SHORT:
    case ColumnType.INT:
    case ColumnType.LONG:
    case ColumnType.FLOAT:
    case ColumnType.DOUBLE:
      return NUMBERS.has(source) || TEXTS.has(source) || isMoment;
    case ColumnType.DATE:
    case ColumnType.TIMESTAMP:
      return WHOLE_NUMBERS.has(source) || TEXTS.has(source) || isMoment;
    case ColumnType.SYMBOL:
      return TEXTS.has(source);
    case ColumnType.STRING:
    case ColumnType.VARCHAR:
      return TEXTS.has(source) || source === ColumnType.SYMBOL || source === ColumnType.UUID;
    default:
      return false;
  }
}

/** Makes QuestDB's error about types that INSERT does not convert. */
export function inconvertibleTypes(
  position: number,
  from: { type: number; text: string },
  to: { type: number; name: string },
): SqlError {
  return new SqlError(
    position,
    `inconvertible types: ${typeName(from.type)} -> ${typeName(to.type)} ` +
      `[from=${from.text}, to=${to.name}]`,
  );
}

function inconvertibleValue(value: string, from: number, to: number): SqlError {
  return new SqlError(
    0,
    `inconvertible value: ${value} [${typeName(from)} -> ${typeName(to)}]`,
  );
}

/**
 * Converts a constant to a column's type; the types are known to be convertible.
 *
 * @param value Of type `from`; NULL stays NULL, save that a BOOLEAN column reads it as false.
 * @returns The value as `rowsCursor` takes it for a column of type `to` (a text for a SYMBOL).
 * @throws {SqlError} `inconvertible value: …`
 */
export function convertScalar(value: ScalarValue, from: number, to: number): ScalarValue {
  if (typeTag(to) === ColumnType.BOOLEAN) return value === true;
  if (value === null || (typeof value === "number" && Number.isNaN(value))) return null;
  switch (typeTag(to)) {
    case ColumnType.INT:
      return toInt(value, from, to);
    case ColumnType.LONG:
      return toLong(value, from, to);
    case ColumnType.DOUBLE:
      return toDouble(value, from, to);
    case ColumnType.TIMESTAMP:
      return toTimestamp(value, from, to);
    default:
      return typeof value === "string" ? value : String(value);
  }
}

/** Formats a DOUBLE as Java prints it in QuestDB's errors: `1.0E30`, `1.5`. */
function formatDouble(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude >= 1e7 || magnitude < 1e-3)) {
    const [mantissa, exponent] = value.toExponential().split("e");
    return `${mantissa.includes(".") ? mantissa : `${mantissa}.0`}E${Number(exponent)}`;
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

function textError(value: string, from: number, to: number): SqlError {
  if (typeTag(from) === ColumnType.CHAR) return inconvertibleValue(value, from, to);
  return inconvertibleValue(`\`${value}\``, ColumnType.STRING, to);
}

function parseWhole(text: string): bigint | null {
  const match = /^([+-]?)(\d+(?:_\d+)*)[lL]?$/.exec(text);
  if (match === null) return null;
  const digits = BigInt(match[2].replaceAll("_", ""));
  return match[1] === "-" ? -digits : digits;
}

function toInt(value: ScalarValue, from: number, to: number): number | null {
  if (typeof value === "string") {
    const whole = /[lL]$/.test(value) ? null : parseWhole(value);
    if (whole === null || whole < INT_MIN || whole > INT_MAX) throw textError(value, from, to);
    return whole === INT_MIN ? null : Number(whole);
  }
  const whole = toWhole(value, from, to);
  if (whole < INT_MIN || whole > INT_MAX) {
    throw inconvertibleValue(String(whole), ColumnType.LONG, to);
  }
  return whole === INT_MIN ? null : Number(whole);
}

function toLong(value: ScalarValue, from: number, to: number): bigint | null {
  if (typeof value === "string") {
    const whole = parseWhole(value);
    if (whole === null || whole < LONG_MIN || whole > LONG_MAX) throw textError(value, from, to);
    return whole === LONG_MIN ? null : whole;
  }
  const whole = toWhole(value, from, to);
  return whole === LONG_MIN ? null : whole;
}

/** Cuts a number to a whole one that fits 64 bits. */
function toWhole(value: ScalarValue, from: number, to: number): bigint {
  if (typeof value === "bigint") return value;
  const number = Number(value);
  const isFinite = Number.isFinite(number) && Math.abs(number) < 2 ** 63;
  if (!isFinite) throw inconvertibleValue(formatDouble(number), from, to);
  return BigInt(Math.trunc(number));
}

function toDouble(value: ScalarValue, from: number, to: number): number | null {
  if (typeof value !== "string") return Number(value);
  const text = value.trim();
  if (text === "NaN") return null;
  const isNumber = /^[+-]?(?:Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)$/.test(text);
  if (!isNumber) throw textError(value, from, to);
  const number = Number(text);
  return Number.isFinite(number) ? number : null; // infinities are NULL in QuestDB
}

function toTimestamp(value: ScalarValue, from: number, to: number): bigint | null {
  if (typeof value === "string") {
    // `parseTimestampMicros` reads over blanks around the text, QuestDB does not.
    const micros = value.trim() === value ? parseTimestampMicros(value) : null;
    if (micros === null) throw textError(value, from, to);
    return micros;
  }
  const whole = toWhole(value, from, to);
  if (whole === LONG_MIN) return null;
  return typeTag(from) === ColumnType.DATE ? whole * 1000n : whole;
}

/**
 * Literals: from source text to typed constants.
 *
 * @module
 */
import {
  ColumnType,
  DECIMAL_PRECISION_MAX,
  decimalType,
  GEOHASH_BITS_MAX,
  geohashType,
  parseDecimal,
  parseGeohash,
  parseGeohashBits,
  parseLong256,
  SqlError,
} from "../../common/mod.ts";
import type { Literal } from "../ast/mod.ts";
import type { ScalarValue } from "../functions/mod.ts";

/** A literal's type and value. */
export interface TypedValue {
  readonly type: number;
  readonly value: ScalarValue;
}

const INT_MAX = 0x7fffffffn;
const LONG_MAX = 2n ** 63n - 1n;
const BITS_PER_CHAR = 5;

/**
 * Types a literal as QuestDB does: one letter is a CHAR, `1` INT, `1L` LONG, `1.0` and `1e5` DOUBLE, `1.0f` FLOAT, `1.5m`
 * DECIMAL, `0xabcd` LONG256, `#u33` and `##101` GEOHASH.
 *
 * @throws {SqlError} `invalid constant: …` and others.
 */
export function typedLiteral(literal: Literal): TypedValue {
  switch (literal.literal) {
    case "null":
      return { type: ColumnType.NULL, value: null };
    case "boolean":
      return { type: ColumnType.BOOLEAN, value: literal.text.toLowerCase() === "true" };
    case "string":
      return {
        type: literal.text.length === 1 ? ColumnType.CHAR : ColumnType.STRING,
        value: literal.text,
      };
    case "number":
      return typedNumber(literal);
    case "geohash":
      return typedGeohash(literal);
  }
}

function invalid(literal: Literal): SqlError {
  return new SqlError(literal.position, `invalid constant: ${literal.text}`);
}

/** `#u33`, `#u33/12` with a width in bits, `##1011`. */
function typedGeohash(literal: Literal): TypedValue {
  const { text, position } = literal;
  if (text.startsWith("##")) {
    const value = parseGeohashBits(text.slice(2));
    if (value === null) throw invalid(literal);
    return { type: geohashType(text.length - 2), value };
  }
  const [chars, width] = text.slice(1).split("/");
  const value = parseGeohash(chars);
  if (value === null) throw invalid(literal);
  const whole = chars.length * BITS_PER_CHAR;
  const bits = width === undefined ? whole : Number(width);
  if (bits === 0 || bits > GEOHASH_BITS_MAX) {
    throw new SqlError(position, `invalid bits size for GEOHASH constant: ${text}`);
  }
  if (!Number.isInteger(bits) || bits > whole) throw invalid(literal);
  return { type: geohashType(bits), value: value >> BigInt(whole - bits) };
}

function typedDecimal(literal: Literal): TypedValue {
  const { text, position } = literal;
  const plain = text.slice(0, -1);
  const stray = /[^0-9.eE+-]/.exec(plain);
  if (stray !== null) {
    throw new SqlError(position, `decimal '${text}' contains invalid character '${stray[0]}'`);
  }
  const number = parseDecimal(plain);
  if (number === null) throw invalid(literal);
  if (number.precision > DECIMAL_PRECISION_MAX) {
    throw new SqlError(
      position,
      `decimal '${text}' exceeds maximum allowed precision of ${DECIMAL_PRECISION_MAX}`,
    );
  }
  return { type: decimalType(number.precision, number.scale), value: number.unscaled };
}

function typedNumber(literal: Literal): TypedValue {
  if (/^0x/i.test(literal.text)) {
    const value = literal.text.length % 2 === 0 ? parseLong256(literal.text) : null;
    if (value === null) throw invalid(literal);
    return { type: ColumnType.LONG256, value };
  }
  if (/^[\d.].*m$/i.test(literal.text)) return typedDecimal(literal);
  if (/__|_$|_[^\d]/.test(literal.text)) throw invalid(literal);
  const text = literal.text.replaceAll("_", "");
  if (/^\d+L?$/i.test(text)) {
    const value = BigInt(text.replace(/L$/i, ""));
    if (/L$/i.test(text)) return { type: ColumnType.LONG, value };
    if (value <= INT_MAX) return { type: ColumnType.INT, value: Number(value) };
    if (value <= LONG_MAX) return { type: ColumnType.LONG, value };
    return { type: ColumnType.DOUBLE, value: Number(text) };
  }
  if (/f$/i.test(text)) {
    return { type: ColumnType.FLOAT, value: Math.fround(Number(text.slice(0, -1))) };
  }
  const value = Number(text.replace(/d$/i, ""));
  if (Number.isNaN(value)) throw invalid(literal);
  return { type: ColumnType.DOUBLE, value };
}

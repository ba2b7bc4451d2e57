/**
 * Conversion of single values between types of which at least one has no kernel: GEOHASH, UUID, LONG256, IPv4, DECIMAL,
 * arrays.
 *
 * @module
 */
import {
  arrayDimensions,
  type ArrayValue,
  ColumnType,
  decimalPrecision,
  decimalScale,
  fitsDecimal,
  formatDecimal,
  geohashBits,
  isDecimal,
  isGeohash,
  LONG_NULL,
  parseDecimal,
  rescaleDecimal,
  SqlError,
  typeName,
  typeTag,
} from "../../common/mod.ts";
import { formatDouble } from "./number_text.ts";
import type { ScalarValue } from "./scalar_value.ts";
import { isInteger, isReal, isTextual } from "./type_class.ts";
import { formatValue, parseText } from "./value_text.ts";

/** What a conversion of one value needs to know. */
export interface CastTarget {
  /** Target type code. */
  readonly type: number;
  /** Implicit conversions refuse what they cannot take; explicit ones mostly make NULL of it. */
  readonly isImplicit: boolean;
  /** Position for errors. */
  readonly position: number;
}

/** Text of QuestDB for a value that cannot become the type. */
export function inconvertible(value: string, from: number, to: number): string {
  const isQuoted = isTextual(from) && typeTag(from) !== ColumnType.CHAR;
  const shown = isQuoted ? `\`${value}\`` : value;
  return `inconvertible value: ${shown} [${typeName(from)} -> ${typeName(to)}]`;
}

/** What NULL of one type becomes in another: NULL, but texts of QuestDB's NULL geohash are empty. */
export function nullCast(from: number, to: number): ScalarValue {
  const isText = isTextual(to) && typeTag(to) !== ColumnType.CHAR;
  return isGeohash(from) && isText ? "" : null;
}

/** Converts a value that is not NULL. @throws {SqlError} `inconvertible value: …`, `inconvertible types: …`. */
export function castValue(value: ScalarValue, from: number, target: CastTarget): ScalarValue {
  const { type } = target;
  if (isDecimal(type)) return toDecimal(value, from, target);
  if (isDecimal(from)) return fromDecimal(value as bigint, from, target);
  const tag = typeTag(type);
  if (tag === ColumnType.SYMBOL && typeTag(from) === ColumnType.LONG256) {
    return String(low64(value as bigint));
  }
  if (tag === ColumnType.STRING || tag === ColumnType.VARCHAR || tag === ColumnType.SYMBOL) {
    return formatValue(value, from);
  }
  if (isTextual(from)) return parsed(String(value), from, target);
  if (typeTag(from) === ColumnType.UUID) {
    return parsed(formatValue(value, from)!, ColumnType.STRING, target);
  }
  if (tag === ColumnType.ARRAY) return toArray(value, from, type);
  if (isGeohash(type)) return toGeohash(value, from, type);
  if (typeTag(from) === ColumnType.LONG256) return fromLong(low64(value as bigint), type);
  if (tag === ColumnType.LONG256) return BigInt.asUintN(64, toLong(value, from));
  if (tag === ColumnType.IPV4) return Number(value) >>> 0;
  if (typeTag(from) === ColumnType.IPV4) return Number(value) | 0;
  throw refused(from, target);
}

function refused(from: number, { type, position }: CastTarget): SqlError {
  const a = typeName(from), b = typeName(type);
  return new SqlError(position, `inconvertible types: ${a} -> ${b} [from=${a}, to=${b}]`);
}

function parsed(text: string, from: number, target: CastTarget): ScalarValue {
  const isDigit = typeTag(from) === ColumnType.CHAR && typeTag(target.type) === ColumnType.LONG256;
  if (isDigit) {
    if (/^\d$/.test(text)) return BigInt(text);
    throw new SqlError(0, inconvertible(text, from, ColumnType.LONG));
  }
  const value = parseText(text, target.type);
  if (value !== undefined) return value;
  if (target.isImplicit) {
    throw new SqlError(target.position, inconvertible(text, from, target.type));
  }
  return null;
}

function low64(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

/** A number, time or flag as int64; reals are cut. */
function toLong(value: ScalarValue, from: number): bigint {
  if (typeof value === "bigint") return low64(value);
  if (typeof value === "boolean") return value ? 1n : 0n;
  const number = Math.trunc(Number(value));
  if (!isReal(from)) return BigInt(number);
  if (number >= 2 ** 63) return 2n ** 63n - 1n;
  return number <= -(2 ** 63) ? LONG_NULL : BigInt(number);
}

/** The low bits of a LONG256 as a narrower number. */
function fromLong(value: bigint, type: number): ScalarValue {
  switch (typeTag(type)) {
    case ColumnType.BOOLEAN:
      return value !== 0n;
    case ColumnType.BYTE:
      return Number(BigInt.asIntN(8, value));
    case ColumnType.SHORT:
      return Number(BigInt.asIntN(16, value));
    case ColumnType.CHAR:
      return String.fromCharCode(Number(BigInt.asUintN(16, value)));
    case ColumnType.INT:
      return Number(BigInt.asIntN(32, value));
    default:
      return isReal(type) ? Number(value) : value;
  }
}

function toArray(value: ScalarValue, from: number, type: number): ArrayValue {
  const dimensions = arrayDimensions(type);
  if (typeTag(from) !== ColumnType.ARRAY) {
    const shape = new Array<number>(dimensions).fill(1);
    return { shape, values: Float64Array.of(Number(value)) };
  }
  const array = value as ArrayValue;
  const missing = dimensions - array.shape.length;
  return { shape: [...new Array<number>(missing).fill(1), ...array.shape], values: array.values };
}

function toGeohash(value: ScalarValue, from: number, type: number): bigint | null {
  const bits = geohashBits(type);
  if (isGeohash(from)) return (value as bigint) >> BigInt(geohashBits(from) - bits);
  const whole = toLong(value, from);
  return whole === -1n ? null : BigInt.asUintN(bits, whole); // −1 is the NULL of every width
}

const NOT_FINITE = /^[+-]?(NaN|Infinity)$/;
const DECIMAL128_PRECISION_MAX = 38;

function toDecimal(value: ScalarValue, from: number, target: CastTarget): bigint | null {
  const { type, position } = target;
  const precision = decimalPrecision(type), scale = decimalScale(type);
  const refuse = (text: string, source: number) =>
    new SqlError(position, inconvertible(text, source, type));
  if (isDecimal(from)) {
    const own = decimalScale(from);
    const unscaled = value as bigint;
    const text = formatDecimal(unscaled, own);
    const isExact = own <= scale || unscaled % 10n ** BigInt(own - scale) === 0n;
    const rescaled = rescaleDecimal(unscaled, own, scale);
    if (!isExact || !fitsDecimal(rescaled, precision)) throw refuse(text, from);
    return rescaled;
  }
  if (isReal(from)) return realToDecimal(Number(value), from, target);
  if (isTextual(from) || typeTag(from) === ColumnType.UUID) {
    const text = formatValue(value, from)!;
    // As in QuestDB: 0, and NULL in the widest type.
    if (NOT_FINITE.test(text.trimStart())) return precision > DECIMAL128_PRECISION_MAX ? null : 0n;
    const number = parseDecimalText(text);
    const fits = number !== null && number.scale <= scale;
    const rescaled = fits ? rescaleDecimal(number.unscaled, number.scale, scale) : 0n;
    if (!fits || !fitsDecimal(rescaled, precision)) throw refuse(text, ColumnType.STRING);
    return rescaled;
  }
  const whole = toLong(value, from);
  const rescaled = rescaleDecimal(whole, 0, scale);
  const isNarrow = isInteger(from);
  if (!fitsDecimal(rescaled, precision)) {
    throw refuse(String(whole), isNarrow ? from : ColumnType.LONG);
  }
  return rescaled;
}

/** A decimal in a string may have blanks before it, a suffix behind it, and fraction zeros beyond the scale. */
function parseDecimalText(text: string): { unscaled: bigint; scale: number } | null {
  const plain = text.trimStart();
  const number = parseDecimal(plain.replace(/m$/i, ""));
  if (number === null) return null;
  let { unscaled, scale } = number;
  while (scale > 0 && unscaled % 10n === 0n) {
    unscaled /= 10n;
    scale--;
  }
  return { unscaled, scale };
}

/** The shortest decimal spelling of a real, with the digits beyond the scale cut off. */
function realToDecimal(value: number, from: number, target: CastTarget): bigint {
  const scale = decimalScale(target.type);
  const number = parseDecimal(
    typeTag(from) === ColumnType.FLOAT ? formatValue(value, from)! : formatDouble(value),
  );
  const unscaled = number === null
    ? 0n
    : number.scale <= scale
    ? rescaleDecimal(number.unscaled, number.scale, scale)
    : number.unscaled / 10n ** BigInt(number.scale - scale);
  if (number === null || !fitsDecimal(unscaled, decimalPrecision(target.type))) {
    const text = formatValue(value, from)!;
    throw new SqlError(target.position, inconvertible(text, from, target.type));
  }
  return unscaled;
}

/** Bits of the whole numbers that a DECIMAL may become. */
const INTEGER_BITS: Readonly<Record<number, number>> = {
  [ColumnType.BYTE]: 8,
  [ColumnType.SHORT]: 16,
  [ColumnType.INT]: 32,
  [ColumnType.LONG]: 64,
};

function fromDecimal(value: bigint, from: number, target: CastTarget): ScalarValue {
  const { type, position } = target;
  const scale = decimalScale(from);
  const text = formatDecimal(value, scale);
  if (isTextual(type)) return text;
  if (isReal(type)) return Number(text);
  const bits = INTEGER_BITS[typeTag(type)];
  if (bits === undefined) throw refused(from, target);
  const whole = value / 10n ** BigInt(scale);
  if (BigInt.asIntN(bits, whole) !== whole) {
    throw new SqlError(position, inconvertible(text, from, type));
  }
  return bits === 64 ? whole : Number(whole);
}

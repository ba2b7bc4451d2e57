/**
 * Values for columns that hold neither numbers nor times.
 *
 * @module
 */
import {
  arrayDimensions,
  ColumnType,
  decimalPrecision,
  decimalScale,
  decimalType,
  fitsDecimal,
  formatDecimal,
  geohashBits,
  isDecimal,
  isGeohash,
  rescaleDecimal,
  SqlError,
  typeTag,
} from "../../common/mod.ts";
import type { ScalarValue } from "../exec/mod.ts";
import {
  castValue,
  decimalDigits,
  formatValue,
  isTextual,
  parseArrayText,
  parseGeohashText,
  parseText,
} from "../functions/mod.ts";
import { inconvertibleValue, textError } from "./insert_errors.ts";

const { ARRAY, CHAR, IPV4, LONG256, STRING, SYMBOL, UUID, VARCHAR } = ColumnType;

const GEOHASH_CHAR_BITS = 5;

/** Converts a value. @throws {SqlError} if it does not fit. */
export function convertSpecial(value: ScalarValue, from: number, to: number): ScalarValue {
  if (isDecimal(to)) return toDecimal(value, from, to);
  if (isGeohash(to)) return toGeohash(value, from, to);
  switch (typeTag(to)) {
    case CHAR:
      return isTextual(from) ? toChar(String(value), from, to) : null;
    case LONG256:
      return toLong256(String(value), from, to);
    case UUID:
      if (typeTag(from) === SYMBOL) return parseText(String(value), to) ?? null;
      return orFail(parseText(String(value), to), String(value), to);
    case IPV4: {
      const address = value === "" ? undefined : parseText(String(value), to);
      if (address === undefined) throw new SqlError(0, `invalid IPv4 format: ${value}`);
      return address;
    }
    case ARRAY:
      return toArray(value, from, to);
    default:
      return isTextual(from) ? value : formatValue(value, from);
  }
}

function orFail(value: ScalarValue | undefined, text: string, to: number): ScalarValue {
  if (value === undefined) throw textError(text, STRING, to);
  return value;
}

function toChar(text: string, from: number, to: number): string | null {
  if (text.length > 1) throw textError(text, from, to);
  return text === "" ? null : text;
}

/** Hexadecimal digits, with or without `0x`; of a VARCHAR QuestDB drops the first two characters whatever they are. */
function toLong256(text: string, from: number, to: number): bigint | null {
  if (text === "") return null;
  const isVarchar = typeTag(from) === VARCHAR;
  const match = isVarchar
    ? /^..?([0-9a-f]{0,64})$/iu.exec(text)
    : /^(?:0x)?([0-9a-f]{1,64})$/i.exec(text);
  if (match === null) throw textError(text, STRING, to);
  return BigInt(`0x0${match[1]}`);
}

function toGeohash(value: ScalarValue, from: number, to: number): bigint | null {
  const bits = geohashBits(to);
  if (isGeohash(from)) return (value as bigint) >> BigInt(geohashBits(from) - bits);
  const text = String(value);
  const isSymbol = typeTag(from) === SYMBOL;
  if (isSymbol && text.length * GEOHASH_CHAR_BITS < bits) {
    throw new SqlError(
      0,
      `string is too short to cast to chosen GEOHASH precision [len=${text.length}, precision=${bits}]`,
    );
  }
  const geohash = text === "" ? undefined : parseGeohashText(text, bits);
  if (geohash === undefined) {
    throw isSymbol ? new SqlError(0, "invalid GEOHASH") : textError(text, from, to);
  }
  return geohash;
}

function toArray(value: ScalarValue, from: number, to: number): ScalarValue {
  if (typeof value !== "string") return value;
  const array = parseArrayText(value, arrayDimensions(to));
  if (array === null && typeTag(from) !== SYMBOL) throw textError(value, from, to);
  return array;
}

function toDecimal(value: ScalarValue, from: number, to: number): ScalarValue {
  // QuestDB stores NULL for these, digits included.
  if (typeTag(from) === CHAR || typeTag(from) === VARCHAR) return null;
  if (isTextual(from)) return castValue(value, STRING, { type: to, isImplicit: true, position: 0 });
  const digits = decimalDigits(from)!;
  const unscaled = BigInt(value as number | bigint);
  const scale = decimalScale(to);
  const source = isDecimal(from) ? from : decimalType(digits.precision, 0);
  const refuse = (text: string) => inconvertibleValue(`\`${text}\``, source, to);
  const isExact = digits.scale <= scale || unscaled % 10n ** BigInt(digits.scale - scale) === 0n;
  if (!isExact) throw refuse(formatDecimal(unscaled, digits.scale));
  const rescaled = rescaleDecimal(unscaled, digits.scale, scale);
  if (!fitsDecimal(rescaled, decimalPrecision(to))) throw refuse(formatDecimal(rescaled, scale));
  return rescaled;
}

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

const { ARRAY, CHAR, IPV4, LONG256, STRING, UUID } = ColumnType;

/** Converts a value. @throws {SqlError} if it does not fit. */
export function convertSpecial(value: ScalarValue, from: number, to: number): ScalarValue {
  if (isDecimal(to)) return toDecimal(value, from, to);
  if (isGeohash(to)) return toGeohash(value, from, to);
  switch (typeTag(to)) {
    case CHAR:
      return toChar(String(value), from, to);
    case LONG256:
      return toLong256(String(value), to);
    case UUID:
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

/** Hexadecimal digits, with or without `0x`. */
function toLong256(text: string, to: number): bigint | null {
  if (text === "") return null;
  const match = /^(?:0x)?([0-9a-f]{1,64})$/i.exec(text);
  if (match === null) throw textError(text, STRING, to);
  return BigInt(`0x${match[1]}`);
}

function toGeohash(value: ScalarValue, from: number, to: number): bigint | null {
  const bits = geohashBits(to);
  if (isGeohash(from)) return (value as bigint) >> BigInt(geohashBits(from) - bits);
  const text = String(value);
  const geohash = text === "" ? undefined : parseGeohashText(text, bits);
  if (geohash === undefined) throw textError(text, from, to);
  return geohash;
}

function toArray(value: ScalarValue, from: number, to: number): ScalarValue {
  if (typeof value !== "string") return value;
  const array = parseArrayText(value, arrayDimensions(to));
  if (array === null) throw textError(value, from, to);
  return array;
}

function toDecimal(value: ScalarValue, from: number, to: number): ScalarValue {
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

/**
 * Values for columns of numbers.
 *
 * @module
 */
import { ColumnType, typeTag } from "../../common/mod.ts";
import type { ScalarValue } from "../exec/mod.ts";
import { formatDouble, formatFloat, parseDouble } from "../functions/mod.ts";
import { inconvertibleValue, textError } from "./insert_errors.ts";

const { BYTE, DOUBLE, FLOAT, INT, LONG, SHORT } = ColumnType;

/** Least value of each type of whole numbers, which is NULL where `hasNull`; the greatest is its opposite less one. */
const RANGES: Readonly<Record<number, { readonly low: bigint; readonly hasNull: boolean }>> = {
  [BYTE]: { low: -128n, hasNull: false },
  [SHORT]: { low: -32768n, hasNull: false },
  [INT]: { low: -(1n << 31n), hasNull: true },
  [LONG]: { low: -(1n << 63n), hasNull: true },
};
const LONG_LOW = -(1n << 63n), LONG_HIGH = (1n << 63n) - 1n;
/** Greatest finite FLOAT. */
const FLOAT_MAX = 3.4028234663852886e38;

/** Converts a number, time or text to a number. @throws {SqlError} if it does not fit. */
export function convertNumber(value: ScalarValue, from: number, to: number): ScalarValue {
  const tag = typeTag(to);
  if (tag === DOUBLE || tag === FLOAT) return toReal(value, from, to);
  const whole = typeof value === "string" ? wholeOfText(value, from, to) : toWhole(value, from, to);
  const { low, hasNull } = RANGES[tag];
  if (whole < low || whole >= -low) {
    throw typeof value === "string"
      ? textError(value, from, to)
      : inconvertibleValue(String(whole), sourceOf(from), to);
  }
  if (hasNull && whole === low) return null;
  return tag === LONG ? whole : Number(whole);
}

/** Times, and doubles that were cut, appear as LONG in errors. */
function sourceOf(from: number): number {
  const tag = typeTag(from);
  return tag === BYTE || tag === SHORT || tag === INT ? from : LONG;
}

/** Reads `-12`, `1_000`, `5L` (for LONG alone). */
export function parseWhole(text: string): bigint | null {
  const match = /^([+-]?)(\d+(?:_\d+)*)[lL]?$/.exec(text);
  if (match === null) return null;
  const digits = BigInt(match[2].replaceAll("_", ""));
  return match[1] === "-" ? -digits : digits;
}

function wholeOfText(text: string, from: number, to: number): bigint {
  const hasSuffix = /[lL]$/.test(text);
  const tag = typeTag(to);
  const isForeign = (hasSuffix && tag !== LONG) ||
    (text.startsWith("+") && tag !== INT && tag !== BYTE);
  const whole = isForeign ? null : parseWhole(text);
  if (whole === null) throw textError(text, from, to);
  return whole;
}

/** Cuts a number to a whole one. */
function toWhole(value: ScalarValue, from: number, to: number): bigint {
  if (typeof value === "bigint") return value;
  const number = Number(value);
  if (typeTag(from) !== FLOAT && typeTag(from) !== DOUBLE) return BigInt(number);
  const { low } = RANGES[typeTag(to)];
  const bound = Number(-low);
  const cut = Math.trunc(number);
  const isLow = typeTag(to) === LONG ? cut > -bound : cut >= -bound;
  if (isLow && cut < bound) return BigInt(cut);
  const isFloat = typeTag(from) === FLOAT;
  const tag = typeTag(to);
  // QuestDB takes doubles through FLOAT to BYTE, and through LONG to SHORT and INT.
  if (isFloat) throw inconvertibleValue(formatFloat(number), FLOAT, to);
  if (tag === BYTE) throw inconvertibleValue(formatDouble(number), FLOAT, to);
  if (tag === LONG) throw inconvertibleValue(formatDouble(number), DOUBLE, to);
  if (!Number.isFinite(number) || Math.abs(cut) >= 2 ** 63) return cut < 0 ? LONG_LOW : LONG_HIGH;
  return BigInt(cut);
}

function toReal(value: ScalarValue, from: number, to: number): number | null {
  const isFloat = typeTag(to) === FLOAT;
  if (typeof value !== "string") {
    const number = Number(value);
    if (isFloat && Number.isFinite(number) && Math.abs(number) > FLOAT_MAX) {
      throw inconvertibleValue(formatDouble(number), DOUBLE, to);
    }
    return number;
  }
  if (value === "NaN") return null;
  const isOddInfinity = /infinity/i.test(value) && !/^[+-]?Infinity$/.test(value);
  const isForeign = isOddInfinity || (!isFloat && /f$/i.test(value));
  const number = isForeign ? undefined : parseDouble(value);
  if (number === undefined || Number.isNaN(number)) throw textError(value, from, to);
  const isInfinity = /Infinity/.test(value);
  const isTooLarge = Math.abs(number) > (isFloat ? FLOAT_MAX : Number.MAX_VALUE);
  if (!isInfinity && isTooLarge) throw textError(value, from, to);
  return number;
}

/**
 * Values from the bytes of a CSV field, without text in between where it matters.
 *
 * Each parser returns `false` if the field is no value of its type.
 *
 * @module
 */
import { parseTimestampMicros } from "../../common/mod.ts";

const MINUS = 45;
const PLUS = 43;
const DOT = 46;
const ZERO = 48;
const TWO_32 = 4_294_967_296;
/** Digits that a double holds exactly. */
const SAFE_DIGITS = 15;
const POWERS = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);
/** Years whose microseconds a double holds exactly; others are left to the general parser. */
const EXACT_YEAR_MIN = 1685;
const EXACT_YEAR_MAX = 2254;
const DECODER = new TextDecoder();

/** A parsed int64 as two halves, reused between calls. */
export interface LongHalves {
  low: number;
  high: number;
}

function text(bytes: Uint8Array, start: number, end: number): string {
  return DECODER.decode(bytes.slice(start, end));
}

/** Parses an int64. */
export function parseLong(bytes: Uint8Array, start: number, end: number, out: LongHalves): boolean {
  const isNegative = bytes[start] === MINUS;
  let at = isNegative || bytes[start] === PLUS ? start + 1 : start;
  if (at >= end) return false;
  if (end - at > SAFE_DIGITS) return parseWideLong(text(bytes, start, end), out);
  let value = 0;
  for (; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return false;
    value = value * 10 + digit;
  }
  putNumber(isNegative ? -value : value, out);
  return true;
}

function parseWideLong(source: string, out: LongHalves): boolean {
  if (!/^[+-]?\d{1,19}$/.test(source)) return false;
  const value = BigInt(source);
  // The lowest int64 stands for NULL.
  if (value <= -0x8000000000000000n || value > 0x7fffffffffffffffn) return false;
  putBigInt(value, out);
  return true;
}

/** Splits a safe integer into int64 halves. */
function putNumber(value: number, out: LongHalves): void {
  out.high = Math.floor(value / TWO_32);
  out.low = value - out.high * TWO_32;
}

function putBigInt(value: bigint, out: LongHalves): void {
  out.high = Number(value >> 32n);
  out.low = Number(BigInt.asUintN(32, value));
}

/** Parses a double; NaN if the field is none. */
export function parseDouble(bytes: Uint8Array, start: number, end: number): number {
  const isNegative = bytes[start] === MINUS;
  let at = isNegative || bytes[start] === PLUS ? start + 1 : start;
  let mantissa = 0, digits = 0, fraction = 0, hasDot = false;
  for (; at < end; at++) {
    const byte = bytes[at];
    if (byte === DOT && !hasDot) {
      hasDot = true;
      continue;
    }
    const digit = byte - ZERO;
    if (digit < 0 || digit > 9) return parseUnusualDouble(text(bytes, start, end));
    mantissa = mantissa * 10 + digit;
    digits++;
    if (hasDot) fraction++;
  }
  if (digits === 0) return NaN;
  // Both numbers are exact, so their quotient is correctly rounded.
  if (digits > SAFE_DIGITS || fraction >= POWERS.length) {
    return parseUnusualDouble(text(bytes, start, end));
  }
  const value = mantissa / POWERS[fraction];
  return isNegative ? -value : value;
}

function parseUnusualDouble(source: string): number {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(source) ? Number(source) : NaN;
}

/** Parses `true` or `false` in any case; −1 if the field is neither. */
export function parseBoolean(bytes: Uint8Array, start: number, end: number): number {
  if (end - start === 4) return text(bytes, start, end).toLowerCase() === "true" ? 1 : -1;
  if (end - start === 5) return text(bytes, start, end).toLowerCase() === "false" ? 0 : -1;
  return -1;
}

function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at] - ZERO, ones = bytes[at + 1] - ZERO;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

/** Days from 1970-01-01 to a date of the proleptic Gregorian calendar. */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) +
    dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Parses an ISO timestamp, or microseconds since the epoch as an integer. */
export function parseTimestamp(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: LongHalves,
): boolean {
  const length = end - start;
  const separator = bytes[start + 10];
  // `yyyy-MM-ddTHH:mm:ss[.fraction][Z]`, by far the most frequent form.
  if (length >= 19 && bytes[start + 4] === MINUS && (separator === 84 || separator === 32)) {
    const micros = parsePlainIso(bytes, start, end);
    if (!Number.isNaN(micros)) {
      putNumber(micros, out);
      return true;
    }
  }
  if (bytes[start + 4] !== MINUS && parseLong(bytes, start, end, out)) return true;
  const micros = parseTimestampMicros(text(bytes, start, end));
  if (micros === null) return false;
  putBigInt(micros, out);
  return true;
}

function parsePlainIso(bytes: Uint8Array, start: number, end: number): number {
  const century = twoDigits(bytes, start), yearOfCentury = twoDigits(bytes, start + 2);
  const month = twoDigits(bytes, start + 5),
    day = twoDigits(bytes, start + 8),
    hour = twoDigits(bytes, start + 11);
  const minute = twoDigits(bytes, start + 14), second = twoDigits(bytes, start + 17);
  const year = century * 100 + yearOfCentury;
  if (year < EXACT_YEAR_MIN || year > EXACT_YEAR_MAX) return NaN;
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  if (
    century < 0 || yearOfCentury < 0 || month < 1 || month > 12 || day < 1 || hour < 0 ||
    hour > 23 || minute < 0 ||
    minute > 59 || second < 0 || second > 59 || bytes[start + 7] !== MINUS ||
    bytes[start + 13] !== 58 ||
    bytes[start + 16] !== 58 || day > MONTH_DAYS[month - 1] + (month === 2 && isLeap ? 1 : 0)
  ) return NaN;
  let at = start + 19, fraction = 0;
  if (at < end && bytes[at] === DOT) {
    at++;
    let scale = 100_000;
    for (; at < end && bytes[at] >= ZERO && bytes[at] <= 57; at++) {
      fraction += Math.floor(scale) * (bytes[at] - ZERO);
      scale = scale < 1 ? 0 : scale / 10;
    }
  }
  if (at < end && bytes[at] === 90) at++;
  if (at !== end) return NaN; // a zone: left to the general parser
  const seconds = daysFromCivil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
  return seconds * 1_000_000 + fraction;
}

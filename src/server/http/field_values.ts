/**
 * Values from the bytes of a CSV field, without text in between where it matters.
 *
 * What is accepted follows QuestDB: digits may be grouped by `_`, a LONG may end with `L`, a DOUBLE with `d` or `f` and have
 * blanks around it.
 *
 * @module
 */
import { parseTimestampMicros } from "../../common/mod.ts";
import { daysFromCivil, isDate } from "./timestamp_pattern.ts";

const MINUS = 45;
const PLUS = 43;
const DOT = 46;
const ZERO = 48;
const TWO_32 = 4_294_967_296;
/** Digits that a double holds exactly. */
const SAFE_DIGITS = 15;
const POWERS = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);
/** Longer fields are no number and no time. */
const FIELD_BYTES_MAX = 400;
/** Years whose microseconds a double holds exactly; others are left to the general parser. */
const EXACT_YEAR_MIN = 1685;
const EXACT_YEAR_MAX = 2254;
const SECONDS_PER_DAY = 86_400;
const MICROS_PER_SECOND = 1_000_000;

/** A parsed int64 as two halves, reused between calls. */
export interface LongHalves {
  low: number;
  high: number;
}

/** Text of a field that may be a number: every byte becomes a character; empty if it is too long. */
function text(bytes: Uint8Array, start: number, end: number): string {
  return end - start > FIELD_BYTES_MAX
    ? ""
    : String.fromCharCode.apply(null, bytes.subarray(start, end) as unknown as number[]);
}

/** Tells whether a field says that there is no value: `null` in any case. */
export function isNullWord(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === 4 && (bytes[start] | 32) === 110 && (bytes[start + 1] | 32) === 117 &&
    (bytes[start + 2] | 32) === 108 && (bytes[start + 3] | 32) === 108;
}

/** Parses an int64; the lowest one, which stands for NULL, is accepted as such. `false` if the field is none. */
export function parseLong(bytes: Uint8Array, start: number, end: number, out: LongHalves): boolean {
  const isNegative = bytes[start] === MINUS;
  let at = isNegative || bytes[start] === PLUS ? start + 1 : start;
  if (at >= end) return false;
  if (end - at > SAFE_DIGITS) return parseUnusualLong(text(bytes, start, end), out);
  let value = 0;
  for (; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return parseUnusualLong(text(bytes, start, end), out);
    value = value * 10 + digit;
  }
  putNumber(isNegative ? -value : value, out);
  return true;
}

function parseUnusualLong(source: string, out: LongHalves): boolean {
  const match = /^[+-]?\d+(?:_\d+)*(?=[lL]?$)/.exec(source);
  if (match === null) return false;
  const value = BigInt(match[0].replaceAll("_", "").replace("+", ""));
  if (value < -0x8000000000000000n || value > 0x7fffffffffffffffn) return false;
  putBigInt(value, out);
  return true;
}

/** Splits a safe integer into int64 halves. */
export function putNumber(value: number, out: LongHalves): void {
  out.high = Math.floor(value / TWO_32);
  out.low = value - out.high * TWO_32;
}

function putBigInt(value: bigint, out: LongHalves): void {
  out.high = Number(value >> 32n);
  out.low = Number(BigInt.asUintN(32, value));
}

/** Parses an int32; NaN if the field is none. The lowest one stands for NULL. */
export function parseInt32(bytes: Uint8Array, start: number, end: number): number {
  const isNegative = bytes[start] === MINUS;
  const from = isNegative || bytes[start] === PLUS ? start + 1 : start;
  if (from >= end) return NaN;
  let value = 0;
  for (let at = from; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return parseUnusualInt32(text(bytes, start, end));
    value = value * 10 + digit;
  }
  const signed = isNegative ? -value : value;
  return signed === (signed | 0) ? signed | 0 : NaN;
}

function parseUnusualInt32(source: string): number {
  if (!/^[+-]?\d+(?:_\d+)+$/.test(source)) return NaN;
  const value = Number(source.replaceAll("_", ""));
  return value === (value | 0) ? value : NaN;
}

/** Parses a double; `undefined` if the field is none. `NaN` and infinities are values. */
export function parseDouble(bytes: Uint8Array, start: number, end: number): number | undefined {
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
  if (digits === 0) return undefined;
  if (digits > SAFE_DIGITS || fraction >= POWERS.length) {
    return Number(text(bytes, start, end) || NaN);
  }
  // Both numbers are exact, so their quotient is correctly rounded.
  const value = mantissa / POWERS[fraction];
  return isNegative ? -value : value;
}

function parseUnusualDouble(source: string): number | undefined {
  const trimmed = source.trim();
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)[df]?$/i.exec(trimmed);
  if (match === null) {
    if (/^[+-]?NaN$/.test(trimmed)) return NaN;
    const infinity = /^([+-]?)Infinity$/.exec(trimmed);
    return infinity === null ? undefined : infinity[1] === "-" ? -Infinity : Infinity;
  }
  const value = Number(match[1]);
  const isUnderflow = value === 0 && /[1-9]/.test(match[1].split(/e/i)[0]);
  return Number.isFinite(value) && !isUnderflow ? value : undefined;
}

/** Tells whether a field is `true` in any case; every other text is false, as in QuestDB. */
export function parseBoolean(bytes: Uint8Array, start: number, end: number): 0 | 1 {
  const isTrue = end - start === 4 && (bytes[start] | 32) === 116 &&
    (bytes[start + 1] | 32) === 114 &&
    (bytes[start + 2] | 32) === 117 && (bytes[start + 3] | 32) === 101;
  return isTrue ? 1 : 0;
}

function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at] - ZERO, ones = bytes[at + 1] - ZERO;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

/** Parses an ISO timestamp, or microseconds since the epoch as an integer; `false` if the field is neither. */
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
  if (length > 4 && bytes[start + 4] !== MINUS && parseLong(bytes, start, end, out)) return true;
  const micros = parseTimestampMicros(text(bytes, start, end).replace(/z$/, "Z"));
  if (micros === null) return false;
  putBigInt(micros, out);
  return true;
}

function parsePlainIso(bytes: Uint8Array, start: number, end: number): number {
  const century = twoDigits(bytes, start), yearOfCentury = twoDigits(bytes, start + 2);
  const month = twoDigits(bytes, start + 5), day = twoDigits(bytes, start + 8);
  const hour = twoDigits(bytes, start + 11), minute = twoDigits(bytes, start + 14);
  const second = twoDigits(bytes, start + 17);
  const year = century * 100 + yearOfCentury;
  if (century < 0 || yearOfCentury < 0 || year < EXACT_YEAR_MIN || year > EXACT_YEAR_MAX) {
    return NaN;
  }
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return NaN;
  if (bytes[start + 7] !== MINUS || bytes[start + 13] !== 58 || bytes[start + 16] !== 58) {
    return NaN;
  }
  if (!isDate(year, month, day)) return NaN;
  let at = start + 19, micros = 0;
  if (at < end && bytes[at] === DOT) {
    at++;
    let scale = 100_000;
    for (; at < end && bytes[at] >= ZERO && bytes[at] <= ZERO + 9; at++) {
      micros += scale * (bytes[at] - ZERO);
      scale = Math.floor(scale / 10); // digits past the sixth are cut
    }
  }
  if (at < end && bytes[at] === 90) at++;
  if (at !== end) return NaN; // a zone: left to the general parser
  const seconds = daysFromCivil(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 +
    second;
  return seconds * MICROS_PER_SECOND + micros;
}

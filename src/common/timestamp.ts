/**
 * Timestamps: text in, text out. TIMESTAMP is int64 microseconds since the epoch (UTC), TIMESTAMP_NS int64 nanoseconds. As
 * scalars they are `bigint`; as columns they stay in wasm memory and are never boxed per row.
 *
 * @module
 */
import { LONG_NULL } from "./column_type.ts";

/** Microseconds per unit. */
export const MICROS_PER_MILLI = 1000n;
/** Microseconds per second. */
export const MICROS_PER_SECOND = 1_000_000n;
/** Nanoseconds per millisecond. */
export const NANOS_PER_MILLI = 1_000_000n;

const ISO =
  /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ](\d{2})(?::(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?)?)?)?(Z|[+-]\d{2}(?::?\d{2})?)?$/;

/**
 * Parses an ISO-8601 timestamp with any trailing parts left out: `2024`, `2024-01`, `2024-01-05T10`, … `.123456Z`;
 * or with an ISO week: `2024-W01`, `2024-W01-7T10`. Digits past the sixth fraction digit are cut.
 *
 * @returns Microseconds since the epoch, or `null` if the text is no timestamp.
 */
export function parseTimestampMicros(text: string): bigint | null {
  const parsed = parseIso(text);
  return parsed === null
    ? null
    : parsed.millis * MICROS_PER_MILLI + BigInt(parsed.fraction.slice(0, 6));
}

/** Parses as {@linkcode parseTimestampMicros} does, to nanoseconds since the epoch. */
export function parseTimestampNanos(text: string): bigint | null {
  const parsed = parseIso(text);
  return parsed === null ? null : parsed.millis * NANOS_PER_MILLI + BigInt(parsed.fraction);
}

const ISO_WEEK = /^(\d{4})-W(\d{2})(?:-([1-7])([T ].*)?)?(Z?)$/;

/** Milliseconds of the Monday of an ISO week; `null` if the year has no such week. */
function weekStart(year: number, week: number): number | null {
  const date = new Date(0);
  date.setUTCFullYear(year, 0, 4); // which is in week 1
  date.setUTCDate(4 - (date.getUTCDay() + 6) % 7 + 7 * (week - 1));
  const thursday = new Date(date.getTime() + 3 * 86_400_000);
  return week > 0 && thursday.getUTCFullYear() === year ? date.getTime() : null;
}

/** `2024-W01` and `2024-W01-7…` as the days they are; another text as it is, `null` for a week that is not there. */
function withoutWeek(text: string): string | null {
  const match = ISO_WEEK.exec(text);
  if (match === null) return text;
  const [, year, week, day = "1", time = "", zone] = match;
  const start = weekStart(Number(year), Number(week));
  if (start === null) return null;
  const date = new Date(start + (Number(day) - 1) * 86_400_000);
  return `${date.toISOString().slice(0, 10)}${time}${zone}`;
}

/** Whole seconds as milliseconds, and nine fraction digits. */
function parseIso(text: string): { millis: bigint; fraction: string } | null {
  const plain = withoutWeek(text.trim());
  const match = plain === null ? null : ISO.exec(plain);
  if (match === null) return null;
  const [, y, mo = "1", d = "1", h = "0", mi = "0", s = "0", fraction = "", zone] = match;
  const year = Number(y), month = Number(mo), day = Number(d);
  const hour = Number(h), minute = Number(mi), second = Number(s);
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return null;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1) return null; // e.g. 30 February
  date.setUTCHours(hour, minute, second);
  let millis = date.getTime();
  if (zone !== undefined && zone !== "Z") {
    const digits = zone.slice(1).replace(":", "").padEnd(4, "0");
    const offset = (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))) * 60_000;
    millis += zone.startsWith("-") ? offset : -offset;
  }
  return { millis: BigInt(millis), fraction: fraction.padEnd(9, "0") };
}

/**
 * Formats a timestamp as QuestDB does: `2024-01-05T10:00:00.000000Z`.
 *
 * @param micros Microseconds since the epoch; `LONG_NULL` gives an empty string.
 */
export function formatTimestampMicros(micros: bigint): string {
  return micros === LONG_NULL ? "" : formatIso(micros, MICROS_PER_MILLI, 3);
}

/**
 * Formats a TIMESTAMP_NS as QuestDB does: `2024-01-05T10:00:00.000000000Z`.
 *
 * @param nanos Nanoseconds since the epoch; `LONG_NULL` gives an empty string.
 */
export function formatTimestampNanos(nanos: bigint): string {
  return nanos === LONG_NULL ? "" : formatIso(nanos, NANOS_PER_MILLI, 6);
}

/** Milliseconds that `Date` can hold, either side of 1970. */
const DATE_MILLIS_MAX = 8_640_000_000_000_000n;
/** The calendar repeats itself after 400 years. */
const CYCLE_MILLIS = 146_097n * 86_400_000n, CYCLE_YEARS = 400n;

/** Formats a year of any length. One before 0 is filled up in front of the sign, as in QuestDB: `0-721`. */
export function formatYear(year: number): string {
  return "0".repeat(Math.max(4 - String(Math.abs(year)).length, 0)) + String(year);
}

/** `perMilli` units make a millisecond, spelled in `places` more digits. */
function formatIso(value: bigint, perMilli: bigint, places: number): string {
  let millis = value / perMilli;
  let rest = value % perMilli;
  if (rest < 0n) {
    rest += perMilli;
    millis -= 1n;
  }
  const cycles = millis > DATE_MILLIS_MAX || millis < -DATE_MILLIS_MAX ? millis / CYCLE_MILLIS : 0n;
  const iso = new Date(Number(millis - cycles * CYCLE_MILLIS)).toISOString(); // …SSS.mmmZ
  const match = /^([+-]?\d+)(-\d\d-.*)Z$/.exec(iso)!;
  const year = BigInt(match[1].replace("+", "")) + cycles * CYCLE_YEARS;
  return `${formatYear(Number(year))}${match[2]}${String(rest).padStart(places, "0")}Z`;
}

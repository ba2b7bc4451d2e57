/**
 * Time intervals as text: `2024-01`, `2024-01-15T10`, `2024-01-01;6h`, `2024-01-01;1h;1d;3`, `2024-01-[01..03]`.
 *
 * @module
 */
import { parseTimestampMicros, SqlError } from "../../common/mod.ts";
import { parseStride } from "../functions/mod.ts";

/** A closed interval of microseconds. */
export interface Interval {
  readonly low: bigint;
  readonly high: bigint;
}

/** Intervals one text may stand for; brackets and repetitions multiply. */
const INTERVALS_MAX = 10_000;

const PARTIAL = /^\d{4}(?:-\d{2}(?:-\d{2}(?:[T ]\d{2}(?::\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?)?)?)?Z?$/;

const WEEK = /^\d{4}-W\d{2}$/, WEEK_DAY = /^\d{4}-W\d{2}-\d$/;
const DAY_MICROS = 86_400_000_000n;

/** Parses an interval text. @throws {SqlError} `Invalid date: …`. */
export function parseIntervals(text: string, position: number): Interval[] {
  const [date, ...modifiers] = text.split(";");
  const intervals = expandBrackets(date, position).map((one) => parseDate(one, text, position));
  if (modifiers.length === 0) return intervals;
  return intervals.flatMap((interval) => modify(interval, modifiers, { text, position }));
}

function invalid(text: string, position: number): SqlError {
  return new SqlError(position, `Invalid date: ${text}`);
}

/** A date with trailing parts left out stands for all of its unit. */
function parseDate(date: string, text: string, position: number): Interval {
  const trimmed = date.trim();
  const low = parseTimestampMicros(trimmed);
  if (low === null) throw invalid(text, position);
  if (WEEK.test(trimmed)) return { low, high: low + 7n * DAY_MICROS - 1n };
  if (WEEK_DAY.test(trimmed)) return { low, high: low + DAY_MICROS - 1n };
  if (!PARTIAL.test(trimmed)) return { low, high: low };
  return { low, high: unitEnd(trimmed.replace(/Z$/, ""), low) - 1n };
}

function unitEnd(date: string, low: bigint): bigint {
  const day = 86_400_000_000n;
  const start = new Date(Number(low / 1000n));
  const end = new Date(0);
  switch (date.length) {
    case 4:
      end.setUTCFullYear(start.getUTCFullYear() + 1, 0, 1);
      return BigInt(end.getTime()) * 1000n;
    case 7:
      end.setUTCFullYear(start.getUTCFullYear(), start.getUTCMonth() + 1, 1);
      return BigInt(end.getTime()) * 1000n;
    case 10:
      return low + day;
    case 13:
      return low + day / 24n;
    case 16:
      return low + day / 1440n;
    case 19:
      return low + 1_000_000n;
    default: // a fraction of n digits stands for its last digit
      return low + 10n ** BigInt(Math.max(0, 26 - date.length));
  }
}

function modify(
  interval: Interval,
  modifiers: readonly string[],
  { text, position }: { text: string; position: number },
): Interval[] {
  const [duration, period, count] = modifiers;
  const length = parseStride(duration);
  if (length === null || length.kind !== "micros") throw invalid(text, position);
  const first = { low: interval.low, high: interval.low + length.micros - 1n };
  if (period === undefined) return [first];
  const every = parseStride(period);
  const times = Number(count);
  const isGood = every !== null && Number.isInteger(times) && times > 0 && times <= INTERVALS_MAX;
  if (!isGood) throw invalid(text, position);
  return Array.from({ length: times }, (_, i) => shift(first, every, i));
}

function shift(
  interval: Interval,
  every: NonNullable<ReturnType<typeof parseStride>>,
  times: number,
): Interval {
  if (every.kind === "micros") {
    const by = every.micros * BigInt(times);
    return { low: interval.low + by, high: interval.high + by };
  }
  const date = new Date(Number(interval.low / 1000n));
  const before = date.getTime();
  date.setUTCMonth(date.getUTCMonth() + every.months * times);
  const by = BigInt(date.getTime() - before) * 1000n;
  return { low: interval.low + by, high: interval.high + by };
}

/** `a[01..03]b` becomes `a01b`, `a02b`, `a03b`; lists are `[1,5]`. */
function expandBrackets(text: string, position: number): string[] {
  const open = text.indexOf("[");
  if (open < 0) return [text];
  const close = text.indexOf("]", open);
  if (close < 0) throw new SqlError(position, "Unclosed '[' in interval");
  const inside = text.slice(open + 1, close).trim();
  if (inside === "") throw new SqlError(position, "Empty bracket expansion");
  const values = inside.split(",").flatMap((part) => expandRange(part.trim(), text, position));
  const expanded = values.flatMap((value) =>
    expandBrackets(text.slice(0, open) + value + text.slice(close + 1), position)
  );
  if (expanded.length > INTERVALS_MAX) throw invalid(text, position);
  return expanded;
}

function expandRange(part: string, text: string, position: number): string[] {
  const match = /^(\d+)(?:\.\.(\d+))?$/.exec(part);
  if (match === null) throw invalid(text, position);
  const low = Number(match[1]), high = Number(match[2] ?? match[1]);
  if (high < low) throw new SqlError(position, `Range must be ascending: ${low}..${high}`);
  if (high - low > INTERVALS_MAX) throw invalid(text, position);
  const width = Math.max(2, match[1].length);
  return Array.from({ length: high - low + 1 }, (_, i) => String(low + i).padStart(width, "0"));
}

/** Sorts intervals and joins those that touch. */
export function normalizeIntervals(intervals: readonly Interval[]): Interval[] {
  const sorted = intervals.filter((interval) => interval.low <= interval.high)
    .sort((a, b) => (a.low < b.low ? -1 : a.low > b.low ? 1 : 0));
  const joined: Interval[] = [];
  for (const interval of sorted) {
    const last = joined[joined.length - 1];
    if (last !== undefined && interval.low <= last.high + 1n) {
      if (interval.high > last.high) {
        joined[joined.length - 1] = { low: last.low, high: interval.high };
      }
    } else joined.push(interval);
  }
  return joined;
}

/** Intersection of two normalised lists. */
export function intersectIntervals(a: readonly Interval[], b: readonly Interval[]): Interval[] {
  const common: Interval[] = [];
  for (let i = 0, k = 0; i < a.length && k < b.length;) {
    const low = a[i].low > b[k].low ? a[i].low : b[k].low;
    const high = a[i].high < b[k].high ? a[i].high : b[k].high;
    if (low <= high) common.push({ low, high });
    if (a[i].high < b[k].high) i++;
    else k++;
  }
  return common;
}

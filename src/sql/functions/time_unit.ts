/**
 * Strides of time: `1h`, `30m`, `3M`. Shared by timestamp_floor, SAMPLE BY and dateadd.
 *
 * @module
 */

/** Microseconds of the fixed units. `n` (nanoseconds) is below our resolution. */
export const UNIT_MICROS: Readonly<Record<string, bigint>> = {
  U: 1n,
  u: 1n,
  T: 1000n,
  s: 1_000_000n,
  m: 60_000_000n,
  h: 3_600_000_000n,
  H: 3_600_000_000n,
  d: 86_400_000_000n,
  w: 604_800_000_000n,
};

/** Months of the calendar units. */
export const UNIT_MONTHS: Readonly<Record<string, number>> = { M: 1, y: 12 };

/** 1969-12-29, a Monday: where weeks are counted from. */
export const WEEK_ORIGIN_MICROS = -259_200_000_000n;

/** A stride: a number of microseconds from an origin, or a number of calendar months from 1970. */
export type Stride =
  | { readonly kind: "micros"; readonly micros: bigint; readonly origin: bigint }
  | { readonly kind: "months"; readonly months: number };

/** Parses `5m`; a bare unit counts once. `null` if it is no stride. */
export function parseStride(text: string): Stride | null {
  const match = /^(\d*)([a-zA-Z])$/.exec(text);
  if (match === null) return null;
  const count = match[1] === "" ? 1 : Number(match[1]);
  const unit = match[2];
  if (!Number.isSafeInteger(count) || count < 1) return null;
  if (UNIT_MONTHS[unit] !== undefined) return { kind: "months", months: count * UNIT_MONTHS[unit] };
  const micros = UNIT_MICROS[unit];
  if (micros === undefined || unit === "H") return null;
  const origin = unit === "w" ? WEEK_ORIGIN_MICROS : 0n;
  return { kind: "micros", micros: micros * BigInt(count), origin };
}

const BASE_YEAR = 1970;

/** Start of the stride that holds a time. */
export function floorToStride(stride: Stride, micros: bigint): bigint {
  if (stride.kind === "micros") {
    const rest = (micros - stride.origin) % stride.micros;
    return micros - rest - (rest < 0n ? stride.micros : 0n);
  }
  const date = new Date(Math.floor(Number(micros) / 1000));
  const index = (date.getUTCFullYear() - BASE_YEAR) * 12 + date.getUTCMonth();
  return monthStart(Math.floor(index / stride.months) * stride.months);
}

/** Start of the next stride after one that starts at `start`. */
export function nextStride(stride: Stride, start: bigint): bigint {
  if (stride.kind === "micros") return start + stride.micros;
  const date = new Date(Number(start / 1000n));
  const index = (date.getUTCFullYear() - BASE_YEAR) * 12 + date.getUTCMonth();
  return monthStart(index + stride.months);
}

/** First microsecond of a month counted from January 1970. */
function monthStart(index: number): bigint {
  const date = new Date(0);
  date.setUTCFullYear(BASE_YEAR, index, 1);
  return BigInt(date.getTime()) * 1000n;
}

/**
 * Microsecond timestamps: text in, text out. Timestamps are int64 microseconds since the epoch (UTC). As scalars they
 * are `bigint`; as columns they stay in wasm memory and are never boxed per row.
 *
 * @module
 */
import { LONG_NULL } from "./column_type.ts";

/** Microseconds per unit. */
export const MICROS_PER_MILLI = 1000n;
/** Microseconds per second. */
export const MICROS_PER_SECOND = 1_000_000n;

const ISO =
  /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ](\d{2})(?::(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?)?)?)?(Z|[+-]\d{2}(?::?\d{2})?)?$/;

/**
 * Parses an ISO-8601 timestamp with any trailing parts left out: `2024`, `2024-01`, `2024-01-05T10`, … `.123456Z`.
 * Digits past the sixth fraction digit are cut.
 *
 * @returns Microseconds since the epoch, or `null` if the text is no timestamp.
 */
export function parseTimestampMicros(text: string): bigint | null {
  const match = ISO.exec(text.trim());
  if (match === null) return null;
  const [, y, mo = "1", d = "1", h = "0", mi = "0", s = "0", fraction = "", zone] = match;
  const year = Number(y), month = Number(mo), day = Number(d);
  const hour = Number(h), minute = Number(mi), second = Number(s);
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return null;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1) return null; // e.g. 30 February
  date.setUTCHours(hour, minute, second);
  let micros = BigInt(date.getTime()) * MICROS_PER_MILLI +
    BigInt(fraction.padEnd(6, "0").slice(0, 6) || "0");
  if (zone !== undefined && zone !== "Z") {
    const digits = zone.slice(1).replace(":", "").padEnd(4, "0");
    const offset = BigInt(Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))) * 60n *
      MICROS_PER_SECOND;
    micros += zone.startsWith("-") ? offset : -offset;
  }
  return micros;
}

/**
 * Formats a timestamp as QuestDB does: `2024-01-05T10:00:00.000000Z`.
 *
 * @param micros Microseconds since the epoch; `LONG_NULL` gives an empty string.
 */
export function formatTimestampMicros(micros: bigint): string {
  if (micros === LONG_NULL) return "";
  let millis = micros / MICROS_PER_MILLI;
  let rest = micros % MICROS_PER_MILLI;
  if (rest < 0n) {
    rest += MICROS_PER_MILLI;
    millis -= 1n;
  }
  const iso = new Date(Number(millis)).toISOString(); // …SSS.mmmZ
  return `${iso.slice(0, -1)}${String(rest).padStart(3, "0")}Z`;
}

/**
 * Values for columns of times.
 *
 * @module
 */
import { ColumnType, typeTag } from "../../common/mod.ts";
import type { ScalarValue } from "../exec/mod.ts";
import { formatFloat, isNanos, parseText } from "../functions/mod.ts";
import { inconvertibleValue, textError } from "./insert_errors.ts";
import { parseWhole } from "./insert_numbers.ts";

const LONG_MIN = -(1n << 63n), LONG_MAX = (1n << 63n) - 1n;

/** Converts a number, time or text to DATE, TIMESTAMP or TIMESTAMP_NS. @throws {SqlError} if it does not fit. */
export function convertMoment(value: ScalarValue, from: number, to: number): bigint | null {
  if (typeTag(from) === ColumnType.SYMBOL) return null; // as QuestDB stores it, whatever it spells
  if (typeof value === "string") return ofText(value, from, to);
  const isTime = typeTag(from) === ColumnType.DATE || typeTag(from) === ColumnType.TIMESTAMP;
  const whole = typeof value === "bigint" ? value : ofNumber(Number(value), from, to);
  if (whole === LONG_MIN) return null;
  if (!isTime) return whole;
  const a = ticksPerSecond(from), b = ticksPerSecond(to);
  return b >= a ? whole * (b / a) : whole / (a / b);
}

function ticksPerSecond(type: number): bigint {
  if (isNanos(type)) return 1_000_000_000n;
  return typeTag(type) === ColumnType.DATE ? 1000n : 1_000_000n;
}

function ofNumber(value: number, from: number, to: number): bigint {
  const isFinite = Number.isFinite(value) && Math.abs(value) < 2 ** 63;
  if (!isFinite) throw inconvertibleValue(formatFloat(value), from, to);
  return BigInt(Math.trunc(value));
}

/** An ISO text, or a number of the column's own units. */
function ofText(text: string, from: number, to: number): bigint | null {
  const isTrimmed = text === text.trim();
  const isChar = typeTag(from) === ColumnType.CHAR;
  const time = isTrimmed && !isChar ? parseText(text, to) : undefined;
  if (typeof time === "bigint") return time;
  const whole = text.startsWith("+") ? null : parseWhole(text);
  if (whole === null || whole < LONG_MIN || whole > LONG_MAX) throw textError(text, from, to);
  return whole === LONG_MIN ? null : whole;
}

/**
 * Values of CSV fields for the column types that are read one text at a time.
 *
 * @module
 */
import { ColumnType, isDecimal, isTimestamp, SqlError, typeTag } from "../../common/mod.ts";
import { castValue, parseText, type ScalarValue } from "../../sql/mod.ts";
import type { TimestampPattern } from "./timestamp_pattern.ts";

const { BYTE, CHAR, DATE, FLOAT, LONG256, STRING, TIMESTAMP_NS } = ColumnType;
/** Greatest finite FLOAT. */
const FLOAT_MAX = 3.4028234663852886e38;
const MICROS_PER_MILLI = 1000n;
const NANOS_PER_MICRO = 1000n;

/** Reads a field: its text, and its bytes for patterns. `undefined` if it is no value of the type. */
export type FieldParser = (
  text: string,
  bytes: { readonly source: Uint8Array; readonly start: number; readonly end: number },
) => ScalarValue | undefined;

/** Makes the parser of a column that has no faster one. */
export function fieldParser(type: number, pattern: TimestampPattern | null): FieldParser {
  if (pattern !== null && (typeTag(type) === DATE || isTimestamp(type))) {
    return (_text, { source, start, end }) => scaled(pattern.parse(source, start, end), type);
  }
  if (isDecimal(type)) return (text) => decimalOf(text, type);
  switch (typeTag(type)) {
    case CHAR:
      return (text) => text.slice(0, 1);
    case FLOAT:
      return floatOf;
    case DATE:
      return (text) => parseText(text.replace(/z$/, "Z"), type) ?? wholeOf(text);
    case LONG256:
      return (text) => {
        const match = /^(?:0x)?([0-9a-f]{1,64})$/i.exec(text);
        return match === null ? undefined : BigInt(`0x${match[1]}`);
      };
    default:
      if (type === TIMESTAMP_NS) {
        return (text) => parseText(text.replace(/z$/, "Z"), type) ?? wholeOf(text);
      }
      return (text) => parseText(typeTag(type) === BYTE ? text.trim() : text, type);
  }
}

/** Microseconds in the type's own unit. */
function scaled(micros: number, type: number): bigint | undefined {
  if (Number.isNaN(micros)) return undefined;
  const whole = BigInt(micros);
  if (typeTag(type) === DATE) return whole / MICROS_PER_MILLI;
  return type === TIMESTAMP_NS ? whole * NANOS_PER_MICRO : whole;
}

/** A number of the column's own units. */
function wholeOf(text: string): bigint | undefined {
  return /^[+-]?\d{1,18}$/.test(text) ? BigInt(text) : undefined;
}

/** NaN and infinities are NULL; numbers that are too large are none. */
function floatOf(text: string): number | null | undefined {
  const value = parseText(text, FLOAT);
  if (value === null) return /nan|infinity/i.test(text) ? null : undefined;
  return typeof value === "number" && Math.abs(value) <= FLOAT_MAX ? value : undefined;
}

function decimalOf(text: string, type: number): ScalarValue | undefined {
  try {
    return castValue(text, STRING, { type, isImplicit: true, position: 0 });
  } catch (error) {
    if (error instanceof SqlError) return undefined;
    throw error;
  }
}

/**
 * Values of every type as text, as casts to STRING and results spell them, and texts as values.
 *
 * @module
 */
import {
  arrayDimensions,
  type ArrayValue,
  ColumnType,
  decimalScale,
  formatArray,
  formatDecimal,
  formatGeohash,
  formatIpv4,
  formatLong256,
  formatTimestampMicros,
  formatTimestampNanos,
  formatUuid,
  geohashBits,
  isDecimal,
  isGeohash,
  parseGeohash,
  parseIpv4,
  parseLong256,
  parseTimestampMicros,
  parseTimestampNanos,
  parseUuid,
  typeTag,
} from "../../common/mod.ts";
import { parseArrayText } from "./array_text.ts";
import {
  formatDateMillis,
  formatDouble,
  formatFloat,
  parseDouble,
  parseInteger,
} from "./number_text.ts";
import type { ScalarValue } from "./scalar_value.ts";
import { isNanos } from "./type_class.ts";

const INT_LOW = -0x80000000n, INT_HIGH = 0x7fffffffn;
const LONG_LOW = -(2n ** 63n), LONG_HIGH = 2n ** 63n - 1n;

/** Formats a value of a type as QuestDB's cast of a column to STRING does; NULL gives `null`. */
export function formatValue(value: ScalarValue, type: number): string | null {
  if (value === null) return null;
  switch (typeTag(type)) {
    case ColumnType.DOUBLE:
      return formatDouble(Number(value));
    case ColumnType.FLOAT:
      return formatFloat(Number(value));
    case ColumnType.TIMESTAMP:
      return isNanos(type)
        ? formatTimestampNanos(value as bigint)
        : formatTimestampMicros(value as bigint);
    case ColumnType.DATE:
      return formatDateMillis(value as bigint);
    case ColumnType.UUID:
      return formatUuid(value as bigint);
    case ColumnType.LONG256:
      return formatLong256(value as bigint);
    case ColumnType.INTERVAL:
      return formatInterval(value as bigint);
    case ColumnType.IPV4:
      return formatIpv4(value as number);
    case ColumnType.ARRAY:
      return formatArray(value as ArrayValue, formatDouble);
    default:
      if (isGeohash(type)) return formatGeohash(value as bigint, geohashBits(type));
      if (isDecimal(type)) return formatDecimal(value as bigint, decimalScale(type));
      return String(value);
  }
}

/** `('2024-01-01T00:00:00.000Z', '2024-01-02T00:00:00.000Z')`. */
function formatInterval(value: bigint): string {
  const end = (shift: bigint) =>
    `'${formatDateMillis(floorDivide(BigInt.asIntN(64, value >> shift), 1000n))}'`;
  return `(${end(0n)}, ${end(64n)})`;
}

function integer(text: string, low: bigint, high: bigint): number | undefined {
  const value = parseInteger(text, low, high);
  return value === null ? undefined : Number(value);
}

/** Parses a text as a value of a fixed-width type or an array; `undefined` if it is none. */
export function parseText(text: string, type: number): ScalarValue | undefined {
  switch (typeTag(type)) {
    case ColumnType.BOOLEAN:
      return /^(true|t|1|y|yes|on)$/i.test(text);
    case ColumnType.BYTE:
      return integer(text, -128n, 127n);
    case ColumnType.SHORT:
      return integer(text, -32768n, 32767n);
    case ColumnType.CHAR:
      return text.slice(0, 1);
    case ColumnType.INT:
      return integer(text, INT_LOW, INT_HIGH);
    case ColumnType.LONG:
      return parseInteger(text, LONG_LOW, LONG_HIGH) ?? undefined;
    case ColumnType.FLOAT:
    case ColumnType.DOUBLE: {
      const value = parseDouble(text);
      return value === undefined || Number.isFinite(value) ? value : null;
    }
    case ColumnType.TIMESTAMP:
      if (text !== text.trim()) return undefined;
      return (isNanos(type) ? parseTimestampNanos(text) : parseTimestampMicros(text)) ?? undefined;
    case ColumnType.DATE: {
      const micros = parseTimestampMicros(text);
      return micros === null ? undefined : floorDivide(micros, 1000n);
    }
    case ColumnType.UUID:
      return text === "" ? null : parseUuid(text) ?? undefined;
    case ColumnType.LONG256:
      return text.length % 2 === 0 ? parseLong256(text) ?? undefined : undefined;
    case ColumnType.IPV4:
      return parseIpv4Text(text);
    case ColumnType.ARRAY:
      return parseArrayText(text, arrayDimensions(type)) ?? undefined;
    default:
      return isGeohash(type) ? parseGeohashText(text, geohashBits(type)) : undefined;
  }
}

/** An address, or nothing and `null`, which are NULL. */
function parseIpv4Text(text: string): number | null | undefined {
  if (text === "" || text === "null") return null;
  return parseIpv4(text) ?? undefined;
}

/** The leading bits of base-32 characters; extra characters are cut off. */
export function parseGeohashText(text: string, bits: number): bigint | null | undefined {
  if (text === "") return null;
  const chars = Math.ceil(bits / 5);
  if (text.length < chars) return undefined;
  const value = parseGeohash(text.slice(0, chars));
  return value === null ? undefined : value >> BigInt(chars * 5 - bits);
}

function floorDivide(a: bigint, b: bigint): bigint {
  return a >= 0n ? a / b : -((-a + b - 1n) / b);
}

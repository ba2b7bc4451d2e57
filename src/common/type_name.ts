/**
 * Names of column types, as QuestDB spells them: `LONG`, `TIMESTAMP_NS`, `GEOHASH(5c)`, `DOUBLE[][]`, `DECIMAL(18,4)`.
 *
 * Invariants:
 * 1. `typeFromName(typeName(type)) === type` for every type that can be stored.
 *
 * @module
 */
import { ARRAY_DIMENSIONS_MAX, arrayDimensions, arrayType } from "./array_value.ts";
import { ColumnType, typeTag } from "./column_type.ts";
import {
  DECIMAL_PRECISION_MAX,
  decimalPrecision,
  decimalScale,
  decimalType,
  isDecimal,
} from "./decimal.ts";
import { QuestError } from "./errors.ts";
import { GEOHASH_BITS_MAX, geohashBits, geohashType, isGeohash } from "./geohash.ts";

const NAMES: Readonly<Record<number, string>> = {
  1: "BOOLEAN",
  2: "BYTE",
  3: "SHORT",
  4: "CHAR",
  5: "INT",
  6: "LONG",
  7: "DATE",
  8: "TIMESTAMP",
  9: "FLOAT",
  10: "DOUBLE",
  11: "STRING",
  12: "SYMBOL",
  13: "LONG256",
  18: "BINARY",
  19: "UUID",
  20: "CURSOR",
  24: "LONG128",
  25: "IPv4",
  26: "VARCHAR",
  39: "INTERVAL",
  41: "NULL",
};
const CHAR_BITS = 5;

/** Returns QuestDB's name of a type code; a negative (deleted) code has the name of its absolute value. */
export function typeName(type: number): string {
  const code = Math.abs(type);
  if (code === ColumnType.TIMESTAMP_NS) return "TIMESTAMP_NS";
  if (isGeohash(code)) {
    const bits = geohashBits(code);
    return bits % CHAR_BITS === 0 ? `GEOHASH(${bits / CHAR_BITS}c)` : `GEOHASH(${bits}b)`;
  }
  if (typeTag(code) === ColumnType.ARRAY) return "DOUBLE" + "[]".repeat(arrayDimensions(code));
  if (isDecimal(code)) return `DECIMAL(${decimalPrecision(code)},${decimalScale(code)})`;
  return NAMES[typeTag(code)] ?? `unknown(${code})`;
}

const CODES = new Map<string, number>(
  Object.entries(NAMES)
    .filter(([tag]) => Number(tag) !== ColumnType.NULL && Number(tag) !== ColumnType.CURSOR)
    .map(([tag, name]) => [name.toUpperCase(), Number(tag)]),
);
CODES.set("TIMESTAMP_NS", ColumnType.TIMESTAMP_NS);

const GEOHASH = /^GEOHASH\(\s*(\d{1,2})\s*([CB])\s*\)$/;
const DECIMAL = /^DECIMAL\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)$/;
const ARRAY = /^DOUBLE((?:\[\])+)$/;

/**
 * Returns the type code of a type name, case-insensitively, or `undefined` if there is none. Parameters are part of the name:
 * `GEOHASH(5c)`, `GEOHASH(7b)`, `DECIMAL(18,4)`, `DOUBLE[]`.
 */
export function typeFromName(name: string): number | undefined {
  const upper = name.toUpperCase();
  return CODES.get(upper) ?? geohashFromName(upper) ?? decimalFromName(upper) ??
    arrayFromName(upper);
}

function geohashFromName(upper: string): number | undefined {
  const match = GEOHASH.exec(upper);
  if (match === null) return undefined;
  const bits = Number(match[1]) * (match[2] === "C" ? CHAR_BITS : 1);
  return bits >= 1 && bits <= GEOHASH_BITS_MAX ? geohashType(bits) : undefined;
}

function decimalFromName(upper: string): number | undefined {
  const match = DECIMAL.exec(upper);
  if (match === null) return undefined;
  const precision = Number(match[1]), scale = Number(match[2]);
  const isValid = precision >= 1 && precision <= DECIMAL_PRECISION_MAX && scale <= precision;
  return isValid ? decimalType(precision, scale) : undefined;
}

function arrayFromName(upper: string): number | undefined {
  const match = ARRAY.exec(upper);
  const dimensions = match === null ? 0 : match[1].length / 2;
  return dimensions >= 1 && dimensions <= ARRAY_DIMENSIONS_MAX ? arrayType(dimensions) : undefined;
}

/**
 * Tells whether a column of this code can be stored: a known tag with valid parameters and nothing else. The sign (a deleted
 * column's code is negative) does not matter.
 */
export function isStoredType(type: number): boolean {
  return typeFromName(typeName(type)) === Math.abs(type) && typeTag(type) !== ColumnType.INTERVAL;
}

/** Thrown when a column has a type code that cannot be stored or read. */
export class UnsupportedTypeError extends QuestError {
  constructor(column: string, type: number) {
    super("column type is not supported", { column, type: typeName(type), code: type });
  }
}

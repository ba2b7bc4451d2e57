/**
 * Column type codes as QuestDB stores them in `_meta` (low byte = tag), their names, sizes and null sentinels.
 * Source: docs/internals/column_types.md.
 *
 * @module
 */
import { QuestError } from "./errors.ts";

/** Type tags (low byte of a stored type code). Tags marked "query only" never reach the disk. */
export const ColumnType = {
  UNDEFINED: 0,
  BOOLEAN: 1,
  BYTE: 2,
  SHORT: 3,
  CHAR: 4,
  INT: 5,
  LONG: 6,
  DATE: 7,
  TIMESTAMP: 8,
  FLOAT: 9,
  DOUBLE: 10,
  STRING: 11,
  SYMBOL: 12,
  LONG256: 13,
  GEOBYTE: 14,
  GEOSHORT: 15,
  GEOINT: 16,
  GEOLONG: 17,
  BINARY: 18,
  UUID: 19,
  CURSOR: 20,
  LONG128: 24,
  IPV4: 25,
  VARCHAR: 26,
  ARRAY: 27,
  DECIMAL8: 28,
  DECIMAL256: 33,
  INTERVAL: 39,
  /** Query only: the type of the literal `null`. */
  NULL: 41,
  /** TIMESTAMP with nanosecond unit. */
  TIMESTAMP_NS: 8 | (1 << 18),
} as const;

/** Null sentinels of the fixed-width types. FLOAT and DOUBLE use NaN; BOOLEAN, BYTE, SHORT and CHAR use 0. */
export const INT_NULL = -0x80000000;
/** Null of LONG, DATE and TIMESTAMP. */
export const LONG_NULL = -0x8000000000000000n;

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

const SIZES: Readonly<Record<number, number>> = {
  1: 1,
  2: 1,
  3: 2,
  4: 2,
  5: 4,
  6: 8,
  7: 8,
  8: 8,
  9: 4,
  10: 8,
  12: 4,
  13: 32,
  14: 1,
  15: 2,
  16: 4,
  17: 8,
  19: 16,
  24: 16,
  25: 4,
  28: 1,
  29: 2,
  30: 4,
  31: 8,
  32: 16,
  33: 32,
};

/** Returns the tag (low byte) of a stored type code; a negative (deleted) code gives the tag of its absolute value. */
export function typeTag(type: number): number {
  return Math.abs(type) & 0xff;
}

/** Returns the width in bytes of one value in a `.d` file, or 0 for a variable-width type. */
export function fixedSize(type: number): number {
  return SIZES[typeTag(type)] ?? 0;
}

/** Tells whether values live in a `.d` data file addressed by an `.i` aux file. */
export function isVariableSize(type: number): boolean {
  const tag = typeTag(type);
  return tag === ColumnType.STRING || tag === ColumnType.BINARY || tag === ColumnType.VARCHAR ||
    tag === ColumnType.ARRAY;
}

/** Tells whether the type is TIMESTAMP in either unit. */
export function isTimestamp(type: number): boolean {
  return typeTag(type) === ColumnType.TIMESTAMP;
}

/** Returns QuestDB's name of a type code, e.g. `LONG`, `TIMESTAMP_NS`, `GEOHASH(5c)`, `DOUBLE[]`, `DECIMAL(18,4)`. */
export function typeName(type: number): string {
  const code = Math.abs(type);
  if (code === ColumnType.TIMESTAMP_NS) return "TIMESTAMP_NS";
  const tag = code & 0xff;
  if (tag >= ColumnType.GEOBYTE && tag <= ColumnType.GEOLONG) {
    const bits = (code >> 8) & 0xff;
    return bits % 5 === 0 ? `GEOHASH(${bits / 5}c)` : `GEOHASH(${bits}b)`;
  }
  if (tag === ColumnType.ARRAY) return "DOUBLE" + "[]".repeat(((code >> 14) & 0x1f) + 1);
  if (tag >= ColumnType.DECIMAL8 && tag <= ColumnType.DECIMAL256) {
    return `DECIMAL(${(code >> 8) & 0xff},${(code >> 18) & 0xff})`;
  }
  return NAMES[tag] ?? `unknown(${code})`;
}

const CODES = new Map<string, number>(
  Object.entries(NAMES).filter(([tag]) =>
    Number(tag) !== ColumnType.NULL && Number(tag) !== ColumnType.CURSOR
  )
    .map(([tag, name]) => [name.toUpperCase(), Number(tag)]),
);
CODES.set("TIMESTAMP_NS", ColumnType.TIMESTAMP_NS);

/** Returns the type code of a plain type name, case-insensitively, or `undefined` if there is none. */
export function typeFromName(name: string): number | undefined {
  return CODES.get(name.toUpperCase());
}

/** The types whose values this release reads and writes. Others are refused by name, never guessed. */
const SUPPORTED = new Set<number>([
  ColumnType.BOOLEAN,
  ColumnType.INT,
  ColumnType.LONG,
  ColumnType.DOUBLE,
  ColumnType.TIMESTAMP,
  ColumnType.SYMBOL,
  ColumnType.VARCHAR,
]);

/** Tells whether a stored column of this type code can be read and written by this release. */
export function isSupportedColumnType(type: number): boolean {
  return SUPPORTED.has(Math.abs(type));
}

/** Thrown when a column's type cannot be stored or read yet. */
export class UnsupportedTypeError extends QuestError {
  constructor(column: string, type: number) {
    super("column type is not supported yet", { column, type: typeName(type) });
  }
}

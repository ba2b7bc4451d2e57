/**
 * Column type codes as QuestDB stores them in `_meta`, their sizes and null sentinels.
 *
 * ```
 * bit 0        8        14   17 18          26
 *     tag      bits              unit           TIMESTAMP: 18 = nanoseconds
 *     tag      bits                             GEOHASH: 8–15 = 1 … 60, 16 set
 *     tag      element  dimensions − 1          ARRAY: 8–13 = DOUBLE, 14–18 = 0 … 31
 *     tag      precision         scale          DECIMAL: 8–15 = 1 … 76, 18–25 = 0 … precision
 * ```
 *
 * A negative code in `_meta` is a deleted column's. Source: docs/internals/column_types.md.
 *
 * @module
 */

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
  DECIMAL16: 29,
  DECIMAL32: 30,
  DECIMAL64: 31,
  DECIMAL128: 32,
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

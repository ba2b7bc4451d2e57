/**
 * Type names of SQL to type codes and back to errors. Source of the parameterised codes: docs/internals/column_types.md.
 *
 * @module
 */
import {
  ARRAY_DIMENSIONS_MAX,
  arrayType,
  ColumnType,
  DECIMAL_PRECISION_MAX,
  decimalType,
  GEOHASH_BITS_MAX,
  geohashType,
  typeFromName,
} from "../../common/mod.ts";

const ALIASES: Readonly<Record<string, number>> = {
  smallint: ColumnType.SHORT,
  integer: ColumnType.INT,
  bigint: ColumnType.LONG,
  real: ColumnType.FLOAT,
  text: ColumnType.STRING,
  bytea: ColumnType.STRING,
  "doubleprecision": ColumnType.DOUBLE,
  "timestampwithtimezone": ColumnType.TIMESTAMP,
  "timestampwithouttimezone": ColumnType.TIMESTAMP,
};
const DEFAULT_DECIMAL_PRECISION = 18;
const DEFAULT_DECIMAL_SCALE = 3;

/** A type code, or why the name has none; `offset` is relative to the first character of the name without blanks. */
export type TypeResolution =
  | { readonly type: number; readonly error: null }
  | { readonly type: null; readonly error: string; readonly offset: number };

function found(type: number): TypeResolution {
  return { type, error: null };
}
function failed(error: string, offset = 0): TypeResolution {
  return { type: null, error, offset };
}

/**
 * Resolves a type name as written in SQL with blanks removed: `int`, `bigint`, `geohash(4c)`, `decimal(18,4)`,
 * `double[]`.
 *
 * @returns The type code, or QuestDB's error text for CREATE TABLE.
 */
export function resolveTypeName(text: string): TypeResolution {
  const name = text.toLowerCase();
  const base = /^[^([]*/.exec(name)![0];
  if (name.endsWith("[]")) return resolveArray(text, base);
  if (base === "geohash") return resolveGeohash(name);
  if (base === "decimal") return resolveDecimal(name);
  if (name === "array") {
    return failed(
      "the system supports type-safe arrays, e.g. `type[]`. Supported types are: DOUBLE. More types incoming.",
    );
  }
  const type = ALIASES[name] ?? typeFromName(name);
  if (name === "interval" || name === "cursor") return failed(`non-persisted type: ${text}`);
  return type === undefined ? failed(`unsupported column type: ${text}`) : found(type);
}

function resolveArray(text: string, base: string): TypeResolution {
  const dimensions = (text.length - base.length) / 2;
  const element = ALIASES[base] ?? typeFromName(base);
  if (element === undefined) return failed(`unsupported column type: ${text}`);
  if (element !== ColumnType.DOUBLE) {
    return failed(`unsupported array element type [type=${base.toUpperCase()}]`);
  }
  if (dimensions > ARRAY_DIMENSIONS_MAX) {
    return failed(`too many array dimensions [nDims=${dimensions}, maxNDims=32]`);
  }
  return found(arrayType(dimensions));
}

function resolveGeohash(name: string): TypeResolution {
  const offset = "geohash".length;
  const match = /^geohash\((\d+)(.?)\)$/.exec(name);
  if (match === null || match[2] === "") {
    return failed("invalid GEOHASH size, must be number followed by 'C' or 'B' character", offset);
  }
  if (match[2] !== "c" && match[2] !== "b") {
    return failed(
      "invalid GEOHASH size units, must be 'c', 'C' for chars, or 'b', 'B' for bits",
      offset,
    );
  }
  const bits = Number(match[1]) * (match[2] === "c" ? 5 : 1);
  if (bits < 1 || bits > GEOHASH_BITS_MAX) {
    return failed(
      `invalid GEOHASH type precision range, must be [1, 60] bits, provided=${bits}`,
      offset,
    );
  }
  return found(geohashType(bits));
}

function resolveDecimal(name: string): TypeResolution {
  const offset = "decimal".length;
  if (name === "decimal") return found(decimalType(DEFAULT_DECIMAL_PRECISION, 3));
  const match = /^decimal\((\d+)(?:,(\d+))?\)$/.exec(name);
  if (match === null) {
    return failed("Invalid decimal type. The precision ('') must be a number", offset);
  }
  const precision = Number(match[1]), scale = Number(match[2] ?? DEFAULT_DECIMAL_SCALE);
  const prefix = `Invalid decimal type. The precision (${precision}) must be`;
  if (precision === 0) return failed(`${prefix} greater than zero`, offset);
  if (precision > DECIMAL_PRECISION_MAX) return failed(`${prefix} less than 76`, offset);
  if (scale > precision) {
    return failed(`${prefix} greater than or equal to the scale (${scale})`, offset);
  }
  return found(decimalType(precision, scale));
}

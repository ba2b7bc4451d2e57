/**
 * Which column types can be converted to which. Numbers, dates, timestamps and BOOLEAN to each other; text to all of them, to CHAR,
 * UUID and IPv4, and back; integers to DECIMAL; DECIMAL to DECIMAL. GEOHASH, LONG256, BINARY and arrays stay what they are.
 * DECIMAL to an integer is accepted, but as in QuestDB it fails when there is a stored value.
 *
 * @module
 */
import { ColumnType, typeTag } from "../../common/mod.ts";

const NUMBERS: ReadonlySet<number> = new Set([
  ColumnType.BOOLEAN,
  ColumnType.BYTE,
  ColumnType.SHORT,
  ColumnType.INT,
  ColumnType.LONG,
  ColumnType.DATE,
  ColumnType.TIMESTAMP,
  ColumnType.FLOAT,
  ColumnType.DOUBLE,
]);
const INTEGERS: ReadonlySet<number> = new Set([
  ColumnType.BYTE,
  ColumnType.SHORT,
  ColumnType.INT,
  ColumnType.LONG,
]);
const TEXTS: ReadonlySet<number> = new Set([
  ColumnType.STRING,
  ColumnType.SYMBOL,
  ColumnType.VARCHAR,
]);
const NAMED: ReadonlySet<number> = new Set([ColumnType.CHAR, ColumnType.UUID, ColumnType.IPV4]);

/** Tells whether values of the type are text. */
export function isTextType(type: number): boolean {
  return TEXTS.has(typeTag(type));
}

/** Tells whether values of the type are decimals of any width. */
export function isDecimalType(type: number): boolean {
  const tag = typeTag(type);
  return tag >= ColumnType.DECIMAL8 && tag <= ColumnType.DECIMAL256;
}

/** Tells whether a column of one type can become one of another; never of its own. */
export function canConvert(from: number, to: number): boolean {
  if (from === to) return false;
  const source = typeTag(from), target = typeTag(to);
  if (isTextType(from)) return isTextType(to) || NUMBERS.has(target) || NAMED.has(target);
  if (isTextType(to)) return NUMBERS.has(source) || NAMED.has(source);
  if (isDecimalType(from) && INTEGERS.has(target)) return true;
  if (isDecimalType(to)) return INTEGERS.has(source) || isDecimalType(from);
  return NUMBERS.has(source) && NUMBERS.has(target);
}

/**
 * Families of types and the rules by which operators pick a common one.
 *
 * @module
 */
import { ColumnType, typeTag } from "../../common/mod.ts";

const INTEGERS = new Set<number>([
  ColumnType.BYTE,
  ColumnType.SHORT,
  ColumnType.INT,
  ColumnType.LONG,
]);
const TEXTS = new Set<number>([
  ColumnType.STRING,
  ColumnType.VARCHAR,
  ColumnType.CHAR,
  ColumnType.SYMBOL,
]);

/** BYTE, SHORT, INT, LONG. */
export function isInteger(type: number): boolean {
  return INTEGERS.has(typeTag(type));
}

/** FLOAT, DOUBLE. */
export function isReal(type: number): boolean {
  const tag = typeTag(type);
  return tag === ColumnType.FLOAT || tag === ColumnType.DOUBLE;
}

/** TIMESTAMP, DATE. */
export function isTime(type: number): boolean {
  const tag = typeTag(type);
  return tag === ColumnType.TIMESTAMP || tag === ColumnType.DATE;
}

/** Integers, reals and times. */
export function isNumeric(type: number): boolean {
  return isInteger(type) || isReal(type) || isTime(type);
}

/** STRING, VARCHAR, CHAR, SYMBOL. */
export function isTextual(type: number): boolean {
  return TEXTS.has(typeTag(type));
}

/** TIMESTAMP in nanoseconds. */
export function isNanos(type: number): boolean {
  return type === ColumnType.TIMESTAMP_NS;
}

/** The type of a bare `null`. */
export function isNullType(type: number): boolean {
  return typeTag(type) === ColumnType.NULL;
}

/** Type in which two numbers meet: INT, LONG, FLOAT or DOUBLE. Times count as LONG. */
export function numericMeet(a: number, b: number): number {
  if (isReal(a) || isReal(b)) {
    const isWide = [a, b].some((type) =>
      typeTag(type) === ColumnType.DOUBLE || typeTag(type) === ColumnType.LONG || isTime(type)
    );
    return isWide ? ColumnType.DOUBLE : ColumnType.FLOAT;
  }
  const isLong = [a, b].some((type) => typeTag(type) === ColumnType.LONG || isTime(type));
  return isLong ? ColumnType.LONG : ColumnType.INT;
}

/** Type in which two times meet: the finer unit. */
export function timeMeet(a: number, b: number): number {
  if (a === b) return a;
  return isNanos(a) || isNanos(b) ? ColumnType.TIMESTAMP_NS : ColumnType.TIMESTAMP;
}

/**
 * Type of a choice between values (CASE, coalesce): `null` if they do not go together.
 */
export function choiceMeet(a: number, b: number): number | null {
  const x = typeTag(a), y = typeTag(b);
  if (a === b) return a;
  if (x === y && !isTime(a)) return a;
  if (isNullType(a)) return b;
  if (isNullType(b)) return a;
  if (isTextual(a) && isTextual(b)) {
    return x === ColumnType.VARCHAR || y === ColumnType.VARCHAR
      ? ColumnType.VARCHAR
      : ColumnType.STRING;
  }
  if (isTime(a) && isTime(b)) return timeMeet(a, b);
  if (isTime(a) && isInteger(b)) return a;
  if (isTime(b) && isInteger(a)) return b;
  return isNumeric(a) && isNumeric(b) ? numericMeet(a, b) : null;
}

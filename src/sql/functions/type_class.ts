/**
 * Families of types and the rules by which operators pick a common one.
 *
 * @module
 */
import {
  ColumnType,
  DECIMAL_PRECISION_MAX,
  decimalPrecision,
  decimalScale,
  decimalType,
  geohashBits,
  isDecimal,
  isGeohash,
  typeTag,
} from "../../common/mod.ts";

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
  if (isNullType(a)) return b;
  if (isNullType(b)) return a;
  if (isGeohash(a) || isGeohash(b)) return geohashMeet(a, b);
  if (isDecimal(a) || isDecimal(b)) return decimalMeet(a, b);
  if (x === ColumnType.ARRAY || y === ColumnType.ARRAY) return x === y ? Math.max(a, b) : null;
  if (x === y && !isTime(a)) return a;
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

/** Two geohashes meet in the narrower one. */
function geohashMeet(a: number, b: number): number | null {
  if (!isGeohash(a) || !isGeohash(b)) return null;
  return geohashBits(a) < geohashBits(b) ? a : b;
}

/** Widest decimal digits of whole numbers. */
const INTEGER_DIGITS: Readonly<Record<number, number>> = {
  [ColumnType.BYTE]: 3,
  [ColumnType.SHORT]: 5,
  [ColumnType.INT]: 10,
  [ColumnType.LONG]: 19,
};

/** Digits of a number as DECIMAL(precision, scale); `null` for anything but decimals and whole numbers. */
export function decimalDigits(type: number): { precision: number; scale: number } | null {
  if (isDecimal(type)) return { precision: decimalPrecision(type), scale: decimalScale(type) };
  const precision = INTEGER_DIGITS[typeTag(type)];
  return precision === undefined ? null : { precision, scale: 0 };
}

/** The DECIMAL type in which two numbers meet without losing digits. */
export function decimalMeet(a: number, b: number): number | null {
  const x = decimalDigits(a), y = decimalDigits(b);
  if (x === null || y === null) return null;
  const scale = Math.max(x.scale, y.scale);
  const whole = Math.max(x.precision - x.scale, y.precision - y.scale);
  return decimalType(Math.min(DECIMAL_PRECISION_MAX, whole + scale), scale);
}

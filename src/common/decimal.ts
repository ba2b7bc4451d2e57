/**
 * DECIMAL(precision, scale): a whole number of `10^-scale`, as a scalar a `bigint` without a point.
 *
 * Stored in 1, 2, 4, 8, 16 or 32 bytes by precision; NULL is the least number of that width.
 *
 * @module
 */
import { ColumnType, typeTag } from "./column_type.ts";

/** Widest precision. */
export const DECIMAL_PRECISION_MAX = 76;
/** Widest precisions of DECIMAL8, DECIMAL16, … in order. */
const PRECISIONS = [2, 4, 9, 18, 38, DECIMAL_PRECISION_MAX];
const PRECISION_SHIFT = 8, SCALE_SHIFT = 18;

/** A number with a decimal point. */
export interface DecimalNumber {
  /** The digits, without the point. */
  readonly unscaled: bigint;
  /** Digits behind the point. */
  readonly scale: number;
  /** Digits in all, as written: zeros before the point count, save that a fraction has at least one. */
  readonly precision: number;
}

/** Tells whether the type code is a DECIMAL of any width. */
export function isDecimal(type: number): boolean {
  const tag = typeTag(type);
  return tag >= ColumnType.DECIMAL8 && tag <= ColumnType.DECIMAL256;
}

/** Returns the type code of a DECIMAL. */
export function decimalType(precision: number, scale: number): number {
  const size = PRECISIONS.findIndex((widest) => precision <= widest);
  return (ColumnType.DECIMAL8 + size) | (precision << PRECISION_SHIFT) | (scale << SCALE_SHIFT);
}

/** Returns the digits in all of a DECIMAL type code. */
export function decimalPrecision(type: number): number {
  return (Math.abs(type) >> PRECISION_SHIFT) & 0xff;
}

/** Returns the digits behind the point of a DECIMAL type code. */
export function decimalScale(type: number): number {
  return (Math.abs(type) >> SCALE_SHIFT) & 0xff;
}

/** Returns the bytes that a value of a DECIMAL type code takes. */
export function decimalBytes(type: number): number {
  return 1 << (typeTag(type) - ColumnType.DECIMAL8);
}

/** Returns the NULL of a DECIMAL type code. */
export function decimalNull(type: number): bigint {
  return -(1n << BigInt(8 * decimalBytes(type) - 1));
}

/** Tells whether a number has at most `precision` digits. */
export function fitsDecimal(unscaled: bigint, precision: number): boolean {
  const bound = 10n ** BigInt(precision);
  return unscaled < bound && unscaled > -bound;
}

const TEXT = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;
/** Longest text that is looked at: every digit, a point, signs and an exponent. */
const TEXT_CHARS_MAX = 512;

/** Digits that an exponent may move the point by: doubles need fewer. */
const SCALE_MAX = 400;

/** Parses `-12.50` or `1.5e3`; `null` if the text is no number. */
export function parseDecimal(text: string): DecimalNumber | null {
  if (text.length > TEXT_CHARS_MAX) return null;
  const match = TEXT.exec(text);
  if (match === null) return null;
  const [, sign, whole, fraction = "", exponentText = "0"] = match;
  if (whole === "" && fraction === "") return null;
  const exponent = Number(exponentText);
  let digits = whole + fraction;
  let scale = fraction.length - exponent;
  if (scale > SCALE_MAX || scale < -SCALE_MAX) return null;
  if (scale < 0) {
    digits += "0".repeat(-scale);
    scale = 0;
  }
  const magnitude = BigInt(digits);
  const significant = digits.replace(/^0+/, "").length;
  const least = scale > 0 && whole.replace(/^0+/, "") === "" && whole !== "" ? scale + 1 : scale;
  return {
    unscaled: sign === "-" ? -magnitude : magnitude,
    scale,
    precision: Math.max(significant, least, 1),
  };
}

/** Formats a number with `scale` digits behind the point. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  if (scale === 0) return String(unscaled);
  const isNegative = unscaled < 0n;
  const digits = String(isNegative ? -unscaled : unscaled).padStart(scale + 1, "0");
  const point = digits.length - scale;
  return `${isNegative ? "-" : ""}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** Changes the digits behind the point; digits that fall away are rounded half up (away from zero). */
export function rescaleDecimal(unscaled: bigint, from: number, to: number): bigint {
  if (to >= from) return unscaled * 10n ** BigInt(to - from);
  const divisor = 10n ** BigInt(from - to);
  const half = divisor / 2n;
  return (unscaled < 0n ? unscaled - half : unscaled + half) / divisor;
}

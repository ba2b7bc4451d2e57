/**
 * Numbers and times as text, both ways, with QuestDB's spelling: doubles in Java's layout with the fewest digits, FLOAT as Java 17 prints it.
 *
 * @module
 */
import { LONG_NULL } from "./column_type.ts";
import { floatDigits } from "./float_digits.ts";
import { formatTimestampMicros } from "./timestamp.ts";

/** The fewest digits that stand for a DOUBLE, as QuestDB prints them: plain between 1e-3 and 1e7, otherwise `d.dddE±n`; always a fraction digit. */
export function formatDouble(value: number): string {
  if (!Number.isFinite(value)) {
    return Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
  }
  return javaLayout(value, String(value));
}

/** Java 17's `Float.toString`. */
export function formatFloat(value: number): string {
  const size = Math.abs(value);
  if (!(size > 0 && size < Infinity)) return formatDouble(value);
  const sign = value < 0 ? "-" : "";
  const { digits, exponent } = floatDigits(size);
  if (exponent > 0 && exponent < 8) {
    const whole = digits.slice(0, exponent).padEnd(exponent, "0");
    return `${sign}${whole}.${digits.slice(exponent) || "0"}`;
  }
  if (exponent <= 0 && exponent > -3) return `${sign}0.${"0".repeat(-exponent)}${digits}`;
  return `${sign}${digits[0]}.${digits.slice(1) || "0"}E${exponent - 1}`;
}

function javaLayout(value: number, text: string): string {
  const size = Math.abs(value);
  if (Object.is(value, -0)) return "-0.0";
  if (size === 0) return "0.0";
  if (size >= 1e-3 && size < 1e7) return text.includes(".") ? text : `${text}.0`;
  const sign = value < 0 ? "-" : "";
  const [mantissa, exponent = "0"] = text.replace(/^-/, "").split("e");
  const [whole, fraction = ""] = text.includes("e")
    ? mantissa.split(".")
    : text.replace(/^-/, "").split(".");
  let digits = whole + fraction;
  let power = Number(exponent) + whole.length - 1;
  const zeros = digits.length - digits.replace(/^0+/, "").length;
  digits = digits.slice(zeros);
  power -= zeros;
  digits = digits.replace(/0+$/, "") || "0";
  return `${sign}${digits[0]}.${digits.slice(1) || "0"}E${power}`;
}

/** Milliseconds as `2024-01-01T00:00:00.000Z`; NULL gives an empty text. */
export function formatDateMillis(millis: bigint): string {
  if (millis === LONG_NULL) return "";
  return formatTimestampMicros(millis * 1000n).slice(0, -4) + "Z";
}

const INTEGER = /^[+-]?\d+$/;
const LONG_TEXT = /^[+-]?\d+L?$/i;
const REAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?[df]?$/i;

/** Parses an int64 in [low, high]; `null` if the text is none. */
export function parseInteger(text: string, low: bigint, high: bigint): bigint | null {
  const plain = text.replace(/(?<=\d)_(?=\d)/g, "");
  const isWide = high > 0x7fffffffn;
  if (!(isWide ? LONG_TEXT : INTEGER).test(plain)) return null;
  const value = BigInt(plain.replace(/^\+|L$/gi, ""));
  return value >= low && value <= high ? value : null;
}

/** Parses a double; `undefined` if the text is none. */
export function parseDouble(text: string): number | undefined {
  const plain = text.trim();
  if (REAL.test(plain)) return Number(plain.replace(/[df]$/i, ""));
  if (/^[+-]?nan$/i.test(plain)) return NaN;
  if (/^\+?infinity$/i.test(plain)) return Infinity;
  if (/^-infinity$/i.test(plain)) return -Infinity;
  return undefined;
}

/**
 * Numbers and times as text, both ways, with QuestDB's spelling: doubles as Java prints them.
 *
 * @module
 */
import { LONG_NULL } from "./column_type.ts";
import { formatTimestampMicros } from "./timestamp.ts";

/** Java's `Double.toString`: plain between 1e-3 and 1e7, otherwise `d.dddE±n`; always a fraction digit. */
export function formatDouble(value: number): string {
  if (!Number.isFinite(value)) {
    return Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
  }
  return javaLayout(value, String(value));
}

/** 2^28: below it every digit of a whole FLOAT counts. */
const EXACT_FLOAT_MAX = 268_435_456;

/** Enough digits to write any tie of up to nine digits out. */
const EXACT_DIGITS = 40;

/** Java's `Float.toString`. */
export function formatFloat(value: number): string {
  if (!Number.isFinite(value)) return formatDouble(value);
  let text = String(value);
  // Java writes whole numbers out as long as no digit of them is beyond the type's precision.
  if (Number.isInteger(value) && Math.abs(value) < EXACT_FLOAT_MAX) return javaLayout(value, text);
  for (let digits = 1; digits <= 9; digits++) {
    const candidate = halfEven(value, digits);
    if (Math.fround(Number(candidate)) === value) {
      text = String(Number(candidate));
      break;
    }
  }
  return javaLayout(value, text);
}

/** A number with so many digits; halfway between two it takes the even one, as Java does, where `toPrecision` goes up. */
function halfEven(value: number, digits: number): string {
  const [mantissa, exponent] = value.toExponential(EXACT_DIGITS).split("e");
  const point = mantissa.indexOf(".");
  const rest = mantissa.slice(point + digits);
  const kept = mantissa.slice(0, point + digits);
  const isTie = /^50*$/.test(rest);
  if (!isTie || Number(kept.at(-1) === "." ? kept.at(-2) : kept.at(-1)) % 2 !== 0) {
    return value.toPrecision(digits);
  }
  return `${kept}e${exponent}`;
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

/**
 * A growing byte buffer that response bodies are written into: text, escaped text, and numbers without making strings of
 * them where that is exact.
 *
 * @module
 */
import { formatDouble } from "../../sql/mod.ts";

const ENCODER = new TextEncoder();
const MINUS = 45;
const DOT = 46;
const ZERO = 48;
const QUOTE = 34;
const BACKSLASH = 92;
const SPACE = 32;
const BILLION = 1_000_000_000;
/** Longest text of a finite double in Java's spelling, and of an int64. */
const NUMBER_BYTES_MAX = 32;
/** A control character takes the most room: `\u00XX`. */
const ESCAPED_BYTES_MAX = 6;
/** Copies shorter than this are quicker as a loop. */
const SHORT_COPY_BYTES = 48;
/** Decimal places that {@linkcode ByteWriter.double} tries before it asks for the shortest text. */
const PLACES_SCALE = 1_000_000;

const HEX = "0123456789abcdef";
const SHORT_ESCAPES = new Map([[8, "b"], [9, "t"], [10, "n"], [12, "f"], [13, "r"]]);
/** Letter behind the backslash for control characters that have one, else 0. */
const ESCAPE_LETTERS = Uint8Array.from(
  { length: SPACE },
  (_, code) => SHORT_ESCAPES.get(code)?.charCodeAt(0) ?? 0,
);

/** Appends bytes; {@linkcode take} hands over what was written. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** Bytes written since the last {@linkcode take}. */
  get length(): number {
    return this.#length;
  }

  /** Appends one byte. */
  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  /** Appends text whose characters are all below 128. */
  ascii(text: string): void {
    if (this.#length + text.length > this.#bytes.length) this.#grow(text.length);
    for (let i = 0; i < text.length; i++) this.#bytes[this.#length + i] = text.charCodeAt(i);
    this.#length += text.length;
  }

  /** Appends any text as UTF-8. */
  text(text: string): void {
    if (this.#length + 3 * text.length > this.#bytes.length) this.#grow(3 * text.length);
    this.#length += ENCODER.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }

  /** Appends bytes. */
  bytes(source: Uint8Array): void {
    const { length } = source;
    if (this.#length + length > this.#bytes.length) this.#grow(length);
    if (length < SHORT_COPY_BYTES) {
      for (let i = 0; i < length; i++) this.#bytes[this.#length + i] = source[i];
    } else this.#bytes.set(source, this.#length);
    this.#length += length;
  }

  /** Appends UTF-8 in quotes: quotes, backslashes and control characters as JSON escapes. */
  jsonText(source: Uint8Array, start: number, end: number): void {
    this.#quoted(source, { start, end, quoteEscape: BACKSLASH });
  }

  /** Appends UTF-8 in quotes: quotes doubled, backslashes and control characters as QuestDB's /exp escapes them. */
  csvText(source: Uint8Array, start: number, end: number): void {
    this.#quoted(source, { start, end, quoteEscape: QUOTE });
  }

  /** Appends a safe integer. */
  integer(value: number): void {
    if (this.#length + NUMBER_BYTES_MAX > this.#bytes.length) this.#grow(NUMBER_BYTES_MAX);
    let rest = value;
    if (rest < 0) {
      this.#bytes[this.#length++] = MINUS;
      rest = -rest;
    }
    if (rest < BILLION) return this.#digits(rest);
    const high = Math.floor(rest / BILLION);
    if (high < BILLION) this.#digits(high);
    else this.ascii(String(high)); // beyond 10^18 there is no safe integer: never more than 16 digits
    this.#padded(rest - high * BILLION, 9);
  }

  /** Appends a whole number below 10^9 with leading zeros. */
  padded(value: number, width: number): void {
    if (this.#length + width > this.#bytes.length) this.#grow(width);
    this.#padded(value, width);
  }

  /** Appends a finite double as Java prints it. */
  double(value: number): void {
    const size = Math.abs(value);
    if (size >= 1e-3 && size < 1e7) {
      // Decimals of at most 15 digits stand for one double each, so one that gives the value back is the shortest text.
      const scaled = Math.round(size * PLACES_SCALE);
      if (scaled / PLACES_SCALE === size) return this.#decimal(value < 0, scaled);
    }
    this.ascii(formatDouble(value));
  }

  /** Returns a copy of what was written and starts again. */
  take(): Uint8Array<ArrayBuffer> {
    const result = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return result;
  }

  #decimal(isNegative: boolean, scaled: number): void {
    if (this.#length + NUMBER_BYTES_MAX > this.#bytes.length) this.#grow(NUMBER_BYTES_MAX);
    if (isNegative) this.#bytes[this.#length++] = MINUS;
    const whole = Math.floor(scaled / PLACES_SCALE);
    let fraction = scaled - whole * PLACES_SCALE, width = 6;
    this.#digits(whole);
    this.#bytes[this.#length++] = DOT;
    while (width > 1 && fraction % 10 === 0) {
      fraction /= 10;
      width--;
    }
    this.#padded(fraction, width);
  }

  #digits(value: number): void {
    let width = 1;
    for (let bound = 10; bound <= value; bound *= 10) width++;
    this.#padded(value, width);
  }

  #padded(value: number, width: number): void {
    const bytes = this.#bytes;
    let rest = value | 0;
    for (let at = this.#length + width - 1; at >= this.#length; at--) {
      const quotient = (rest / 10) | 0;
      bytes[at] = ZERO + rest - quotient * 10;
      rest = quotient;
    }
    this.#length += width;
  }

  #quoted(
    source: Uint8Array,
    range: { readonly start: number; readonly end: number; readonly quoteEscape: number },
  ): void {
    const { start, end, quoteEscape } = range;
    const extra = ESCAPED_BYTES_MAX * (end - start) + 2;
    if (this.#length + extra > this.#bytes.length) this.#grow(extra);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = QUOTE;
    for (let i = start; i < end; i++) {
      const code = source[i];
      if (code < SPACE) at = putControl(bytes, at, code);
      else {
        if (code === QUOTE) bytes[at++] = quoteEscape;
        else if (code === BACKSLASH) bytes[at++] = BACKSLASH;
        bytes[at++] = code;
      }
    }
    bytes[at++] = QUOTE;
    this.#length = at;
  }

  #grow(extra: number): void {
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + extra));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

function putControl(bytes: Uint8Array, start: number, code: number): number {
  let at = start;
  bytes[at++] = BACKSLASH;
  const letter = ESCAPE_LETTERS[code];
  if (letter !== 0) bytes[at++] = letter;
  else {
    for (const char of `u00${HEX[code >> 4]}${HEX[code & 15]}`) bytes[at++] = char.charCodeAt(0);
  }
  return at;
}

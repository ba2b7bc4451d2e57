/**
 * Cuts CSV bytes into lines and fields without making text of them.
 *
 * A field that begins with a quote ends at the next single one; within it two quotes stand for one, and delimiters and line
 * ends are plain characters; bytes between the closing quote and the delimiter are dropped. Quotes elsewhere are plain
 * characters. Lines end with LF, CRLF or CR. Empty lines are left out.
 *
 * @module
 */
import { LimitError } from "../../common/mod.ts";

/** Longest line. */
export const LINE_BYTES_MAX = 4 << 20;
/** Most fields of a line. */
export const FIELDS_MAX = 4096;

const QUOTE = 34;
const LF = 10;
const CR = 13;

/** One line: field i is `bytes[starts[i]] … bytes[ends[i] − 1]`, without its quotes. */
export interface CsvLine {
  bytes: Uint8Array;
  fieldCount: number;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** 1 if the field holds doubled quotes. */
  readonly escaped: Uint8Array;
  /** The document ended within quotes. */
  isBroken: boolean;
}

/** Feeds bytes in, calls back a line at a time; the line is valid during the call. */
export class CsvLineReader {
  readonly #delimiter: number;
  readonly #line: CsvLine = {
    bytes: new Uint8Array(0),
    fieldCount: 0,
    starts: new Int32Array(FIELDS_MAX),
    ends: new Int32Array(FIELDS_MAX),
    escaped: new Uint8Array(FIELDS_MAX),
    isBroken: false,
  };
  #rest: Uint8Array = new Uint8Array(0);
  /** End of the quoted field that {@linkcode #closeQuote} went over, −1 if it is not complete. */
  #quoteEnd = -1;
  #hasDoubledQuotes = false;

  constructor(delimiter: number) {
    this.#delimiter = delimiter;
  }

  /** Reads the lines that `chunk` completes. @throws {LimitError} if a line is too long or has too many fields. */
  push(chunk: Uint8Array, onLine: (line: CsvLine) => void): void {
    let bytes = chunk;
    if (this.#rest.length > 0) {
      bytes = new Uint8Array(this.#rest.length + chunk.length);
      bytes.set(this.#rest);
      bytes.set(chunk, this.#rest.length);
    }
    let start = 0;
    while (start < bytes.length) {
      const next = this.#parse(bytes, start, false);
      if (next < 0) break;
      if (this.#line.fieldCount > 0) onLine(this.#line);
      start = next;
    }
    this.#rest = bytes.slice(start);
    if (this.#rest.length > LINE_BYTES_MAX) {
      throw new LimitError("line is too long", { limit: LINE_BYTES_MAX });
    }
  }

  /** Reads a last line that has no line end. */
  finish(onLine: (line: CsvLine) => void): void {
    if (this.#rest.length === 0) return;
    this.#parse(this.#rest, 0, true);
    this.#rest = new Uint8Array(0);
    if (this.#line.fieldCount > 0) onLine(this.#line);
  }

  /** Parses one line; returns the start of the next one, or −1 if the line is not complete. */
  #parse(bytes: Uint8Array, from: number, isLast: boolean): number {
    const line = this.#line, delimiter = this.#delimiter;
    const { starts, ends, escaped } = line;
    const { length } = bytes;
    line.bytes = bytes;
    line.fieldCount = 0;
    line.isBroken = false;
    let at = from, count = 0;
    while (true) {
      let start = at, end = -1;
      if (bytes[at] === QUOTE) {
        start = at + 1;
        at = this.#closeQuote(bytes, start, isLast);
        if (at < 0) return -1;
        end = this.#quoteEnd;
      }
      let byte = 0;
      for (; at < length; at++) {
        byte = bytes[at];
        if (byte === delimiter || byte === LF || byte === CR) break;
      }
      if (at >= length && !isLast) return -1;
      if (count === FIELDS_MAX) {
        throw new LimitError("too many fields in a line", { limit: FIELDS_MAX });
      }
      starts[count] = start;
      ends[count] = end < 0 ? at : end;
      escaped[count++] = end >= 0 && this.#hasDoubledQuotes ? 1 : 0;
      if (at < length && byte === delimiter) {
        at++;
        continue;
      }
      const isEmpty = count === 1 && start === from && ends[0] === start;
      line.fieldCount = isEmpty ? 0 : count;
      return at + 1;
    }
  }

  /** Finds the end of a quoted field; returns the position behind the closing quote, or −1 if more bytes are needed. */
  #closeQuote(bytes: Uint8Array, start: number, isLast: boolean): number {
    this.#hasDoubledQuotes = false;
    for (let at = bytes.indexOf(QUOTE, start); at >= 0; at = bytes.indexOf(QUOTE, at + 2)) {
      if (bytes[at + 1] === QUOTE) this.#hasDoubledQuotes = true;
      else if (at + 1 < bytes.length || isLast) {
        this.#quoteEnd = at;
        return at + 1;
      } else return -1; // a quote at the very end: the next byte tells what it means
    }
    if (!isLast) return -1;
    this.#line.isBroken = true;
    this.#quoteEnd = bytes.length;
    return bytes.length;
  }
}

const DECODER = new TextDecoder();

/** Text of a field; bytes that are no UTF-8 become replacement characters. */
export function fieldText(line: CsvLine, index: number): string {
  const text = DECODER.decode(line.bytes.slice(line.starts[index], line.ends[index]));
  return line.escaped[index] === 1 ? text.replaceAll('""', '"') : text;
}

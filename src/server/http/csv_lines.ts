/**
 * Cuts CSV bytes into lines and fields without making text of them.
 *
 * A field may be quoted; within quotes, two quotes stand for one, and delimiters and line ends are plain characters. Lines end
 * with LF or CRLF. Empty lines are left out.
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
  };
  #rest: Uint8Array = new Uint8Array(0);

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
    const line = this.#line;
    const { starts, ends, escaped } = line;
    line.bytes = bytes;
    line.fieldCount = 0;
    let at = from;
    while (true) {
      let start = at, end = -1, isEscaped = 0;
      if (bytes[at] === QUOTE) {
        start = ++at;
        for (; at < bytes.length; at++) {
          if (bytes[at] !== QUOTE) continue;
          if (bytes[at + 1] === QUOTE) {
            isEscaped = 1;
            at++;
          } else if (at + 1 < bytes.length || isLast) {
            end = at++;
            break;
          } else return -1; // a quote at the very end: the next byte tells what it means
        }
        if (end < 0) {
          if (!isLast) return -1;
          end = bytes.length;
        }
      }
      while (at < bytes.length && bytes[at] !== this.#delimiter && bytes[at] !== LF) at++;
      if (at >= bytes.length && !isLast) return -1;
      if (end < 0) {
        end = at > start && bytes[at - 1] === CR && bytes[at] !== this.#delimiter ? at - 1 : at;
      }
      if (line.fieldCount === FIELDS_MAX) {
        throw new LimitError("too many fields in a line", { limit: FIELDS_MAX });
      }
      starts[line.fieldCount] = start;
      ends[line.fieldCount] = end;
      escaped[line.fieldCount++] = isEscaped;
      if (at < bytes.length && bytes[at] === this.#delimiter) {
        at++;
        continue;
      }
      if (line.fieldCount === 1 && start === end && start === from) line.fieldCount = 0; // an empty line
      return at + 1;
    }
  }
}

const DECODER = new TextDecoder();

/** Text of a field. */
export function fieldText(line: CsvLine, index: number): string {
  const text = DECODER.decode(line.bytes.slice(line.starts[index], line.ends[index]));
  return line.escaped[index] === 1 ? text.replaceAll('""', '"') : text;
}

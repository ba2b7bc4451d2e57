/**
 * Arrays from text: `[1.5,2]`, `{1,2}`, nested by dimension. A grammar of its own, because PostgreSQL clients send it.
 *
 * Invariants:
 * 1. Work and memory are bounded by the text's length and by {@linkcode ARRAY_ELEMENTS_MAX}.
 *
 * @module
 */
import { ARRAY_ELEMENTS_MAX, type ArrayValue } from "../../common/mod.ts";
import { parseDouble } from "./number_text.ts";

const OPENING: Readonly<Record<string, string>> = { "[": "]", "{": "}" };
const BLANK = /\s/;

/** Parses an array of that many dimensions; `null` if the text is none, or its rows differ in length. */
export function parseArrayText(text: string, dimensions: number): ArrayValue | null {
  const parser = new ArrayTextParser(text, dimensions);
  return parser.parse();
}

class ArrayTextParser {
  readonly #text: string;
  readonly #dimensions: number;
  readonly #shape: number[];
  readonly #values: number[] = [];
  #at = 0;

  constructor(text: string, dimensions: number) {
    this.#text = text;
    this.#dimensions = dimensions;
    this.#shape = new Array(dimensions).fill(-1);
  }

  parse(): ArrayValue | null {
    this.#skipBlanks();
    if (!this.#level(0)) return null;
    this.#skipBlanks();
    if (this.#at !== this.#text.length) return null;
    const shape = this.#shape.map((length) => Math.max(0, length));
    return { shape, values: Float64Array.from(this.#values) };
  }

  #skipBlanks(): void {
    while (this.#at < this.#text.length && BLANK.test(this.#text[this.#at])) this.#at++;
  }

  /** Reads one bracketed list; `false` if it is malformed. */
  #level(level: number): boolean {
    const closing = OPENING[this.#text[this.#at]];
    if (closing === undefined) return false;
    this.#at++;
    this.#skipBlanks();
    let length = 0;
    if (this.#text[this.#at] === closing) this.#at++;
    else {
      while (true) {
        if (level + 1 < this.#dimensions ? !this.#level(level + 1) : !this.#element()) return false;
        length++;
        this.#skipBlanks();
        const mark = this.#text[this.#at++];
        if (mark === closing) break;
        if (mark !== ",") return false;
        this.#skipBlanks();
      }
    }
    if (this.#shape[level] < 0) this.#shape[level] = length;
    return this.#shape[level] === length;
  }

  #element(): boolean {
    const start = this.#at;
    while (this.#at < this.#text.length && !",]}[{".includes(this.#text[this.#at])) this.#at++;
    const value = parseDouble(this.#text.slice(start, this.#at).trim());
    if (value === undefined || this.#values.length >= ARRAY_ELEMENTS_MAX) return false;
    this.#values.push(value);
    return true;
  }
}

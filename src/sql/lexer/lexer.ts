/**
 * Cuts SQL text into tokens. Comments (`-- …` to the end of the line, `/* … *\/`, an unclosed one runs to the end) and
 * blanks separate tokens and leave no trace.
 *
 * Invariants:
 * 1. Tokens are in text order, do not overlap, and the last one is `END`.
 * 2. Lexing never fails: an unclosed quote becomes a token of its own kind, so an error in front of it is found first.
 * 3. Every token but `END` covers at least one character, so a parser that consumes tokens terminates.
 *
 * @module
 */
import { TokenKind } from "./token.ts";

const enum CharClass {
  WORD = 0,
  BLANK = 1,
  DIGIT = 2,
  PUNCTUATION = 3,
}

const CHAR_CLASSES = new Uint8Array(128);
for (let code = 0; code <= 32; code++) CHAR_CLASSES[code] = CharClass.BLANK;
for (const char of "()[],;.:+-*/%=<>~!&|^'\"`") {
  CHAR_CLASSES[char.charCodeAt(0)] = CharClass.PUNCTUATION;
}
for (const char of "0123456789") CHAR_CLASSES[char.charCodeAt(0)] = CharClass.DIGIT;

/** The tokens of one text, column-wise. */
export interface TokenList {
  readonly text: string;
  /** Number of tokens, including the final `END`. */
  readonly count: number;
  readonly kinds: Uint8Array;
  /** Offset of each token's first character. */
  readonly starts: Int32Array;
  /** Offset after each token's last character. */
  readonly ends: Int32Array;
}

/** Cuts a text into tokens. */
export function tokenize(text: string): TokenList {
  const lexer = new Lexer(text);
  lexer.run();
  return lexer.list();
}

class Lexer {
  readonly #text: string;
  readonly #length: number;
  #position = 0;
  #count = 0;
  #kinds: Uint8Array;
  #starts: Int32Array;
  #ends: Int32Array;

  constructor(text: string) {
    this.#text = text;
    this.#length = text.length;
    const capacity = (text.length >> 2) + 16;
    this.#kinds = new Uint8Array(capacity);
    this.#starts = new Int32Array(capacity);
    this.#ends = new Int32Array(capacity);
  }

  list(): TokenList {
    return {
      text: this.#text,
      count: this.#count,
      kinds: this.#kinds,
      starts: this.#starts,
      ends: this.#ends,
    };
  }

  run(): void {
    const text = this.#text, length = this.#length;
    while (this.#position < length) {
      const start = this.#position;
      const code = text.charCodeAt(start);
      switch (classOf(code)) {
        case CharClass.BLANK:
          this.#position++;
          break;
        case CharClass.WORD:
          this.#word(start, code);
          break;
        case CharClass.DIGIT:
          this.#number(start);
          break;
        default:
          this.#punctuation(start, code);
      }
    }
    this.#push(TokenKind.END, length, length);
  }

  #push(kind: TokenKind, start: number, end: number): void {
    if (this.#count === this.#kinds.length) this.#grow();
    this.#kinds[this.#count] = kind;
    this.#starts[this.#count] = start;
    this.#ends[this.#count++] = end;
    this.#position = end;
  }

  #grow(): void {
    const capacity = this.#kinds.length * 2;
    const kinds = new Uint8Array(capacity);
    const starts = new Int32Array(capacity), ends = new Int32Array(capacity);
    kinds.set(this.#kinds);
    starts.set(this.#starts);
    ends.set(this.#ends);
    this.#kinds = kinds;
    this.#starts = starts;
    this.#ends = ends;
  }

  #word(start: number, code: number): void {
    let end = this.#wordEnd(start + 1);
    if (code !== 35 /* # */) return this.#push(TokenKind.WORD, start, end);
    // A geohash literal may name its precision: #u33d/20.
    if (end + 1 < this.#length && this.#text.charCodeAt(end) === 47 && this.#isDigit(end + 1)) {
      end = this.#wordEnd(end + 1);
    }
    this.#push(TokenKind.GEOHASH, start, end);
  }

  #wordEnd(from: number): number {
    const text = this.#text, length = this.#length;
    let end = from;
    while (end < length) {
      const charClass = classOf(text.charCodeAt(end));
      if (charClass === CharClass.BLANK || charClass === CharClass.PUNCTUATION) break;
      end++;
    }
    return end;
  }

  #isDigit(index: number): boolean {
    const code = this.#text.charCodeAt(index);
    return code >= 48 && code <= 57;
  }

  /** Digits, letters and underscores, at most one dot, and a sign after the `e` of a decimal exponent. */
  #number(start: number): void {
    const text = this.#text;
    const isHex = text.charCodeAt(start) === 48 && (text.charCodeAt(start + 1) | 32) === 120;
    let end = this.#wordEnd(start);
    if (!isHex && text.charCodeAt(end) === 46 /* . */) end = this.#wordEnd(end + 1);
    const sign = text.charCodeAt(end);
    const isExponent = !isHex && (sign === 43 || sign === 45) && end > start &&
      (text.charCodeAt(end - 1) | 32) === 101 && this.#isDigit(end + 1);
    if (isExponent) end = this.#wordEnd(end + 2);
    this.#push(TokenKind.NUMBER, start, end);
  }

  #punctuation(start: number, code: number): void {
    const next = this.#text.charCodeAt(start + 1);
    switch (code) {
      case 39: // '
        return this.#quoted(start, code, STRING_KINDS);
      case 34: // "
      case 96: // `
        return this.#quoted(start, code, NAME_KINDS);
      case 45: // -
        if (next === 45) return this.#lineComment(start);
        return this.#push(TokenKind.MINUS, start, start + 1);
      case 47: // /
        if (next === 42) return this.#blockComment(start);
        return this.#push(TokenKind.SLASH, start, start + 1);
      case 46: // .
        if (this.#isDigit(start + 1) && !this.#followsName(start)) {
          return this.#push(TokenKind.NUMBER, start, this.#fractionEnd(start));
        }
        return this.#push(TokenKind.DOT, start, start + 1);
      default: {
        const kind = longOperator(code, next, this.#text.charCodeAt(start + 2));
        if (kind !== null) return this.#push(kind[0], start, start + kind[1]);
        this.#push(SHORT_OPERATORS[code] as TokenKind, start, start + 1);
      }
    }
  }

  /** Tells whether the character before `start` ends a name, so that a dot here qualifies it. */
  #followsName(start: number): boolean {
    return this.#count > 0 && this.#ends[this.#count - 1] === start &&
      this.#kinds[this.#count - 1] <= TokenKind.NUMBER;
  }

  #fractionEnd(start: number): number {
    let end = this.#wordEnd(start + 1);
    const sign = this.#text.charCodeAt(end);
    const isExponent = (sign === 43 || sign === 45) &&
      (this.#text.charCodeAt(end - 1) | 32) === 101 && this.#isDigit(end + 1);
    if (isExponent) end = this.#wordEnd(end + 2);
    return end;
  }

  #quoted(start: number, quote: number, kinds: QuotedKinds): void {
    const text = this.#text;
    const mark = String.fromCharCode(quote);
    let end = start + 1;
    while (true) {
      end = text.indexOf(mark, end);
      if (end < 0) return this.#push(kinds.unclosed, start, this.#length);
      if (text.charCodeAt(end + 1) !== quote) return this.#push(kinds.closed, start, end + 1);
      end += 2;
    }
  }

  #lineComment(start: number): void {
    const end = this.#text.indexOf("\n", start + 2);
    this.#position = end < 0 ? this.#length : end + 1;
  }

  #blockComment(start: number): void {
    const end = this.#text.indexOf("*/", start + 2);
    this.#position = end < 0 ? this.#length : end + 2;
  }
}

/** Kinds of a quoted token with and without its closing quote. */
interface QuotedKinds {
  readonly closed: TokenKind;
  readonly unclosed: TokenKind;
}
const STRING_KINDS: QuotedKinds = {
  closed: TokenKind.STRING,
  unclosed: TokenKind.UNCLOSED_STRING,
};
const NAME_KINDS: QuotedKinds = {
  closed: TokenKind.QUOTED_NAME,
  unclosed: TokenKind.UNCLOSED_NAME,
};

function classOf(code: number): number {
  if (code < 128) return CHAR_CLASSES[code];
  // No-break space and the byte order mark arrive in pasted queries.
  return code === 0xa0 || code === 0xfeff || code === 0x3000 ? CharClass.BLANK : CharClass.WORD;
}

const SHORT_OPERATORS = new Uint8Array(128);
for (
  const [char, kind] of [
    ["(", TokenKind.LEFT_PAREN],
    [")", TokenKind.RIGHT_PAREN],
    ["[", TokenKind.LEFT_BRACKET],
    ["]", TokenKind.RIGHT_BRACKET],
    [",", TokenKind.COMMA],
    [";", TokenKind.SEMICOLON],
    [":", TokenKind.COLON],
    ["+", TokenKind.PLUS],
    ["*", TokenKind.STAR],
    ["%", TokenKind.PERCENT],
    ["=", TokenKind.EQUAL],
    ["<", TokenKind.LESS],
    [">", TokenKind.GREATER],
    ["~", TokenKind.TILDE],
    ["&", TokenKind.AMPERSAND],
    ["|", TokenKind.PIPE],
    ["^", TokenKind.CARET],
    ["!", TokenKind.EXCLAMATION],
  ] as const
) SHORT_OPERATORS[char.charCodeAt(0)] = kind;

/** The operators of two and three characters, with their lengths. */
function longOperator(code: number, next: number, third: number): [TokenKind, number] | null {
  switch (code) {
    case 58: // :
      return next === 58 ? [TokenKind.DOUBLE_COLON, 2] : null;
    case 124: // |
      return next === 124 ? [TokenKind.DOUBLE_PIPE, 2] : null;
    case 33: // !
      if (next === 61) return [TokenKind.NOT_EQUAL, 2];
      return next === 126 ? [TokenKind.NOT_TILDE, 2] : null;
    case 60: // <
      if (next === 62) return [TokenKind.NOT_EQUAL, 2];
      if (next === 61) return [TokenKind.LESS_EQUAL, 2];
      if (next !== 60) return null;
      return third === 61 ? [TokenKind.SHIFT_LEFT_EQUAL, 3] : [TokenKind.SHIFT_LEFT, 2];
    case 62: // >
      if (next === 61) return [TokenKind.GREATER_EQUAL, 2];
      if (next !== 62) return null;
      return third === 61 ? [TokenKind.SHIFT_RIGHT_EQUAL, 3] : [TokenKind.SHIFT_RIGHT, 2];
    default:
      return null;
  }
}

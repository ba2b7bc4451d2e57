/**
 * Token kinds.
 *
 * @module
 */

/** What a token is. Kinds from {@linkcode TokenKind.LEFT_PAREN} up are punctuation and operators: one kind each. */
export const TokenKind = {
  /** End of the text; start = end = text length. */
  END: 0,
  /** An unquoted name, keyword, `$1`, `@x`. */
  WORD: 1,
  /** `"name"` or `` `name` ``. */
  QUOTED_NAME: 2,
  /** `'text'`. */
  STRING: 3,
  /** Starts with a digit, or with a dot and a digit: `1`, `1_000`, `1.5e-3`, `0xff`, `10L`, `1h`. */
  NUMBER: 4,
  /** `#u33d`, `#u33d/20`, `##0110`. */
  GEOHASH: 5,
  /** A `'` without its partner; runs to the end. */
  UNCLOSED_STRING: 6,
  /** A `"` without its partner; runs to the end. */
  UNCLOSED_NAME: 7,
  LEFT_PAREN: 10,
  RIGHT_PAREN: 11,
  LEFT_BRACKET: 12,
  RIGHT_BRACKET: 13,
  COMMA: 14,
  SEMICOLON: 15,
  DOT: 16,
  COLON: 17,
  DOUBLE_COLON: 18,
  PLUS: 19,
  MINUS: 20,
  STAR: 21,
  SLASH: 22,
  PERCENT: 23,
  EQUAL: 24,
  NOT_EQUAL: 25,
  LESS: 26,
  LESS_EQUAL: 27,
  GREATER: 28,
  GREATER_EQUAL: 29,
  SHIFT_LEFT: 30,
  SHIFT_RIGHT: 31,
  SHIFT_LEFT_EQUAL: 32,
  SHIFT_RIGHT_EQUAL: 33,
  TILDE: 34,
  NOT_TILDE: 35,
  AMPERSAND: 36,
  PIPE: 37,
  DOUBLE_PIPE: 38,
  CARET: 39,
  EXCLAMATION: 40,
} as const;

/** One of the values of {@linkcode TokenKind}. */
export type TokenKind = (typeof TokenKind)[keyof typeof TokenKind];

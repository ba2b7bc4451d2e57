/**
 * Infix operators and how tightly they bind. Levels are QuestDB's: a smaller number binds tighter; all are
 * left-associative. `||` and the bit operators bind looser than arithmetic and tighter than comparison.
 *
 * @module
 */
import { TokenKind } from "../lexer/mod.ts";
import type { BinaryOperator } from "../ast/mod.ts";

/** Binding levels of everything that is not in the operator tables. */
export const Level = {
  CAST: 2,
  UNARY: 3,
  CONCAT: 7,
  BIT_OR: 10,
  MEMBERSHIP: 11,
  EQUALITY: 13,
  NOT: 14,
  AND: 15,
  OR: 16,
  /** Takes every operator. */
  ANY: 16,
} as const;

/** An operator and its level. */
export interface InfixOperator {
  readonly operator: BinaryOperator;
  readonly level: number;
}

const SYMBOLS = new Map<TokenKind, InfixOperator>([
  [TokenKind.STAR, { operator: "*", level: 4 }],
  [TokenKind.SLASH, { operator: "/", level: 4 }],
  [TokenKind.PERCENT, { operator: "%", level: 4 }],
  [TokenKind.PLUS, { operator: "+", level: 5 }],
  [TokenKind.MINUS, { operator: "-", level: 5 }],
  [TokenKind.SHIFT_LEFT, { operator: "<<", level: 6 }],
  [TokenKind.SHIFT_RIGHT, { operator: ">>", level: 6 }],
  [TokenKind.SHIFT_LEFT_EQUAL, { operator: "<<=", level: 6 }],
  [TokenKind.SHIFT_RIGHT_EQUAL, { operator: ">>=", level: 6 }],
  [TokenKind.DOUBLE_PIPE, { operator: "||", level: Level.CONCAT }],
  [TokenKind.AMPERSAND, { operator: "&", level: 8 }],
  [TokenKind.CARET, { operator: "^", level: 9 }],
  [TokenKind.PIPE, { operator: "|", level: Level.BIT_OR }],
  [TokenKind.LESS, { operator: "<", level: 12 }],
  [TokenKind.LESS_EQUAL, { operator: "<=", level: 12 }],
  [TokenKind.GREATER, { operator: ">", level: 12 }],
  [TokenKind.GREATER_EQUAL, { operator: ">=", level: 12 }],
  [TokenKind.EQUAL, { operator: "=", level: Level.EQUALITY }],
  [TokenKind.NOT_EQUAL, { operator: "!=", level: Level.EQUALITY }],
  [TokenKind.TILDE, { operator: "~", level: Level.EQUALITY }],
  [TokenKind.NOT_TILDE, { operator: "!~", level: Level.EQUALITY }],
]);

const WORDS = new Map<string, InfixOperator>([
  ["like", { operator: "like", level: Level.EQUALITY }],
  ["ilike", { operator: "ilike", level: Level.EQUALITY }],
  ["and", { operator: "and", level: Level.AND }],
  ["or", { operator: "or", level: Level.OR }],
]);

/** Returns the infix operator a token stands for, or `undefined`. `word` is its lower-case text if it is a word. */
export function infixOperator(kind: TokenKind, word: string): InfixOperator | undefined {
  return kind === TokenKind.WORD ? WORDS.get(word) : SYMBOLS.get(kind);
}

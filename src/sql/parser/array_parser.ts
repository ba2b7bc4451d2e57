/**
 * `ARRAY[…]` and `value[…]`. In the syntax tree both are calls, named {@linkcode ARRAY_LITERAL}, {@linkcode ARRAY_ACCESS} and
 * {@linkcode ARRAY_SLICE}.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import { TokenKind } from "../lexer/mod.ts";
import type { Call, Expression } from "../ast/mod.ts";
import type { ExpressionParser } from "./expression_parser.ts";

/** Name of the call that `ARRAY[a, b]` stands for. */
export const ARRAY_LITERAL = "array[]";
/** Name of the call that `value[i, j]` stands for. */
export const ARRAY_ACCESS = "[]";
/** Name of the call that `low:high` inside an access stands for; the second argument may be missing. */
export const ARRAY_SLICE = "[:]";

/** Parses `ARRAY[…]`; the cursor is at the word. */
export function parseArrayLiteral(parser: ExpressionParser): Expression {
  parser.cursor.advance();
  return parseElements(parser);
}

/** Parses `[…]`, where nested brackets need no ARRAY. */
function parseElements(parser: ExpressionParser): Call {
  const { cursor } = parser;
  const open = cursor.position;
  const position = open; // where QuestDB's errors point
  cursor.advance();
  const args: Expression[] = [];
  if (!cursor.accept(TokenKind.RIGHT_BRACKET)) {
    do args.push(parseElement(parser, open)); while (cursor.accept(TokenKind.COMMA));
    expectBracket(parser, open);
  }
  return { kind: "call", position, name: ARRAY_LITERAL, text: "ARRAY", args, isDistinct: false };
}

function parseElement(parser: ExpressionParser, open: number): Expression {
  const { cursor } = parser;
  if (cursor.kind() === TokenKind.LEFT_BRACKET) {
    return parser.nested(() => parseElements(parser));
  }
  return required(parser, open);
}

function required(parser: ExpressionParser, open: number): Expression {
  if (parser.cursor.isAtStatementEnd) throw new SqlError(open, "unbalanced [");
  return parser.nested(() => parser.parseRequired("missing arguments"));
}

function expectBracket(parser: ExpressionParser, open: number): void {
  const { cursor } = parser;
  if (cursor.accept(TokenKind.RIGHT_BRACKET)) return;
  throw cursor.isAtStatementEnd ? new SqlError(open, "unbalanced [") : cursor.unexpected();
}

/** Parses `[i]`, `[i, j]`, `[low:high]` behind an array. */
export function parseArrayAccess(parser: ExpressionParser, array: Expression): Expression {
  const { cursor } = parser;
  const position = cursor.position;
  if (array.kind === "literal") throw cursor.error("'[' is unexpected here");
  cursor.advance();
  const args: Expression[] = [array];
  do args.push(parseIndex(parser, position)); while (cursor.accept(TokenKind.COMMA));
  expectBracket(parser, position);
  return { kind: "call", position, name: ARRAY_ACCESS, text: "[]", args, isDistinct: false };
}

function parseIndex(parser: ExpressionParser, open: number): Expression {
  const { cursor } = parser;
  if (cursor.kind() === TokenKind.COLON) {
    throw new SqlError(0, "bind variable service is not provided"); // as QuestDB reads `[:2]`
  }
  const low = required(parser, open);
  const position = cursor.position;
  if (!cursor.accept(TokenKind.COLON)) return low;
  const isOpen = cursor.kind() === TokenKind.RIGHT_BRACKET || cursor.kind() === TokenKind.COMMA;
  const args = isOpen ? [low] : [low, required(parser, open)];
  return { kind: "call", position, name: ARRAY_SLICE, text: ":", args, isDistinct: false };
}

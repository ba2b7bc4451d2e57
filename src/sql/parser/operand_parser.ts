/**
 * Operands that start with a name: columns, calls, and the special forms CASE, CAST, EXTRACT, `timestamp '…'`.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import { TokenKind } from "../lexer/mod.ts";
import type { Expression } from "../ast/mod.ts";
import type { ExpressionParser } from "./expression_parser.ts";
import { parseArrayLiteral } from "./array_parser.ts";
import { Level } from "./operators.ts";
import { parseTypeName, tooFew } from "./type_name_parser.ts";

/** Types that may stand before a string to make a constant of it: `timestamp '2024-01-01'`. */
const PREFIX_TYPES = new Set(["timestamp", "timestamp_ns", "date"]);

/** Parses the operand a special word starts, or returns `null` if the word is not special here. */
export function parseSpecialForm(parser: ExpressionParser, word: string): Expression | null {
  const { cursor } = parser;
  const position = cursor.position;
  switch (word) {
    case "null":
    case "true":
    case "false":
    case "nan": {
      const text = word === "nan" ? cursor.token() : word;
      cursor.advance();
      const literal = word === "true" || word === "false" ? "boolean" : "null";
      return { kind: "literal", position, literal, text };
    }
    case "case":
      return parser.nested(() => parseCase(parser));
    case "cast":
      if (cursor.kindAhead(1) === TokenKind.LEFT_PAREN) {
        return parser.nested(() => parseCast(parser));
      }
      cursor.checkName("");
      return null;
    case "all":
      throw cursor.error("missing operator");
    case "extract":
      return isExtract(parser) ? parser.nested(() => parseExtract(parser)) : null;
    case "array":
      return cursor.kindAhead(1) === TokenKind.LEFT_BRACKET
        ? parser.nested(() => parseArrayLiteral(parser))
        : null;
    default:
      return PREFIX_TYPES.has(word) ? parsePrefixedConstant(parser) : null;
  }
}

/** Parses `name`, `table.name`, `name(…)`, `$1` or `:name`. */
export function parseCallOrName(parser: ExpressionParser): Expression {
  const { cursor } = parser;
  if (cursor.kindAhead(1) === TokenKind.LEFT_PAREN && cursor.kind() === TokenKind.WORD) {
    return parser.nested(() => parseCall(parser));
  }
  const position = cursor.position;
  const bind = /^\$(\d{1,9})$/.exec(cursor.token());
  if (bind !== null) {
    cursor.advance();
    return { kind: "bind", position, index: Number(bind[1]), name: null };
  }
  return parseColumn(parser);
}

function parseColumn(parser: ExpressionParser): Expression {
  const { cursor } = parser;
  const position = cursor.position;
  const parts: string[] = [];
  while (true) {
    if (cursor.kind() === TokenKind.QUOTED_NAME && parts.length === 0) {
      parts.push(...cursor.unquoted().split(".")); // "t.c" is t.c in QuestDB: names hold no dots
    } else parts.push(cursor.unquoted());
    cursor.advance();
    const isDot = cursor.kind() === TokenKind.DOT && cursor.position === cursor.previousEnd;
    if (!isDot) break;
    const isAdjacent = cursor.positionAhead(1) === cursor.end;
    const kind = cursor.kindAhead(1);
    if (isAdjacent && kind === TokenKind.STAR) {
      cursor.advance();
      cursor.advance();
      return { kind: "star", position, table: parts.join(".") };
    }
    if (!isAdjacent || (kind !== TokenKind.WORD && kind !== TokenKind.QUOTED_NAME)) {
      throw new SqlError(cursor.end, "'*' or column name expected");
    }
    cursor.advance();
  }
  const name = parts.pop()!;
  return { kind: "column", position, table: parts.length === 0 ? null : parts.join("."), name };
}

function parseCall(parser: ExpressionParser): Expression {
  const { cursor } = parser;
  const position = cursor.position;
  let text = cursor.token();
  cursor.advance();
  const open = cursor.position;
  cursor.advance();
  const isCount = text.toLowerCase() === "count";
  if (cursor.kind() === TokenKind.STAR && cursor.kindAhead(1) === TokenKind.RIGHT_PAREN) {
    if (!isCount) throw tooFew(cursor.position, "*", { found: 0, expected: 2 });
    const star: Expression = { kind: "star", position: cursor.position, table: null };
    cursor.advance();
    cursor.advance();
    return { kind: "call", position, name: "count", text, args: [star], isDistinct: false };
  }
  // QuestDB has no other DISTINCT aggregates, and prints this one under its own name.
  if (isCount && cursor.acceptWord("distinct")) text = "count_distinct";
  else if (cursor.isWord("distinct")) {
    cursor.advance();
    throw cursor.error("dangling literal");
  }
  const args = parser.parseArguments(open);
  return { kind: "call", position, name: text.toLowerCase(), text, args, isDistinct: false };
}

function parseCast(parser: ExpressionParser): Expression {
  const { cursor } = parser;
  const position = cursor.position;
  cursor.advance();
  const open = cursor.position;
  cursor.advance();
  const operand = parser.parseOptional();
  if (cursor.isAtStatementEnd) throw new SqlError(open, "unbalanced (");
  if (operand === null) throw cursor.error("missing arguments");
  if (!cursor.isWord("as")) {
    if (cursor.kind() === TokenKind.RIGHT_PAREN) throw cursor.error("'as' missing");
    parser.expectClosing(open);
  }
  cursor.advance();
  const typePosition = cursor.position;
  const type = parseTypeName(cursor);
  if (type === null) {
    throw cursor.isAtStatementEnd
      ? new SqlError(open, "unbalanced (")
      : tooFew(position, "cast", { found: 1, expected: 2 });
  }
  parser.expectClosing(open);
  return { kind: "cast", position, operand, type, typePosition };
}

function parseCase(parser: ExpressionParser): Expression {
  const { cursor } = parser;
  const position = cursor.position;
  cursor.advance();
  const value = (): Expression => {
    const expression = parser.parseOptional();
    if (cursor.isAtStatementEnd) throw new SqlError(position, "unbalanced 'case'");
    if (expression === null) throw cursor.error("missing expression");
    return expression;
  };
  const isBare = ["when", "then", "else", "end"].includes(cursor.word());
  const operand = isBare ? null : value();
  const branches: { when: Expression; then: Expression }[] = [];
  while (cursor.acceptWord("when")) {
    const when = value();
    cursor.expectWord("then");
    branches.push({ when, then: value() });
  }
  const isUnexpected = branches.length === 0 || (!cursor.isWord("else") && !cursor.isWord("end"));
  if (cursor.isAtStatementEnd) throw new SqlError(position, "unbalanced 'case'");
  if (isUnexpected) throw cursor.error("'when' expected");
  const otherwise = cursor.acceptWord("else") ? value() : null;
  if (cursor.isAtStatementEnd) throw new SqlError(position, "unbalanced 'case'");
  cursor.expectWord("end");
  return { kind: "case", position, operand, branches, otherwise };
}

function isExtract(parser: ExpressionParser): boolean {
  const { cursor } = parser;
  return cursor.kindAhead(1) === TokenKind.LEFT_PAREN && cursor.wordAhead(3) === "from";
}

/** `extract(part FROM value)` is the call `extract('part', value)`. */
function parseExtract(parser: ExpressionParser): Expression {
  const { cursor } = parser;
  const position = cursor.position;
  const text = cursor.token();
  cursor.advance();
  const open = cursor.position;
  cursor.advance();
  const part: Expression = {
    kind: "literal",
    position: cursor.position,
    literal: "string",
    text: cursor.unquoted(),
  };
  cursor.advance();
  cursor.advance();
  if (cursor.isAtStatementEnd) throw new SqlError(open, "unbalanced (");
  const value = parser.parseRequired("missing arguments");
  parser.expectClosing(open);
  return { kind: "call", position, name: "extract", text, args: [part, value], isDistinct: false };
}

/** `timestamp '2024-01-01'` is a cast of the string; without a string the word is a column. */
function parsePrefixedConstant(parser: ExpressionParser): Expression | null {
  const { cursor } = parser;
  const position = cursor.position;
  const isPlain = cursor.kindAhead(1) === TokenKind.STRING;
  const isZoned = cursor.kindAhead(4) === TokenKind.STRING && cursor.wordAhead(2) === "time" &&
    cursor.wordAhead(3) === "zone";
  if (!isPlain && !isZoned) return null;
  const type = parseTypeName(cursor)!;
  const operand = parser.parse(Level.CAST);
  return { kind: "cast", position, operand, type, typePosition: position };
}

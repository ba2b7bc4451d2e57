/**
 * Expressions: recursive descent for operands, precedence climbing for operators. Error texts and positions are those of
 * QuestDB, which builds its trees with a stack machine; hence `too few arguments for '+' [found=1,expected=2]`.
 *
 * Invariants:
 * 1. Nesting and tree depth stay within {@linkcode MAX_EXPRESSION_NESTING} and {@linkcode MAX_EXPRESSION_DEPTH}.
 * 2. A method that returns `null` has consumed nothing.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import { TokenKind } from "../lexer/mod.ts";
import type { Between, Expression, InExpression, SelectQuery } from "../ast/mod.ts";
import { infixOperator, Level } from "./operators.ts";
import { isReserved } from "./keywords.ts";
import { MAX_EXPRESSION_DEPTH, MAX_EXPRESSION_NESTING } from "./limits.ts";
import type { TokenCursor } from "./token_cursor.ts";
import { parseArrayAccess } from "./array_parser.ts";
import { parseCallOrName, parseSpecialForm } from "./operand_parser.ts";
import { parseTypeName, tooFew } from "./type_name_parser.ts";

/** Parses expressions at a cursor. */
export class ExpressionParser {
  readonly cursor: TokenCursor;
  /** Parses the query of `IN (SELECT …)`. */
  readonly parseQuery: () => SelectQuery;
  /** Open parentheses, calls and CASEs around the cursor. */
  #nesting = 0;
  /** Depth of the deepest tree parsed since this was last reset: the children of the node in hand. */
  #childDepth = 0;

  constructor(cursor: TokenCursor, parseQuery: () => SelectQuery) {
    this.cursor = cursor;
    this.parseQuery = parseQuery;
  }

  /** Parses an expression, or returns `null` if none starts here. @throws {SqlError} */
  parseOptional(): Expression | null {
    return this.#isOperandEnd() ? null : this.parse(Level.ANY);
  }

  /** Parses an expression. @throws {SqlError} with `message` at the cursor if none starts here. */
  parseRequired(message: string): Expression {
    const expression = this.parseOptional();
    if (expression === null) throw this.cursor.error(message);
    return expression;
  }

  /** Parses an expression made of operators up to a level. The caller has checked that an operand starts here. */
  parse(level: number): Expression {
    const siblingDepth = this.#childDepth;
    let depth = 0;
    let result: Expression | null = null;
    while (true) {
      this.#childDepth = 0;
      const next: Expression | null = result === null
        ? this.#parsePrefix(level)
        : this.#parseInfix(result, level);
      if (next === null) break;
      result = next;
      depth = Math.max(depth, this.#childDepth) + 1;
      if (depth > MAX_EXPRESSION_DEPTH) {
        throw new SqlError(next.position, `expression is too deep [limit=${MAX_EXPRESSION_DEPTH}]`);
      }
    }
    this.#childDepth = Math.max(siblingDepth, depth);
    return result!;
  }

  /** Runs `parse` one level deeper. @throws {SqlError} beyond {@linkcode MAX_EXPRESSION_NESTING}. */
  nested<T>(parse: () => T): T {
    if (++this.#nesting > MAX_EXPRESSION_NESTING) {
      throw this.cursor.error(`expression is nested too deep [limit=${MAX_EXPRESSION_NESTING}]`);
    }
    const result = parse();
    this.#nesting--;
    return result;
  }

  /**
   * Parses expressions separated by commas up to the closing parenthesis, which is consumed.
   *
   * @param open Offset of the opening parenthesis; errors about a missing partner point there.
   */
  parseArguments(open: number): Expression[] {
    const { cursor } = this;
    const args: Expression[] = [];
    if (cursor.accept(TokenKind.RIGHT_PAREN)) return args;
    do {
      if (cursor.isAtStatementEnd) throw new SqlError(open, "unbalanced (");
      const argument = this.parseOptional();
      if (argument === null) throw cursor.error("missing arguments");
      args.push(argument);
    } while (cursor.accept(TokenKind.COMMA));
    this.expectClosing(open);
    return args;
  }

  /** Steps over `)`. @throws {SqlError} QuestDB's text for what stands there instead. */
  expectClosing(open: number): void {
    const { cursor } = this;
    if (cursor.accept(TokenKind.RIGHT_PAREN)) return;
    if (cursor.isAtStatementEnd) throw new SqlError(open, "unbalanced (");
    const isConstant = cursor.kind() === TokenKind.NUMBER || cursor.kind() === TokenKind.STRING ||
      cursor.kind() === TokenKind.LEFT_PAREN || cursor.kind() === TokenKind.GEOHASH;
    if (isConstant) throw cursor.error("dangling expression");
    throw cursor.isName ? cursor.error("dangling literal") : cursor.unexpected();
  }

  /** Tells whether no operand can start at the cursor. */
  #isOperandEnd(): boolean {
    switch (this.cursor.kind()) {
      case TokenKind.END:
      case TokenKind.SEMICOLON:
      case TokenKind.COMMA:
      case TokenKind.RIGHT_PAREN:
      case TokenKind.RIGHT_BRACKET:
        return true;
      case TokenKind.WORD:
        return this.#isStopWord(this.cursor.word());
      default:
        return false;
    }
  }

  /** Reserved words end an expression, save those that are operands or operators themselves. */
  #isStopWord(word: string): boolean {
    if (!isReserved(word)) return false;
    return !OPERAND_WORDS.has(word) && infixOperator(TokenKind.WORD, word) === undefined;
  }

  #parsePrefix(level: number): Expression {
    const { cursor } = this;
    const position = cursor.position;
    switch (cursor.kind()) {
      case TokenKind.NUMBER:
        return this.#literal("number", cursor.token());
      case TokenKind.STRING:
        return this.#literal("string", cursor.unquoted());
      case TokenKind.GEOHASH:
        return this.#literal("geohash", cursor.token());
      case TokenKind.MINUS:
      case TokenKind.TILDE:
        return this.#parseUnary(cursor.kind() === TokenKind.MINUS ? "-" : "~", Level.UNARY);
      case TokenKind.LEFT_PAREN:
        return this.#parseParenthesised();
      case TokenKind.QUOTED_NAME:
        return parseCallOrName(this);
      case TokenKind.WORD:
        break;
      case TokenKind.COLON:
        return this.#parseNamedBind();
      case TokenKind.DOT:
        throw new SqlError(position + 1, "qualifier expected");
      case TokenKind.LEFT_BRACKET:
        throw cursor.error("'[' is unexpected here");
      default:
        throw this.#missingOperand();
    }
    const word = cursor.word();
    if (word === "not") return this.#parseUnary("not", Math.min(level, Level.NOT));
    if (infixOperator(cursor.kind(), word) !== undefined) throw this.#missingOperand();
    return parseSpecialForm(this, word) ?? parseCallOrName(this);
  }

  #literal(literal: "number" | "string" | "geohash", text: string): Expression {
    const position = this.cursor.position;
    this.cursor.advance();
    return { kind: "literal", position, literal, text };
  }

  #parseNamedBind(): Expression {
    const { cursor } = this;
    const position = cursor.position;
    const isBind = cursor.kindAhead(1) === TokenKind.WORD &&
      cursor.positionAhead(1) === position + 1;
    if (!isBind) throw cursor.unexpected();
    cursor.advance();
    const name = cursor.token();
    cursor.advance();
    return { kind: "bind", position, index: null, name };
  }

  #parseUnary(operator: "-" | "~" | "not", level: number): Expression {
    const { cursor } = this;
    const position = cursor.position;
    cursor.advance();
    if (this.#isOperandEnd()) throw tooFew(position, operator, { found: 0, expected: 1 });
    const operand = this.nested(() => this.parse(level));
    return { kind: "unary", position, operator, operand };
  }

  #parseParenthesised(): Expression {
    const { cursor } = this;
    const open = cursor.position;
    cursor.advance();
    if (isQueryStart(cursor)) {
      throw cursor.error("query is not expected here: scalar subqueries are not supported yet");
    }
    if (cursor.isAtStatementEnd) throw new SqlError(open, "unbalanced (");
    if (this.#isOperandEnd()) throw cursor.error("missing expression");
    const inner = this.nested(() => this.parse(Level.ANY));
    this.expectClosing(open);
    return inner;
  }

  /** An operator stands where an operand should. */
  #missingOperand(): SqlError {
    const { cursor } = this;
    const token = cursor.token();
    if (
      infixOperator(cursor.kind(), cursor.word()) === undefined &&
      cursor.kind() !== TokenKind.DOUBLE_COLON
    ) {
      return cursor.unexpected();
    }
    const position = cursor.position;
    cursor.advance();
    return tooFew(position, token, { found: this.#isOperandEnd() ? 0 : 1, expected: 2 });
  }

  /** Parses one operator with its right side if one of at most `level` stands at the cursor. */
  #parseInfix(left: Expression, level: number): Expression | null {
    const { cursor } = this;
    if (cursor.kind() === TokenKind.DOUBLE_COLON) return this.#parseCastOperator(left);
    if (cursor.kind() === TokenKind.LEFT_BRACKET) return parseArrayAccess(this, left);
    const word = cursor.word();
    const infix = infixOperator(cursor.kind(), word);
    if (infix === undefined) return word === "" ? null : this.#parseWordOperator(left, word, level);
    if (infix.level > level) return null;
    const position = cursor.position;
    const token = cursor.token();
    cursor.advance();
    const right = this.#operand(position, token, infix.level - 1);
    return { kind: "binary", position, operator: infix.operator, left, right };
  }

  /** Parses the right side of an operator. */
  #operand(position: number, operator: string, level: number): Expression {
    const isMissing = this.#isOperandEnd() ||
      (infixOperator(this.cursor.kind(), this.cursor.word()) !== undefined &&
        this.cursor.kind() !== TokenKind.MINUS && this.cursor.kind() !== TokenKind.TILDE);
    if (isMissing) throw tooFew(position, operator, { found: 1, expected: 2 });
    return this.parse(level);
  }

  #parseCastOperator(operand: Expression): Expression {
    const { cursor } = this;
    const position = cursor.position;
    cursor.advance();
    const typePosition = cursor.position;
    const type = parseTypeName(cursor);
    if (type === null) throw tooFew(position, "::", { found: 1, expected: 2 });
    return { kind: "cast", position, operand, type, typePosition };
  }

  #parseWordOperator(left: Expression, word: string, level: number): Expression | null {
    const { cursor } = this;
    switch (word) {
      case "in":
      case "between":
        return level < Level.MEMBERSHIP ? null : this.#parseMembership(left, false);
      case "is":
        return level < Level.EQUALITY ? null : this.#parseIs(left);
      case "within":
        // `WITHIN GROUP` belongs to the select list.
        if (cursor.wordAhead(1) === "group") return null;
        return level < Level.MEMBERSHIP ? null : this.#parseWithin(left);
      case "not":
        return this.#parseNegatedOperator(left, level);
      default:
        return null;
    }
  }

  /** Parses `NOT IN`, `NOT BETWEEN`, `NOT LIKE`, `NOT ILIKE`. */
  #parseNegatedOperator(left: Expression, level: number): Expression | null {
    const { cursor } = this;
    const position = cursor.position;
    switch (cursor.wordAhead(1)) {
      case "in":
      case "between":
        if (level < Level.MEMBERSHIP) return null;
        cursor.advance();
        return this.#parseMembership(left, true);
      case "like":
      case "ilike": {
        if (level < Level.EQUALITY) return null;
        cursor.advance();
        const operand = this.#parseInfix(left, Level.EQUALITY)!;
        return { kind: "unary", position, operator: "not", operand };
      }
      case "within":
        throw cursor.error("WITHIN is not supported yet");
      default:
        return null;
    }
  }

  #parseMembership(operand: Expression, isNegated: boolean): Expression {
    const position = this.cursor.position;
    const isBetween = this.cursor.isWord("between");
    this.cursor.advance();
    return isBetween
      ? this.#parseBetween(operand, isNegated, position)
      : this.#parseIn(operand, isNegated, position);
  }

  #parseBetween(operand: Expression, isNegated: boolean, position: number): Between {
    const { cursor } = this;
    if (this.#isOperandEnd()) throw tooFew(position, "between", { found: 1, expected: 3 });
    const low = this.nested(() => this.parse(Level.BIT_OR));
    if (!cursor.acceptWord("and") || this.#isOperandEnd()) {
      throw tooFew(position, "between", { found: 2, expected: 3 });
    }
    const high = this.nested(() => this.parse(Level.BIT_OR));
    return { kind: "between", position, operand, isNegated, low, high };
  }

  #parseIn(operand: Expression, isNegated: boolean, position: number): InExpression {
    const { cursor } = this;
    const base = { kind: "in", position, operand, isNegated } as const;
    if (isQueryStart(cursor)) return { ...base, list: null, query: this.parseQuery() };
    if (cursor.kind() !== TokenKind.LEFT_PAREN) {
      return { ...base, list: [this.#operand(position, "in", Level.BIT_OR)], query: null };
    }
    const open = cursor.position;
    cursor.advance();
    if (isQueryStart(cursor)) {
      const query = this.nested(this.parseQuery);
      cursor.expect(TokenKind.RIGHT_PAREN, "')' expected");
      return { ...base, list: null, query };
    }
    if (cursor.kind() === TokenKind.RIGHT_PAREN) {
      throw new SqlError(position, "too few arguments for 'in'");
    }
    if (cursor.isAtStatementEnd) throw new SqlError(open, "unbalanced (");
    const list = this.nested(() => this.parseArguments(open));
    return { ...base, list, query: null };
  }

  /** `geohash WITHIN (prefix, …)` is a call. */
  #parseWithin(operand: Expression): Expression {
    const { cursor } = this;
    const position = cursor.position;
    const text = cursor.token();
    cursor.advance();
    const open = cursor.position;
    const list = cursor.accept(TokenKind.LEFT_PAREN)
      ? this.nested(() => this.parseArguments(open))
      : [this.#operand(position, "within", Level.BIT_OR)];
    const args = [operand, ...list];
    return { kind: "call", position, name: "within", text, args, isDistinct: false };
  }

  #parseIs(operand: Expression): Expression {
    const { cursor } = this;
    const position = cursor.position;
    cursor.advance();
    const isNegated = cursor.acceptWord("not");
    const word = cursor.word();
    if (word === "null") {
      cursor.advance();
      return { kind: "isNull", position, operand, isNegated };
    }
    if (word === "true" || word === "false") {
      const right = this.#booleanLiteral(word);
      return { kind: "binary", position, operator: isNegated ? "!=" : "=", left: operand, right };
    }
    const expected = isNegated || !cursor.isAtStatementEnd ? "NULL" : "[NOT] NULL";
    throw new SqlError(
      position,
      `IS${isNegated ? " NOT" : ""} must be followed by ${expected}, TRUE or FALSE`,
    );
  }

  #booleanLiteral(text: string): Expression {
    const position = this.cursor.position;
    this.cursor.advance();
    return { kind: "literal", position, literal: "boolean", text };
  }
}

/** Reserved words that start an operand. */
const OPERAND_WORDS = new Set(["case", "cast", "null", "true", "false", "nan", "not", "all"]);

/** Tells whether a query starts at the cursor. */
export function isQueryStart(cursor: TokenCursor): boolean {
  const word = cursor.word();
  return word === "select" || (word === "with" && cursor.kindAhead(1) !== TokenKind.COMMA) ||
    (word === "declare" && cursor.kindAhead(1) === TokenKind.WORD);
}

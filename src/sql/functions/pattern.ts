/**
 * LIKE, ILIKE, `~`, `!~` with constant patterns.
 *
 * @module
 */
import { ColumnType, SqlError, typeTag } from "../../common/mod.ts";
import { coerce, foldIfConstant } from "./coerce.ts";
import { rowExpression } from "./row_function.ts";
import { symbolPredicate } from "./symbol_predicate.ts";
import { compilePattern } from "./text_functions.ts";
import { isNullType, isTextual } from "./type_class.ts";
import {
  type CompileContext,
  constantExpression,
  type VectorExpression,
} from "./vector_expression.ts";

/** A pattern operator and its operands. */
export interface PatternMatch {
  readonly operator: "like" | "ilike" | "~" | "!~";
  readonly text: VectorExpression;
  readonly pattern: VectorExpression;
  readonly patternPosition: number;
}

const SPECIAL = /[\\^$.*+?()[\]{}|/]/;

/** A LIKE pattern as a regular expression: `%` any text, `_` one character, `\` quotes the next. */
export function likePattern(pattern: string, isCaseless: boolean): RegExp {
  let source = "";
  for (let i = 0; i < pattern.length; i++) {
    let char = pattern[i];
    if (char === "%") source += "[^]*";
    else if (char === "_") source += "[^]";
    else {
      if (char === "\\" && i + 1 < pattern.length) char = pattern[++i];
      source += SPECIAL.test(char) ? `\\${char}` : char;
    }
  }
  return new RegExp(`^${source}$`, isCaseless ? "iu" : "u");
}

/** Tells whether an operator matches patterns. */
export function isPatternOperator(operator: string): operator is PatternMatch["operator"] {
  return operator === "like" || operator === "ilike" || operator === "~" || operator === "!~";
}

function tester(match: PatternMatch): ((text: string) => boolean) | null {
  const value = match.pattern.constant?.value;
  if (value === undefined || (value !== null && typeof value !== "string")) {
    throw new SqlError(match.patternPosition, "pattern must be a constant text");
  }
  if (value === null) return null;
  if (match.operator === "like" || match.operator === "ilike") {
    if (value === "") return () => false;
    const regexp = likePattern(value, match.operator === "ilike");
    return (text) => regexp.test(text);
  }
  const regexp = compilePattern(value, match.patternPosition);
  return (text) => {
    regexp.lastIndex = 0;
    return regexp.test(text) === (match.operator === "~");
  };
}

/** Compiles a pattern match. NULL matches nothing. @throws {SqlError} if the pattern is no constant or malformed. */
export function patternExpression(context: CompileContext, match: PatternMatch): VectorExpression {
  const { text } = match;
  if (!isTextual(text.type) && !isNullType(text.type)) {
    throw new SqlError(match.patternPosition, "text expected on the left of a pattern");
  }
  const test = tester(match);
  if (test === null) return constantExpression(context, ColumnType.BOOLEAN, false);
  if (typeTag(text.type) === ColumnType.SYMBOL && text.constant === undefined) {
    return symbolPredicate(context, text, { isTrueForNull: false, test });
  }
  const args = [coerce(context, text, { type: ColumnType.STRING })];
  const expression = rowExpression(
    context,
    { type: ColumnType.BOOLEAN, args },
    (value) => value !== null && test(value as string),
  );
  return foldIfConstant(context, expression, args);
}

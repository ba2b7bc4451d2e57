/**
 * The piece of an expression that QuestDB quotes in errors about its type.
 *
 * @module
 */
import type { Expression } from "../ast/mod.ts";

/** Returns the literal, column or function name, or operator at the root of an expression. */
export function expressionToken(expression: Expression): string {
  switch (expression.kind) {
    case "literal":
      return expression.literal === "string" ? `'${expression.text}'` : expression.text;
    case "column":
      return expression.table === null ? expression.name : `${expression.table}.${expression.name}`;
    case "call":
      return expression.text;
    case "unary":
      return expression.operator;
    case "binary":
      return expression.operator === "||" ? "concat" : expression.operator;
    case "isNull":
      return expression.isNegated ? "!=" : "=";
    case "star":
      return "*";
    case "bind":
      return expression.index === null ? `:${expression.name}` : `$${expression.index}`;
    default:
      return expression.kind;
  }
}

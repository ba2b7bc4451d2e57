/**
 * NOT pushed into conditions.
 *
 * @module
 */
import type { BinaryOperator, Expression } from "../ast/mod.ts";

const OPPOSITES: Readonly<Partial<Record<BinaryOperator, BinaryOperator>>> = {
  "<": ">=",
  "<=": ">",
  ">": "<=",
  ">=": "<",
  and: "or",
  or: "and",
};

/**
 * NOT of an ordering is the opposite ordering, as in QuestDB: a NULL satisfies neither. NOT moves inside AND and OR for the
 * same reason. `null` if there is nothing to turn around.
 */
export function oppositeOf(expression: Expression): Expression | null {
  if (expression.kind !== "binary") return null;
  const operator = OPPOSITES[expression.operator];
  if (operator === undefined) return null;
  if (operator !== "and" && operator !== "or") return { ...expression, operator };
  const not = (operand: Expression): Expression => ({
    kind: "unary",
    position: operand.position,
    operator: "not",
    operand,
  });
  return { ...expression, operator, left: not(expression.left), right: not(expression.right) };
}

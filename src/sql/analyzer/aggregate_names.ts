/**
 * Which calls are aggregates.
 *
 * @module
 */
import type { Expression } from "../ast/mod.ts";

/** Names of the aggregate functions. */
export const AGGREGATE_NAMES: ReadonlySet<string> = new Set([
  "count",
  "count_distinct",
  "sum",
  "avg",
  "min",
  "max",
  "first",
  "last",
  "first_not_null",
  "last_not_null",
  "stddev",
  "stddev_samp",
  "stddev_pop",
  "variance",
  "var_samp",
  "var_pop",
  "ksum",
  "nsum",
  "string_agg",
  "string_distinct_agg",
  "corr",
  "covar_pop",
  "covar_samp",
  "vwap",
  "weighted_avg",
  "twap",
  "haversine_dist_deg",
  "mode",
  "bool_and",
  "bool_or",
]);

/** Tells whether the node itself is an aggregate call. */
export function isAggregateCall(
  expression: Expression,
): expression is Expression & { kind: "call" } {
  return expression.kind === "call" && AGGREGATE_NAMES.has(expression.name);
}

/** Direct parts of an expression. */
export function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case "unary":
    case "cast":
    case "isNull":
      return [expression.operand];
    case "binary":
      return [expression.left, expression.right];
    case "in":
      return [expression.operand, ...(expression.list ?? [])];
    case "between":
      return [expression.operand, expression.low, expression.high];
    case "case":
      return [
        ...(expression.operand === null ? [] : [expression.operand]),
        ...expression.branches.flatMap((branch) => [branch.when, branch.then]),
        ...(expression.otherwise === null ? [] : [expression.otherwise]),
      ];
    case "call":
      return expression.args;
    default:
      return [];
  }
}

/** Tells whether an aggregate call is somewhere in the expression. */
export function hasAggregate(expression: Expression): boolean {
  return isAggregateCall(expression) || childrenOf(expression).some(hasAggregate);
}

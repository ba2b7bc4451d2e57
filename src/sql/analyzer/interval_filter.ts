/**
 * `ts IN 'interval'` as a condition, for the places where it does not narrow the scan.
 *
 * @module
 */
import { ColumnType } from "../../common/mod.ts";
import {
  comparisonExpression,
  type CompileContext,
  connective,
  constantExpression,
  type VectorExpression,
} from "../functions/mod.ts";
import { type Interval, normalizeIntervals } from "./interval_text.ts";

/** True where the time lies in one of the intervals. */
export function intervalTest(
  context: CompileContext,
  operand: VectorExpression,
  intervals: readonly Interval[],
): VectorExpression {
  const bound = (operator: ">=" | "<=", micros: bigint) =>
    comparisonExpression(context, {
      operator,
      left: operand,
      right: constantExpression(context, ColumnType.TIMESTAMP, micros),
      position: 0,
      leftPosition: 0,
      rightPosition: 0,
    });
  const join = (isOr: boolean, a: VectorExpression, b: VectorExpression) =>
    connective(context, isOr, [{ expression: a, position: 0 }, { expression: b, position: 0 }]);
  return normalizeIntervals(intervals)
    .map(({ low, high }) => join(false, bound(">=", low), bound("<=", high)))
    .reduce((a, b) => join(true, a, b), constantExpression(context, ColumnType.BOOLEAN, false));
}

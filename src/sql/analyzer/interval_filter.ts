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
  const isFine = operand.type === ColumnType.TIMESTAMP_NS;
  const type = isFine ? ColumnType.TIMESTAMP_NS : ColumnType.TIMESTAMP;
  const bound = (operator: ">=" | "<=", micros: bigint) =>
    comparisonExpression(context, {
      operator,
      left: operand,
      right: constantExpression(context, type, isFine ? nanosOf(operator, micros) : micros),
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

const NANOS_PER_MICRO = 1000n;
const NANOS_MAX = 2n ** 63n - 1n;

/** The first or last nanosecond of a microsecond, within int64. */
function nanosOf(operator: ">=" | "<=", micros: bigint): bigint {
  const nanos = micros * NANOS_PER_MICRO + (operator === "<=" ? NANOS_PER_MICRO - 1n : 0n);
  return nanos > NANOS_MAX ? NANOS_MAX : nanos < -NANOS_MAX ? -NANOS_MAX : nanos;
}

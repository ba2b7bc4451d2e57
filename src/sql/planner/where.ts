/**
 * WHERE: constraints on the designated timestamp become intervals that narrow the scan, the rest becomes a condition.
 *
 * @module
 */
import {
  ColumnType,
  isTimestamp,
  parseTimestampMicros,
  SqlError,
  typeTag,
} from "../../common/mod.ts";
import type { Expression } from "../ast/mod.ts";
import {
  bindCondition,
  type Binder,
  childrenOf,
  intersectIntervals,
  type Interval,
  normalizeIntervals,
  type Scope,
} from "../analyzer/mod.ts";
import { type CompileContext, connective, type VectorExpression } from "../functions/mod.ts";

/** A WHERE clause, taken apart. */
export interface Where {
  /** `null`: no constraint. */
  readonly intervals: readonly Interval[] | null;
  /** `null`: every row. */
  readonly condition: VectorExpression | null;
}

/** Lowest time that is not NULL, and the highest. */
const TIME_MIN = -(2n ** 63n) + 1n, TIME_MAX = 2n ** 63n - 2n;

const MIRRORED: Readonly<Record<string, string>> = {
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
  "=": "=",
};

/** Parts of a condition that all have to hold. */
function conjuncts(expression: Expression): Expression[] {
  return expression.kind === "binary" && expression.operator === "and"
    ? [...conjuncts(expression.left), ...conjuncts(expression.right)]
    : [expression];
}

/**
 * Compiles a WHERE clause.
 *
 * @param isTable Whether the source can be narrowed to intervals.
 * @throws {SqlError} if it is no condition.
 */
export function planWhere(
  context: CompileContext,
  where: Expression | null,
  options: { binder: Binder; scope: Scope; isTable: boolean },
): Where {
  const { binder, scope, isTable } = options;
  let intervals: readonly Interval[] | null = null;
  let condition: VectorExpression | null = null;
  for (const part of where === null ? [] : conjuncts(where)) {
    const isMicros = scope.timestampIndex >= 0 &&
      scope.columns[scope.timestampIndex].type === ColumnType.TIMESTAMP;
    const own = isTable && isMicros ? intervalsOf(part, binder, scope) : null;
    if (own !== null) {
      intervals = intervals === null
        ? normalizeIntervals(own)
        : intersectIntervals(intervals, normalizeIntervals(own));
      continue;
    }
    const bound = bindCondition(binder, part);
    condition = condition === null ? bound : connective(context, false, [
      { expression: condition, position: part.position },
      { expression: bound, position: part.position },
    ]);
  }
  return condition?.constant?.value === true
    ? { intervals, condition: null }
    : { intervals, condition };
}

function isDesignated(expression: Expression, scope: Scope): boolean {
  if (expression.kind !== "column") return false;
  if (expression.table !== null && !scope.isQualifier(expression.table)) return false;
  return scope.find(expression.name) === scope.timestampIndex;
}

/** Intervals that a conjunct allows, or `null` if it is not about the designated timestamp alone. */
function intervalsOf(part: Expression, binder: Binder, scope: Scope): Interval[] | null {
  if (part.kind === "binary") return ofComparison(part, binder, scope);
  if (part.kind === "between" && !part.isNegated && isDesignated(part.operand, scope)) {
    const a = constantTime(part.low, binder), b = constantTime(part.high, binder);
    if (a === undefined || b === undefined) return null;
    if (a === null || b === null) return [];
    return [a <= b ? { low: a, high: b } : { low: b, high: a }];
  }
  if (part.kind !== "in" || part.list === null || !isDesignated(part.operand, scope)) return null;
  const own = part.list.length === 1 ? binder.intervalsOf(part.list[0]) : points(part.list, binder);
  if (own === null) return null;
  return part.isNegated ? complement(own) : own;
}

function points(list: readonly Expression[], binder: Binder): Interval[] | null {
  const found: Interval[] = [];
  for (const item of list) {
    const time = constantTime(item, binder);
    if (time === undefined) return null;
    if (time !== null) found.push({ low: time, high: time });
  }
  return found;
}

function complement(intervals: readonly Interval[]): Interval[] {
  const gaps: Interval[] = [];
  let low = TIME_MIN;
  for (const interval of normalizeIntervals(intervals)) {
    gaps.push({ low, high: interval.low - 1n });
    low = interval.high + 1n;
  }
  return [...gaps, { low, high: TIME_MAX }];
}

function ofComparison(
  part: Expression & { kind: "binary" },
  binder: Binder,
  scope: Scope,
): Interval[] | null {
  const isLeft = isDesignated(part.left, scope);
  if (!isLeft && !isDesignated(part.right, scope)) return null;
  const operator = isLeft ? part.operator : MIRRORED[part.operator];
  const isUsable = operator !== undefined && MIRRORED[operator] !== undefined;
  if (!isUsable) return null;
  const time = constantTime(isLeft ? part.right : part.left, binder);
  if (time === undefined) return null;
  if (time === null) return [];
  switch (operator) {
    case "=":
      return [{ low: time, high: time }];
    case "<":
      return [{ low: TIME_MIN, high: time - 1n }];
    case "<=":
      return [{ low: TIME_MIN, high: time }];
    case ">":
      return [{ low: time + 1n, high: TIME_MAX }];
    default:
      return [{ low: time, high: TIME_MAX }];
  }
}

/** A constant as microseconds; `null` is NULL, `undefined` means that it is no constant time. */
function constantTime(expression: Expression, binder: Binder): bigint | null | undefined {
  if (hasColumn(expression)) return undefined;
  const { type, constant } = binder.bind(expression);
  if (constant === undefined) return undefined;
  const { value } = constant;
  if (value === null) return null;
  if (typeof value === "string") {
    const micros = parseTimestampMicros(value);
    if (micros === null) throw new SqlError(expression.position, `Invalid date [str='${value}']`);
    return micros;
  }
  if (isTimestamp(type)) return value as bigint;
  const tag = typeTag(type);
  if (tag === ColumnType.DATE) return (value as bigint) * 1000n;
  return tag === ColumnType.INT || tag === ColumnType.LONG ? BigInt(value as number) : undefined;
}

/** Tells whether a column is named; binding it would make it an input of the scan. */
function hasColumn(expression: Expression): boolean {
  return expression.kind === "column" || childrenOf(expression).some(hasColumn);
}

/**
 * LIMIT: from its expressions to a range of rows.
 *
 * @module
 */
import { ColumnType, SqlError, typeName, typeTag } from "../../common/mod.ts";
import type { Expression, Limit } from "../ast/mod.ts";
import { Binder } from "../analyzer/mod.ts";
import { LimitCursor, TailCursor } from "../exec/limit_cursor.ts";
import type { RowCursor } from "../exec/row_cursor.ts";
import type { Plan } from "./plan.ts";

/** Rows wanted: counted from the start, from the end, or from both. */
export type LimitRange =
  | { readonly kind: "head"; readonly low: number; readonly high: number }
  /** The `from`-th last row to just before the `to`-th last. */
  | { readonly kind: "tail"; readonly from: number; readonly to: number }
  /** All but the first `low` and the last `to` rows. */
  | { readonly kind: "middle"; readonly low: number; readonly to: number };

function bound(plan: Plan, expression: Expression): number {
  const binder = new Binder({ context: plan.compile, scope: null, source: plan.environment.text });
  const { type, constant } = binder.bind(expression);
  const tag = typeTag(type);
  const isInteger = tag === ColumnType.INT || tag === ColumnType.LONG || tag === ColumnType.SHORT ||
    tag === ColumnType.BYTE;
  if (!isInteger || constant === undefined || constant.value === null) {
    throw new SqlError(expression.position, `invalid type: ${typeName(type)}`);
  }
  return Number(constant.value);
}

/** Evaluates a LIMIT clause. @throws {SqlError} if its bounds are no integers or of the wrong signs. */
export function limitRange(plan: Plan, limit: Limit): LimitRange {
  const low = bound(plan, limit.low);
  if (limit.high === null) {
    return low >= 0 ? { kind: "head", low: 0, high: low } : { kind: "tail", from: -low, to: 0 };
  }
  const high = bound(plan, limit.high);
  if (low >= 0 && high >= 0) {
    return { kind: "head", low: Math.min(low, high), high: Math.max(low, high) };
  }
  if (low < 0 && high > 0) {
    throw new SqlError(limit.low.position, "LIMIT <negative>, <positive> is not allowed");
  }
  if (low >= 0) return { kind: "middle", low, to: -high };
  return { kind: "tail", from: Math.max(-low, -high), to: Math.min(-low, -high) };
}

/** Rows a sort has to keep for the range, or `null` if all. */
export function sortLimit(range: LimitRange | null): number | null {
  return range !== null && range.kind === "head" ? range.high : null;
}

/** Applies the range to a cursor. */
export function limitCursor(
  plan: Plan,
  source: RowCursor,
  options: { range: LimitRange; isBackward: boolean },
): RowCursor {
  const { range, isBackward } = options;
  if (range.kind === "head") return new LimitCursor(source, range.low, range.high);
  const { memory, execution } = plan;
  const from = range.kind === "tail" ? range.from : Infinity;
  const skip = range.kind === "middle" ? range.low : 0;
  return new TailCursor(source, { memory, execution, from, to: range.to, skip, isBackward });
}

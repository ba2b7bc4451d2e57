/**
 * ORDER BY: finds each key among the output columns, or adds a hidden one.
 *
 * @module
 */
import { ColumnType, isTimestamp, SqlError, typeName, typeTag } from "../../common/mod.ts";
import type { Expression, OrderItem } from "../ast/mod.ts";
import { renderExpression } from "../analyzer/mod.ts";
import { columnExpression, type VectorExpression } from "../functions/mod.ts";
import { ProjectCursor } from "../exec/project_cursor.ts";
import type { CursorColumn, RowCursor } from "../exec/row_cursor.ts";
import { SortCursor } from "../exec/sort_cursor.ts";
import { type LimitRange, sortLimit } from "./limit.ts";
import type { Plan } from "./plan.ts";
import type { OutputItem } from "./select_list.ts";

/** A key: a column of the output, hidden ones included. */
export interface OrderColumn {
  readonly index: number;
  readonly isDescending: boolean;
}

/** Output columns and what ORDER BY needs besides. */
export interface Output {
  /** Visible columns first. */
  readonly expressions: readonly VectorExpression[];
  readonly visibleCount: number;
  readonly order: readonly OrderColumn[];
}

/** Finds or makes the keys. `bind` compiles an expression that is no output column. */
export function resolveOrder(
  orderBy: readonly OrderItem[],
  options: {
    items: readonly OutputItem[];
    expressions: readonly VectorExpression[];
    source: string;
    bind: (expression: Expression) => VectorExpression;
  },
): Output {
  const { items, source, bind } = options;
  const expressions = [...options.expressions];
  const order = orderBy.map(({ expression, isDescending }) => {
    let index = outputIndex(expression, items, source);
    if (index < 0) {
      index = expressions.length;
      expressions.push(bind(expression));
    }
    checkOrderType(expressions[index].type, expression.position);
    return { index, isDescending };
  });
  return { expressions, visibleCount: items.length, order };
}

/** @throws {SqlError} for types without an order. */
function checkOrderType(type: number, position: number): void {
  const tag = typeTag(type);
  if (tag !== ColumnType.BINARY && tag !== ColumnType.ARRAY) return;
  throw new SqlError(position, `${typeName(type)} is not a supported type in ORDER BY clause`);
}

/** Index of the output column that an ORDER BY or GROUP BY expression names, or −1. */
export function outputIndex(
  expression: Expression,
  items: readonly OutputItem[],
  source: string,
): number {
  if (expression.kind === "literal" && expression.literal === "number") {
    const index = Number(expression.text) - 1;
    if (Number.isInteger(index) && index >= 0 && index < items.length) return index;
    throw new SqlError(
      expression.position,
      `order column position is out of range [max=${items.length}]`,
    );
  }
  if (expression.kind === "column") {
    const name = expression.name.toLowerCase();
    const byName = items.findIndex((item) => item.name.toLowerCase() === name);
    if (byName >= 0) return byName;
    return items.findIndex((item) =>
      item.node.kind === "column" && item.node.name.toLowerCase() === name
    );
  }
  const text = renderExpression(expression, source).toLowerCase();
  return items.findIndex((item) => renderExpression(item.node, source).toLowerCase() === text);
}

/** Sorts a cursor over the output columns. The first key becomes the designated timestamp if it is a TIMESTAMP. */
export function sortCursor(
  plan: Plan,
  source: RowCursor,
  options: { order: readonly OrderColumn[]; range: LimitRange | null },
): RowCursor {
  const { memory, execution } = plan;
  const { order, range } = options;
  const [first] = order;
  return new SortCursor(source, {
    memory,
    execution,
    keys: order.map(({ index, isDescending }) => ({
      expression: columnExpression(index, source.columns[index].type),
      isDescending,
    })),
    limit: sortLimit(range),
    timestampIndex: isTimestamp(source.columns[first.index].type) ? first.index : -1,
  });
}

/** Drops hidden columns. */
export function visibleCursor(source: RowCursor, columns: readonly CursorColumn[]): RowCursor {
  if (source.columns.length === columns.length) return source;
  const expressions = columns.map((column, index) => columnExpression(index, column.type));
  const timestampIndex = source.timestampIndex < columns.length ? source.timestampIndex : -1;
  return new ProjectCursor(source, expressions, { columns, timestampIndex });
}

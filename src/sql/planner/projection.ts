/**
 * Queries without aggregates: scan, filter, LATEST ON, select list, DISTINCT, ORDER BY, LIMIT.
 *
 * @module
 */
import {
  ColumnType,
  isDecimal,
  isTimestamp,
  SqlError,
  typeName,
  typeTag,
} from "../../common/mod.ts";
import type { Expression, LatestOn, SelectQuery } from "../ast/mod.ts";
import type { Binder, Scope } from "../analyzer/mod.ts";
import { coerce, columnExpression, type VectorExpression } from "../functions/mod.ts";
import { FilterCursor } from "../exec/filter_cursor.ts";
import { GroupByCursor } from "../exec/group_by_cursor.ts";
import { LatestOnCursor } from "../exec/latest_on_cursor.ts";
import { ReverseCursor } from "../exec/limit_cursor.ts";
import { ProjectCursor } from "../exec/project_cursor.ts";
import type { CursorColumn, RowCursor } from "../exec/row_cursor.ts";
import { limitCursor, type LimitRange, limitRange } from "./limit.ts";
import { type Output, resolveOrder, sortCursor, visibleCursor } from "./order_by.ts";
import type { Plan } from "./plan.ts";
import { type OutputItem, outputItems } from "./select_list.ts";
import type { Source } from "./source.ts";
import type { Where } from "./where.ts";

/** A query whose FROM and WHERE are resolved. */
export interface ResolvedQuery {
  readonly query: SelectQuery;
  /** The statement's text. */
  readonly text: string;
  readonly source: Source;
  readonly where: Where;
  /** Makes binders over the source; aliases of earlier items by lower-case name. */
  readonly binder: (aliases?: ReadonlyMap<string, VectorExpression>) => Binder;
}

/** Compiles select items one by one; later ones may use the aliases of earlier ones. */
export function bindItems(
  plan: Plan,
  items: readonly OutputItem[],
  resolved: ResolvedQuery,
): { expressions: VectorExpression[]; binder: Binder } {
  const aliases = new Map<string, VectorExpression>();
  const binder = resolved.binder(aliases);
  const expressions = items.map((item) => {
    const bound = binder.bind(item.node);
    const expression = typeTag(bound.type) === ColumnType.NULL
      ? coerce(plan.compile, bound, { type: ColumnType.STRING })
      : bound;
    if (item.alias !== null) aliases.set(item.alias, expression);
    return expression;
  });
  return { expressions, binder };
}

/** Columns of bound items; hidden ones get names that nobody can write. */
export function outputColumns(
  items: readonly OutputItem[],
  expressions: readonly VectorExpression[],
): CursorColumn[] {
  return expressions.map(({ type }, i) => ({ name: items[i]?.name ?? `\0order${i}`, type }));
}

/** Reads and filters the source. */
export function filteredSource(
  plan: Plan,
  resolved: ResolvedQuery,
  options: { isBackward: boolean },
): RowCursor {
  const { source, where } = resolved;
  const cursor = source.open({
    used: source.scope.used,
    intervals: where.intervals,
    isBackward: options.isBackward,
  });
  const { condition } = where;
  if (condition === null) return cursor;
  return new FilterCursor(cursor, condition, { context: plan.compile, execution: plan.execution });
}

/** Plans a query without aggregates. */
export function planProjection(plan: Plan, resolved: ResolvedQuery): RowCursor {
  const { query, source } = resolved;
  const { text } = plan.environment;
  const { scope } = source;
  const items = outputItems(query.items, scope, text);
  const { expressions, binder } = bindItems(plan, items, resolved);
  const output = resolveOrder(query.orderBy, {
    items,
    expressions,
    source: text,
    bind: (expression) => {
      if (!query.isDistinct) return binder.bind(expression);
      const name = expression.kind === "column" ? `. Invalid column: ${expression.name}` : "";
      throw new SqlError(
        expression.position,
        `ORDER BY expressions must appear in select list${name}`,
      );
    },
  });
  const columns = outputColumns(items, output.expressions);
  const timestampIndex = designatedOutput(output, items, scope);
  const range = query.limit === null ? null : limitRange(plan, query.limit);
  const direction = readDirection(resolved, { output, range, timestampIndex });
  let cursor = latestSource(plan, resolved, { isBackward: direction.isBackward });
  if (direction.isReversed) cursor = new ReverseCursor(cursor, plan.memory);
  cursor = new ProjectCursor(cursor, output.expressions, { columns, timestampIndex });
  if (query.isDistinct) cursor = distinctCursor(plan, cursor);
  if (output.order.length > 0 && !direction.isOrdered) {
    cursor = sortCursor(plan, cursor, { order: output.order, range });
  }
  if (range !== null) {
    const isBackward = direction.isBackward && !direction.isReversed;
    cursor = limitCursor(plan, cursor, { range, isBackward });
  }
  return visibleCursor(cursor, columns.slice(0, output.visibleCount));
}

/** Index of the output column that is the source's designated timestamp, or −1. */
function designatedOutput(output: Output, items: readonly OutputItem[], scope: Scope): number {
  const isDesignated = (_item: OutputItem, i: number) => {
    const { column } = output.expressions[i];
    return column !== undefined && scope.used[column] === scope.timestampIndex;
  };
  const name = scope.columns[scope.timestampIndex]?.name;
  const own = items.findIndex((item, i) => item.name === name && isDesignated(item, i));
  return own >= 0 ? own : items.findIndex(isDesignated);
}

interface Direction {
  readonly isBackward: boolean;
  readonly isReversed: boolean;
  /** True if rows come in the order of ORDER BY already. */
  readonly isOrdered: boolean;
}

/** Tables are in timestamp order: reading backwards replaces a sort, and finds last rows without reading all. */
function readDirection(
  resolved: ResolvedQuery,
  options: { output: Output; range: LimitRange | null; timestampIndex: number },
): Direction {
  const { query, source } = resolved;
  const { output, range, timestampIndex } = options;
  const forward = { isBackward: false, isReversed: false, isOrdered: false };
  if (!source.isTable || query.isDistinct) return forward;
  if (query.latestOn !== null) return { ...forward, isBackward: true };
  const { order } = output;
  if (order.length === 0) {
    return range?.kind === "tail" ? { ...forward, isBackward: true } : forward;
  }
  if (order.length > 1 || order[0].index !== timestampIndex) return forward;
  const { isDescending } = order[0];
  return { isBackward: isDescending, isReversed: isDescending, isOrdered: true };
}

function latestSource(
  plan: Plan,
  resolved: ResolvedQuery,
  options: { isBackward: boolean },
): RowCursor {
  const { query, source } = resolved;
  if (query.latestOn === null) return filteredSource(plan, resolved, options);
  const { keys, timestamp } = latestKeys(query.latestOn, source.scope, resolved.binder());
  const cursor = filteredSource(plan, resolved, options);
  const ordered = {
    columns: cursor.columns,
    timestampIndex: timestamp,
    next: () => cursor.next(),
    close: () => cursor.close(),
  };
  const { memory, execution } = plan;
  return new LatestOnCursor(ordered, { memory, execution, keys, isBackward: options.isBackward });
}

function latestKeys(latestOn: LatestOn, scope: Scope, binder: Binder) {
  const { timestamp } = latestOn;
  const index = timestamp === null ? scope.timestampIndex : scope.find(timestamp.name);
  if (index < 0) {
    throw timestamp === null
      ? new SqlError(latestOn.position, "query does not provide dedicated TIMESTAMP column")
      : new SqlError(timestamp.position, `Invalid column: ${timestamp.name}`);
  }
  if (!isTimestamp(scope.columns[index].type)) {
    throw new SqlError(timestamp?.position ?? latestOn.position, "not a TIMESTAMP");
  }
  const resolvedTimestamp = scope.use(index).index;
  return {
    keys: latestOn.partitionBy.map((key) => {
      const expression = binder.bind(key);
      checkLatestType(key, expression.type);
      return expression;
    }),
    timestamp: resolvedTimestamp,
  };
}

/** One row for each distinct row. */
export function distinctCursor(plan: Plan, source: RowCursor): RowCursor {
  const { memory, execution } = plan;
  const keys = source.columns.map((column, index) => columnExpression(index, column.type));
  return new GroupByCursor(source, {
    memory,
    execution,
    keys,
    bucket: null,
    aggregates: [],
    columns: source.columns,
  });
}

/** @throws {SqlError} for types that LATEST ON does not tell apart. */
function checkLatestType(key: Expression, type: number): void {
  const tag = typeTag(type);
  if (tag !== ColumnType.BINARY && tag !== ColumnType.ARRAY && !isDecimal(type)) return;
  const name = key.kind === "column" ? key.name : "";
  throw new SqlError(
    key.position,
    `${name} (${typeName(type)}): invalid type, only [BOOLEAN, BYTE, SHORT, INT, LONG, DATE, ` +
      "TIMESTAMP, FLOAT, DOUBLE, LONG128, LONG256, CHAR, STRING, VARCHAR, SYMBOL, UUID, GEOHASH, " +
      "IPv4] are supported in LATEST ON",
  );
}

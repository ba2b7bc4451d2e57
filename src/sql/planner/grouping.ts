/**
 * Queries with aggregates, GROUP BY or SAMPLE BY.
 *
 * The plan is: source, filter, grouping, and a projection over its output. Grouping gives the bucket's start (SAMPLE BY), then
 * the keys, then the aggregates; the select list is compiled over these, with aggregate calls and keys replaced by columns.
 *
 * @module
 */
import { ColumnType, SqlError, typeTag } from "../../common/mod.ts";
import type { Call, Expression } from "../ast/mod.ts";
import {
  Binder,
  childrenOf,
  hasAggregate,
  intervalTest,
  isAggregateCall,
  renderExpression,
} from "../analyzer/mod.ts";
import {
  coerce,
  columnExpression,
  connective,
  isNanos,
  type VectorExpression,
} from "../functions/mod.ts";
import { createAggregator } from "../exec/aggregate_factory.ts";
import type { Aggregator } from "../exec/aggregates.ts";
import { FillCursor } from "../exec/fill_cursor.ts";
import { GroupByCursor } from "../exec/group_by_cursor.ts";
import { ProjectCursor } from "../exec/project_cursor.ts";
import type { RowCursor } from "../exec/row_cursor.ts";
import { limitCursor, limitRange } from "./limit.ts";
import { outputIndex, resolveOrder, sortCursor, visibleCursor } from "./order_by.ts";
import type { Plan } from "./plan.ts";
import {
  bindItems,
  distinctCursor,
  filteredSource,
  outputColumns,
  type ResolvedQuery,
} from "./projection.ts";
import { bucketRule, fillsOf, type SampleBounds, sampleBounds } from "./sample_by.ts";
import { type OutputItem, outputItems } from "./select_list.ts";

/** Where a node's value is found in the grouping's output. */
type Slot =
  | { readonly kind: "bucket" }
  | { readonly kind: "key"; readonly index: number }
  | { readonly kind: "aggregate"; readonly index: number };

/** Collects keys and aggregates from the select list and ORDER BY. */
class GroupingBuilder {
  readonly slots = new Map<Expression, Slot>();
  readonly keyNodes: Expression[] = [];
  readonly calls: Call[] = [];
  readonly #plan: Plan;
  readonly #resolved: ResolvedQuery;
  readonly #isExplicit: boolean;
  readonly #keyIndex = new Map<string, number>();
  readonly #callIndex = new Map<string, number>();

  constructor(plan: Plan, resolved: ResolvedQuery) {
    this.#plan = plan;
    this.#resolved = resolved;
    this.#isExplicit = resolved.query.groupBy !== null;
  }

  /** Makes a node a key. */
  addKey(node: Expression): number {
    const text = this.#text(node);
    let index = this.#keyIndex.get(text);
    if (index === undefined) {
      index = this.keyNodes.length;
      this.keyNodes.push(node);
      this.#keyIndex.set(text, index);
    }
    return index;
  }

  /** Takes a select item in. */
  addItem(node: Expression): void {
    const isWhole = !this.#isExplicit && !hasAggregate(node) && !this.#isBucket(node) &&
      hasColumn(node) && !(this.#resolved.query.sampleBy !== null && this.#hasBucket(node));
    if (isWhole) this.slots.set(node, { kind: "key", index: this.addKey(node) });
    else this.visit(node);
  }

  /** Finds the parts of an expression that the grouping gives. */
  visit(node: Expression): void {
    if (isAggregateCall(node)) {
      this.slots.set(node, { kind: "aggregate", index: this.#addCall(node) });
      return;
    }
    if (this.#isBucket(node)) {
      this.slots.set(node, { kind: "bucket" });
      return;
    }
    const key = this.#keyIndex.get(this.#text(node));
    if (key !== undefined) this.slots.set(node, { kind: "key", index: key });
    else if (node.kind === "column") this.#visitColumn(node);
    else for (const child of childrenOf(node)) this.visit(child);
  }

  #visitColumn(node: Expression & { kind: "column" }): void {
    const { scope } = this.#resolved.source;
    scope.resolve(node);
    if (this.#isExplicit) {
      throw new SqlError(
        node.position,
        "column must appear in GROUP BY clause or aggregate function",
      );
    }
    this.slots.set(node, { kind: "key", index: this.addKey(node) });
  }
  #addCall(call: Call): number {
    const text = this.#text(call);
    let index = this.#callIndex.get(text);
    if (index === undefined) {
      index = this.calls.length;
      this.calls.push(call);
      this.#callIndex.set(text, index);
    }
    return index;
  }
  /** SAMPLE BY: the designated timestamp stands for the bucket. */
  #isBucket(node: Expression): boolean {
    const { query, source } = this.#resolved;
    return query.sampleBy !== null && node.kind === "column" &&
      source.scope.find(node.name) === source.scope.timestampIndex;
  }
  #hasBucket(node: Expression): boolean {
    return this.#isBucket(node) || childrenOf(node).some((child) => this.#hasBucket(child));
  }
  #text(node: Expression): string {
    const text = renderExpression(node, this.#plan.environment.text).toLowerCase();
    return node.kind === "column" && node.table !== null ? node.name.toLowerCase() : text;
  }
}

function hasColumn(node: Expression): boolean {
  return node.kind === "column" || node.kind === "star" || childrenOf(node).some(hasColumn);
}

/** Tells whether a query groups. */
export function isGrouping(resolved: ResolvedQuery): boolean {
  const { query } = resolved;
  return query.groupBy !== null || query.sampleBy !== null ||
    query.items.some((item) => hasAggregate(item.expression));
}

/** Plans a query with aggregates, GROUP BY or SAMPLE BY. */
export function planGrouping(plan: Plan, resolved: ResolvedQuery): RowCursor {
  const { query, source } = resolved;
  const { text } = plan.environment;
  const items = outputItems(query.items, source.scope, text);
  checkSampleBy(resolved, items);
  const builder = collect(plan, resolved, items);
  const grouped = groupedCursor(plan, resolved, { builder, items });
  const post = new Binder({
    context: plan.compile,
    scope: null,
    source: text,
    replacements: replacementsOf(builder, grouped.cursor),
    engineScalar: (call) => plan.engineScalar(call),
  });
  const expressions = items.map((item) => {
    const expression = post.bind(item.node);
    return typeTag(expression.type) === ColumnType.NULL
      ? coerce(plan.compile, expression, { type: ColumnType.STRING })
      : expression;
  });
  const output = resolveOrder(query.orderBy, {
    items,
    expressions,
    source: text,
    bind: (node) => post.bind(node),
  });
  const columns = outputColumns(items, output.expressions);
  const bucketIndex = query.sampleBy === null
    ? -1
    : items.findIndex((item) => builder.slots.get(item.node)?.kind === "bucket");
  let cursor: RowCursor = new ProjectCursor(grouped.cursor, output.expressions, {
    columns,
    timestampIndex: bucketIndex,
  });
  if (query.isDistinct) cursor = distinctCursor(plan, cursor);
  const range = query.limit === null ? null : limitRange(plan, query.limit);
  const [first] = output.order;
  const isOrdered = output.order.length === 1 && first.index === bucketIndex && !first.isDescending;
  if (output.order.length > 0 && !isOrdered) {
    cursor = sortCursor(plan, cursor, { order: output.order, range });
  }
  if (range !== null) cursor = limitCursor(plan, cursor, { range, isBackward: false });
  return visibleCursor(cursor, columns.slice(0, output.visibleCount));
}

function checkSampleBy(resolved: ResolvedQuery, items: readonly OutputItem[]): void {
  const { query, source } = resolved;
  if (query.sampleBy === null) return;
  if (!items.some((item) => hasAggregate(item.node))) {
    throw new SqlError(
      stridePosition(resolved),
      "at least one aggregation function must be present in 'select' clause",
    );
  }
  if (source.scope.timestampIndex < 0) {
    throw new SqlError(0, "base query does not provide designated TIMESTAMP column");
  }
}

/** QuestDB points at the stride, two words behind SAMPLE. */
function stridePosition(resolved: ResolvedQuery): number {
  const { query, text } = resolved;
  const start = query.sampleBy!.position;
  const words = /^sample\s+by\s+/i.exec(text.slice(start));
  return start + (words?.[0].length ?? 0);
}

function collect(
  plan: Plan,
  resolved: ResolvedQuery,
  items: readonly OutputItem[],
): GroupingBuilder {
  const { query } = resolved;
  const { text } = plan.environment;
  const builder = new GroupingBuilder(plan, resolved);
  for (const node of query.groupBy ?? []) {
    const index = outputIndex(node, items, text);
    const key = index >= 0 ? items[index].node : node;
    if (hasAggregate(key)) {
      throw new SqlError(node.position, "aggregate functions are not allowed in GROUP BY");
    }
    resolveColumns(key, resolved, items);
    builder.addKey(key);
  }
  for (const item of items) builder.addItem(item.node);
  for (const { expression } of query.orderBy) {
    if (outputIndex(expression, items, text) < 0) builder.visit(expression);
  }
  return builder;
}

/** Refuses unknown columns in GROUP BY before anything is said about the select list. */
function resolveColumns(
  node: Expression,
  resolved: ResolvedQuery,
  items: readonly OutputItem[],
): void {
  const isAlias = node.kind === "column" &&
    items.some((item) => item.alias === node.name.toLowerCase());
  if (node.kind === "column" && !isAlias) resolved.source.scope.resolve(node);
  for (const child of childrenOf(node)) resolveColumns(child, resolved, items);
}

/** Reads, filters and groups. */
function groupedCursor(
  plan: Plan,
  resolved: ResolvedQuery,
  { builder, items }: { builder: GroupingBuilder; items: readonly OutputItem[] },
): { cursor: RowCursor } {
  const { query, source } = resolved;
  const { memory, execution } = plan;
  // Keys may name aliases of plain items before them.
  const plain = items.filter((item) => !hasAggregate(item.node));
  const { binder } = bindItems(plan, plain.filter((item) => item.alias !== null), resolved);
  const keys = builder.keyNodes.map((node) => binder.bind(node));
  const bounds: SampleBounds = query.sampleBy === null
    ? { from: null, to: null }
    : sampleBounds(query.sampleBy, binder);
  const rule = query.sampleBy === null ? null : bucketRule(query.sampleBy, bounds, binder);
  const timestamp = rule === null ? null : source.scope.use(source.scope.timestampIndex);
  const isWhole = keys.length === 0 && rule === null;
  const aggregates = builder.calls.map((call) => bindAggregate(plan, call, { binder, isWhole }));
  const input = filteredSource(plan, narrowed(plan, resolved, bounds), { isBackward: false });
  const columns = groupColumns({ keys, aggregates, hasBucket: rule !== null });
  const cursor = new GroupByCursor(input, {
    memory,
    execution,
    keys,
    bucket: rule === null || timestamp === null ? null : {
      // Buckets are whole microseconds, whatever the unit of the table.
      timestamp: coerce(plan.compile, columnExpression(timestamp.index, timestamp.type), {
        type: ColumnType.TIMESTAMP,
      }),
      rule,
      position: query.sampleBy!.position,
    },
    aggregates,
    columns,
  });
  const fills = query.sampleBy === null ? null : fillsOf(query.sampleBy, aggregates.length);
  const keyCount = keys.length;
  const filled = fills === null || rule === null
    ? cursor
    : new FillCursor(cursor, { memory, execution, rule, ...bounds, keyCount, fills });
  return { cursor: timestamp === null ? filled : inUnitOf(plan, filled, timestamp.type) };
}

/** Buckets in the unit of the table's timestamp. */
function inUnitOf(plan: Plan, cursor: RowCursor, type: number): RowCursor {
  if (!isNanos(type)) return cursor;
  const expressions = cursor.columns.map((column, i) => {
    const expression = columnExpression(i, column.type);
    return i === 0 ? coerce(plan.compile, expression, { type }) : expression;
  });
  return new ProjectCursor(cursor, expressions, {
    columns: cursor.columns.map((column, i) => i === 0 ? { ...column, type } : column),
    timestampIndex: cursor.timestampIndex,
  });
}

/** SAMPLE BY FROM … TO leaves out what lies outside. */
function narrowed(plan: Plan, resolved: ResolvedQuery, bounds: SampleBounds): ResolvedQuery {
  const { source, where } = resolved;
  if ((bounds.from === null && bounds.to === null) || !source.isTable) return resolved;
  const low = bounds.from ?? -(2n ** 63n) + 1n, high = (bounds.to ?? 2n ** 63n - 1n) - 1n;
  const own = [{ low, high }];
  const { type, index } = source.scope.use(source.scope.timestampIndex);
  if (isNanos(type)) {
    const test = intervalTest(plan.compile, columnExpression(index, type), own);
    const place = (expression: VectorExpression) => ({ expression, position: 0 });
    const condition = where.condition === null
      ? test
      : connective(plan.compile, false, [place(where.condition), place(test)]);
    return { ...resolved, where: { ...where, condition } };
  }
  const intervals = where.intervals === null ? own : where.intervals.flatMap((interval) => {
    const from = interval.low > low ? interval.low : low;
    const to = interval.high < high ? interval.high : high;
    return from <= to ? [{ low: from, high: to }] : [];
  });
  return { ...resolved, where: { ...where, intervals } };
}

function groupColumns(
  options: {
    keys: readonly VectorExpression[];
    aggregates: readonly Aggregator[];
    hasBucket: boolean;
  },
) {
  const types = [
    ...(options.hasBucket ? [ColumnType.TIMESTAMP] : []),
    ...options.keys.map((key) => key.type),
    ...options.aggregates.map((aggregate) => aggregate.type),
  ];
  return types.map((type, i) => ({ name: `\0group${i}`, type }));
}

function bindAggregate(
  plan: Plan,
  call: Call,
  { binder, isWhole }: { binder: Binder; isWhole: boolean },
): Aggregator {
  const isStar = call.args.length === 1 && call.args[0].kind === "star";
  return createAggregator({ compile: plan.compile, memory: plan.memory }, {
    key: call.name,
    name: call.text,
    position: call.position,
    args: isStar ? [] : call.args.map((arg) => binder.place(arg)),
    isStar,
    isWhole,
  });
}

function replacementsOf(
  builder: GroupingBuilder,
  grouped: RowCursor,
): Map<Expression, VectorExpression> {
  const replacements = new Map<Expression, VectorExpression>();
  const firstAggregate = grouped.columns.length - builder.calls.length;
  const firstKey = firstAggregate - builder.keyNodes.length;
  for (const [node, slot] of builder.slots) {
    const column = slot.kind === "bucket"
      ? 0
      : slot.kind === "key"
      ? firstKey + slot.index
      : firstAggregate + slot.index;
    replacements.set(node, columnExpression(column, grouped.columns[column].type));
  }
  return replacements;
}

/**
 * What a FROM clause names: tables, table functions, subqueries.
 *
 * @module
 */
import { isTimestamp, SqlError, TableError } from "../../common/mod.ts";
import type { TableReader } from "../../storage/mod.ts";
import type {
  FunctionRef,
  SelectQuery,
  ShowStatement,
  SubqueryRef,
  TableExpression,
  TableRef,
} from "../ast/mod.ts";
import { Binder, type Interval, Scope } from "../analyzer/mod.ts";
import { coerce, columnExpression } from "../functions/mod.ts";
import { ColumnType } from "../../common/mod.ts";
import { LongSequenceCursor } from "../exec/long_sequence_cursor.ts";
import { ProjectCursor } from "../exec/project_cursor.ts";
import type { CursorColumn, RowCursor } from "../exec/row_cursor.ts";
import { ScanCursor, type ScanRange } from "../exec/scan_cursor.ts";
import type { Plan } from "./plan.ts";

/** How a source is to be read. */
export interface ReadRequest {
  /** Source columns wanted, in output order. */
  readonly used: readonly number[];
  /** Only rows whose designated timestamp lies in these intervals; `null`: all. Tables only. */
  readonly intervals: readonly Interval[] | null;
  /** Batches from the end. Tables only. */
  readonly isBackward: boolean;
}

/** A source of rows, not opened yet. */
export interface Source {
  readonly scope: Scope;
  /** True if intervals and backward reading are possible. */
  readonly isTable: boolean;
  open(request: ReadRequest): RowCursor;
}

/** Plans queries inside queries. */
export type SubqueryPlanner = (plan: Plan, query: SelectQuery) => RowCursor;

/** Resolves a FROM clause; `null` is one row with the column `x`, as in QuestDB. */
export function openSource(
  plan: Plan,
  from: TableExpression | null,
  planQuery: SubqueryPlanner,
): Source {
  if (from === null) return cursorSource(new LongSequenceCursor(plan.compile, 1), []);
  switch (from.kind) {
    case "table":
      return tableSource(plan, from);
    case "function":
      return cursorSource(plan.own(tableFunction(plan, from)), [from.alias]);
    case "subquery":
      return subquerySource(plan, from, planQuery);
  }
}

function tableSource(plan: Plan, reference: TableRef): Source {
  const { engine, core } = plan.environment;
  const token = engine.findTable(reference.name);
  if (token === null) {
    const { message } = TableError.doesNotExist(reference.name);
    throw new SqlError(reference.position, message);
  }
  const reader = plan.own(engine.acquireReader(token));
  const live = reader.metadata.liveColumns;
  const columns: CursorColumn[] = live.map(({ name, type }) => ({ name, type }));
  const timestampIndex = live.findIndex((column) =>
    column.writerIndex === reader.metadata.timestampIndex
  );
  const scope = new Scope(columns, { timestampIndex, names: [reference.name, reference.alias] });
  return {
    scope,
    isTable: true,
    open: ({ used, intervals, isBackward }) =>
      new ScanCursor({
        core,
        reader,
        writerIndexes: used.map((index) => live[index].writerIndex),
        columns: used.map((index) => columns[index]),
        timestampIndex: used.indexOf(timestampIndex),
        ranges: scanRanges(reader, intervals),
        isBackward,
      }),
  };
}

/** Row ranges of the partitions that intervals touch. */
export function scanRanges(
  reader: TableReader,
  intervals: readonly Interval[] | null,
): ScanRange[] {
  const ranges: ScanRange[] = [];
  for (const [partition, { rowCount, timestamp }] of reader.partitions.entries()) {
    if (intervals === null) {
      ranges.push({ partition, low: 0, high: rowCount });
      continue;
    }
    const following = reader.partitions[partition + 1]?.timestamp;
    for (const interval of intervals) {
      // Partitions hold times from their own up to the next one's; the first may hold earlier ones if it is unpartitioned.
      const isAfter = following !== undefined && interval.low >= following;
      const isBefore = partition > 0 && interval.high < timestamp;
      if (isAfter || isBefore) continue;
      const low = reader.lowerBound(partition, interval.low);
      const high = reader.lowerBound(partition, interval.high + 1n);
      if (low < high) ranges.push({ partition, low, high });
    }
  }
  return ranges;
}

/** A source over a cursor that computes all its columns. */
export function cursorSource(cursor: RowCursor, names: readonly (string | null)[]): Source {
  const { columns, timestampIndex } = cursor;
  return {
    scope: new Scope(columns, { timestampIndex, names }),
    isTable: false,
    open({ used }) {
      const isWhole = used.length === columns.length && used.every((index, i) => index === i);
      if (isWhole) return cursor;
      const expressions = used.map((index) => columnExpression(index, columns[index].type));
      return new ProjectCursor(cursor, expressions, {
        columns: used.map((index) => columns[index]),
        timestampIndex: used.indexOf(timestampIndex),
      });
    },
  };
}

function subquerySource(plan: Plan, reference: SubqueryRef, planQuery: SubqueryPlanner): Source {
  const cursor = plan.own(
    reference.query.kind === "show"
      ? showCursor(plan, reference.query)
      : planQuery(plan, reference.query),
  );
  const { timestamp } = reference;
  if (timestamp === null) return cursorSource(cursor, [reference.alias]);
  const index = cursor.columns.findIndex((column) =>
    column.name.toLowerCase() === timestamp.name.toLowerCase()
  );
  if (index < 0) throw new SqlError(timestamp.position, `Invalid column: ${timestamp.name}`);
  if (!isTimestamp(cursor.columns[index].type)) {
    throw new SqlError(timestamp.position, "not a TIMESTAMP");
  }
  return cursorSource(withTimestamp(cursor, index), [reference.alias]);
}

/** The same cursor with another designated timestamp. */
export function withTimestamp(cursor: RowCursor, timestampIndex: number): RowCursor {
  return {
    columns: cursor.columns,
    timestampIndex,
    next: () => cursor.next(),
    close: () => cursor.close(),
  };
}

function showCursor(plan: Plan, statement: ShowStatement): RowCursor {
  const { environment } = plan;
  if (environment.showStatements === undefined) {
    throw new SqlError(statement.position, "SHOW is not allowed here");
  }
  return environment.showStatements(statement, environment);
}

function tableFunction(plan: Plan, reference: FunctionRef): RowCursor {
  if (reference.name === "long_sequence") return longSequence(plan, reference);
  const cursor = plan.environment.tableFunctions(reference, plan.environment);
  if (cursor !== null) return cursor;
  throw new SqlError(reference.position, `unknown function name: ${reference.name}()`);
}

function longSequence(plan: Plan, reference: FunctionRef): RowCursor {
  if (reference.args.length !== 1 && reference.args.length !== 3) {
    throw new SqlError(reference.position, "invalid arguments");
  }
  const binder = new Binder({ context: plan.compile, scope: null, source: plan.environment.text });
  const [count, s0, s1] = reference.args.map((argument) => {
    if (argument.kind === "column") throw new SqlError(argument.position, "constant expected");
    const { constant } = coerce(plan.compile, binder.bind(argument), { type: ColumnType.LONG });
    if (constant === undefined) throw new SqlError(argument.position, "constant expected");
    return constant.value as bigint | null;
  });
  if (s0 !== undefined) plan.seedRandom(s0 ?? 0n, s1 ?? 0n);
  return new LongSequenceCursor(plan.compile, Math.max(0, Number(count ?? 0n)));
}

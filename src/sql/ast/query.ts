/**
 * Query nodes.
 *
 * @module
 */
import type { Expression } from "./expression.ts";

/** One item of a select list. */
export interface SelectItem {
  readonly expression: Expression;
  /** Alias as written after `AS` (or without it), or `null`. */
  readonly alias: string | null;
  readonly aliasPosition: number;
  /** Source text of the expression, trimmed; used for default column names. */
  readonly text: string;
}

/** A table by name. */
export interface TableRef {
  readonly kind: "table";
  readonly position: number;
  readonly name: string;
  readonly alias: string | null;
}

/** A table function: `long_sequence(10)`, `tables()`, `table_columns('t')`. */
export interface FunctionRef {
  readonly kind: "function";
  readonly position: number;
  readonly name: string;
  readonly args: readonly Expression[];
  readonly alias: string | null;
}

/** A parenthesised query, or `(SHOW …)`. */
export interface SubqueryRef {
  readonly kind: "subquery";
  readonly position: number;
  readonly query: SelectQuery | ShowStatement;
  readonly alias: string | null;
  /** `… TIMESTAMP(column)` after the subquery. */
  readonly timestamp: { readonly name: string; readonly position: number } | null;
}

/** What a FROM clause may name. */
export type TableExpression = TableRef | FunctionRef | SubqueryRef;

/** `SAMPLE BY` and its options. */
export interface SampleBy {
  readonly position: number;
  /** Stride as written, e.g. `1h`. */
  readonly stride: string;
  readonly fill: readonly Expression[] | null;
  readonly from: Expression | null;
  readonly to: Expression | null;
  readonly alignTo: "calendar" | "firstObservation";
  readonly timeZone: Expression | null;
  readonly offset: Expression | null;
}

/** One ORDER BY key: an expression, or a 1-based column index as a number literal. */
export interface OrderItem {
  readonly expression: Expression;
  readonly isDescending: boolean;
}

/** `LIMIT lo` or `LIMIT lo, hi`. */
export interface Limit {
  readonly position: number;
  readonly low: Expression;
  readonly high: Expression | null;
}

/** `LATEST ON ts PARTITION BY a, b`, or the older `LATEST BY a, b`. */
export interface LatestOn {
  readonly position: number;
  /** `null` for `LATEST BY`: the designated timestamp. */
  readonly timestamp: { readonly name: string; readonly position: number } | null;
  readonly partitionBy: readonly Expression[];
}

/**
 * A SELECT. A bare table name parses as `SELECT * FROM name`, and names of a WITH clause as subqueries: the same node may
 * then appear in several places, so nobody may attach state to nodes.
 */
export interface SelectQuery {
  readonly kind: "select";
  readonly position: number;
  readonly isDistinct: boolean;
  readonly items: readonly SelectItem[];
  /** `null` for a SELECT without FROM (one row). */
  readonly from: TableExpression | null;
  readonly where: Expression | null;
  readonly latestOn: LatestOn | null;
  readonly sampleBy: SampleBy | null;
  readonly groupBy: readonly Expression[] | null;
  readonly orderBy: readonly OrderItem[];
  readonly limit: Limit | null;
  /**
   * `UNION ALL` continuation, `null` if none. ORDER BY and LIMIT belong to the whole union in SQL, so the parser then
   * wraps it: `SELECT * FROM (a UNION ALL b) ORDER BY …`. Members of a union have neither.
   */
  readonly unionAll: SelectQuery | null;
}

/** `SHOW …`. */
export interface ShowStatement {
  readonly kind: "show";
  readonly position: number;
  readonly what:
    | "parameters"
    | "tables"
    | "columns"
    | "partitions"
    | "createTable"
    | "serverVersion"
    | "setting";
  /** Table of COLUMNS, PARTITIONS and CREATE TABLE; name of a `setting` such as `transaction isolation level`. */
  readonly name: string | null;
  readonly namePosition: number;
}

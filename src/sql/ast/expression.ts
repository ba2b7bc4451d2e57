/**
 * Expression nodes. Every node holds `position`: the 0-based offset, in UTF-16 units, of the character QuestDB would
 * point at in an error about it (operators: the operator; calls: the function name; columns and literals: their start).
 *
 * @module
 */
import type { SelectQuery } from "./query.ts";

/** A literal constant. Numbers keep their source text, so no digit is lost before the type is known. */
export interface Literal {
  readonly kind: "literal";
  readonly position: number;
  readonly literal: "number" | "string" | "boolean" | "null" | "geohash";
  /** Source text of a number, unescaped text of a string, `true`/`false`, or `null`. */
  readonly text: string;
}

/** A column, optionally qualified: `t.price`. Quotes are removed. */
export interface ColumnRef {
  readonly kind: "column";
  readonly position: number;
  readonly table: string | null;
  readonly name: string;
}

/** `*` or `t.*` in a select list, or the argument of `count(*)`. */
export interface Star {
  readonly kind: "star";
  readonly position: number;
  readonly table: string | null;
}

/** A bind variable: `$1` (index 1) or `:name`. */
export interface BindVariable {
  readonly kind: "bind";
  readonly position: number;
  readonly index: number | null;
  readonly name: string | null;
}

/** `-x`, `~x`, `NOT x`. A minus sign before a number stays a `Unary`, as in QuestDB: it binds looser than `::`. */
export interface Unary {
  readonly kind: "unary";
  readonly position: number;
  readonly operator: "-" | "~" | "not";
  readonly operand: Expression;
}

/** Binary operators, lower case; `<>` is normalised to `!=`. */
export type BinaryOperator =
  | "+"
  | "-"
  | "*"
  | "/"
  | "%"
  | "&"
  | "|"
  | "^"
  | "<<"
  | ">>"
  | "<<="
  | ">>="
  | "||"
  | "="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "~"
  | "!~"
  | "like"
  | "ilike"
  | "and"
  | "or";

/** `left operator right`. */
export interface Binary {
  readonly kind: "binary";
  readonly position: number;
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
}

/** `operand [NOT] IN (list)`, `operand [NOT] IN 'interval'`, or `operand [NOT] IN (SELECT …)`. */
export interface InExpression {
  readonly kind: "in";
  readonly position: number;
  readonly operand: Expression;
  readonly isNegated: boolean;
  readonly list: readonly Expression[] | null;
  readonly query: SelectQuery | null;
}

/** `operand [NOT] BETWEEN low AND high`. */
export interface Between {
  readonly kind: "between";
  readonly position: number;
  readonly operand: Expression;
  readonly isNegated: boolean;
  readonly low: Expression;
  readonly high: Expression;
}

/** `operand IS [NOT] NULL`. `IS [NOT] TRUE` and `FALSE` are parsed as `=` and `!=`. */
export interface IsNull {
  readonly kind: "isNull";
  readonly position: number;
  readonly operand: Expression;
  readonly isNegated: boolean;
}

/**
 * `CAST(operand AS type)`, `operand::type` or `timestamp 'text'`. `type` is the SQL type name as written with blanks
 * removed, e.g. `int`, `geohash(4c)`, `decimal(18,4)`, `double[]`; the parser does not check that it exists.
 */
export interface Cast {
  readonly kind: "cast";
  readonly position: number;
  readonly operand: Expression;
  readonly type: string;
  readonly typePosition: number;
}

/** `CASE [operand] WHEN … THEN … [ELSE …] END`. */
export interface Case {
  readonly kind: "case";
  readonly position: number;
  readonly operand: Expression | null;
  readonly branches: readonly { readonly when: Expression; readonly then: Expression }[];
  readonly otherwise: Expression | null;
}

/** `name([DISTINCT] args)`. */
export interface Call {
  readonly kind: "call";
  readonly position: number;
  /** Lower-case function name. */
  readonly name: string;
  /** Name as written; default column names use it. */
  readonly text: string;
  readonly args: readonly Expression[];
  readonly isDistinct: boolean;
}

/** Any expression. */
export type Expression =
  | Literal
  | ColumnRef
  | Star
  | BindVariable
  | Unary
  | Binary
  | InExpression
  | Between
  | IsNull
  | Cast
  | Case
  | Call;

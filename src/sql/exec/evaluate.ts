/**
 * Constant expressions: the values of INSERT … VALUES, LIMIT, table function arguments.
 *
 * @module
 */
import type { Expression } from "../ast/mod.ts";
import type { QueryEnvironment } from "../planner/environment.ts";

/** A scalar: `bigint` for LONG, DATE and TIMESTAMP, `number` for the other numbers, `string` for texts and CHAR. */
export type ScalarValue = boolean | number | bigint | string | null;

/** A compiled constant expression. */
export interface CompiledScalar {
  /** Column type code; `ColumnType.NULL` for a bare `null`. */
  readonly type: number;
  value(): ScalarValue;
}

/**
 * Compiles an expression that refers to no column.
 *
 * @throws {SqlError} if a name or type does not fit.
 */
export function compileScalar(
  _expression: Expression,
  _environment: QueryEnvironment,
): CompiledScalar {
  throw new Error("not ready");
}

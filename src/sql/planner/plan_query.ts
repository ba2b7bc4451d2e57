/**
 * Plans a SELECT.
 *
 * @module
 */
import type { SelectQuery } from "../ast/mod.ts";
import type { RowCursor } from "../exec/row_cursor.ts";
import type { QueryEnvironment } from "./environment.ts";

/**
 * Turns a query into a cursor that is ready to be pulled. Readers are acquired here and released by `close()`.
 *
 * @throws {SqlError} if a name or type does not fit.
 */
export function planQuery(_query: SelectQuery, _environment: QueryEnvironment): RowCursor {
  throw new Error("not ready");
}

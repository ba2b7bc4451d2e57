/**
 * A cursor over rows that are already JavaScript values: SHOW statements and catalog functions.
 *
 * @module
 */
import type { WasmCore } from "../../wasm/mod.ts";
import type { CursorColumn, RowCursor } from "./row_cursor.ts";

/**
 * Makes a cursor from rows of values: `boolean` for BOOLEAN; `number` for BYTE, SHORT, INT, FLOAT and DOUBLE; `bigint` or
 * safe `number` for LONG, DATE and TIMESTAMP; `string` for STRING, VARCHAR, SYMBOL and CHAR; `null` is NULL.
 */
export function rowsCursor(
  _core: WasmCore,
  _columns: readonly CursorColumn[],
  _rows: readonly (readonly unknown[])[],
): RowCursor {
  throw new Error("not ready");
}

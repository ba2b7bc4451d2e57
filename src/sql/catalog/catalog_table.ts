/**
 * What a catalog function or SHOW statement returns: named, typed columns and rows of JavaScript values.
 *
 * @module
 */
import { ColumnType, typeFromName } from "../../common/mod.ts";
import { type CursorColumn, type RowCursor, rowsCursor } from "../exec/mod.ts";
import type { WasmCore } from "../../wasm/mod.ts";

/** A value as `rowsCursor` takes it: `bigint` or a safe `number` for 64-bit integers, `null` for NULL. */
export type CatalogValue = string | number | bigint | boolean | null;

/** Columns and rows. */
export interface CatalogTable {
  readonly columns: readonly CursorColumn[];
  readonly rows: readonly (readonly CatalogValue[])[];
}

/** Makes columns of a list such as `"table_name STRING, walEnabled BOOLEAN"`. */
export function catalogColumns(list: string): CursorColumn[] {
  return list.split(",").map((entry) => {
    const [name, type] = entry.trim().split(/\s+/);
    return { name, type: typeFromName(type) ?? ColumnType.UNDEFINED };
  });
}

/** Makes a cursor over a catalog table. */
export function catalogCursor(core: WasmCore, table: CatalogTable): RowCursor {
  return rowsCursor(core, table.columns, table.rows);
}

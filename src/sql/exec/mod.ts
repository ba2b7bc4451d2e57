/** Query execution: cursors and operators. @module */
export * from "./row_cursor.ts";
export * from "./rows_cursor.ts";
export * from "./evaluate.ts";
export * from "./cast_vector.ts";

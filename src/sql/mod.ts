/** SQL: one class that runs statements, and the shapes of what it takes and gives. @module */
export { SqlEngine, type SqlOptions, type StatementResult } from "./sql_engine.ts";
export { type Statement } from "./ast/mod.ts";
export { parseStatement, parseStatements } from "./parser/mod.ts";
export type { CursorColumn, ExecutionContext, RowCursor } from "./exec/mod.ts";
export { formatDouble, formatFloat } from "./functions/number_text.ts";
export { formatValue } from "./functions/mod.ts";
export { readValue, type ScalarValue, valueReader } from "./functions/scalar_value.ts";

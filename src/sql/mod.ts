/** SQL: one class that runs statements, and the shapes of what it takes and gives. @module */
export { SqlEngine, type SqlOptions, type StatementResult } from "./sql_engine.ts";
export { type Statement } from "./ast/mod.ts";
export { parseStatement, parseStatements, resolveTypeName } from "./parser/mod.ts";
export type { CursorColumn, ExecutionContext, RowCursor } from "./exec/mod.ts";
export { formatDouble, formatFloat } from "./functions/number_text.ts";
export { castValue, formatValue, parseText } from "./functions/mod.ts";
export { readValue, type ScalarValue, valueReader, writeFixed } from "./functions/scalar_value.ts";
export { sqlEventExecutor } from "./apply/mod.ts";

/** UPDATE: bound against a table, run against its writer. @module */
export { bindUpdate } from "./bind_update.ts";
export { runUpdate } from "./run_update.ts";
export { updateContext } from "./update_context.ts";
export { updateTable } from "./update_table.ts";

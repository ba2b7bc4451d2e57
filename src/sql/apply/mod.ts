/** Statements that travel through the WAL. @module */
export { sqlEventExecutor } from "./sql_event_executor.ts";

/** Statements that change something: tables, rows, backups, checkpoints. @module */
export { alterTable } from "./alter_table.ts";
export { type AlterTarget, bindAlter } from "./bind_alter.ts";
export {
  runBackup,
  runCheckpoint,
  runPlanRestore,
  runValidateBackup,
} from "./backup_checkpoint.ts";
export { createTable } from "./create_table.ts";
export {
  dropAllTables,
  dropTable,
  renameTable,
  truncateTables,
  vacuumTable,
} from "./drop_truncate.ts";
export { reindexTable } from "./reindex.ts";
export { insertSelect } from "./insert_select.ts";
export { insertValues } from "./insert_values.ts";
export {
  DEFAULT_INSERT_BATCH_ROWS,
  type StatementEnvironment,
  type TableDefaults,
} from "./statement_environment.ts";
export { TableLocks } from "./table_lock.ts";

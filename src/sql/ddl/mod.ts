/** Statements that change something: tables, rows, backups, checkpoints. @module */
export { runBackup, runCheckpoint } from "./backup_checkpoint.ts";
export { createTable } from "./create_table.ts";
export { dropAllTables, dropTable, truncateTables } from "./drop_truncate.ts";
export { insertSelect } from "./insert_select.ts";
export { insertValues } from "./insert_values.ts";
export {
  DEFAULT_INSERT_BATCH_ROWS,
  type StatementEnvironment,
  type TableDefaults,
} from "./statement_environment.ts";
export { TableLocks } from "./table_lock.ts";

/** Opens a database root and runs it: registry, readers, WAL writers, background jobs. @module */
export * from "./engine.ts";
export type { EngineOptions } from "./open_root.ts";
export * from "./engine_config.ts";
export * from "./services.ts";
export type { AlterOptions, BindVariables, UpdateOptions } from "./table_changes.ts";
export * from "./table_token.ts";
export type { DatabasePin, PinnedTable, UnpinnableTable } from "./database_pin.ts";
export type { WalStatus, WalTableInfo } from "./wal_info.ts";
export { checkStorageVersion, STORAGE_VERSION } from "./root_files.ts";
export { OutOfOrderRowError } from "./direct_writer.ts";

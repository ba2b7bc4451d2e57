/** Tables on disk in QuestDB's format: metadata, transactions, symbols, columns; reading and writing them. @module */
export * from "./alter/alter_operation.ts";
export {
  AlterRefusedError,
  findColumn,
  isValidColumnName,
  validateAlter,
} from "./alter/validate_alter.ts";
export { ConversionFailedError } from "./alter/alter_errors.ts";
export type { PartitionUpdate, TableUpdate } from "./alter/update_columns.ts";
export { canConvert } from "./alter/type_conversions.ts";
export * from "./binary.ts";
export * from "./block_file.ts";
export * from "./column_files.ts";
export * from "./column_versions.ts";
export * from "./committed_state.ts";
export * from "./derived_files.ts";
export * from "./durable_state.ts";
export * from "./metadata.ts";
export * from "./null_values.ts";
export * from "./stale_files.ts";
export * from "./storage_file.ts";
export { SymbolCharsCheck } from "./symbol_chars_check.ts";
export * from "./symbol_map.ts";
export * from "./table_files.ts";
export { recoverAlter } from "./alter/recover_moves.ts";
export {
  type PartitionInfo,
  type RowRange,
  type StorageContext,
  TableReader,
} from "./table_reader.ts";
export { gatherRows, NO_ROWS, type RowSource, type WriteOptions } from "./row_source.ts";
export {
  type CommitOptions,
  type StagedChange,
  syncPath,
  TableWriter,
  type TableWriterOptions,
} from "./table_writer.ts";
export * from "./txn.ts";
export * from "./variable_files.ts";
export { expiredPartitions } from "./ttl.ts";
export * from "./partition_index.ts";
export * from "./partition_index_reader.ts";

/** The write-ahead log: segments, events, sequencer, and the task that applies them to tables. @module */
export * from "./alter_codec.ts";
export * from "./apply_wal.ts";
export { ByteBuilder, ByteCursor, javaHash } from "./byte_cursor.ts";
export { cutLostTransactions, hasSegments, removeDurableMark, syncTail } from "./durable_mark.ts";
export * from "./row_writer.ts";
export { createSequencerFiles, saveInitialMetadata, Sequencer } from "./sequencer.ts";
export {
  DROPPED_STRUCTURE_VERSION,
  encodeSequencerMetadata,
  readSequencerMetadata,
  type SequencerColumn,
  type SequencerMetadata,
} from "./sequencer_metadata.ts";
export * from "./sql_event_executor.ts";
export { changeStructure } from "./structure_change.ts";
export { readStructureOperation, replayStructure, type StructureStep } from "./structure_log.ts";
export * from "./txn_log.ts";
export { SymbolWriter } from "./symbol_writer.ts";
export { TimestampRange } from "./timestamp_range.ts";
export * from "./wal_batch.ts";
export {
  type BindValue,
  type DataEvent,
  DedupMode,
  SqlCommand,
  type SqlEvent,
  type SymbolDiff,
  type WalEvent,
} from "./wal_event.ts";
export * from "./wal_writer.ts";

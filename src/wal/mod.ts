/** The write-ahead log: segments, events, sequencer, and the task that applies them to tables. @module */
export * from "./apply_wal.ts";
export { ByteBuilder, ByteCursor, javaHash } from "./byte_cursor.ts";
export { cutLostTransactions, removeDurableMark, syncTail } from "./durable_mark.ts";
export { createSequencerFiles, saveInitialMetadata, Sequencer } from "./sequencer.ts";
export {
  DROPPED_STRUCTURE_VERSION,
  encodeSequencerMetadata,
  readSequencerMetadata,
  type SequencerColumn,
  type SequencerMetadata,
} from "./sequencer_metadata.ts";
export * from "./txn_log.ts";
export * from "./wal_batch.ts";
export * from "./wal_writer.ts";

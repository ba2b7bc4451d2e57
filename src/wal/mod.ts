/** The write-ahead log: segments, events, sequencer, and the task that applies them to tables. @module */
export * from "./wal_batch.ts";
export * from "./wal_writer.ts";

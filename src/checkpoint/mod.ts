/** Checkpoints: a consistent state of every table, held still. @module */
export * from "./checkpoint_service.ts";
export * from "./txn_snapshot.ts";

/** Checkpoints: a consistent state of every table, held still, written down, and recovered from. @module */
export { type CheckpointRoots, checkpointRoots, RECOVERY_TRIGGER } from "./checkpoint_layout.ts";
export {
  recoverCheckpoint,
  RecoveryError,
  type RecoveryOptions,
  type RecoverySummary,
} from "./checkpoint_recovery.ts";
export {
  CheckpointError,
  type CheckpointServiceOptions,
  createCheckpointService,
} from "./checkpoint_service.ts";
export { encodeRegistry } from "./registry_file.ts";
export { encodeTxnSnapshot } from "./txn_snapshot.ts";

/**
 * Removes what no committed state and no reader of a table uses: partition versions, and files of columns.
 *
 * Invariants:
 * 1. Nothing goes while somebody may be writing the table, since what he has not committed looks unused; this is asked again before every
 *    removal, and asking and removing are one turn.
 * 2. Files of columns go only while no reader holds an older state; partition versions only if no reader lists them.
 *
 * Details: docs/internals/purge.md.
 *
 * @module
 */
import type { FileSystem, Timers } from "../platform/mod.ts";
import {
  listStaleColumnFiles,
  listStalePartitionDirs,
  listStaleSymbolFiles,
  readCommittedState,
  readTxn,
  readTxnVersion,
  type TableMetadata,
} from "../storage/mod.ts";
import type { TableState } from "./table_state.ts";

/** Partitions looked at in one turn. */
const PARTITIONS_PER_TURN = 32;

/** Tells whether files may be removed from a table's directory now. */
export function isPurgeable(state: TableState): boolean {
  return state.token.type <= 1 && state.failure === null && !state.isDropped && !state.isBusy &&
    !state.isWritten;
}

/** Removes partition directories that neither the committed state nor the last durable one nor a reader uses, for a caller that knows that nobody is committing. */
export function removeStalePartitions(
  fs: FileSystem,
  state: TableState,
  metadata: TableMetadata,
): void {
  const txn = readTxn(fs, state.tableDir, metadata.partitionBy);
  const held = state.snapshots.heldDirs();
  for (const dirName of listStalePartitionDirs(fs, state.tableDir, { metadata, txn })) {
    if (held.has(dirName) || state.durability.holds(dirName)) continue;
    fs.removeTree(`${state.tableDir}/${dirName}`);
  }
}

/**
 * Removes column files that neither the committed state nor a reader uses. Stops, to be called again later, when somebody writes or may
 * not be disturbed.
 *
 * @param context `isPurgeHeld`: whether nothing may be removed now.
 */
export async function removeStaleColumnFiles(
  context: { fs: FileSystem; timers: Timers; isPurgeHeld: () => boolean },
  state: TableState,
): Promise<void> {
  const { fs, timers, isPurgeHeld: isHeld } = context;
  const { tableDir } = state;
  if (!isPurgeable(state) || isHeld()) return;
  const { metadata, txn, versions } = readCommittedState(fs, tableDir);
  // Files get new names by changes of the columns or of their versions only.
  const names = `${txn.structureVersion}:${txn.columnVersion}`;
  if (state.purgedNames === names) return;
  const mayRemove = () =>
    isPurgeable(state) && !isHeld() && readTxnVersion(fs, tableDir) === txn.txn &&
    !state.snapshots.isHeldBefore(txn.txn);
  if (!mayRemove()) return;
  for (const path of listStaleSymbolFiles(fs, tableDir, { metadata, versions })) fs.remove(path);
  for (const [index, partition] of txn.partitions.entries()) {
    if (index % PARTITIONS_PER_TURN === PARTITIONS_PER_TURN - 1) {
      await timers.sleep(0);
    }
    if (!mayRemove()) return;
    const stale = listStaleColumnFiles(fs, tableDir, { metadata, versions, partition });
    for (const path of stale) fs.remove(path);
  }
  state.purgedNames = names;
}

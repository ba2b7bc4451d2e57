/**
 * Removes WAL segments that no transaction behind the durably applied ones refers to.
 *
 * Invariants:
 * 1. A segment goes only when the table commit that applied it is durable.
 * 2. Segments of the table's writer that are in use, or not durable yet, stay whatever the log says.
 *
 * @module
 */
import type { FileSystem } from "../platform/mod.ts";
import { TXN_LOG_CHUNK } from "../wal/mod.ts";
import type { TableState } from "./table_state.ts";

const WAL_DIR = /^wal(\d+)$/;
const SEGMENT_DIR = /^\d+$/;

/** Returns the directories that can be removed, in an order that never leaves a segment without its WAL. */
export function listObsoleteWalDirs(fs: FileSystem, state: TableState): string[] {
  const { sequencer, tableDir, writer } = state;
  if (sequencer === null || state.failure !== null) return [];
  const firstNeeded = firstNeededSegments(state);
  const obsolete: string[] = [];
  for (const entry of fs.readDir(tableDir)) {
    const match = entry.isDirectory ? WAL_DIR.exec(entry.name) : null;
    if (match === null) continue;
    const walId = Number(match[1]);
    const walDir = `${tableDir}/${entry.name}`;
    const isActive = writer?.walId === walId;
    const keepFrom = Math.min(
      firstNeeded.get(walId) ?? Infinity,
      isActive ? writer.firstUsedSegmentId : Infinity,
    );
    if (keepFrom === Infinity) {
      obsolete.push(walDir);
      continue;
    }
    for (const segment of fs.readDir(walDir)) {
      if (
        segment.isDirectory && SEGMENT_DIR.test(segment.name) && Number(segment.name) < keepFrom
      ) {
        obsolete.push(`${walDir}/${segment.name}`);
      }
    }
  }
  return obsolete;
}

/** The lowest segment of each WAL that a transaction behind the durably applied ones refers to. */
function firstNeededSegments(state: TableState): Map<number, number> {
  const { log } = state.sequencer!;
  const first = new Map<number, number>();
  for (let txn = state.durableTxn + 1; txn <= log.lastTxn; txn += TXN_LOG_CHUNK) {
    for (const { walId, segmentId } of log.read(txn, log.lastTxn)) {
      if (walId > 0) first.set(walId, Math.min(first.get(walId) ?? Infinity, segmentId));
    }
  }
  return first;
}

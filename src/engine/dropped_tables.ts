/**
 * Directories of dropped tables. Those of tables with WAL have a REMOVE entry in the registry. A table without WAL is its directory, so
 * that must tell itself that it was dropped: its `_txn` gets another name.
 *
 * ```
 * <table>/_txn ─► <table>/_txn.dropped ─► everything else is removed ─► _txn.dropped and the directory
 * ```
 * Invariant: the mark goes last, so a removal that a crash cut off is finished at the next start, and the name is free again.
 *
 * @module
 */
import { type FileSystem, joinPath } from "../platform/mod.ts";
import { removeDurableMark } from "../wal/mod.ts";

const DROPPED_TXN_FILE = "_txn.dropped";

/** Makes a directory that of a dropped table, durably; again if it was done before. */
export function markDropped(fs: FileSystem, tableDir: string): void {
  const path = joinPath(tableDir, "_txn");
  if (fs.stat(path) !== null) fs.rename(path, joinPath(tableDir, DROPPED_TXN_FILE));
  fs.syncDir(tableDir);
}

/** True if a directory says that it is what a DROP has left. */
export function isMarkedDropped(fs: FileSystem, tableDir: string): boolean {
  return fs.stat(joinPath(tableDir, "_txn")) === null &&
    fs.stat(joinPath(tableDir, DROPPED_TXN_FILE)) !== null;
}

/** Removes the directory of a dropped table; what is not there any more is passed over. */
export function removeTableDir(fs: FileSystem, tableDir: string): void {
  removeDurableMark(fs, tableDir);
  if (isMarkedDropped(fs, tableDir)) {
    for (const { name } of fs.readDir(tableDir)) {
      if (name !== DROPPED_TXN_FILE) fs.removeTree(joinPath(tableDir, name));
    }
    fs.syncDir(tableDir);
  }
  fs.removeTree(tableDir);
}

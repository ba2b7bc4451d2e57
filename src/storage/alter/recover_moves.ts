/**
 * Directories of detached and attached partitions appear and disappear with a commit. Around it they go by a name of their own:
 *
 * ```
 * detach:  make `P.detached.tmp` → commit without P → rename to `P.detached`
 * attach:  make P → rename `P.attachable` to `P.attachable.tmp` → commit with P → remove `P.attachable.tmp`
 * ```
 * Whoever opens the table for writing finishes what was committed and takes back what was not; whether P is in `_txn` tells which.
 *
 * @module
 */
import type { FileSystem } from "../../platform/mod.ts";
import { partitionPath, partitionScheme } from "../column_files.ts";
import { readCommittedState } from "../committed_state.ts";
import { recoverTodo } from "../todo.ts";
import type { AlterContext, DirectoryMove } from "./alter_context.ts";

/** Ending of a detached partition's directory. */
export const DETACHED_SUFFIX = ".detached";
/** Ending of the directory of a partition that can be attached. */
export const ATTACHABLE_SUFFIX = ".attachable";
/** Ending of a directory on its way. */
export const MOVING_SUFFIX = ".tmp";

/** Does what comes before the commit, durably. */
export function prepareMoves(context: AlterContext, moves: readonly DirectoryMove[]): void {
  for (const { kind, path } of moves) {
    if (kind === "attach") context.fs.rename(path, path + MOVING_SUFFIX);
  }
  if (moves.length > 0) context.touched.add(context.tableDir);
}

/** Does what comes behind the commit, durably. */
export function finishMoves(context: AlterContext, moves: readonly DirectoryMove[]): void {
  const { fs, tableDir } = context;
  for (const { kind, path } of moves) {
    if (kind === "attach") fs.removeTree(path + MOVING_SUFFIX);
    else fs.rename(path + MOVING_SUFFIX, path);
  }
  if (moves.length > 0) fs.syncDir(tableDir);
}

/**
 * Finishes or takes back what a crash cut off in an operation: `_meta` first, then directories. Whoever calls this owns the table.
 *
 * @throws {StorageError} if something else was cut off, or what is needed is not there.
 */
export function recoverAlter(fs: FileSystem, tableDir: string): void {
  recoverTodo(fs, tableDir);
  const moving = fs.readDir(tableDir).map((entry) => entry.name)
    .filter((name) =>
      name.endsWith(DETACHED_SUFFIX + MOVING_SUFFIX) ||
      name.endsWith(ATTACHABLE_SUFFIX + MOVING_SUFFIX)
    );
  if (moving.length === 0) return;
  const state = readCommittedState(fs, tableDir);
  const scheme = partitionScheme(state.metadata);
  const attached = new Set(
    state.txn.partitions.map((one) => partitionPath(scheme, { ...one, nameTxn: -1 })),
  );
  for (const name of moving) {
    const settled = name.slice(0, -MOVING_SUFFIX.length);
    const partition = settled.slice(0, settled.lastIndexOf("."));
    if (attached.has(partition)) fs.removeTree(`${tableDir}/${name}`);
    else if (fs.stat(`${tableDir}/${settled}`) === null) {
      fs.rename(`${tableDir}/${name}`, `${tableDir}/${settled}`);
    }
  }
  fs.syncDir(tableDir);
}

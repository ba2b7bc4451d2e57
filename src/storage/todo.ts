/**
 * `_todo_`: what QuestDB was in the middle of when it died. It replaces `_meta` by renaming the old one away and the new one in;
 * between the two, `_todo_` says how to go back. This project writes only the empty form.
 *
 * ```
 * @0 i64 txn   @8 i64, i64 database id   @24 i64 txn again   @32 i64 count   @40 i64 code   @48 i64 number of `_meta.prev`
 * ```
 * It counts only if both txns are the table's, and the count is above zero. See docs/internals/meta.md.
 *
 * @module
 */
import { StorageError } from "../common/mod.ts";
import type { FileSystem } from "../platform/mod.ts";
import { readStorageFile } from "./storage_file.ts";
import { readTxnVersion } from "./txn.ts";

const TODO_BYTES = 40;
const TODO_BYTES_MAX = 1 << 16;
const CODE_RESTORE_META = 2n;

/**
 * Takes a change of `_meta` back that was cut off by a crash. Whoever calls this owns the table.
 *
 * @returns True if something was taken back.
 * @throws {StorageError} if something else was cut off, or what is needed is not there.
 */
export function recoverTodo(fs: FileSystem, tableDir: string): boolean {
  const path = `${tableDir}/_todo_`;
  if (fs.stat(path) === null) return false;
  const todo = readStorageFile(fs, path, TODO_BYTES_MAX);
  if (todo.length < TODO_BYTES || todo.i64(32) <= 0n || todo.i64(0) !== todo.i64(24)) return false;
  if (todo.i64(0) !== BigInt(readTxnVersion(fs, tableDir))) return false; // the change was committed
  const code = todo.i64(40);
  if (code !== CODE_RESTORE_META) {
    throw new StorageError(path, "table has an unfinished structural change", {
      txn: todo.i64(0),
      code,
    });
  }
  const number = todo.count(48, "number of the previous _meta");
  const previous = `${tableDir}/_meta.prev${number === 0 ? "" : `.${number}`}`;
  if (fs.stat(previous) !== null) {
    fs.rename(previous, `${tableDir}/_meta`);
    fs.syncDir(tableDir);
  } else if (fs.stat(`${tableDir}/_meta`) === null) {
    throw new StorageError(previous, "file does not exist");
  }
  using file = fs.open(path, "readWrite");
  file.write(new Uint8Array(TODO_BYTES), 0);
  file.sync();
  return true;
}

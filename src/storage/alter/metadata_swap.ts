/**
 * Puts a new `_meta` in the place of the old one, so that a crash leaves either of them and a way back:
 *
 * ```
 * 1  `_meta.swp`   the new one, whole and durable
 * 2  `_meta.prev`  a second name of the old one
 * 3  `_todo_`      @0 i64 txn  @8, @16 database id (0)  @24 i64 txn  @32 i64 1  @40 i64 2 (restore _meta)  @48 i64 0
 * 4  `_meta.swp` is renamed to `_meta`
 * …  `_cv`, `_txn` with txn + 1
 * 5  `_todo_`      @32 i64 0
 * ```
 * `_todo_` counts only while `_txn` is at the txn it names; `recoverTodo` renames `_meta.prev` back then. QuestDB does the same.
 *
 * @module
 */
import type { FileSystem } from "../../platform/mod.ts";
import { ByteWriter } from "../binary.ts";
import { encodeTableMetadata, type TableMetadata } from "../metadata.ts";
import { removeIfThere } from "./alter_context.ts";

const CODE_RESTORE_META = 2;
const TODO_BYTES = 56;
const CHECK_OFFSET = 24;
const COUNT_OFFSET = 32;

/** Replaces `_meta`. It counts when the transaction behind `txn` is committed. */
export function swapMetadata(
  table: { fs: FileSystem; tableDir: string },
  metadata: TableMetadata,
  txn: number,
): void {
  const { fs, tableDir } = table;
  const next = `${tableDir}/_meta.swp`, previous = `${tableDir}/_meta.prev`;
  removeIfThere(fs, next);
  using file = fs.open(next, "createNew");
  file.write(encodeTableMetadata(metadata), 0);
  file.sync();
  removeIfThere(fs, previous);
  fs.link(`${tableDir}/_meta`, previous);
  fs.syncDir(tableDir);
  writeTodo(fs, tableDir, txn);
  fs.rename(next, `${tableDir}/_meta`);
  fs.syncDir(tableDir);
}

function writeTodo(fs: FileSystem, tableDir: string, txn: number): void {
  using file = fs.open(`${tableDir}/_todo_`, "create");
  const todo = new ByteWriter(TODO_BYTES);
  todo.i64(0, txn);
  todo.i64(CHECK_OFFSET, -1);
  todo.i64(COUNT_OFFSET, 1);
  todo.i64(40, CODE_RESTORE_META);
  file.write(todo.bytes, 0);
  file.sync();
  // The check makes it valid; it must not reach the disk before the rest.
  file.write(todo.bytes.subarray(0, 8), CHECK_OFFSET);
  file.syncData();
  fs.syncDir(tableDir);
}

/** Empties `_todo_`, when the transaction is durable. */
export function clearMetaTodo(fs: FileSystem, tableDir: string): void {
  using file = fs.open(`${tableDir}/_todo_`, "readWrite");
  file.write(new Uint8Array(8), COUNT_OFFSET);
}

/**
 * `tables.d.N`: the names of WAL tables, materialized views and views. The highest N holds.
 *
 * ```
 * @0 i64 append offset: logical end, written after each entry
 * @8 entries: i32 op (0 ADD, −1 REMOVE), str name, str directory, i32 table id, i32 kind, ADD only: 64 zero bytes
 * ```
 *
 * Invariants:
 * 1. An entry counts when the append offset covers it; both are durable before the call returns.
 * 2. Replaying gives every live name one directory and every live directory one name; anything else is corrupt.
 * 3. Compaction writes `tables.d.tmp` in full, renames it to N + 1, then removes N.
 *
 * Tables that the file does not mention (those without WAL; all if the file was lost) are found by looking for directories
 * with a `_txn`. Details: docs/internals/registry.md.
 *
 * @module
 */
import { StorageError } from "../common/mod.ts";
import { type FileHandle, type FileSystem, joinPath, readFile } from "../platform/mod.ts";
import { ByteBuilder, ByteCursor } from "../wal/mod.ts";
import type { TableKind, TableToken } from "./table_token.ts";

const OP_ADD = 0;
const OP_REMOVE = -1;
const HEADER_BYTES = 8;
const RESERVED_BYTES = 64;
const REGISTRY_BYTES_MAX = 1 << 30;
const KIND_MAX = 3;
const FILE_PATTERN = /^tables\.d\.(\d+)$/;
/** Entries that say nothing any more before the file is written anew. */
const DEAD_ENTRIES_MAX = 30;

/** Table as the registry file knows it. */
export interface RegistryEntry {
  readonly name: string;
  readonly dirName: string;
  readonly id: number;
  readonly kind: TableKind;
}

/** See the module's description. */
export class TableRegistry implements Disposable {
  readonly #fs: FileSystem;
  readonly #dbRoot: string;
  /** By directory. */
  readonly #live: Map<string, RegistryEntry>;
  /** Tables that were dropped, by directory; their files may still be there. */
  readonly #removed: Map<string, RegistryEntry>;
  #file: FileHandle;
  #fileNumber: number;
  #end: number;
  #deadCount: number;
  /** False if the file had to be created: then nothing is known about the directories that are there. */
  readonly isComplete: boolean;
  /** Entries without a directory, which are left out. */
  readonly lost: RegistryEntry[] = [];

  private constructor(
    context: { fs: FileSystem; dbRoot: string },
    file: { handle: FileHandle; number: number; isNew: boolean },
    replay: Replay,
  ) {
    this.#fs = context.fs;
    this.#dbRoot = context.dbRoot;
    this.#file = file.handle;
    this.#fileNumber = file.number;
    this.#live = replay.live;
    this.#removed = replay.removed;
    this.#end = replay.end;
    this.#deadCount = replay.deadCount;
    this.isComplete = !file.isNew;
  }

  /** Opens the registry of a root, creating it if there is none. @throws {StorageError} if it is corrupt. */
  static open(fs: FileSystem, dbRoot: string): TableRegistry {
    const number = highestNumber(fs, dbRoot);
    const path = joinPath(dbRoot, `tables.d.${number ?? 0}`);
    // A file without its first field is what an open that was cut off left: nothing is added before that is durable.
    const isNew = (fs.stat(path)?.size ?? 0) < HEADER_BYTES;
    if (isNew) {
      using file = fs.open(path, "create");
      file.write(new ByteBuilder().i64(HEADER_BYTES).bytes(), 0);
      file.sync();
      fs.syncDir(dbRoot);
    }
    const replay = replayFile(fs, path);
    const handle = fs.open(path, "readWrite");
    handle.syncData(); // what is replayed is built upon, and a killed process may have left the last entry in memory
    const registry = new TableRegistry(
      { fs, dbRoot },
      { handle, number: number ?? 0, isNew },
      replay,
    );
    // A directory that lost files is that of a broken table, which is listed; one that is not there cannot be.
    for (const entry of replay.live.values()) {
      if (fs.stat(joinPath(dbRoot, entry.dirName)) !== null) continue;
      registry.#live.delete(entry.dirName);
      registry.#deadCount++;
      registry.lost.push(entry);
    }
    if (registry.#deadCount > DEAD_ENTRIES_MAX) registry.#compact();
    removeOlderFiles(fs, dbRoot, registry.#fileNumber);
    return registry;
  }

  /** Live entries. */
  entries(): RegistryEntry[] {
    return [...this.#live.values()];
  }
  /** Tells whether a directory belongs to a table that was dropped. */
  isRemoved(dirName: string): boolean {
    return this.#removed.has(dirName);
  }

  /** Adds a table, durably. */
  add(token: TableToken): void {
    const entry = { name: token.name, dirName: token.dirName, id: token.id, kind: token.type };
    this.#append(encodeEntry(OP_ADD, entry));
    this.#live.set(token.dirName, entry);
    this.#removed.delete(token.dirName);
  }

  /** Removes a table, durably. Its directory is the caller's to delete. */
  remove(token: TableToken): void {
    const entry = { name: token.name, dirName: token.dirName, id: token.id, kind: token.type };
    this.#append(encodeEntry(OP_REMOVE, entry));
    this.#live.delete(token.dirName);
    this.#removed.set(token.dirName, entry);
    this.#deadCount += 2;
  }

  /** Gives a table another name, durably: both entries or none. */
  rename(from: TableToken, to: TableToken): void {
    const [before, after] = [from, to].map(({ name, dirName, id, type }) => (
      { name, dirName, id, kind: type }
    ));
    const body = new ByteBuilder();
    appendEntry(body, OP_REMOVE, before);
    appendEntry(body, OP_ADD, after);
    this.#append(body.bytes());
    this.#live.set(to.dirName, after);
    this.#deadCount += 2;
  }

  /** Leaves a table out without calling its directory dropped: it is a table without WAL from now on. Durable. */
  forget(dirName: string): void {
    this.#live.delete(dirName);
    this.#compact();
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }

  #append(entry: Uint8Array): void {
    this.#file.write(entry, this.#end);
    this.#file.syncData();
    this.#file.write(new ByteBuilder().i64(this.#end + entry.length).bytes(), 0);
    this.#file.syncData();
    this.#end += entry.length;
  }

  /** Writes the live entries to the next file. Dropped tables whose directory is still there are kept as removed. */
  #compact(): void {
    const body = new ByteBuilder().i64(0);
    for (const entry of this.#live.values()) appendEntry(body, OP_ADD, entry);
    for (const [dirName, entry] of [...this.#removed]) {
      if (this.#fs.stat(joinPath(this.#dbRoot, dirName)) === null) this.#removed.delete(dirName);
      else appendEntry(body, OP_REMOVE, entry);
    }
    const bytes = body.bytes();
    bytes.set(new ByteBuilder().i64(bytes.length).bytes(), 0);
    const temporary = joinPath(this.#dbRoot, "tables.d.tmp");
    const next = joinPath(this.#dbRoot, `tables.d.${this.#fileNumber + 1}`);
    {
      using file = this.#fs.open(temporary, "create");
      file.truncate(0);
      file.write(bytes, 0);
      file.sync();
    }
    this.#fs.rename(temporary, next);
    this.#fs.syncDir(this.#dbRoot);
    const old = this.#file;
    this.#file = this.#fs.open(next, "readWrite");
    old.close();
    this.#fs.remove(old.path);
    this.#fileNumber++;
    this.#end = bytes.length;
    this.#deadCount = 0;
  }
}

interface Replay {
  readonly live: Map<string, RegistryEntry>;
  readonly removed: Map<string, RegistryEntry>;
  readonly end: number;
  readonly deadCount: number;
}

/** Removes files that a compaction has replaced but not removed. */
function removeOlderFiles(fs: FileSystem, dbRoot: string, number: number): void {
  for (const { name, isDirectory } of fs.readDir(dbRoot)) {
    const match = isDirectory ? null : FILE_PATTERN.exec(name);
    if (match !== null && Number(match[1]) < number) fs.remove(joinPath(dbRoot, name));
  }
}

function highestNumber(fs: FileSystem, dbRoot: string): number | null {
  let highest: number | null = null;
  for (const entry of fs.readDir(dbRoot)) {
    const match = entry.isDirectory ? null : FILE_PATTERN.exec(entry.name);
    if (match !== null) highest = Math.max(highest ?? 0, Number(match[1]));
  }
  return highest;
}

function replayFile(fs: FileSystem, path: string): Replay {
  const bytes = readFile(fs, path, REGISTRY_BYTES_MAX);
  const live = new Map<string, RegistryEntry>();
  const removed = new Map<string, RegistryEntry>();
  const header = new ByteCursor(path, bytes);
  const stored = header.count("append offset");
  const end = Math.max(stored, HEADER_BYTES);
  if (end > bytes.length) throw header.error("append offset is past the end of the file", { end });
  const cursor = new ByteCursor(path, bytes.subarray(0, end), HEADER_BYTES);
  let entryCount = 0;
  while (cursor.remaining > 0) {
    const { op, entry } = decodeEntry(cursor);
    entryCount++;
    if (op === OP_ADD) {
      checkConflict(live, entry, path);
      live.set(entry.dirName, entry);
      removed.delete(entry.dirName);
    } else {
      live.delete(entry.dirName);
      removed.set(entry.dirName, entry);
    }
  }
  return { live, removed, end, deadCount: entryCount - live.size };
}

function checkConflict(
  live: ReadonlyMap<string, RegistryEntry>,
  entry: RegistryEntry,
  path: string,
): void {
  const name = entry.name.toLowerCase();
  for (const other of live.values()) {
    if (other.dirName === entry.dirName || other.name.toLowerCase() === name) {
      throw new StorageError(path, "two entries claim one table", {
        table: entry.name,
        dir: entry.dirName,
        otherDir: other.dirName,
      });
    }
  }
}

function decodeEntry(cursor: ByteCursor): { op: number; entry: RegistryEntry } {
  const op = cursor.i32();
  if (op !== OP_ADD && op !== OP_REMOVE) throw cursor.error("unknown operation", { op });
  const name = cursor.text("table name");
  const dirName = cursor.text("directory name");
  const id = cursor.i32();
  const kind = cursor.int("table kind");
  if (kind > KIND_MAX) throw cursor.error("unknown table kind", { kind });
  if (dirName === "" || dirName.includes("/") || dirName === "." || dirName === "..") {
    throw cursor.error("invalid directory name", { dir: dirName });
  }
  if (op === OP_ADD) {
    if (cursor.remaining < RESERVED_BYTES) throw cursor.error("entry is cut off", { table: name });
    cursor.position += RESERVED_BYTES;
  }
  return { op, entry: { name, dirName, id, kind: kind as TableKind } };
}

function encodeEntry(op: number, entry: RegistryEntry): Uint8Array<ArrayBuffer> {
  const out = new ByteBuilder();
  appendEntry(out, op, entry);
  return out.bytes();
}

function appendEntry(out: ByteBuilder, op: number, entry: RegistryEntry): void {
  out.i32(op).str(entry.name).str(entry.dirName).i32(entry.id).i32(entry.kind);
  if (op === OP_ADD) out.zeros(RESERVED_BYTES);
}

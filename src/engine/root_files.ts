/**
 * Small files of the database root.
 *
 * ```
 * tables.d.lock   empty; flock(2) on it is held while a process works on the root
 * .data_id        16 bytes: UUID, most significant byte first
 * _upgrade.d      i32 @0 storage version, i32 @4 migration version
 * _tab_index.d    i64 @0 last table id
 * ```
 * Details: docs/internals/registry.md.
 *
 * @module
 */
import { StorageError } from "../common/mod.ts";
import {
  type FileHandle,
  type FileSystem,
  joinPath,
  type Random,
  writeFileAtomic,
} from "../platform/mod.ts";
import { ByteBuilder, ByteCursor } from "../wal/mod.ts";

/** Storage version of everything this release reads and writes. */
export const STORAGE_VERSION = 426;
const DATA_ID_BYTES = 16;
const PAGE_BYTES = 4096;
const TABLE_ID_MAX = 0x7fffffff;

/** Locks a database root, which must exist, until the handle is closed. @throws {StorageError} if it is held. */
export function lockDatabaseRoot(fs: FileSystem, dbRoot: string): FileHandle {
  const path = joinPath(dbRoot, "tables.d.lock");
  const file = fs.open(path, "create");
  if (file.tryLock()) return file;
  file.close();
  throw new StorageError(path, "another process has the database open; stop it first", {
    root: dbRoot,
  });
}

/** Reads the identity of the data, or gives it one. */
export function openDataId(fs: FileSystem, dbRoot: string, random: Random): string {
  const path = joinPath(dbRoot, ".data_id");
  const bytes = new Uint8Array(DATA_ID_BYTES);
  if (fs.stat(path) !== null) {
    using file = fs.open(path, "read");
    if (file.read(bytes, 0) === DATA_ID_BYTES) return formatUuid(bytes);
  }
  random.fill(bytes);
  bytes[6] = (bytes[6] & 0x0f) | 0x40; // version 4, random
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  writeFileAtomic(fs, path, bytes);
  return formatUuid(bytes);
}

function formatUuid(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Checks the storage version of a root, or stamps a new one. @throws {StorageError} if it is another. */
export function checkStorageVersion(fs: FileSystem, dbRoot: string): void {
  const path = joinPath(dbRoot, "_upgrade.d");
  if (fs.stat(path) === null) {
    const page = new ByteBuilder().i32(STORAGE_VERSION).i32(STORAGE_VERSION).zeros(PAGE_BYTES - 8);
    writeFileAtomic(fs, path, page.bytes());
    return;
  }
  const cursor = readPage(fs, path);
  const version = cursor.i32();
  if (version !== STORAGE_VERSION) {
    throw new StorageError(path, "storage version of the root is not supported", {
      version,
      supported: STORAGE_VERSION,
    });
  }
}

/** Gives out table ids. */
export class TableIds {
  readonly #fs: FileSystem;
  readonly #path: string;
  #last: number;

  private constructor(fs: FileSystem, path: string, last: number) {
    this.#fs = fs;
    this.#path = path;
    this.#last = last;
  }

  /** Opens the counter of a root. @param highestKnown Highest id that a table has; never given out again. */
  static open(fs: FileSystem, dbRoot: string, highestKnown: number): TableIds {
    const path = joinPath(dbRoot, "_tab_index.d");
    if (fs.stat(path) === null) writeFileAtomic(fs, path, new Uint8Array(PAGE_BYTES));
    const last = readPage(fs, path).count("table id");
    return new TableIds(fs, path, Math.max(last, highestKnown));
  }

  /** Takes the next id, durably. */
  next(): number {
    const id = this.#last + 1;
    if (id > TABLE_ID_MAX) throw new StorageError(this.#path, "table ids are used up", { id });
    using file = this.#fs.open(this.#path, "readWrite");
    file.write(new ByteBuilder().i64(id).bytes(), 0);
    file.syncData();
    this.#last = id;
    return id;
  }
}

function readPage(fs: FileSystem, path: string): ByteCursor {
  using file = fs.open(path, "read");
  const bytes = new Uint8Array(PAGE_BYTES);
  return new ByteCursor(path, bytes.subarray(0, file.read(bytes, 0)));
}

const BOOT_ID_PATH = "/proc/sys/kernel/random/boot_id";
const BOOT_ID_BYTES_MAX = 64;

/** Identity of this run of the machine, or `null` where the system does not tell. */
export function readBootId(fs: FileSystem): string | null {
  if (fs.stat(BOOT_ID_PATH) === null) return null;
  using file = fs.open(BOOT_ID_PATH, "read");
  const bytes = new Uint8Array(BOOT_ID_BYTES_MAX);
  const text = new TextDecoder().decode(bytes.subarray(0, file.read(bytes, 0))).trim();
  return text === "" ? null : text;
}

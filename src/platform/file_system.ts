/**
 * The only way to files. Everything above this folder takes a {@linkcode FileSystem}, so the simulated one can lose
 * un-synced writes, tear writes and fail the n-th call.
 *
 * Calls are synchronous: each is one or two system calls of microseconds on cached data. Long work belongs in a worker.
 *
 * @module
 */

/** How {@linkcode FileSystem.open} treats the file: must exist for `read` and `readWrite`; `create` makes it if missing; `createNew` fails if it exists. */
export type OpenMode = "read" | "readWrite" | "create" | "createNew";

/** An open file. Reads and writes are positional; there is no cursor. */
export interface FileHandle extends Disposable {
  /** The path it was opened by. */
  readonly path: string;
  /** Reads into `buffer` from byte `position`; returns the bytes read, short only at the end of the file. */
  read(buffer: Uint8Array, position: number): number;
  /** Writes all of `buffer` at byte `position`, extending the file as needed. */
  write(buffer: Uint8Array, position: number): void;
  /**
   * Like {@linkcode write} but off the calling thread, one call at a time. The file must still have the name it was opened by; `buffer`
   * is not on shared memory and stays as it is until the call has ended.
   */
  writeAsync(buffer: Uint8Array, position: number): Promise<void>;
  /** Current length in bytes. */
  size(): number;
  /** Sets the length in bytes; growth reads as zeros. */
  truncate(size: number): void;
  /** Makes data and metadata durable (fsync). */
  sync(): void;
  /** Makes data and the length durable (fdatasync). */
  syncData(): void;
  /** Like {@linkcode syncData} but off the calling thread. */
  syncDataAsync(): Promise<void>;
  /** Takes an exclusive advisory lock on the whole file; `false` if another handle holds it. Released by close. */
  tryLock(): boolean;
  /** Closes the handle; further use is an error. */
  close(): void;
}

/** What {@linkcode FileSystem.stat} tells. */
export interface FileInfo {
  /** True for a directory (links are followed). */
  readonly isDirectory: boolean;
  /** Length in bytes. */
  readonly size: number;
  /** Last modification, milliseconds since the epoch. */
  readonly modifiedMillis: number;
}

/** One entry of a directory. */
export interface DirEntry {
  /** Name without any path. */
  readonly name: string;
  /** True for a directory or a link to one. */
  readonly isDirectory: boolean;
}

/** File operations. Paths are absolute, with `/` between components. Failures throw `Deno.errors.*` classes. */
export interface FileSystem {
  /** Opens a file. @throws {Deno.errors.NotFound} @throws {Deno.errors.AlreadyExists} */
  open(path: string, mode: OpenMode): FileHandle;
  /** Returns facts about a path, or `null` if nothing is there. */
  stat(path: string): FileInfo | null;
  /** Lists a directory in name order. @throws {Deno.errors.NotFound} */
  readDir(path: string): DirEntry[];
  /** Creates a directory and its missing parents; no error if it exists. */
  mkdir(path: string): void;
  /** Removes one file or empty directory. @throws {Deno.errors.NotFound} */
  remove(path: string): void;
  /** Removes a path and all below it; no error if it is not there. */
  removeTree(path: string): void;
  /** Renames, replacing a file at `to` atomically. */
  rename(from: string, to: string): void;
  /** Makes a hard link `to` to the file `from`. */
  link(from: string, to: string): void;
  /** Makes the entries of a directory durable (fsync on the directory). */
  syncDir(path: string): void;
  /** The same without holding up the thread; rejects as {@linkcode syncDir} throws. */
  syncDirAsync(path: string): Promise<void>;
  /** Makes everything that was written so far durable, whoever wrote it and wherever it is (sync(2)). @throws if it cannot. */
  syncAll(): Promise<void>;
  /** Bytes that can still be written on the file system that holds `path`, or `null` if unknown. */
  availableBytes(path: string): number | null;
}

/** Reads a whole file. @throws {Deno.errors.NotFound} @throws {RangeError} if it is longer than `maxBytes`. */
export function readFile(fs: FileSystem, path: string, maxBytes: number): Uint8Array<ArrayBuffer> {
  using file = fs.open(path, "read");
  const size = file.size();
  if (size > maxBytes) {
    throw new RangeError(`Cannot read "${path}": ${size} bytes is over the limit of ${maxBytes}`);
  }
  const bytes = new Uint8Array(size);
  const count = file.read(bytes, 0);
  return count === size ? bytes : bytes.slice(0, count);
}

/** Joins path components with `/`. */
export function joinPath(...parts: string[]): string {
  return parts.filter((part) => part !== "").join("/").replace(/\/{2,}/g, "/");
}

/** Returns the parent directory of a path (`/` for a top-level path). */
export function parentPath(path: string): string {
  const index = path.replace(/\/+$/, "").lastIndexOf("/");
  return index <= 0 ? "/" : path.slice(0, index);
}

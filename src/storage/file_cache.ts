/**
 * Column files that are open for reading. All readers of a thread share one bound; the least recently used file is closed first,
 * whosever it is.
 *
 * @module
 */
import type { FileHandle, FileSystem } from "../platform/mod.ts";
import { openStorageFile } from "./storage_file.ts";

/** Column files that the readers of a thread keep open. */
export const OPEN_FILES_MAX = 512;

interface OpenFile {
  readonly owner: FileCache;
  readonly handle: FileHandle;
}

/** Open files of one file system, least recently used first. */
class FilePool {
  readonly #files = new Map<string, OpenFile>();

  /** Takes a file out of the order, to be put back as the most recently used one. */
  take(key: string): FileHandle | undefined {
    const file = this.#files.get(key);
    if (file !== undefined) this.#files.delete(key);
    return file?.handle;
  }
  put(key: string, file: OpenFile): void {
    if (this.#files.size >= OPEN_FILES_MAX) {
      const [oldest, { owner, handle }] = this.#files.entries().next().value!;
      this.#files.delete(oldest);
      owner.forget(oldest);
      handle.close();
    }
    this.#files.set(key, file);
  }
  get size(): number {
    return this.#files.size;
  }
}

const pools = new WeakMap<FileSystem, FilePool>();
let lastOwner = 0;

function poolOf(fs: FileSystem): FilePool {
  let pool = pools.get(fs);
  if (pool === undefined) pools.set(fs, pool = new FilePool());
  return pool;
}

/** How many column files of a file system are open in this thread. */
export function openColumnFiles(fs: FileSystem): number {
  return poolOf(fs).size;
}

/** The open files of one reader. */
export class FileCache implements Disposable {
  readonly #fs: FileSystem;
  readonly #pool: FilePool;
  readonly #prefix = `${++lastOwner}:`;
  readonly #keys = new Set<string>();

  constructor(fs: FileSystem) {
    this.#fs = fs;
    this.#pool = poolOf(fs);
  }

  /** Returns an open handle, valid until the next call of any reader. @throws {StorageError} if the file does not exist. */
  get(path: string): FileHandle {
    const key = this.#prefix + path;
    const handle = this.#pool.take(key) ?? openStorageFile(this.#fs, path);
    this.#pool.put(key, { owner: this, handle });
    this.#keys.add(key);
    return handle;
  }

  /** Told by the pool when it closes a file. */
  forget(key: string): void {
    this.#keys.delete(key);
  }

  [Symbol.dispose](): void {
    for (const key of this.#keys) this.#pool.take(key)?.close();
    this.#keys.clear();
  }
}

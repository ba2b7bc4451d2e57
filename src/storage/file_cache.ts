/**
 * Column files that are open for reading, the least recently used closed first.
 *
 * @module
 */
import type { FileHandle, FileSystem } from "../platform/mod.ts";
import { openStorageFile } from "./storage_file.ts";

/** Column files that one reader keeps open. */
export const OPEN_FILES_MAX = 256;

/** Bounded cache of open files. */
export class FileCache implements Disposable {
  readonly #fs: FileSystem;
  readonly #files = new Map<string, FileHandle>();

  constructor(fs: FileSystem) {
    this.#fs = fs;
  }
  /** Returns an open handle, valid until the next call. @throws {StorageError} if the file does not exist. */
  get(path: string): FileHandle {
    let file = this.#files.get(path);
    if (file !== undefined) {
      this.#files.delete(path);
    } else {
      if (this.#files.size >= OPEN_FILES_MAX) {
        const [oldest, handle] = this.#files.entries().next().value!;
        handle.close();
        this.#files.delete(oldest);
      }
      file = openStorageFile(this.#fs, path);
    }
    this.#files.set(path, file);
    return file;
  }
  [Symbol.dispose](): void {
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
  }
}

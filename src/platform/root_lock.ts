/**
 * One server per root: an advisory lock on `<root>/.lock`, held for as long as the process works on the root. It is taken
 * before anything else happens there, restore included, and vanishes with the process however that ends.
 *
 * ```
 * .lock    pid=<process id>\n      for people; the lock itself is flock(2) on the file
 * ```
 * The file stays when the lock is released: removing it would let two processes lock two files of one name.
 *
 * @module
 */
import { StorageError } from "../common/mod.ts";
import { type FileHandle, type FileSystem, joinPath } from "./file_system.ts";

const LOCK_FILE = ".lock";
const LOCK_FILE_BYTES_MAX = 64;

/** Keeps other servers away from a root until it is disposed. */
export class RootLock implements Disposable {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /**
   * Locks a root directory, which must exist.
   *
   * @param processId Written into the lock file, for the message that another process shows.
   * @throws {StorageError} naming the root, if another process holds it.
   */
  static acquire(fs: FileSystem, root: string, processId: number): RootLock {
    const path = joinPath(root, LOCK_FILE);
    const file = fs.open(path, "create");
    try {
      if (!file.tryLock()) {
        throw new StorageError(path, "another server is running on this root", {
          root,
          holder: readHolder(file),
        });
      }
      const text = new TextEncoder().encode(`pid=${processId}\n`);
      file.truncate(0);
      file.write(text, 0);
    } catch (error) {
      file.close();
      throw error;
    }
    return new RootLock(file);
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

function readHolder(file: FileHandle): string {
  const bytes = new Uint8Array(LOCK_FILE_BYTES_MAX);
  const count = file.read(bytes, 0);
  const text = new TextDecoder().decode(bytes.subarray(0, count));
  return /^pid=\d+/.exec(text)?.[0] ?? "unknown";
}

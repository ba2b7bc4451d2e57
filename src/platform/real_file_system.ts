/**
 * The operating system's files. Positional reads and writes are `pread64`/`pwrite64`, which accept views on shared
 * memory; directory fsync goes through a descriptor on the directory. Errors of `node:fs` are turned into the
 * `Deno.errors` classes that {@linkcode FileSystem} promises.
 *
 * @module
 */
import * as nodeFs from "node:fs";
import type { DirEntry, FileHandle, FileInfo, FileSystem, OpenMode } from "./file_system.ts";

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR } = nodeFs.constants;
const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: O_RDONLY,
  readWrite: O_RDWR,
  create: O_RDWR | O_CREAT,
  createNew: O_RDWR | O_CREAT | O_EXCL,
};
const FILE_PERMISSIONS = 0o644;

/** Runs a `node:fs` call and rethrows its failure as the matching `Deno.errors` class. */
function call<T>(path: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw translate(path, error);
  }
}

function translate(path: string, error: unknown): unknown {
  const code = (error as { code?: string }).code;
  const message = `${(error as Error).message} [file=${path}]`;
  if (code === "ENOENT") return new Deno.errors.NotFound(message, { cause: error });
  if (code === "EEXIST") return new Deno.errors.AlreadyExists(message, { cause: error });
  if (code === "EACCES" || code === "EPERM") {
    return new Deno.errors.PermissionDenied(message, { cause: error });
  }
  return error;
}

class RealFileHandle implements FileHandle {
  readonly path: string;
  readonly #fd: number;
  #lock: Deno.FsFile | null = null;
  /** A second descriptor for {@linkcode writeAsync}: `node:fs` would write on this thread. */
  #writer: Deno.FsFile | null = null;
  #isOpen = true;

  constructor(path: string, mode: OpenMode) {
    this.path = path;
    this.#fd = call(path, () => nodeFs.openSync(path, FLAGS[mode], FILE_PERMISSIONS));
  }
  read(buffer: Uint8Array, position: number): number {
    return this.#call(() => {
      let total = 0;
      while (total < buffer.byteLength) {
        const count = nodeFs.readSync(
          this.#fd,
          buffer,
          total,
          buffer.byteLength - total,
          position + total,
        );
        if (count === 0) break;
        total += count;
      }
      return total;
    });
  }
  write(buffer: Uint8Array, position: number): void {
    this.#call(() => {
      let total = 0;
      while (total < buffer.byteLength) {
        total += nodeFs.writeSync(
          this.#fd,
          buffer,
          total,
          buffer.byteLength - total,
          position + total,
        );
      }
    });
  }
  async writeAsync(buffer: Uint8Array, position: number): Promise<void> {
    this.#requireOpen();
    const writer = this.#writer ??= Deno.openSync(this.path, { write: true });
    writer.seekSync(position, Deno.SeekMode.Start);
    for (let total = 0; total < buffer.byteLength;) {
      total += await writer.write(buffer.subarray(total));
    }
  }
  size(): number {
    return this.#call(() => nodeFs.fstatSync(this.#fd).size);
  }
  truncate(size: number): void {
    this.#call(() => nodeFs.ftruncateSync(this.#fd, size));
  }
  sync(): void {
    this.#call(() => nodeFs.fsyncSync(this.#fd));
  }
  syncData(): void {
    this.#call(() => nodeFs.fdatasyncSync(this.#fd));
  }
  syncDataAsync(): Promise<void> {
    return new Promise((resolve, reject) =>
      nodeFs.fdatasync(this.#fd, (error) => error ? reject(translate(this.path, error)) : resolve())
    );
  }
  tryLock(): boolean {
    // flock(2) belongs to an open file description, so a descriptor of its own serves as the lock.
    this.#lock ??= Deno.openSync(this.path, { read: true });
    return this.#lock.tryLockSync(true);
  }
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#lock?.close();
    this.#writer?.close();
    nodeFs.closeSync(this.#fd);
  }
  [Symbol.dispose](): void {
    this.close();
  }

  #call<T>(operation: () => T): T {
    this.#requireOpen();
    return call(this.path, operation);
  }

  /** The number of a closed descriptor may be another file's by now. */
  #requireOpen(): void {
    if (!this.#isOpen) throw new Deno.errors.BadResource(`file is closed [file=${this.path}]`);
  }
}

/** {@linkcode FileSystem} over the operating system. Stateless: any number of instances see the same files. */
export class RealFileSystem implements FileSystem {
  open(path: string, mode: OpenMode): FileHandle {
    return new RealFileHandle(path, mode);
  }
  stat(path: string): FileInfo | null {
    const info = call(path, () => nodeFs.statSync(path, { throwIfNoEntry: false }));
    if (info === undefined) return null;
    return { isDirectory: info.isDirectory(), size: info.size, modifiedMillis: info.mtimeMs };
  }
  readDir(path: string): DirEntry[] {
    return call(path, () => nodeFs.readdirSync(path, { withFileTypes: true }))
      .map((entry) => ({
        name: entry.name,
        isDirectory: entry.isDirectory() ||
          (entry.isSymbolicLink() && (this.stat(`${path}/${entry.name}`)?.isDirectory ?? false)),
      }))
      .sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  }
  mkdir(path: string): void {
    call(path, () => nodeFs.mkdirSync(path, { recursive: true, mode: 0o755 }));
  }
  remove(path: string): void {
    call(path, () => Deno.removeSync(path));
  }
  removeTree(path: string): void {
    call(path, () => nodeFs.rmSync(path, { recursive: true, force: true }));
  }
  rename(from: string, to: string): void {
    call(from, () => nodeFs.renameSync(from, to));
  }
  link(from: string, to: string): void {
    call(to, () => nodeFs.linkSync(from, to));
  }
  syncDir(path: string): void {
    call(path, () => {
      const fd = nodeFs.openSync(path, O_RDONLY);
      try {
        nodeFs.fsyncSync(fd);
      } finally {
        nodeFs.closeSync(fd);
      }
    });
  }
  async syncDirAsync(path: string): Promise<void> {
    const fd = call(path, () => nodeFs.openSync(path, O_RDONLY));
    try {
      await new Promise<void>((resolve, reject) =>
        nodeFs.fsync(fd, (error) => error ? reject(translate(path, error)) : resolve())
      );
    } finally {
      nodeFs.closeSync(fd);
    }
  }
  async syncAll(): Promise<void> {
    // Deno has no sync(2); the POSIX command is that call and nothing else.
    const { success, code, stderr } = await new Deno.Command("sync", { stdout: "null" }).output();
    if (!success) {
      throw new Error(`sync failed [exitCode=${code}, reason=${new TextDecoder().decode(stderr)}]`);
    }
  }
  availableBytes(path: string): number | null {
    return call(path, () => {
      const info = nodeFs.statfsSync(path);
      return Number(info.bavail) * Number(info.bsize);
    });
  }
}

/**
 * Objects as files below a directory: local disk or NFS.
 *
 * ```
 * put:  atomic_write_dir/<random>.tmp ── write, fsync ──► link to root/<key> (fails if it exists) ──► fsync directories ──► unlink
 * ```
 *
 * Invariants:
 * 1. A file below the root is complete: bytes reach it only by link or rename of a synced file.
 * 2. `link(2)` never replaces a name; that is the store's If-None-Match. On a file system without hard links the name is
 *    looked up first and the file renamed, which is safe for one writer, and every prefix has one.
 * 3. `root` and `atomic_write_dir` are on one file system; checked when the store is opened.
 * 4. No step blocks the event loop longer than reading a piece of {@linkcode PIECE_BYTES} takes; pieces are written off its thread.
 *
 * @module
 */
import { ObjectStoreError } from "../../common/mod.ts";
import {
  type FileHandle,
  type FileSystem,
  parentPath,
  type Random,
  yieldToEventLoop,
} from "../../platform/mod.ts";
import { InvalidObjectStoreConfigurationError } from "../connection_string.ts";
import {
  bodyByteSize,
  type CallOptions,
  checkObjectSize,
  type GetOptions,
  type ObjectBody,
  type ObjectInfo,
  ObjectNotFoundError,
  type ObjectStore,
  type ObjectUpload,
  type PutOptions,
  type UploadOptions,
  validateObjectKey,
  validateObjectPrefix,
} from "../object_store.ts";
import { shorter } from "../short_object.ts";
import { FS_PART_BYTES, FsUpload } from "./fs_upload.ts";

/** Bytes read or written at a time; less is written at once. */
const PIECE_BYTES = 1_048_576;
/** Objects on one page of a listing. */
const PAGE_OBJECTS = 1000;
/** Names of temporary files, so that only our own are ever removed. */
const TEMPORARY = /^[0-9a-f]{32}\.tmp$/;
/** Deepest directory that a listing descends into. */
const DEPTH_MAX = 64;

/** Options of {@linkcode FsObjectStore.open}. */
export interface FsObjectStoreOptions {
  /** Absolute directory that keys are relative to; created if missing. */
  readonly root: string;
  /** Absolute directory for files being written; created if missing; may lie below `root`. */
  readonly atomicWriteDir: string;
  readonly fs: FileSystem;
  readonly random: Random;
}

/** {@linkcode ObjectStore} over a {@linkcode FileSystem}. */
export class FsObjectStore implements ObjectStore {
  readonly description: string;
  readonly #root: string;
  readonly #atomicWriteDir: string;
  readonly #fs: FileSystem;
  readonly #random: Random;
  /** Directories known to exist durably. */
  readonly #directories = new Set<string>();

  private constructor(options: FsObjectStoreOptions) {
    this.#root = trimSlashes(options.root);
    this.#atomicWriteDir = trimSlashes(options.atomicWriteDir);
    this.#fs = options.fs;
    this.#random = options.random;
    this.description = `fs [root=${this.#root}]`;
  }

  /**
   * Opens the store; creates both directories and checks that they share a file system.
   *
   * @throws {InvalidObjectStoreConfigurationError} if the directories cannot be used.
   */
  static open(options: FsObjectStoreOptions): FsObjectStore {
    for (
      const [key, path] of [["root", options.root], ["atomic_write_dir", options.atomicWriteDir]]
    ) {
      const isClean = path.startsWith("/") &&
        !path.split("/").some((part) => part === "." || part === "..") && !path.includes("\0");
      if (!isClean) {
        throw new InvalidObjectStoreConfigurationError(
          "directory must be an absolute path without dot components",
          { scheme: "fs", key },
        );
      }
    }
    const store = new FsObjectStore(options);
    if (
      store.#root === store.#atomicWriteDir ||
      `${store.#root}/`.startsWith(`${store.#atomicWriteDir}/`)
    ) {
      throw new InvalidObjectStoreConfigurationError(
        "atomic_write_dir must be a directory of its own",
        { scheme: "fs", root: store.#root, atomic_write_dir: store.#atomicWriteDir },
      );
    }
    store.#checkDirectories();
    return store;
  }

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    const path = this.#path(key);
    options.signal?.throwIfAborted();
    try {
      using file = this.#openForReading(path, key);
      const size = file.size();
      const { offset, length } = options.range ?? { offset: 0, length: size };
      if (options.range === undefined) checkObjectSize(key, size, options);
      if (!Number.isSafeInteger(offset) || offset < 0 || length < 0 || offset + length > size) {
        throw shorter(key, { size, offset, length });
      }
      return await readRange(file, { offset, length, key, signal: options.signal });
    } catch (error) {
      options.signal?.throwIfAborted();
      throw this.#failure("get", key, error);
    }
  }

  async put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<boolean> {
    const path = this.#path(key);
    options.signal?.throwIfAborted();
    try {
      if (options.ifNoneMatch === true && this.#fs.stat(path) !== null) return false;
      this.#ensureDirectory(this.#atomicWriteDir);
      const temporary = `${this.#atomicWriteDir}/${this.#temporaryName()}`;
      try {
        await this.#writeTemporary(temporary, body, options.signal);
        return await this.#publish(temporary, path, options.ifNoneMatch === true);
      } finally {
        if (this.#fs.stat(temporary) !== null) this.#fs.remove(temporary);
      }
    } catch (error) {
      options.signal?.throwIfAborted();
      throw this.#failure("put", key, error);
    }
  }

  // deno-lint-ignore require-await -- the interface is asynchronous for remote stores
  async head(key: string, options: CallOptions = {}): Promise<ObjectInfo | null> {
    const path = this.#path(key);
    options.signal?.throwIfAborted();
    try {
      const info = this.#fs.stat(path);
      return info === null || info.isDirectory
        ? null
        : { key, size: info.size, modifiedMillis: info.modifiedMillis };
    } catch (error) {
      throw this.#failure("head", key, error);
    }
  }

  async *list(prefix: string, options: CallOptions = {}): AsyncIterable<readonly ObjectInfo[]> {
    validateObjectPrefix(prefix);
    options.signal?.throwIfAborted();
    let page: ObjectInfo[] = [];
    try {
      for (const info of this.#walk(prefix.slice(0, prefix.lastIndexOf("/") + 1), prefix)) {
        page.push(info);
        if (page.length < PAGE_OBJECTS) continue;
        yield page;
        page = [];
        await yieldToEventLoop();
        options.signal?.throwIfAborted();
      }
    } catch (error) {
      options.signal?.throwIfAborted();
      throw this.#failure("list", prefix, error);
    }
    if (page.length > 0) yield page;
  }

  async delete(keys: readonly string[], options: CallOptions = {}): Promise<void> {
    const parents = new Set<string>();
    for (const key of keys) {
      options.signal?.throwIfAborted();
      const path = this.#path(key);
      try {
        const info = this.#fs.stat(path);
        if (info === null || info.isDirectory) continue; // a directory is no object
        this.#fs.remove(path);
        parents.add(parentPath(path));
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw this.#failure("delete", key, error);
      }
      await yieldToEventLoop();
    }
    for (const parent of parents) {
      try {
        await this.#fs.syncDirAsync(parent);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw this.#failure("delete", parent, error);
      }
    }
  }

  // deno-lint-ignore require-await -- failures must reject, not throw
  async openUpload(key: string, options: UploadOptions = {}): Promise<ObjectUpload> {
    const target = this.#path(key);
    const { resumeToken } = options;
    if (resumeToken !== undefined && !TEMPORARY.test(resumeToken)) {
      throw new ObjectStoreError("token is of no upload into this store", { key });
    }
    const token = resumeToken ?? this.#temporaryName();
    const path = `${this.#atomicWriteDir}/${token}`;
    this.#ensureDirectory(this.#atomicWriteDir);
    return new FsUpload({
      key,
      fs: this.#fs,
      partBytes: Math.max(1, options.partBytes ?? FS_PART_BYTES),
      token,
      path,
      write: writePieces,
      publish: () => this.#publish(path, target, options.ifNoneMatch === true),
      failure: (error) => this.#failure("upload", key, error),
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  /** Removes files that interrupted calls left in `atomic_write_dir` before `olderThanMillis` (epoch). Returns how many. */
  sweepTemporary(olderThanMillis: number): number {
    let count = 0;
    for (const entry of this.#fs.readDir(this.#atomicWriteDir)) {
      if (entry.isDirectory || !TEMPORARY.test(entry.name)) continue;
      const path = `${this.#atomicWriteDir}/${entry.name}`;
      const info = this.#fs.stat(path);
      if (info === null || info.modifiedMillis >= olderThanMillis) continue;
      try {
        this.#fs.remove(path);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error; // another server was faster
        continue;
      }
      count++;
    }
    return count;
  }

  #checkDirectories(): void {
    const probe = `${this.#atomicWriteDir}/${this.#temporaryName()}`;
    const moved = `${this.#root}/${this.#temporaryName()}`;
    try {
      this.#ensureDirectory(this.#root);
      this.#ensureDirectory(this.#atomicWriteDir);
      this.#fs.open(probe, "createNew").close();
      try {
        this.#fs.rename(probe, moved);
        this.#fs.remove(moved);
      } finally {
        if (this.#fs.stat(probe) !== null) this.#fs.remove(probe);
      }
    } catch (error) {
      const isOtherMount = (error as { code?: string }).code === "EXDEV";
      throw new InvalidObjectStoreConfigurationError(
        isOtherMount
          ? "root and atomic_write_dir must be on the same file system"
          : `directories cannot be written: ${error instanceof Error ? error.message : error}`,
        { scheme: "fs", root: this.#root, atomic_write_dir: this.#atomicWriteDir },
        { cause: error },
      );
    }
  }

  #path(key: string): string {
    validateObjectKey(key);
    const path = `${this.#root}/${key}`;
    if (`${path}/`.startsWith(`${this.#atomicWriteDir}/`)) {
      throw new ObjectStoreError("invalid object key: inside atomic_write_dir", { key });
    }
    return path;
  }

  #openForReading(path: string, key: string): FileHandle {
    const info = this.#fs.stat(path);
    if (info === null || info.isDirectory) throw new ObjectNotFoundError(key);
    return this.#fs.open(path, "read");
  }

  async #writeTemporary(
    path: string,
    body: ObjectBody,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    using file = this.#fs.open(path, "createNew");
    let position = 0;
    for (const part of body instanceof Uint8Array ? [body] : body) {
      signal?.throwIfAborted();
      await writePieces(file, part, position);
      position += part.byteLength;
    }
    signal?.throwIfAborted();
    if (position !== bodyByteSize(body)) throw new Error("body changed while it was written");
    await file.syncDataAsync();
  }

  async #publish(
    temporary: string,
    path: string,
    isCreateOnly: boolean,
  ): Promise<boolean> {
    const parent = parentPath(path);
    this.#ensureDirectory(parent);
    if (isCreateOnly) {
      try {
        this.#fs.link(temporary, path);
      } catch (error) {
        if (error instanceof Deno.errors.AlreadyExists) return false;
        if (!isLinkUnsupported(error)) throw error;
        if (this.#fs.stat(path) !== null) return false;
        this.#fs.rename(temporary, path);
      }
    } else {
      this.#fs.rename(temporary, path);
    }
    await this.#fs.syncDirAsync(parent);
    return true;
  }

  /** At once, so that nobody finds a directory that is not durable yet; they are few. */
  #ensureDirectory(path: string): void {
    if (this.#directories.has(path)) {
      if (this.#fs.stat(path) !== null) return;
      this.#directories.clear(); // removed behind our back
    }
    if (this.#fs.stat(path) === null) {
      const parent = parentPath(path);
      if (parent !== path) this.#ensureDirectory(parent);
      this.#fs.mkdir(path);
      this.#fs.syncDir(parent);
    }
    this.#directories.add(path);
  }

  *#walk(directory: string, prefix: string, depth = 0): Generator<ObjectInfo> {
    if (depth > DEPTH_MAX) {
      throw new ObjectStoreError("directories are nested too deeply", { directory });
    }
    const path = trimSlashes(`${this.#root}/${directory}`);
    if (this.#fs.stat(path)?.isDirectory !== true) return;
    const names = this.#fs.readDir(path)
      .map((entry) => ({
        ...entry,
        key: `${directory}${entry.name}${entry.isDirectory ? "/" : ""}`,
      }))
      .filter(({ key }) => key.startsWith(prefix) || prefix.startsWith(key))
      .sort((a, b) => compareUtf8(a.key, b.key));
    for (const { key, name, isDirectory } of names) {
      if (isDirectory) {
        if (`${path}/${name}` === this.#atomicWriteDir) continue;
        yield* this.#walk(key, prefix, depth + 1);
        continue;
      }
      if (!key.startsWith(prefix) || TEMPORARY.test(name)) continue;
      const info = this.#fs.stat(`${path}/${name}`);
      if (info !== null) {
        yield { key, size: info.size, modifiedMillis: info.modifiedMillis };
      }
    }
  }

  #temporaryName(): string {
    const bytes = this.#random.fill(new Uint8Array(16));
    return `${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}.tmp`;
  }

  #failure(operation: string, key: string, error: unknown): unknown {
    if (error instanceof ObjectStoreError) return error;
    if (error instanceof Deno.errors.NotFound && operation === "get") {
      return new ObjectNotFoundError(key, { cause: error });
    }
    const reason = error instanceof Error ? error.message : String(error);
    return new ObjectStoreError(`object store failure: ${reason}`, { operation, key }, {
      cause: error,
    });
  }
}

async function writePieces(
  file: FileHandle,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  if (bytes.byteLength < PIECE_BYTES) return file.write(bytes, position);
  for (let start = 0; start < bytes.byteLength; start += PIECE_BYTES) {
    await file.writeAsync(bytes.subarray(start, start + PIECE_BYTES), position + start);
  }
}

async function readRange(
  file: FileHandle,
  range: { offset: number; length: number; key: string; signal: AbortSignal | undefined },
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(range.length);
  for (let start = 0; start < range.length; start += PIECE_BYTES) {
    const piece = bytes.subarray(start, Math.min(range.length, start + PIECE_BYTES));
    if (file.read(piece, range.offset + start) !== piece.byteLength) {
      throw new ObjectStoreError("object became shorter while it was read", { key: range.key });
    }
    if (start + PIECE_BYTES < range.length) await yieldToEventLoop();
    range.signal?.throwIfAborted();
  }
  return bytes;
}

function isLinkUnsupported(error: unknown): boolean {
  const code = (error as { code?: string }).code ??
    ((error as { cause?: { code?: string } }).cause?.code);
  return error instanceof Deno.errors.PermissionDenied ||
    ["ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EPERM"].includes(code ?? "");
}

function trimSlashes(path: string): string {
  return path.replace(/\/{2,}/g, "/").replace(/(.)\/+$/, "$1");
}

/** Orders by UTF-8 bytes, which differs from UTF-16 order above the basic plane. */
function compareUtf8(a: string, b: string): number {
  const encoder = new TextEncoder();
  const left = encoder.encode(a), right = encoder.encode(b);
  const count = Math.min(left.length, right.length);
  for (let i = 0; i < count; i++) if (left[i] !== right[i]) return left[i] - right[i];
  return left.length - right.length;
}

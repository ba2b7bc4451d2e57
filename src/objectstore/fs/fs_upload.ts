/**
 * Objects of several parts in a directory: one temporary file that every part is written into at its place. The token is the
 * file's name; which parts are there is seen by comparing bytes.
 *
 * @module
 */
import { ObjectStoreError } from "../../common/mod.ts";
import type { FileHandle, FileSystem } from "../../platform/mod.ts";
import type { CallOptions, ObjectUpload } from "../object_store.ts";

/** Default length of a part. */
export const FS_PART_BYTES = 8_388_608;

/** What an upload is made of. */
export interface FsUploadParts {
  readonly key: string;
  readonly fs: FileSystem;
  readonly partBytes: number;
  /** Name of the temporary file. */
  readonly token: string;
  /** Its path. */
  readonly path: string;
  /** Writes bytes without keeping the event loop. */
  readonly write: (file: FileHandle, bytes: Uint8Array, position: number) => Promise<void>;
  /** Publishes the synced file under the key. @returns `false` if the key exists and must not be replaced. */
  readonly publish: () => Promise<boolean>;
  /** Gives failures the store's form. */
  readonly failure: (error: unknown) => unknown;
}

/** {@linkcode ObjectUpload} into a temporary file. */
export class FsUpload implements ObjectUpload {
  readonly token: string;
  readonly partBytes: number;
  readonly isSequential = false;
  readonly #parts: FsUploadParts;
  /** Length of each part that is stored. */
  readonly #sizes = new Map<number, number>();

  constructor(parts: FsUploadParts) {
    this.#parts = parts;
    this.token = parts.token;
    this.partBytes = parts.partBytes;
  }

  hasPart(number: number, bytes: Uint8Array): boolean {
    const { fs, path } = this.#parts;
    const info = fs.stat(path);
    const position = (number - 1) * this.partBytes;
    if (info === null || info.size < position + bytes.byteLength) return false;
    using file = fs.open(path, "read");
    const stored = new Uint8Array(bytes.byteLength);
    if (file.read(stored, position) !== stored.byteLength) return false;
    if (!stored.every((byte, index) => byte === bytes[index])) return false;
    this.#sizes.set(number, bytes.byteLength);
    return true;
  }

  async putPart(number: number, bytes: Uint8Array, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    const { fs, path, write, failure } = this.#parts;
    try {
      using file = fs.open(path, "create");
      await write(file, bytes, (number - 1) * this.partBytes);
    } catch (error) {
      throw failure(error);
    }
    this.#sizes.set(number, bytes.byteLength);
  }

  async complete(partCount: number, options: CallOptions = {}): Promise<boolean> {
    options.signal?.throwIfAborted();
    const { fs, path, key, publish, failure } = this.#parts;
    let size = 0;
    for (let number = 1; number <= partCount; number++) {
      const part = this.#sizes.get(number);
      const isWhole = part !== undefined && (part === this.partBytes || number === partCount);
      if (!isWhole) {
        throw new ObjectStoreError("a part of the object was not stored", { key, part: number });
      }
      size += part;
    }
    try {
      {
        using file = fs.open(path, "readWrite");
        file.truncate(size); // an interrupted upload may have been of a longer object
        await file.syncDataAsync();
      }
      const isCreated = await publish();
      if (fs.stat(path) !== null) fs.remove(path);
      return isCreated;
    } catch (error) {
      throw failure(error);
    }
  }

  abort(): Promise<void> {
    const { fs, path, failure } = this.#parts;
    try {
      if (fs.stat(path) !== null) fs.remove(path);
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(failure(error));
    }
  }
}

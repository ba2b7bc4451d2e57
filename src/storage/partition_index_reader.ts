/**
 * Looks rows up in the bitmap index of a SYMBOL column in a partition.
 *
 * Invariants:
 * 1. Rows behind those asked for are never told: an index may hold rows of a transaction that is not committed.
 * 2. A chain that makes no sense is an error, never a shorter answer.
 *
 * @module
 */
import { StorageError } from "../common/mod.ts";
import type { FileHandle, FileSystem } from "../platform/mod.ts";
import {
  INDEX_ENTRY_BYTES,
  INDEX_HEADER_BYTES,
  type IndexHeader,
  type PartitionIndexFiles,
  readIndexHeader,
} from "./partition_index.ts";
import { openStorageFile } from "./storage_file.ts";

/** Attempts to read a header that a writer is changing. */
const STABLE_READ_ATTEMPTS = 100;

/** See the module's description. */
export class PartitionIndexReader implements Disposable {
  readonly #keys: FileHandle;
  readonly #values: FileHandle;
  readonly #header: IndexHeader;

  private constructor(keys: FileHandle, values: FileHandle, header: IndexHeader) {
    this.#keys = keys;
    this.#values = values;
    this.#header = header;
  }

  /** Opens an index. @throws {StorageError} if it is missing or its header makes no sense. */
  static open(
    fs: FileSystem,
    files: Pick<PartitionIndexFiles, "keys" | "values">,
  ): PartitionIndexReader {
    const keys = openStorageFile(fs, files.keys);
    try {
      let header = readIndexHeader(keys);
      for (let attempt = 0; header === null && attempt < STABLE_READ_ATTEMPTS; attempt++) {
        header = readIndexHeader(keys);
      }
      if (header === null) throw new StorageError(files.keys, "invalid index header");
      return new PartitionIndexReader(keys, openStorageFile(fs, files.values), header);
    } catch (error) {
      keys.close();
      throw error;
    }
  }

  /**
   * Returns the rows `rowLo` … `rowHi` − 1 that hold a symbol key (negative for NULL), ascending. Rows above the column top are not in an
   * index.
   *
   * @throws {StorageError} if the chain of blocks makes no sense.
   */
  rowsOf(symbolKey: number, rowLo: number, rowHi: number): Uint32Array<ArrayBuffer> {
    const key = Math.max(symbolKey + 1, 0);
    if (key >= this.#header.keyCount) return new Uint32Array(0);
    const entry = new BigInt64Array(4);
    this.#read(this.#keys, new Uint8Array(entry.buffer), {
      position: INDEX_HEADER_BYTES + INDEX_ENTRY_BYTES * key,
    });
    const count = Number(entry[0]);
    const rows = new RowCollector();
    const { blockCapacity } = this.#header;
    const block = new Int32Array(2 * (blockCapacity + 2));
    const bytes = new Uint8Array(block.buffer);
    let position = Number(entry[1]), last = -1;
    for (let done = 0; done < count; done += blockCapacity) {
      if (position < 0 || position % bytes.length !== 0) throw this.#badChain(key);
      this.#read(this.#values, bytes, { position });
      const inBlock = Math.min(blockCapacity, count - done);
      for (let i = 0; i < inBlock; i++) {
        const row = block[2 * i + 1] * 0x1_0000_0000 + (block[2 * i] >>> 0);
        if (row <= last) throw this.#badChain(key);
        last = row;
        if (row >= rowHi) return rows.finish();
        if (row >= rowLo) rows.add(row);
      }
      position = block[2 * blockCapacity + 3] * 0x1_0000_0000 +
        (block[2 * blockCapacity + 2] >>> 0);
    }
    return rows.finish();
  }

  close(): void {
    this.#keys.close();
    this.#values.close();
  }
  [Symbol.dispose](): void {
    this.close();
  }

  #read(file: FileHandle, target: Uint8Array, at: { position: number }): void {
    if (file.read(target, at.position) !== target.length) {
      throw new StorageError(file.path, "file is too short", {
        position: at.position,
        bytes: target.length,
      });
    }
  }

  #badChain(key: number): StorageError {
    return new StorageError(this.#values.path, "invalid chain of index blocks", { key });
  }
}

/** Rows that grow in number. */
class RowCollector {
  #rows = new Uint32Array(64);
  #count = 0;

  add(row: number): void {
    if (this.#count === this.#rows.length) {
      const larger = new Uint32Array(2 * this.#count);
      larger.set(this.#rows);
      this.#rows = larger;
    }
    this.#rows[this.#count++] = row;
  }
  finish(): Uint32Array<ArrayBuffer> {
    return this.#rows.slice(0, this.#count);
  }
}

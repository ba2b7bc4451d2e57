/**
 * Builds the bitmap index of a SYMBOL column in a partition: for every key the rows that hold it, in blocks.
 *
 * ```
 * .k  @0 u8 0xFA  @1 i64 sequence  @9 i64 bytes used in .v  @17 i32 values per block  @21 i64 key count
 *     @29 i64 sequence check  @37 i64 max row
 *     @64 + 32·key: i64 value count, i64 first block, i64 last block, i64 count check
 * .v  blocks of B × i64 row, i64 previous block, i64 next block
 * ```
 * Key 0 stands for NULL, key k + 1 for symbol k.
 *
 * @module
 */
import type { FileSystem } from "../../platform/mod.ts";
import { PagedImage } from "../paged_image.ts";

const SIGNATURE = 0xfa;
const HEADER_BYTES = 64;
const ENTRY_BYTES = 32;
const PADDED_BYTES = 4096;

/** Where an index is written. */
export interface IndexTarget {
  readonly keys: string;
  readonly values: string;
  /** Rows per block, a power of two. */
  readonly blockCapacity: number;
}

/** Collects rows in ascending order. */
export class IndexBuilder {
  readonly #keys = new PagedImage(new Uint8Array(0));
  readonly #values = new PagedImage(new Uint8Array(0));
  readonly #capacity: number;

  constructor(blockCapacity: number) {
    this.#capacity = blockCapacity;
    this.#keys.grow(PADDED_BYTES);
    this.#keys.setU8(0, SIGNATURE);
    this.#keys.setI64(1, 1);
    this.#keys.setI32(17, blockCapacity);
    this.#keys.setI64(29, 1);
    this.#keys.setI64(37, -1);
  }

  /** Adds rows `row`, `row` + 1, … that hold these symbol keys; negative for NULL. */
  add(symbolKeys: Int32Array, row: number): void {
    for (let i = 0; i < symbolKeys.length; i++) {
      this.#addRow(Math.max(symbolKeys[i] + 1, 0), row + i);
    }
    if (symbolKeys.length > 0) this.#keys.setI64(37, row + symbolKeys.length - 1);
  }

  #addRow(key: number, row: number): void {
    const keys = this.#keys, values = this.#values, capacity = this.#capacity;
    const entry = HEADER_BYTES + ENTRY_BYTES * key;
    if (key >= keys.i64(21)) {
      keys.grow(entry + ENTRY_BYTES);
      keys.setI64(21, key + 1);
      this.#step();
    }
    const count = keys.i64(entry);
    let block = keys.i64(entry + 16);
    if (count % capacity === 0) {
      const previous = block;
      block = keys.i64(9);
      const end = block + capacity * 8 + 16;
      values.grow(end);
      keys.setI64(9, end);
      this.#step();
      if (count === 0) keys.setI64(entry + 8, block);
      else {
        values.setI64(block + capacity * 8, previous);
        values.setI64(previous + capacity * 8 + 8, block);
      }
      keys.setI64(entry + 16, block);
    }
    values.setI64(block + 8 * (count % capacity), row);
    keys.setI64(entry, count + 1);
    keys.setI64(entry + 24, count + 1);
  }

  #step(): void {
    const sequence = this.#keys.i64(1) + 1;
    this.#keys.setI64(1, sequence);
    this.#keys.setI64(29, sequence);
  }

  /** Writes the files, which do not exist yet. */
  write(fs: FileSystem, target: IndexTarget): void {
    using values = fs.open(target.values, "createNew");
    this.#values.flush(values);
    using keys = fs.open(target.keys, "createNew");
    this.#keys.flush(keys);
  }
}

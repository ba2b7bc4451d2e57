/**
 * `.k` and `.v` of a symbol table: QuestDB's bitmap index used as a hash table from a symbol's hash to the offsets of its
 * candidates in `.o`.
 *
 * ```
 * .k  @0 u8 0xFA  @1 i64 sequence  @9 i64 bytes used in .v  @17 i32 values per block  @21 i64 key count
 *     @29 i64 sequence check  @37 i64 max value (−1)
 *     @64 + 32·key: i64 value count, i64 first block, i64 last block, i64 count check
 * .v  blocks of 2 × i64 value, i64 previous block, i64 next block
 * ```
 * It can be rebuilt from `.c` at any time; so a torn index costs time, never data. See docs/internals/symbol.md.
 *
 * @module
 */
import type { FileSystem } from "../platform/mod.ts";
import { PagedImage } from "./paged_image.ts";

const SIGNATURE = 0xfa;
const KEY_HEADER_BYTES = 64;
const KEY_ENTRY_BYTES = 32;
const VALUES_PER_BLOCK = 2;
const BLOCK_BYTES = VALUES_PER_BLOCK * 8 + 16;
const PREVIOUS_OFFSET = VALUES_PER_BLOCK * 8;
const NEXT_OFFSET = PREVIOUS_OFFSET + 8;
/** Offset of the first symbol's entry in `.o`. */
const OFFSETS_HEADER_BYTES = 64;
const INDEX_BYTES_MAX = 1 << 30;
const PADDED_BYTES = 4096;

/** Java's `String.hashCode`, cut to 28 bits as QuestDB does. */
export function symbolHash(text: string): number {
  let h = 0;
  for (let i = 0; i < text.length; i++) h = (Math.imul(31, h) + text.charCodeAt(i)) | 0;
  return h & 0x0fffffff;
}

/** Hash mask for a symbol capacity. */
function hashMask(capacity: number): number {
  let power = 1;
  while (power < capacity / 2) power *= 2;
  return Math.max(power - 1, 1);
}

/** The index of one symbol table, held in memory between {@linkcode flush}es. */
export class SymbolIndex {
  readonly #keys: PagedImage;
  readonly #values: PagedImage;
  readonly #mask: number;

  private constructor(keys: PagedImage, values: PagedImage, capacity: number) {
    this.#keys = keys;
    this.#values = values;
    this.#mask = hashMask(capacity);
  }

  /** An index without symbols. */
  static empty(capacity: number): SymbolIndex {
    const keys = new PagedImage(new Uint8Array(0));
    keys.grow(PADDED_BYTES);
    keys.setU8(0, SIGNATURE);
    keys.setI64(1, 1);
    keys.setI32(17, VALUES_PER_BLOCK);
    keys.setI64(29, 1);
    keys.setI64(37, -1);
    return new SymbolIndex(keys, new PagedImage(new Uint8Array(0)), capacity);
  }

  /**
   * Reads an index from its files, or returns `null` unless it holds each of `count` symbols once and nothing else: a crash may
   * have torn it, or left symbols of a transaction that was never committed.
   */
  static read(
    fs: FileSystem,
    paths: { keys: string; values: string },
    symbols: { capacity: number; count: number },
  ): SymbolIndex | null {
    const keys = readPrefix(fs, paths.keys, KEY_HEADER_BYTES);
    if (keys === null || keys[0] !== SIGNATURE) return null;
    const header = new PagedImage(keys);
    const keyCount = header.i64(21), valueBytes = header.i64(9);
    if (
      header.i64(1) !== header.i64(29) || header.i32(17) !== VALUES_PER_BLOCK ||
      !(keyCount >= 0 && keyCount <= INDEX_BYTES_MAX / KEY_ENTRY_BYTES) ||
      !(valueBytes >= 0 && valueBytes <= INDEX_BYTES_MAX)
    ) return null;
    const keyBytes = readPrefix(fs, paths.keys, KEY_HEADER_BYTES + KEY_ENTRY_BYTES * keyCount);
    const blocks = readPrefix(fs, paths.values, valueBytes);
    if (keyBytes === null || blocks === null) return null;
    const index = new SymbolIndex(
      new PagedImage(keyBytes),
      new PagedImage(blocks),
      symbols.capacity,
    );
    return index.#holds(symbols.count) ? index : null;
  }

  /** Tells whether the chains hold each of `count` symbols once. */
  #holds(count: number): boolean {
    const seen = new Uint8Array(count);
    let total = 0;
    for (let key = 0; key < this.#keys.i64(21); key++) {
      const entry = KEY_HEADER_BYTES + KEY_ENTRY_BYTES * key;
      const values = this.#keys.i64(entry);
      total += values;
      if (values < 0 || total > count || values !== this.#keys.i64(entry + 24)) return false;
      let block = this.#keys.i64(entry + 8);
      for (let i = 0; i < values; i++) {
        if (i > 0 && i % VALUES_PER_BLOCK === 0) block = this.#values.i64(block + NEXT_OFFSET);
        if (block < 0 || block % BLOCK_BYTES !== 0 || block >= this.#values.size) return false;
        const offset = this.#values.i64(block + 8 * (i % VALUES_PER_BLOCK));
        const symbol = (offset - OFFSETS_HEADER_BYTES) / 8;
        if (!Number.isInteger(symbol) || symbol < 0 || symbol >= count || seen[symbol] === 1) {
          return false;
        }
        seen[symbol] = 1;
      }
      if (values > 0 && block !== this.#keys.i64(entry + 16)) return false;
    }
    return total === count;
  }

  /** Adds a symbol with the next free key. @param hash The text's {@linkcode symbolHash}. */
  add(hash: number, symbolKey: number): void {
    const key = hash & this.#mask;
    const entry = KEY_HEADER_BYTES + KEY_ENTRY_BYTES * key;
    if (key >= this.#keys.i64(21)) {
      this.#keys.grow(entry + KEY_ENTRY_BYTES);
      this.#keys.setI64(21, key + 1);
      this.#step();
    }
    const count = this.#keys.i64(entry);
    let block = this.#keys.i64(entry + 16);
    if (count % VALUES_PER_BLOCK === 0) {
      const previous = block;
      block = this.#keys.i64(9);
      this.#values.grow(block + BLOCK_BYTES);
      this.#keys.setI64(9, block + BLOCK_BYTES);
      this.#step();
      if (count === 0) this.#keys.setI64(entry + 8, block);
      else {
        this.#values.setI64(block + PREVIOUS_OFFSET, previous);
        this.#values.setI64(previous + NEXT_OFFSET, block);
      }
      this.#keys.setI64(entry + 16, block);
    }
    this.#values.setI64(
      block + 8 * (count % VALUES_PER_BLOCK),
      OFFSETS_HEADER_BYTES + 8 * symbolKey,
    );
    this.#keys.setI64(entry, count + 1);
    this.#keys.setI64(entry + 24, count + 1);
  }

  /** The sequence goes up with every block and every growth of the key count. */
  #step(): void {
    const sequence = this.#keys.i64(1) + 1;
    this.#keys.setI64(1, sequence);
    this.#keys.setI64(29, sequence);
  }

  /** Writes what changed, values first, so that a key never points at a block that is not there. */
  flush(fs: FileSystem, paths: { keys: string; values: string }, sync: boolean): void {
    using values = fs.open(paths.values, "create");
    using keys = fs.open(paths.keys, "create");
    this.#values.flush(values);
    if (sync) values.syncData();
    this.#keys.flush(keys);
    if (sync) keys.syncData();
  }
}

/** The first bytes of a file, or `null` if it is missing or shorter. */
function readPrefix(
  fs: FileSystem,
  path: string,
  byteSize: number,
): Uint8Array<ArrayBuffer> | null {
  if ((fs.stat(path)?.size ?? -1) < byteSize) return null;
  using file = fs.open(path, "read");
  const bytes = new Uint8Array(byteSize);
  return file.read(bytes, 0) === byteSize ? bytes : null;
}

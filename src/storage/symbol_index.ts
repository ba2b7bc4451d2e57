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
import { readFile } from "../platform/mod.ts";
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
function symbolHash(text: string): number {
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

  /** Reads an index from its files; the caller has made sure it belongs to the committed symbols. */
  static read(
    fs: FileSystem,
    paths: { keys: string; values: string },
    capacity: number,
  ): SymbolIndex {
    return new SymbolIndex(
      new PagedImage(readFile(fs, paths.keys, INDEX_BYTES_MAX)),
      new PagedImage(readFile(fs, paths.values, INDEX_BYTES_MAX)),
      capacity,
    );
  }

  /** Number of symbols in the index, or −1 if the files are not a sound index of 2-value blocks. */
  static countIn(fs: FileSystem, paths: { keys: string; values: string }): number {
    if (fs.stat(paths.keys) === null || fs.stat(paths.values) === null) return -1;
    const bytes = readFile(fs, paths.keys, INDEX_BYTES_MAX);
    const view = new DataView(bytes.buffer);
    if (
      bytes.length < KEY_HEADER_BYTES || bytes[0] !== SIGNATURE ||
      view.getInt32(17, true) !== VALUES_PER_BLOCK
    ) return -1;
    if (view.getBigInt64(1, true) !== view.getBigInt64(29, true)) return -1;
    const keyCount = view.getInt32(21, true), valueBytes = Number(view.getBigInt64(9, true));
    if (keyCount < 0 || KEY_HEADER_BYTES + KEY_ENTRY_BYTES * keyCount > bytes.length) return -1;
    if (valueBytes < 0 || valueBytes > (fs.stat(paths.values)?.size ?? 0)) return -1;
    let total = 0;
    for (let key = 0; key < keyCount; key++) {
      const at = KEY_HEADER_BYTES + KEY_ENTRY_BYTES * key;
      const count = view.getBigInt64(at, true);
      if (count !== view.getBigInt64(at + 24, true) || count < 0n) return -1;
      total += Number(count);
    }
    return total;
  }

  /** Adds a symbol with the next free key. */
  add(text: string, symbolKey: number): void {
    const key = symbolHash(text) & this.#mask;
    const entry = KEY_HEADER_BYTES + KEY_ENTRY_BYTES * key;
    if (key >= this.#keys.i64(21)) {
      this.#keys.grow(entry + KEY_ENTRY_BYTES);
      this.#keys.setI64(21, key + 1);
    }
    const count = this.#keys.i64(entry);
    let block = this.#keys.i64(entry + 16);
    if (count % VALUES_PER_BLOCK === 0) {
      const previous = block;
      block = this.#keys.i64(9);
      this.#values.grow(block + BLOCK_BYTES);
      this.#keys.setI64(9, block + BLOCK_BYTES);
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

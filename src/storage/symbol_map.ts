/**
 * Symbol tables of a table: texts by key, keys by text.
 *
 * ```
 * .o  @0 i32 capacity  @4 u8 cached  @8 u8 hasNull   @64 (count + 1) × i64: start of symbol i in .c; last: end of .c
 * .c  str values in key order
 * .k .v  hash index, see symbol_index.ts
 * ```
 * `_txn` holds the committed count. Whatever lies behind it in `.o`, `.c` and the index is garbage of a transaction that never
 * committed, and is overwritten. See docs/internals/symbol.md.
 *
 * @module
 */
import { assert, StorageError } from "../common/mod.ts";
import { type FileSystem, parentPath, writeFileAtomic } from "../platform/mod.ts";
import type { SymbolTable } from "../wasm/mod.ts";
import { type ByteReader, ByteWriter } from "./binary.ts";
import { readStorageFile, readStoragePrefix } from "./storage_file.ts";
import { symbolHash, SymbolIndex } from "./symbol_index.ts";
import { SymbolTexts } from "./symbol_texts.ts";

/** Bytes of `.o` before the offsets: the settings of a symbol table, of which there is no other copy. */
export const SYMBOL_HEADER_BYTES = 64;
/** Largest capacity that is opened: its hash index is a file of at most 1 GiB. */
export const OPEN_SYMBOL_CAPACITY_MAX = 1 << 26;
/** Largest capacity of a table that is read, and whose files are rebuilt. */
const SYMBOL_CAPACITY_MAX = 1 << 30;
/** Longest `.c` that is rebuilt from. */
const CHARS_BYTES_MAX = 2 ** 31 - 1;
/** Units that one call turns into text. */
const TEXT_UNITS_PER_CALL = 4096;

/** Where a symbol table's files are. */
export interface SymbolFiles {
  readonly offsets: string;
  readonly chars: string;
  readonly keys: string;
  readonly values: string;
}

/** Paths of a column's symbol files; `nameTxn` −1 means no suffix. */
export function symbolFiles(tableDir: string, columnName: string, nameTxn: number): SymbolFiles {
  const path = (extension: string) =>
    `${tableDir}/${columnName}.${extension}${nameTxn >= 0 ? `.${nameTxn}` : ""}`;
  return { offsets: path("o"), chars: path("c"), keys: path("k"), values: path("v") };
}

/** Settings of a symbol table. */
export interface SymbolSettings {
  /** Symbols that its hash index is made for. */
  readonly capacity: number;
  /** True if QuestDB keeps the texts in memory. */
  readonly isCached: boolean;
  /** True if the column holds a NULL. */
  readonly hasNull: boolean;
}

/** Reads the settings from the start of `.o`. @throws {StorageError} if the file is shorter, or the capacity impossible. */
export function symbolSettings(offsets: ByteReader): SymbolSettings {
  const capacity = offsets.i32(0);
  checkCapacity(offsets.file, capacity, SYMBOL_CAPACITY_MAX);
  offsets.require(0, SYMBOL_HEADER_BYTES);
  return { capacity, isCached: offsets.u8(4) !== 0, hasNull: offsets.u8(8) !== 0 };
}

function checkCapacity(file: string, capacity: number, limit: number): void {
  if (capacity >= 1 && capacity <= limit) return;
  throw new StorageError(file, "invalid symbol capacity", { capacity, limit });
}

/** Reads the settings of a symbol table. @throws {StorageError} if `.o` is missing or damaged. */
export function readSymbolSettings(fs: FileSystem, files: SymbolFiles): SymbolSettings {
  return symbolSettings(readStoragePrefix(fs, files.offsets, SYMBOL_HEADER_BYTES));
}

/** Creates the files of an empty symbol table. */
export function createSymbolFiles(
  fs: FileSystem,
  files: SymbolFiles,
  options: { capacity: number; isCached: boolean },
): void {
  const header = new ByteWriter(SYMBOL_HEADER_BYTES + 8);
  header.i32(0, options.capacity);
  header.u8(4, options.isCached ? 1 : 0);
  using offsets = fs.open(files.offsets, "create");
  offsets.write(header.bytes, 0);
  offsets.sync();
  using chars = fs.open(files.chars, "create");
  chars.sync();
  SymbolIndex.empty(options.capacity).flush(fs, files, true);
}

/** The committed symbols of a column. Texts are decoded on first use. */
export class SymbolMapReader implements SymbolTable {
  readonly count: number;
  /** False if the column holds no NULL. */
  readonly hasNull: boolean;
  readonly #starts: Float64Array<ArrayBuffer>;
  readonly #chars: Uint8Array<ArrayBuffer>;
  readonly #texts: (string | undefined)[] = [];
  #keys: Map<string, number> | null = null;

  private constructor(
    starts: Float64Array<ArrayBuffer>,
    chars: Uint8Array<ArrayBuffer>,
    hasNull: boolean,
  ) {
    this.count = starts.length - 1;
    this.hasNull = hasNull;
    this.#starts = starts;
    this.#chars = chars;
  }

  /** Opens a symbol table bounded by its committed count. @throws {StorageError} */
  static open(fs: FileSystem, files: SymbolFiles, count: number): SymbolMapReader {
    if (count === 0) {
      const header = readStoragePrefix(fs, files.offsets, SYMBOL_HEADER_BYTES);
      return new SymbolMapReader(new Float64Array(1), new Uint8Array(0), header.u8(8) !== 0);
    }
    const offsets = readStoragePrefix(fs, files.offsets, SYMBOL_HEADER_BYTES + 8 * (count + 1));
    const starts = new Float64Array(count + 1);
    for (let key = 0; key <= count; key++) {
      starts[key] = offsets.count(SYMBOL_HEADER_BYTES + 8 * key, "symbol offset");
      if (key > 0 && starts[key] < starts[key - 1] + 4) {
        throw new StorageError(files.offsets, "symbol offsets are not in order", { key });
      }
    }
    if (starts[0] !== 0) {
      throw new StorageError(files.offsets, "first symbol offset is not 0", { offset: starts[0] });
    }
    const chars = readStoragePrefix(fs, files.chars, starts[count]);
    for (let key = 0; key < count; key++) {
      if (chars.i32(starts[key]) * 2 + 4 !== starts[key + 1] - starts[key]) {
        throw new StorageError(files.chars, "symbol length does not match its offset", { key });
      }
    }
    return new SymbolMapReader(starts, chars.bytes, offsets.u8(8) !== 0);
  }

  text(key: number): string {
    assert(key >= 0 && key < this.count, `symbol key is committed: ${key} of ${this.count}`);
    let text = this.#texts[key];
    if (text === undefined) {
      text = utf16Text(this.#chars, this.#starts[key] + 4, this.#starts[key + 1]);
      this.#texts[key] = text;
    }
    return text;
  }

  find(text: string): number {
    if (this.#keys === null) {
      this.#keys = new Map();
      for (let key = 0; key < this.count; key++) this.#keys.set(this.text(key), key);
    }
    return this.#keys.get(text) ?? -1;
  }

  /** The texts, to be added to by a writer. */
  hashed(): SymbolTexts {
    return new SymbolTexts({ chars: this.#chars, starts: this.#starts, count: this.count });
  }
}

/** Adds symbols to a column's table. Nothing reaches the files before {@linkcode flush}. */
export class SymbolMapWriter implements SymbolTable {
  readonly #fs: FileSystem;
  readonly #files: SymbolFiles;
  readonly #capacity: number;
  readonly #texts: SymbolTexts;
  #flushedCount: number;
  #hasNull: boolean;
  #isNullFlushed: boolean;
  #index: SymbolIndex | null = null;

  /** Opens a symbol table at its committed count. @throws {StorageError} */
  constructor(fs: FileSystem, files: SymbolFiles, count: number) {
    const { capacity, hasNull } = readSymbolSettings(fs, files);
    checkCapacity(files.offsets, capacity, OPEN_SYMBOL_CAPACITY_MAX);
    this.#fs = fs;
    this.#files = files;
    this.#capacity = capacity;
    this.#hasNull = this.#isNullFlushed = hasNull;
    this.#texts = SymbolMapReader.open(fs, files, count).hashed();
    this.#flushedCount = count;
  }

  get count(): number {
    return this.#texts.count;
  }
  text(key: number): string {
    return this.#texts.text(key);
  }
  find(text: string): number {
    return this.#texts.find(text);
  }
  /** Returns the key of a text, adding it if it is new. */
  intern(text: string): number {
    return this.#texts.intern(text);
  }
  /** Like {@linkcode intern}, of `units` little-endian UTF-16 units at `at`. */
  internUnits(bytes: Uint8Array, at: number, units: number): number {
    return this.#texts.internUnits(bytes, at, units);
  }
  /** Notes that the column holds a NULL. */
  noteNull(): void {
    this.#hasNull = true;
  }
  /**
   * Writes the new symbols: `.c`, `.o`, then the index. With `sync`, durable on return.
   *
   * @returns Paths of the files that were written and are not durable yet.
   */
  flush(sync: boolean): string[] {
    const written = new Set<string>();
    if (this.count > this.#flushedCount) {
      this.#writeSymbols(sync);
      for (const path of Object.values(this.#files)) written.add(path);
    }
    if (this.#hasNull && !this.#isNullFlushed) {
      using offsets = this.#fs.open(this.#files.offsets, "readWrite");
      offsets.write(new Uint8Array([1]), 8);
      if (sync) offsets.syncData();
      this.#isNullFlushed = true;
      written.add(this.#files.offsets);
    }
    return sync ? [] : [...written];
  }

  #writeSymbols(sync: boolean): void {
    const texts = this.#texts, first = this.#flushedCount;
    const offsets = new DataView(new ArrayBuffer(8 * (this.count - first)));
    const index = this.#openIndex();
    for (let key = first; key < this.count; key++) {
      const end = texts.endOf(key);
      offsets.setUint32(8 * (key - first), end, true);
      offsets.setUint32(8 * (key - first) + 4, Math.floor(end / 0x1_0000_0000), true);
      index.add(texts.hashOf(key), key);
    }
    using charFile = this.#fs.open(this.#files.chars, "readWrite");
    charFile.write(texts.charsFrom(first), first === 0 ? 0 : texts.endOf(first - 1));
    if (sync) charFile.syncData();
    using offsetFile = this.#fs.open(this.#files.offsets, "readWrite");
    // Entry i + 1 is the end of symbol i; entry 0 is always 0.
    offsetFile.write(new Uint8Array(offsets.buffer), SYMBOL_HEADER_BYTES + 8 * (first + 1));
    if (sync) offsetFile.syncData();
    index.flush(this.#fs, this.#files, sync);
    this.#flushedCount = this.count;
  }

  /** The index, checked against the committed count; what a transaction without commit left in it is built anew. */
  #openIndex(): SymbolIndex {
    if (this.#index !== null) return this.#index;
    const symbols = { capacity: this.#capacity, count: this.#flushedCount };
    this.#index = SymbolIndex.read(this.#fs, this.#files, symbols) ??
      rewriteIndex(this.#fs, this.#files, {
        ...symbols,
        hashOf: (key) => this.#texts.hashOf(key),
      });
    return this.#index;
  }
}

/** Builds an index in new files, puts them in place of the old ones, and returns it. */
function rewriteIndex(
  fs: FileSystem,
  files: SymbolFiles,
  symbols: { capacity: number; count: number; hashOf: (key: number) => number },
): SymbolIndex {
  const index = SymbolIndex.empty(symbols.capacity);
  for (let key = 0; key < symbols.count; key++) index.add(symbols.hashOf(key), key);
  const temporary = { keys: `${files.keys}.tmp`, values: `${files.values}.tmp` };
  for (const path of [temporary.keys, temporary.values]) {
    if (fs.stat(path) !== null) fs.remove(path);
  }
  index.flush(fs, temporary, true);
  fs.rename(temporary.values, files.values);
  fs.rename(temporary.keys, files.keys);
  fs.syncDir(parentPath(files.keys));
  return index;
}

/**
 * Rebuilds `.o`, `.k` and `.v` from the first `count` symbols of `.c`, e.g. after a restore that brought only `.c`.
 *
 * @throws {StorageError} if `.c` does not hold that many symbols.
 */
export function rebuildSymbolFiles(
  fs: FileSystem,
  files: SymbolFiles,
  options: SymbolSettings & { readonly count: number },
): void {
  const chars = readStorageFile(fs, files.chars, CHARS_BYTES_MAX);
  const offsets = new ByteWriter(SYMBOL_HEADER_BYTES + 8 * (options.count + 1));
  offsets.i32(0, options.capacity);
  offsets.u8(4, options.isCached ? 1 : 0);
  offsets.u8(8, options.hasNull ? 1 : 0);
  const hashes = new Int32Array(options.count);
  let at = 0;
  for (let key = 0; key < options.count; key++) {
    const { text, end } = chars.str(at);
    if (text === null) throw new StorageError(files.chars, "symbol without a text", { key });
    hashes[key] = symbolHash(text);
    at = end;
    offsets.i64(SYMBOL_HEADER_BYTES + 8 * (key + 1), at);
  }
  // The header is the only copy of the settings: a rebuild that is cut off must leave it.
  writeFileAtomic(fs, files.offsets, offsets.bytes);
  const { capacity, count } = options;
  rewriteIndex(fs, files, { capacity, count, hashOf: (key) => hashes[key] });
}

/** Decodes UTF-16 units, lone surrogates included, between two even positions. */
function utf16Text(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): string {
  let text = "";
  for (let at = from; at < to; at += 2 * TEXT_UNITS_PER_CALL) {
    const units = Math.min(TEXT_UNITS_PER_CALL, (to - at) / 2);
    text += String.fromCharCode(...new Uint16Array(bytes.buffer, bytes.byteOffset + at, units));
  }
  return text;
}

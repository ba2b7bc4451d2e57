/**
 * The bitmap index of a SYMBOL column in a partition: for every key the rows that hold it, in chains of blocks.
 *
 * ```
 * .k  @0 u8 0xFA  @1 i64 sequence  @9 i64 bytes used in .v  @17 i32 rows per block B  @21 i32 keys  @29 i64 sequence again
 *     @37 i64 last row   @64 + 32·key: i64 rows, i64 first block, i64 last block, i64 rows again
 * .v  blocks of B × i64 row, i64 previous block, i64 next block
 * ```
 * Key 0 stands for NULL, key k + 1 for symbol k. Rows count from the start of the partition; those above the column top are not in it.
 * The sequence goes up by one with every block and every growth of the key count, from 1 on.
 *
 * Invariants:
 * 1. Rows are added in ascending order, so every chain is ascending.
 * 2. Everything in an index can be found again in the column, so an index that is not whole is built anew.
 * 3. Blocks are written before the keys that point at them.
 *
 * Details: docs/internals/partition_index.md.
 *
 * @module
 */
import { assert, StorageError } from "../common/mod.ts";
import type { FileHandle, FileSystem } from "../platform/mod.ts";
import { openStorageFile } from "./storage_file.ts";
import { PageCache } from "./page_cache.ts";
import { requireBytes } from "./variable_files.ts";

const SIGNATURE = 0xfa;
/** Bytes before the first entry of `.k`. */
export const INDEX_HEADER_BYTES = 64;
/** Bytes of an entry of `.k`. */
export const INDEX_ENTRY_BYTES = 32;
const COUNT = 0, FIRST = 8, LAST = 16, CHECK = 24;
/** Bytes behind the rows of a block: the blocks before and after it. */
const LINK_BYTES = 16;
const KEYS_MAX = 2 ** 31 - 1;
/** Changed pages that are kept at most. */
const CACHE_BYTES_MAX = 64 << 20;
/** Rows that are read from a column at a time. */
const CHUNK_ROWS = 1 << 20;
/** Blocks that are changed in the order of the rows; more of them are changed in the order of the keys, so that each is visited once. */
const SCATTERED_BYTES_MAX = 48 << 20;
const SCAN_ENTRIES = 1 << 12;
/** QuestDB makes new key files of one page. */
const NEW_KEY_FILE_BYTES = 4096;

/** Where an index is. */
export interface PartitionIndexFiles {
  /** `.k` */
  readonly keys: string;
  /** `.v` */
  readonly values: string;
  /** Rows per block of a new index, a power of two, at least 2. */
  readonly blockCapacity: number;
}

/** Names the index files of a column in a partition directory; `nameTxn` −1 means no suffix. */
export function partitionIndexFiles(
  directory: string,
  column: { readonly name: string; readonly indexBlockCapacity: number },
  nameTxn: number,
): PartitionIndexFiles {
  const path = (extension: string) =>
    `${directory}/${column.name}.${extension}${nameTxn >= 0 ? `.${nameTxn}` : ""}`;
  return { keys: path("k"), values: path("v"), blockCapacity: column.indexBlockCapacity };
}

/** The rows of a column: `columnTop` … `rowCount` − 1 of the partition are in the file at `dataPath`. */
export interface IndexedColumn {
  readonly dataPath: string;
  readonly columnTop: number;
  readonly rowCount: number;
  /** Keys of its symbol table: a stored key that is not below it is damage. Left out where the keys are known to be good. */
  readonly symbolCount?: number | undefined;
}

/** What the header of `.k` says. */
export interface IndexHeader {
  readonly sequence: number;
  readonly valueBytes: number;
  readonly blockCapacity: number;
  readonly keyCount: number;
}

/** Reads the header of `.k`; `null` if it makes no sense or is being changed. */
export function readIndexHeader(keys: FileHandle): IndexHeader | null {
  const bytes = new Uint8Array(INDEX_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  if (keys.read(bytes, 0) !== INDEX_HEADER_BYTES || bytes[0] !== SIGNATURE) return null;
  const sequence = Number(view.getBigInt64(1, true));
  const valueBytes = Number(view.getBigInt64(9, true));
  const blockCapacity = view.getInt32(17, true);
  const keyCount = view.getInt32(21, true);
  const isSensible = view.getBigInt64(29, true) === view.getBigInt64(1, true) && valueBytes >= 0 &&
    Number.isSafeInteger(valueBytes) && blockCapacity >= 2 &&
    (blockCapacity & (blockCapacity - 1)) === 0 && keyCount >= 0 &&
    valueBytes % (8 * blockCapacity + LINK_BYTES) === 0;
  return isSensible ? { sequence, valueBytes, blockCapacity, keyCount } : null;
}

/** Adds rows to an index. Nothing is whole in the files before {@linkcode flush}. */
export class PartitionIndexWriter implements Disposable {
  readonly #keyFile: FileHandle;
  readonly #valueFile: FileHandle;
  readonly #keys: PageCache;
  readonly #values: PageCache;
  readonly #blockCapacity: number;
  #sequence: number;
  #valueBytes: number;
  #keyCount: number;
  #lastRow: number;

  private constructor(
    files: { keyFile: FileHandle; valueFile: FileHandle },
    header: IndexHeader,
    lastRow: number,
  ) {
    this.#keyFile = files.keyFile;
    this.#valueFile = files.valueFile;
    this.#keys = new PageCache(files.keyFile);
    this.#values = new PageCache(files.valueFile);
    this.#blockCapacity = header.blockCapacity;
    this.#sequence = header.sequence;
    this.#valueBytes = header.valueBytes;
    this.#keyCount = header.keyCount;
    this.#lastRow = lastRow;
  }

  /** Starts an index without rows; files that are there are emptied. */
  static create(fs: FileSystem, files: PartitionIndexFiles): PartitionIndexWriter {
    const { blockCapacity } = files;
    assert(
      blockCapacity >= 2 && (blockCapacity & (blockCapacity - 1)) === 0,
      `rows per block are a power of two: ${blockCapacity}`,
    );
    const valueFile = fs.open(files.values, "create");
    const keyFile = fs.open(files.keys, "create");
    keyFile.truncate(0);
    keyFile.truncate(NEW_KEY_FILE_BYTES);
    valueFile.truncate(0);
    const header = { sequence: 1, valueBytes: 0, blockCapacity, keyCount: 0 };
    return new PartitionIndexWriter({ keyFile, valueFile }, header, -1);
  }

  /**
   * Opens the index of a column's committed rows. `null` if the files are missing or do not hold exactly those rows, for example
   * others that a transaction without commit left: then the index is to be built anew.
   */
  static open(
    fs: FileSystem,
    files: PartitionIndexFiles,
    committed: { columnTop: number; rowCount: number },
  ): PartitionIndexWriter | null {
    if (fs.stat(files.keys) === null || fs.stat(files.values) === null) return null;
    const keyFile = fs.open(files.keys, "readWrite");
    const valueFile = fs.open(files.values, "readWrite");
    const header = readIndexHeader(keyFile);
    const storedRows = committed.rowCount - committed.columnTop;
    const total = header === null ? -1 : countRows(keyFile, header);
    if (header !== null && total === storedRows && header.valueBytes <= valueFile.size()) {
      return new PartitionIndexWriter({ keyFile, valueFile }, header, committed.rowCount - 1);
    }
    keyFile.close();
    valueFile.close();
    return null;
  }

  /** Adds rows `row`, `row` + 1, … that hold these symbol keys; negative for NULL. */
  append(symbolKeys: Int32Array, row: number): void {
    assert(row > this.#lastRow, "rows are added in order");
    const isOrdered = this.#valueBytes > SCATTERED_BYTES_MAX;
    const order = isOrdered ? orderByKey(symbolKeys) : null;
    for (let i = 0; i < symbolKeys.length; i++) {
      const at = order === null ? i : order[i] % symbolKeys.length;
      this.#add(Math.max(symbolKeys[at] + 1, 0), row + at);
      this.#lastRow = Math.max(this.#lastRow, row + at);
      if ((i & 0xfff) !== 0 || !this.#flushIfLarge()) continue;
      if (!isOrdered) return this.append(symbolKeys.subarray(i + 1), row + i + 1);
    }
  }

  #flushIfLarge(): boolean {
    if (this.#keys.byteSize + this.#values.byteSize <= CACHE_BYTES_MAX) return false;
    this.#values.flush();
    this.#keys.flush();
    return true;
  }

  /** Writes what is not in the files yet: blocks, keys, the header in them. */
  flush(): void {
    this.#values.flush();
    const header = new DataView(new ArrayBuffer(INDEX_HEADER_BYTES));
    header.setUint8(0, SIGNATURE);
    header.setBigInt64(1, BigInt(this.#sequence), true);
    header.setBigInt64(9, BigInt(this.#valueBytes), true);
    header.setInt32(17, this.#blockCapacity, true);
    header.setInt32(21, this.#keyCount, true);
    header.setBigInt64(29, BigInt(this.#sequence), true);
    header.setBigInt64(37, BigInt(this.#lastRow), true);
    this.#keys.setBytes(0, new Uint8Array(header.buffer));
    this.#keys.flush();
  }
  close(): void {
    this.#keyFile.close();
    this.#valueFile.close();
  }
  [Symbol.dispose](): void {
    this.close();
  }

  #add(key: number, row: number): void {
    const keys = this.#keys, values = this.#values, capacity = this.#blockCapacity;
    const entry = INDEX_HEADER_BYTES + INDEX_ENTRY_BYTES * key;
    if (key >= this.#keyCount) {
      this.#keyCount = key + 1;
      this.#sequence++;
    }
    const count = keys.i64(entry + COUNT);
    const place = count & (capacity - 1);
    let block = keys.i64(entry + LAST);
    if (place === 0) {
      const previous = block;
      block = this.#valueBytes;
      this.#valueBytes += capacity * 8 + LINK_BYTES;
      this.#sequence++;
      // What lies behind the used bytes may be of a transaction without commit.
      values.setI64(block + capacity * 8, count === 0 ? 0 : previous);
      values.setI64(block + capacity * 8 + 8, 0);
      if (count === 0) keys.setI64(entry + FIRST, block);
      else values.setI64(previous + capacity * 8 + 8, block);
      keys.setI64(entry + LAST, block);
    }
    values.setI64(block + 8 * place, row);
    keys.setI64(entry + COUNT, count + 1);
    keys.setI64(entry + CHECK, count + 1);
  }
}

/** Positions by key, then by position, each plus a multiple of their number. */
function orderByKey(symbolKeys: Int32Array): Float64Array {
  const order = new Float64Array(symbolKeys.length);
  for (let i = 0; i < order.length; i++) {
    order[i] = Math.max(symbolKeys[i] + 1, 0) * order.length + i;
  }
  return order.sort();
}

/** Rows of all keys; −1 if an entry makes no sense or the file is too short. */
function countRows(keys: FileHandle, header: IndexHeader): number {
  assert(header.keyCount <= KEYS_MAX, "the key count is an int32");
  const words = new Float64Array(SCAN_ENTRIES * (INDEX_ENTRY_BYTES / 8));
  const bytes = new Uint8Array(words.buffer);
  const view = new BigInt64Array(words.buffer);
  const halves = new Int32Array(words.buffer);
  let total = 0;
  for (let key = 0; key < header.keyCount; key += SCAN_ENTRIES) {
    const entries = Math.min(SCAN_ENTRIES, header.keyCount - key);
    const chunk = bytes.subarray(0, entries * INDEX_ENTRY_BYTES);
    if (keys.read(chunk, INDEX_HEADER_BYTES + INDEX_ENTRY_BYTES * key) !== chunk.length) return -1;
    for (let i = 0; i < entries; i++) {
      const at = i * 8;
      if (halves[at] !== halves[at + 6] || halves[at + 1] !== halves[at + 7]) return -1;
      if (halves[at + 1] < 0) return -1;
      if (halves[at] === 0 && halves[at + 1] === 0) continue;
      total += halves[at + 1] * 0x1_0000_0000 + (halves[at] >>> 0);
      const last = Number(view[i * 4 + 2]);
      if (last < 0 || last >= header.valueBytes) return -1;
    }
  }
  return total;
}

/**
 * Builds the index of a column into new files, or in the place of old ones.
 *
 * @throws {StorageError} if the column is too short, or, where `symbolCount` is given, holds a key that is not below it.
 */
export function buildPartitionIndex(
  fs: FileSystem,
  files: PartitionIndexFiles,
  column: IndexedColumn,
): void {
  using writer = PartitionIndexWriter.create(fs, files);
  const { dataPath, columnTop, rowCount, symbolCount } = column;
  appendColumn(fs, writer, { dataPath, columnTop, rowCount, symbolCount, rowLo: columnTop });
  writer.flush();
}

/**
 * Adds the rows of a column from `committedRows` (of the partition) on to its index, which holds those before; builds it anew if it does not. A rebuilt index
 * takes the place of the old one under the same name, so that who has it open keeps what it was.
 */
export function extendPartitionIndex(
  fs: FileSystem,
  files: PartitionIndexFiles,
  column: IndexedColumn & { readonly committedRows: number },
): void {
  const { dataPath, columnTop, rowCount, committedRows } = column;
  const committed = { columnTop, rowCount: Math.max(committedRows, columnTop) };
  using writer = PartitionIndexWriter.open(fs, files, committed);
  if (writer !== null) {
    appendColumn(fs, writer, { dataPath, columnTop, rowCount, rowLo: committed.rowCount });
    writer.flush();
    return;
  }
  const fresh = { ...files, keys: `${files.keys}.tmp`, values: `${files.values}.tmp` };
  buildPartitionIndex(fs, fresh, column);
  for (const path of [fresh.values, fresh.keys]) {
    using file = fs.open(path, "readWrite");
    file.syncData();
  }
  fs.rename(fresh.values, files.values);
  fs.rename(fresh.keys, files.keys);
}

function appendColumn(
  fs: FileSystem,
  writer: PartitionIndexWriter,
  column: IndexedColumn & { readonly rowLo: number },
): void {
  const { columnTop, rowCount, rowLo } = column;
  if (rowLo >= rowCount) return;
  using data = openStorageFile(fs, column.dataPath);
  requireBytes(data, { position: 0, bytes: 4 * (rowCount - columnTop) });
  const keys = new Int32Array(Math.min(CHUNK_ROWS, rowCount - rowLo));
  for (let row = rowLo; row < rowCount; row += keys.length) {
    const chunk = keys.subarray(0, rowCount - row);
    const bytes = new Uint8Array(chunk.buffer, 0, chunk.byteLength);
    data.read(bytes, 4 * (row - columnTop));
    checkKeys(column, chunk, row);
    writer.append(chunk, row);
  }
}

function checkKeys(column: IndexedColumn, keys: Int32Array, row: number): void {
  const { dataPath, symbolCount } = column;
  if (symbolCount === undefined) return;
  for (let i = 0; i < keys.length; i++) {
    if (keys[i] < symbolCount) continue;
    throw new StorageError(dataPath, "symbol key is out of range", {
      row: row + i,
      key: keys[i],
      count: symbolCount,
    });
  }
}

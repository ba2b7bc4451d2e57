/**
 * `_cv`: which file version of a column a partition uses, and from which row on it has values.
 *
 * ```
 * @0 i64 version (even: A, odd: B)   @8 A.offset  @16 A.size   @24 B.offset  @32 B.size
 * area: entries of 4 × i64: partition timestamp, column writer index, column name txn, column top
 * ```
 * Two timestamps are special: INT64_MIN holds a column's default name txn and the partition it was added in;
 * INT64_MIN + 1 the name txn of its symbol files. Details: docs/internals/column_versions.md.
 *
 * @module
 */
import { assert, StorageError } from "../common/mod.ts";
import type { FileSystem } from "../platform/mod.ts";
import { type ByteReader, ByteWriter } from "./binary.ts";
import { readStorageFile, readVersionedFile } from "./storage_file.ts";

const HEADER_BYTES = 40;
const ENTRY_BYTES = 32;
const CV_BYTES_MAX = 256 << 20;
/** Timestamp of the entries that hold a column's default name txn and the partition it was added in. */
export const DEFAULT_TIMESTAMP = -0x8000000000000000n;
/** Timestamp of the entries that hold the name txn of a column's symbol files. */
export const SYMBOL_TIMESTAMP = DEFAULT_TIMESTAMP + 1n;

/** One entry of `_cv`. */
export interface ColumnVersionEntry {
  readonly timestamp: bigint;
  readonly columnIndex: number;
  readonly nameTxn: number;
  /** Column top, or for a default entry the timestamp of the partition the column was added in. */
  readonly top: bigint;
}

/** Looks up the file versions and tops of columns. Immutable. */
export class ColumnVersions {
  readonly version: number;
  /** Version that the file had published when this one was read from it. */
  readonly publishedVersion: number;
  readonly entries: readonly ColumnVersionEntry[];
  readonly #byKey = new Map<string, ColumnVersionEntry>();

  constructor(
    version: number,
    entries: readonly ColumnVersionEntry[],
    publishedVersion = version,
  ) {
    this.version = version;
    this.publishedVersion = publishedVersion;
    this.entries = entries;
    for (const entry of entries) this.#byKey.set(`${entry.timestamp}:${entry.columnIndex}`, entry);
  }

  /** Suffix of a column's files in a partition, −1 if none. */
  nameTxn(partitionTimestamp: bigint, columnIndex: number): number {
    const own = this.#byKey.get(`${partitionTimestamp}:${columnIndex}`);
    if (own !== undefined && own.nameTxn !== -1) return own.nameTxn;
    return this.#byKey.get(`${DEFAULT_TIMESTAMP}:${columnIndex}`)?.nameTxn ?? -1;
  }

  /** Suffix of a column's symbol files, −1 if none. */
  symbolNameTxn(columnIndex: number): number {
    return (this.#byKey.get(`${SYMBOL_TIMESTAMP}:${columnIndex}`) ??
      this.#byKey.get(`${DEFAULT_TIMESTAMP}:${columnIndex}`))?.nameTxn ?? -1;
  }

  /** First row of a partition that has a stored value; `rowCount` or more if the column has no file there. */
  columnTop(partition: { timestamp: bigint; rowCount: number }, columnIndex: number): number {
    const own = this.#byKey.get(`${partition.timestamp}:${columnIndex}`);
    if (own !== undefined) return Number(own.top);
    const fallback = this.#byKey.get(`${DEFAULT_TIMESTAMP}:${columnIndex}`);
    return fallback === undefined || fallback.top <= partition.timestamp ? 0 : partition.rowCount;
  }
}

/** Encodes the `_cv` of a table that was just created: version 0, no entries. */
export function encodeNewColumnVersions(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(HEADER_BYTES);
}

/** Encodes a `_cv` with a single area. */
export function encodeColumnVersions(versions: ColumnVersions): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(HEADER_BYTES + ENTRY_BYTES * versions.entries.length);
  const slot = versions.version % 2 === 0 ? 8 : 24;
  writer.i64(0, versions.version);
  writer.i64(slot, HEADER_BYTES);
  writer.i64(slot + 8, ENTRY_BYTES * versions.entries.length);
  for (const [index, entry] of versions.entries.entries()) {
    const at = HEADER_BYTES + ENTRY_BYTES * index;
    writer.i64(at, entry.timestamp);
    writer.i64(at + 8, entry.columnIndex);
    writer.i64(at + 16, entry.nameTxn);
    writer.i64(at + 24, entry.top);
  }
  return writer.bytes;
}

/**
 * Reads the version of a table's `_cv` that its `_txn` names.
 *
 * @throws {StorageError} if neither slot holds that version.
 */
export function readColumnVersions(
  fs: FileSystem,
  tableDir: string,
  version: number,
): ColumnVersions {
  return decodeColumnVersions(readVersionedFile(fs, `${tableDir}/_cv`, CV_BYTES_MAX), version);
}

/** Decodes the wanted version of a `_cv` image. @throws {StorageError} */
export function decodeColumnVersions(reader: ByteReader, version: number): ColumnVersions {
  const fail = (message: string, context = {}) => new StorageError(reader.file, message, context);
  const published = reader.count(0, "version");
  // A writer that died between `_cv` and `_txn` left the next version published; the slot before it is intact.
  if (published !== version && published !== version + 1) {
    throw fail("version does not match _txn", { published, version });
  }
  const slot = version % 2 === 0 ? 8 : 24;
  const offset = reader.count(slot, "area offset"), size = reader.count(slot + 8, "area size");
  if (size % ENTRY_BYTES !== 0) throw fail("invalid area size", { size });
  if (size > 0 && offset < HEADER_BYTES) throw fail("invalid area offset", { offset });
  reader.require(offset, size);
  const entries: ColumnVersionEntry[] = [];
  for (let at = offset; at < offset + size; at += ENTRY_BYTES) {
    entries.push({
      timestamp: reader.i64(at),
      columnIndex: reader.count(at + 8, "column index"),
      nameTxn: reader.count(at + 16, "column name txn", -1),
      top: reader.i64(at + 24),
    });
  }
  return new ColumnVersions(version, entries, published);
}

/**
 * The `_cv` file open for commits. It is committed before the `_txn` that names its version, so a crash in between leaves it one
 * version ahead; opening the writer takes that version back.
 */
export class ColumnVersionsWriter {
  readonly #fs: FileSystem;
  readonly #path: string;

  constructor(fs: FileSystem, tableDir: string, committedVersion: number) {
    this.#fs = fs;
    this.#path = `${tableDir}/_cv`;
    const reader = readStorageFile(fs, this.#path, CV_BYTES_MAX);
    if (reader.count(0, "version") === committedVersion + 1) {
      this.#writeVersion(committedVersion, true);
    }
  }

  /** Publishes entries under the next version. With `sync`, durable on return. */
  commit(next: ColumnVersions, sync: boolean): void {
    const reader = readStorageFile(this.#fs, this.#path, CV_BYTES_MAX);
    const current = reader.count(0, "version");
    assert(
      next.version === current + 1,
      `_cv version follows the current one: ${next.version}, ${current}`,
    );
    const currentSlot = current % 2 === 0 ? 8 : 24;
    const currentOffset = reader.count(currentSlot, "area offset"),
      currentSize = reader.count(currentSlot + 8, "area size");
    const size = ENTRY_BYTES * next.entries.length;
    const fitsBefore = currentSize === 0 || HEADER_BYTES + size <= currentOffset;
    const offset = fitsBefore ? HEADER_BYTES : currentOffset + currentSize;
    using file = this.#fs.open(this.#path, "readWrite");
    file.write(encodeColumnVersions(next).subarray(HEADER_BYTES), offset);
    const slot = new ByteWriter(16);
    slot.i64(0, offset);
    slot.i64(8, size);
    file.write(slot.bytes, next.version % 2 === 0 ? 8 : 24);
    if (sync) file.syncData();
    this.#writeVersion(next.version, sync);
  }

  #writeVersion(version: number, sync: boolean): void {
    const writer = new ByteWriter(8);
    writer.i64(0, version);
    using file = this.#fs.open(this.#path, "readWrite");
    file.write(writer.bytes, 0);
    if (sync) file.syncData();
  }
}

/** Replaces or adds entries, keeping the order by timestamp and column that the format asks for. */
export function withEntries(
  versions: ColumnVersions,
  changes: readonly ColumnVersionEntry[],
): ColumnVersions {
  const byKey = new Map(
    versions.entries.map((entry) => [`${entry.timestamp}:${entry.columnIndex}`, entry]),
  );
  for (const entry of changes) byKey.set(`${entry.timestamp}:${entry.columnIndex}`, entry);
  const entries = [...byKey.values()].sort((a, b) =>
    a.timestamp < b.timestamp ? -1 : a.timestamp > b.timestamp ? 1 : a.columnIndex - b.columnIndex
  );
  return new ColumnVersions(versions.version + 1, entries);
}

/** What is left of the entries when a partitioned table loses all partitions. */
export function withoutPartitions(versions: ColumnVersions): ColumnVersions {
  const entries = versions.entries.filter((entry) => entry.timestamp <= SYMBOL_TIMESTAMP)
    .map((entry) => ({ ...entry, top: SYMBOL_TIMESTAMP }));
  return new ColumnVersions(versions.version + 1, entries);
}

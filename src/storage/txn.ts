/**
 * `_txn`: what is committed. Two slots; the parity of the version at offset 0 tells which one holds; storing that one int64
 * publishes a transaction.
 *
 * ```
 * @0 i64 version (even: slot A, odd: slot B)
 * @8 A: i32 record offset, i32 symbol section bytes, i32 partition section bytes     @32 B: the same
 * record: @0 txn  @8 transientRows  @16 fixedRows  @24 minTs  @32 maxTs  @40 structureVersion  @48 dataVersion
 *         @56 partitionTableVersion  @64 columnVersion  @72 truncateVersion  @80 seqTxn  @88 lag fields … @128 i32 symbols
 *         @132 symbols × (i32 committed, i32 transient), i32 partition bytes, partitions × 4 × i64
 * ```
 * The writer fills a free area and the other slot, then stores version + 1. A reader of a torn file sees
 * `record.txn ≠ version` or offsets outside the file and refuses it. Details: docs/internals/txn.md.
 *
 * @module
 */
import { assert, PartitionBy, StorageError } from "../common/mod.ts";
import type { FileHandle, FileSystem } from "../platform/mod.ts";
import { type ByteReader, ByteWriter } from "./binary.ts";
import { readStoragePrefix, readVersionedFile } from "./storage_file.ts";

const HEADER_BYTES = 64;
const RECORD_FIXED_BYTES = 132;
const PARTITION_BYTES = 32;
const TXN_BYTES_MAX = 256 << 20;
const ROWS_MASK = 0x80000fffffffffffn;
const FLAGS_MASK = 0x7ffff00000000000n;
const SQUASH_SHIFT = 44n;
const FLAG_PARQUET = 1n << 61n;
const FLAG_READ_ONLY = 1n << 62n;

/** Flags of a directory whose content was put together from split parts once. */
export const SQUASHED_ONCE = 1n << SQUASH_SHIFT;

/** `minTimestamp` of a table without rows. */
export const NO_MIN_TIMESTAMP = 0x7fffffffffffffffn;
/** `maxTimestamp` of a table without rows. */
export const NO_MAX_TIMESTAMP = -0x8000000000000000n;

/** One partition as committed. */
export interface PartitionRecord {
  /** Start of the partition, or the split point of a split one. */
  readonly timestamp: bigint;
  readonly rowCount: number;
  /** Directory suffix, −1 if none. */
  readonly nameTxn: number;
  /** High bits of the size field: squash counter, parquet and read-only flags. */
  readonly flags: bigint;
  /** Bytes of `data.parquet`, −1 for a native partition. */
  readonly parquetFileSize: number;
}

/** Everything a transaction publishes. */
export interface TxnRecord {
  readonly txn: number;
  /** Rows of the last partition. */
  readonly transientRowCount: number;
  /** Rows of all earlier partitions. */
  readonly fixedRowCount: number;
  /** {@linkcode NO_MIN_TIMESTAMP} when there are no rows. */
  readonly minTimestamp: bigint;
  /** {@linkcode NO_MAX_TIMESTAMP} when there are no rows. */
  readonly maxTimestamp: bigint;
  /** Low 32 bits: metadata version; high 32 bits: column structure version, coded. */
  readonly structureVersion: bigint;
  readonly dataVersion: number;
  readonly partitionTableVersion: number;
  readonly columnVersion: number;
  readonly truncateVersion: number;
  /** Last sequencer transaction that is applied in full. */
  readonly seqTxn: number;
  /** Rows appended behind the committed ones that a reader must not see. */
  readonly lagRowCount: number;
  /** Transactions in the lag, never negative. */
  readonly lagTxnCount: number;
  /** Committed symbols per live SYMBOL column, by writer index order. */
  readonly symbolCounts: readonly number[];
  /** Ascending by timestamp; the last one's row count is `transientRowCount`. */
  readonly partitions: readonly PartitionRecord[];
}

/** Rows that a reader sees. */
export function committedRowCount(record: TxnRecord): number {
  return record.fixedRowCount + record.transientRowCount;
}

/** How often the content of a partition's directory was rewritten in place by squashing. */
export function squashCount(partition: PartitionRecord): number {
  return Number((partition.flags >> SQUASH_SHIFT) & 0xffffn);
}

/** Tells whether a partition's rows are in `data.parquet`. */
export function isParquet(partition: PartitionRecord): boolean {
  return (partition.flags & FLAG_PARQUET) !== 0n;
}

/** Tells whether a partition must not be written. */
export function isReadOnly(partition: PartitionRecord): boolean {
  return (partition.flags & FLAG_READ_ONLY) !== 0n;
}

/** The record of a table that was just created. */
export function emptyTxnRecord(symbolColumnCount: number): TxnRecord {
  return {
    txn: 0,
    transientRowCount: 0,
    fixedRowCount: 0,
    minTimestamp: NO_MIN_TIMESTAMP,
    maxTimestamp: NO_MAX_TIMESTAMP,
    structureVersion: 0n,
    dataVersion: 0,
    partitionTableVersion: 0,
    columnVersion: 0,
    truncateVersion: 0,
    seqTxn: 0,
    lagRowCount: 0,
    lagTxnCount: 0,
    symbolCounts: new Array(symbolColumnCount).fill(0),
    partitions: [],
  };
}

/** Reads and checks a table's `_txn`. @throws {StorageError} naming the file and what is wrong. */
export function readTxn(fs: FileSystem, tableDir: string, partitionBy: number): TxnRecord {
  return decodeTxn(readVersionedFile(fs, `${tableDir}/_txn`, TXN_BYTES_MAX), partitionBy);
}

/** Reads the version alone: it changes with every commit. @throws {StorageError} */
export function readTxnVersion(fs: FileSystem, tableDir: string): number {
  return readStoragePrefix(fs, `${tableDir}/_txn`, 8).count(0, "version");
}

/** Decodes the current record of a `_txn` image. @throws {StorageError} */
export function decodeTxn(reader: ByteReader, partitionBy: number): TxnRecord {
  return decodeRecord(reader, currentSlot(reader), partitionBy);
}

interface Slot {
  readonly version: number;
  readonly offset: number;
  readonly symbolBytes: number;
  readonly partitionBytes: number;
}

function currentSlot(reader: ByteReader): Slot {
  const version = reader.count(0, "version");
  const at = version % 2 === 0 ? 8 : 32;
  const slot = {
    version,
    offset: reader.i32(at),
    symbolBytes: reader.i32(at + 4),
    partitionBytes: reader.i32(at + 8),
  };
  if (
    slot.offset < HEADER_BYTES || slot.symbolBytes < 0 || slot.symbolBytes % 8 !== 0 ||
    slot.partitionBytes < 0 ||
    slot.partitionBytes % PARTITION_BYTES !== 0
  ) throw new StorageError(reader.file, "invalid slot", { ...slot });
  return slot;
}

function recordBytes(symbolBytes: number, partitionBytes: number): number {
  return RECORD_FIXED_BYTES + symbolBytes + 4 + partitionBytes;
}

function decodeRecord(reader: ByteReader, slot: Slot, partitionBy: number): TxnRecord {
  const at = slot.offset;
  const fail = (message: string, context = {}) => new StorageError(reader.file, message, context);
  reader.require(at, recordBytes(slot.symbolBytes, slot.partitionBytes));
  const txn = reader.count(at, "txn");
  if (txn !== slot.version) throw fail("torn transaction record", { version: slot.version, txn });
  const symbolCount = reader.i32(at + 128);
  if (symbolCount * 8 !== slot.symbolBytes) {
    throw fail("symbol section does not match its count", { symbolCount });
  }
  const symbolCounts = [];
  for (let i = 0; i < symbolCount; i++) {
    const count = reader.i32(at + RECORD_FIXED_BYTES + 8 * i);
    if (count < 0) throw fail("invalid symbol count", { symbol: i, count });
    symbolCounts.push(count);
  }
  const transientRowCount = reader.count(at + 8, "transient row count");
  const partitionsAt = at + RECORD_FIXED_BYTES + slot.symbolBytes;
  if (reader.i32(partitionsAt) !== slot.partitionBytes) {
    throw fail("partition section does not match its size");
  }
  const record: TxnRecord = {
    txn,
    transientRowCount,
    fixedRowCount: reader.count(at + 16, "fixed row count"),
    minTimestamp: reader.i64(at + 24),
    maxTimestamp: reader.i64(at + 32),
    structureVersion: reader.i64(at + 40),
    dataVersion: reader.count(at + 48, "data version"),
    partitionTableVersion: reader.count(at + 56, "partition table version"),
    columnVersion: reader.count(at + 64, "column version"),
    truncateVersion: reader.count(at + 72, "truncate version"),
    seqTxn: reader.count(at + 80, "seqTxn"),
    lagTxnCount: Math.abs(reader.i32(at + 92)),
    lagRowCount: reader.i32(at + 96),
    symbolCounts,
    partitions: decodePartitions(reader, {
      at: partitionsAt + 4,
      bytes: slot.partitionBytes,
      transientRowCount,
      partitionBy,
    }),
  };
  checkRecord(record, reader.file, partitionBy);
  return record;
}

function decodePartitions(
  reader: ByteReader,
  section: { at: number; bytes: number; transientRowCount: number; partitionBy: number },
): PartitionRecord[] {
  if (section.partitionBy === PartitionBy.NONE) {
    return section.transientRowCount === 0 ? [] : [{
      timestamp: 0n,
      rowCount: section.transientRowCount,
      nameTxn: -1,
      flags: 0n,
      parquetFileSize: -1,
    }];
  }
  const count = section.bytes / PARTITION_BYTES;
  const partitions: PartitionRecord[] = [];
  for (let i = 0; i < count; i++) {
    const at = section.at + PARTITION_BYTES * i;
    const size = reader.i64(at + 8);
    const isLast = i === count - 1;
    partitions.push({
      timestamp: reader.i64(at),
      rowCount: isLast ? section.transientRowCount : Number(BigInt.asUintN(64, size) & ROWS_MASK),
      nameTxn: reader.count(at + 16, "partition name txn", -1),
      flags: size & FLAGS_MASK,
      parquetFileSize: reader.count(at + 24, "parquet file size", -1),
    });
  }
  return partitions;
}

function checkRecord(record: TxnRecord, file: string, partitionBy: number): void {
  const fail = (message: string, context = {}) => new StorageError(file, message, context);
  if (record.lagRowCount < 0) {
    throw fail("invalid lag row count", { lagRowCount: record.lagRowCount });
  }
  let rows = 0;
  for (const [i, partition] of record.partitions.entries()) {
    if (i > 0 && partition.timestamp <= record.partitions[i - 1].timestamp) {
      throw fail("partitions are not in order", { partition: i, timestamp: partition.timestamp });
    }
    if (!Number.isSafeInteger(partition.rowCount)) {
      throw fail("invalid partition row count", { partition: i });
    }
    rows += partition.rowCount;
  }
  if (partitionBy !== PartitionBy.NONE && rows !== committedRowCount(record)) {
    throw fail("partition row counts do not add up", {
      partitions: rows,
      total: committedRowCount(record),
    });
  }
}

/**
 * The `_txn` file open for commits. One writer at a time.
 *
 * Invariant: the bytes of the current record and its slot are never written; only the final store of the version changes
 * what a reader sees.
 */
export class TxnWriter implements Disposable {
  readonly #file: FileHandle;
  #version: number;
  #offset: number;
  #size: number;

  private constructor(file: FileHandle, slot: Slot) {
    this.#file = file;
    this.#version = slot.version;
    this.#offset = slot.offset;
    this.#size = recordBytes(slot.symbolBytes, slot.partitionBytes);
  }

  /** Opens a table's `_txn`. @throws {StorageError} */
  static open(fs: FileSystem, tableDir: string): TxnWriter {
    const path = `${tableDir}/_txn`;
    const slot = currentSlot(readVersionedFile(fs, path, TXN_BYTES_MAX));
    return new TxnWriter(fs.open(path, "readWrite"), slot);
  }

  /** Publishes a record whose txn is the current version and an odd number. With `sync`, durable on return. */
  commit(record: TxnRecord, sync: boolean): void {
    assert(
      record.txn > this.#version && (record.txn - this.#version) % 2 === 1,
      `the record goes to the other slot: ${record.txn}, ${this.#version}`,
    );
    const symbolBytes = 8 * record.symbolCounts.length;
    const image = encodeRecord(record);
    const offset = HEADER_BYTES + image.length <= this.#offset
      ? HEADER_BYTES
      : this.#offset + this.#size;
    this.#file.write(image, offset);
    const slot = new ByteWriter(12);
    slot.i32(0, offset);
    slot.i32(4, symbolBytes);
    slot.i32(8, image.length - recordBytes(symbolBytes, 0));
    this.#file.write(slot.bytes, record.txn % 2 === 0 ? 8 : 32);
    if (sync) this.#file.syncData(); // the record must not reach the disk after the version that points at it
    const version = new ByteWriter(8);
    version.i64(0, record.txn);
    this.#file.write(version.bytes, 0);
    if (sync) this.#file.syncData();
    this.#version = record.txn;
    this.#offset = offset;
    this.#size = image.length;
  }

  close(): void {
    this.#file.close();
  }
  [Symbol.dispose](): void {
    this.close();
  }
}

function encodeRecord(record: TxnRecord): Uint8Array<ArrayBuffer> {
  const symbolBytes = 8 * record.symbolCounts.length;
  const partitionBytes = PARTITION_BYTES * record.partitions.length;
  const writer = new ByteWriter(recordBytes(symbolBytes, partitionBytes));
  const fields: (bigint | number)[] = [
    record.txn,
    record.transientRowCount,
    record.fixedRowCount,
    record.minTimestamp,
    record.maxTimestamp,
    record.structureVersion,
    record.dataVersion,
    record.partitionTableVersion,
    record.columnVersion,
    record.truncateVersion,
    record.seqTxn,
  ];
  for (const [index, value] of fields.entries()) writer.i64(8 * index, value);
  assert(
    record.lagRowCount === 0 && record.lagTxnCount === 0,
    "this writer never leaves rows in the lag",
  );
  writer.i32(88, lagChecksum(record));
  writer.i64(100, NO_MIN_TIMESTAMP);
  writer.i64(108, NO_MAX_TIMESTAMP);
  writer.i32(128, record.symbolCounts.length);
  for (const [index, count] of record.symbolCounts.entries()) {
    writer.i32(RECORD_FIXED_BYTES + 8 * index, count);
    writer.i32(RECORD_FIXED_BYTES + 8 * index + 4, count);
  }
  let at = RECORD_FIXED_BYTES + symbolBytes;
  writer.i32(at, partitionBytes);
  at += 4;
  for (const partition of record.partitions) {
    writer.i64(at, partition.timestamp);
    writer.i64(at + 8, BigInt(partition.rowCount) | partition.flags);
    writer.i64(at + 16, partition.nameTxn);
    writer.i64(at + 24, partition.parquetFileSize);
    at += PARTITION_BYTES;
  }
  return writer.bytes;
}

function lagChecksum(record: TxnRecord): number {
  const wrap = (value: bigint) => BigInt.asIntN(64, value);
  let h = NO_MIN_TIMESTAMP;
  for (const term of [NO_MAX_TIMESTAMP, BigInt(record.txn), BigInt(record.seqTxn), 0n, 0n]) {
    h = wrap(31n * h + term);
  }
  return Number(BigInt.asIntN(32, h ^ (BigInt.asUintN(64, h) >> 32n)));
}

/** Encodes the `_txn` of a table that was just created. */
export function encodeNewTxn(symbolColumnCount: number): Uint8Array<ArrayBuffer> {
  return encodeTxn(emptyTxnRecord(symbolColumnCount));
}

/** Encodes a `_txn` with a single record, which has no lag. */
export function encodeTxn(record: TxnRecord): Uint8Array<ArrayBuffer> {
  const image = encodeRecord(record);
  const symbolBytes = 8 * record.symbolCounts.length;
  const writer = new ByteWriter(HEADER_BYTES + image.length);
  const slot = record.txn % 2 === 0 ? 8 : 32;
  writer.i64(0, record.txn);
  writer.i32(slot, HEADER_BYTES);
  writer.i32(slot + 4, symbolBytes);
  writer.i32(slot + 8, image.length - recordBytes(symbolBytes, 0));
  writer.bytes.set(image, HEADER_BYTES);
  return writer.bytes;
}

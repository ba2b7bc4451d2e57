/**
 * `_txnlog`: the order of a table's transactions over all its WALs. Storing maxTxn publishes a transaction.
 *
 * ```
 * @0 i32 format (0 = V1, 1 = V2)   @4 i64 maxTxn   @12 i64 create time µs   @20 i32 transactions per part (V2)   .. 76
 * V1 @76 + 28·(t−1):                             i64 structureVersion, i32 walId, i32 segmentId, i32 segmentTxn, i64 time µs
 * V2 _txn_parts/<(t−1)/P> @60·((t−1) mod P):     the same, then i64 minTs, i64 maxTs, i64 rows, i64 0
 * ```
 *
 * Invariants:
 * 1. Transactions count from 1 without gaps; a record is written in full before maxTxn covers it.
 * 2. Records up to maxTxn never change, but a commit that failed takes its own maxTxn back before anybody saw it.
 *
 * Details: docs/internals/sequencer.md.
 *
 * @module
 */
import { StorageError } from "../common/mod.ts";
import type { FileHandle, FileSystem } from "../platform/mod.ts";
import { ByteBuilder, ByteCursor } from "./byte_cursor.ts";

const HEADER_BYTES = 76;
const RECORD_BYTES = 28;
const RECORD_V2_BYTES = 60;
const FORMAT_V2 = 1;
/** walId of a structural change. */
export const STRUCTURAL_WAL_ID = -1;
/** walId of the record that drops the table. */
export const DROP_WAL_ID = -2;
/** Transactions behind the durable ones that anybody can have written. */
const LOOKED_AT_MAX = 50_000_000;
/** Records read by one call. */
export const TXN_LOG_CHUNK = 4096;

/** One committed transaction. */
export interface TxnLogRecord {
  readonly txn: number;
  readonly structureVersion: number;
  /** ≥ 1, or {@linkcode STRUCTURAL_WAL_ID} or {@linkcode DROP_WAL_ID}. */
  readonly walId: number;
  readonly segmentId: number;
  readonly segmentTxn: number;
  readonly commitMicros: bigint;
}

/** What is appended: a record without its number, and what V2 keeps besides. */
export interface NewTxn extends Omit<TxnLogRecord, "txn"> {
  readonly minTimestamp: bigint;
  readonly maxTimestamp: bigint;
  readonly rowCount: number;
}

/** Path of a table's log. */
export function txnLogPath(tableDir: string): string {
  return `${tableDir}/txn_seq/_txnlog`;
}

/** Encodes the log of a new table. */
export function encodeNewTxnLog(createMicros: bigint): Uint8Array<ArrayBuffer> {
  return new ByteBuilder().i32(0).i64(0).i64(createMicros).zeros(HEADER_BYTES - 20).bytes();
}

/** An open log. One writer a table, any number of readers. */
export class TxnLog implements Disposable {
  readonly #fs: FileSystem;
  readonly #file: FileHandle;
  readonly #tableDir: string;
  readonly #mode: "read" | "readWrite";
  /** 0 for V1. */
  readonly #partTxns: number;
  #part: { index: number; file: FileHandle } | null = null;
  #lastTxn: number;

  private constructor(fs: FileSystem, tableDir: string, open: {
    file: FileHandle;
    mode: "read" | "readWrite";
    partTxns: number;
    lastTxn: number;
  }) {
    this.#fs = fs;
    this.#tableDir = tableDir;
    this.#mode = open.mode;
    this.#file = open.file;
    this.#partTxns = open.partTxns;
    this.#lastTxn = open.lastTxn;
  }

  /** Opens a table's log. @throws {StorageError} if it is missing or not what the format says. */
  static open(fs: FileSystem, tableDir: string, mode: "read" | "readWrite"): TxnLog {
    const file = openLogFile(fs, tableDir, mode);
    try {
      const header = decodeHeader(file);
      const size = HEADER_BYTES + (header.partTxns > 0 ? 0 : RECORD_BYTES * header.lastTxn);
      if (file.size() < size) {
        throw new StorageError(file.path, "log is shorter than its transaction count", {
          txn: header.lastTxn,
        });
      }
      return new TxnLog(fs, tableDir, { file, mode, ...header });
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Opens a log for reading whatever its length is. Owns the handle. */
  static unchecked(fs: FileSystem, tableDir: string, file: FileHandle): TxnLog {
    return new TxnLog(fs, tableDir, { file, mode: "read", ...decodeHeader(file) });
  }

  /** Number of the last transaction, 0 if there is none. */
  get lastTxn(): number {
    return this.#lastTxn;
  }

  /**
   * Reads records from transaction `from` (1-based) up to `to` inclusive, at most {@linkcode TXN_LOG_CHUNK}.
   *
   * @throws {StorageError} if one is not there or cannot be true.
   */
  read(from: number, to: number): TxnLogRecord[] {
    const last = Math.min(to, this.#lastTxn, from + TXN_LOG_CHUNK - 1);
    const records: TxnLogRecord[] = [];
    while (from + records.length <= last) this.#readRun(from + records.length, last, records);
    return records;
  }

  /**
   * Appends a transaction and returns its number.
   *
   * @param sync Durable on return: the record reaches the disk before maxTxn does.
   */
  append(txn: NewTxn, sync: boolean): number {
    return this.appendAll([txn], sync);
  }

  /** Appends transactions, all or none, and returns the number of the first. */
  appendAll(txns: readonly NewTxn[], sync: boolean): number {
    const first = this.#lastTxn + 1;
    for (const [i, txn] of txns.entries()) this.#writeRecord(first + i, txn);
    if (sync) this.#syncRecords();
    const last = first + txns.length - 1;
    try {
      this.#publish(last);
      if (sync) this.#file.syncData();
    } catch (error) {
      this.#publish(first - 1);
      throw error;
    }
    this.#lastTxn = last;
    return first;
  }

  #writeRecord(number: number, txn: NewTxn): void {
    const record = new ByteBuilder().i64(txn.structureVersion).i32(txn.walId).i32(txn.segmentId)
      .i32(txn.segmentTxn).i64(txn.commitMicros);
    let file = this.#file;
    let offset = HEADER_BYTES + RECORD_BYTES * (number - 1);
    if (this.#partTxns > 0) {
      record.i64(txn.minTimestamp).i64(txn.maxTimestamp).i64(txn.rowCount).i64(0);
      file = this.#openPart(Math.floor((number - 1) / this.#partTxns), true);
      offset = RECORD_V2_BYTES * ((number - 1) % this.#partTxns);
    }
    file.write(record.bytes(), offset);
  }

  #syncRecords(): void {
    (this.#part?.file ?? this.#file).syncData();
  }

  /** Makes everything that was appended by anybody durable. */
  sync(): void {
    this.#part?.file.syncData();
    this.#file.syncData();
  }

  /** Like {@linkcode sync}, off the calling thread. */
  async syncAsync(): Promise<void> {
    if (this.#part !== null) await this.#part.file.syncDataAsync();
    await this.#file.syncDataAsync();
  }

  close(): void {
    this.#part?.file.close();
    this.#part = null;
    this.#file.close();
  }
  [Symbol.dispose](): void {
    this.close();
  }

  #publish(maxTxn: number): void {
    this.#file.write(new ByteBuilder().i64(maxTxn).bytes(), 4);
  }

  /** Reads the records of one contiguous stretch of one file. */
  #readRun(from: number, last: number, into: TxnLogRecord[]): void {
    let file = this.#file, offset = HEADER_BYTES + RECORD_BYTES * (from - 1), width = RECORD_BYTES;
    let count = last - from + 1;
    if (this.#partTxns > 0) {
      const index = (from - 1) % this.#partTxns;
      file = this.#openPart(Math.floor((from - 1) / this.#partTxns), false);
      width = RECORD_V2_BYTES;
      offset = width * index;
      count = Math.min(count, this.#partTxns - index);
    }
    const bytes = new Uint8Array(width * count);
    if (file.read(bytes, offset) < bytes.length) {
      throw new StorageError(file.path, "log is shorter than its transaction count", {
        txn: last,
        offset,
      });
    }
    for (let i = 0; i < count; i++) {
      into.push(decodeRecord(new ByteCursor(file.path, bytes, width * i), from + i));
    }
  }

  #openPart(index: number, isCreated: boolean): FileHandle {
    if (this.#part?.index === index) return this.#part.file;
    const sequencerDir = `${this.#tableDir}/txn_seq`;
    const path = `${sequencerDir}/_txn_parts/${index}`;
    const isNew = this.#fs.stat(path) === null;
    if (isNew && !isCreated) throw new StorageError(path, "file is missing");
    if (isNew) this.#fs.mkdir(`${sequencerDir}/_txn_parts`);
    const file = this.#fs.open(path, isCreated ? "create" : this.#mode);
    // The part's name must be on the disk before maxTxn counts a record in it.
    if (isNew) {
      this.#fs.syncDir(`${sequencerDir}/_txn_parts`);
      this.#fs.syncDir(sequencerDir);
    }
    // Parts are left for good, so one that was written must be durable before it is out of reach of syncAsync.
    if (isCreated) this.#part?.file.syncData();
    this.#part?.file.close();
    this.#part = { index, file };
    return file;
  }
}

function openLogFile(fs: FileSystem, tableDir: string, mode: "read" | "readWrite"): FileHandle {
  const path = txnLogPath(tableDir);
  try {
    return fs.open(path, mode);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new StorageError(path, "file is missing", {}, { cause: error });
  }
}

function decodeHeader(file: FileHandle): { partTxns: number; lastTxn: number } {
  const bytes = new Uint8Array(HEADER_BYTES);
  const cursor = new ByteCursor(file.path, bytes.subarray(0, file.read(bytes, 0)));
  const format = cursor.i32();
  if (format !== 0 && format !== FORMAT_V2) throw cursor.error("unknown log format", { format });
  const lastTxn = cursor.count("transaction count");
  cursor.i64();
  const partTxns = format === FORMAT_V2 ? cursor.int("transactions per part", 1) : 0;
  return { partTxns, lastTxn };
}

/**
 * Finds the WALs that wrote the transactions from `from` on. A record that is not there or makes no sense gives `null`: for looking at a
 * log whose end may never have reached the disk.
 */
export function readWriters(
  fs: FileSystem,
  tableDir: string,
  from: number,
): (number | null)[] {
  using log = TxnLog.unchecked(fs, tableDir, openLogFile(fs, tableDir, "read"));
  const count = Math.max(0, log.lastTxn - from + 1);
  if (count > LOOKED_AT_MAX) {
    throw new StorageError(txnLogPath(tableDir), "invalid transaction count", { txn: log.lastTxn });
  }
  return Array.from({ length: count }, (_, i) => {
    try {
      return log.read(from + i, from + i)[0].walId;
    } catch (error) {
      if (error instanceof StorageError) return null;
      throw error;
    }
  });
}

/**
 * Shortens a log that nobody has open, durably. The records behind the new end go, too: one that came back from the disk later
 * in the place of a lost one would look like a transaction.
 */
export function cutLog(fs: FileSystem, tableDir: string, lastTxn: number): void {
  using file = openLogFile(fs, tableDir, "readWrite");
  const { partTxns, lastTxn: oldLastTxn } = decodeHeader(file);
  file.write(new ByteBuilder().i64(lastTxn).bytes(), 4);
  if (partTxns === 0) file.truncate(HEADER_BYTES + RECORD_BYTES * lastTxn);
  file.syncData();
  if (partTxns === 0) return;
  const firstPart = Math.floor(lastTxn / partTxns);
  for (let index = firstPart; index <= Math.floor((oldLastTxn - 1) / partTxns); index++) {
    const path = `${tableDir}/txn_seq/_txn_parts/${index}`;
    if (fs.stat(path) === null) continue;
    using part = fs.open(path, "readWrite");
    part.truncate(index === firstPart ? RECORD_V2_BYTES * (lastTxn % partTxns) : 0);
    part.syncData();
  }
}

function decodeRecord(cursor: ByteCursor, txn: number): TxnLogRecord {
  const structureVersion = cursor.count(`structure version of transaction ${txn}`);
  const walId = cursor.int(`WAL id of transaction ${txn}`, DROP_WAL_ID);
  const segmentId = cursor.int(`segment id of transaction ${txn}`, -1);
  const segmentTxn = cursor.int(`segment transaction of transaction ${txn}`, -1);
  const commitMicros = cursor.i64();
  const isData = walId > 0;
  if (walId === 0 || (isData && (segmentId < 0 || segmentTxn < 0))) {
    throw cursor.error("invalid transaction record", { txn, walId, segmentId, segmentTxn });
  }
  return { txn, structureVersion, walId, segmentId, segmentTxn, commitMicros };
}

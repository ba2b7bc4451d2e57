/**
 * The sequencer of a table: gives every committed transaction of any of its WALs a place in one order.
 *
 * ```
 * txn_seq/_meta              current columns (sequencer_metadata.ts)
 * txn_seq/_meta.0            table `_meta` as created
 * txn_seq/_txnlog            the order (txn_log.ts)
 * txn_seq/_txnlog.meta.d .i  structural changes (structure_log.ts)
 * txn_seq/_wal_index.d       last WAL number (wal_ids.ts)
 * ```
 *
 * Invariants:
 * 1. One instance per table and process, on the main thread; workers read the log, never write it.
 * 2. A structural change is durable with everything before it when it is acknowledged, in every commit mode: change record, `_meta`, log
 *    record, maxTxn, each synced before the next.
 * 3. The log says which structure version holds. A `_meta` of another one is what a crash left; it is made anew when the table is
 *    opened.
 *
 * @module
 */
import { QuestError, WalError } from "../common/mod.ts";
import { type FileSystem, readFile, writeFileAtomic } from "../platform/mod.ts";
import { decodeMetadata, readStorageFile, type TableMetadata } from "../storage/mod.ts";
import { ByteBuilder } from "./byte_cursor.ts";
import {
  DROPPED_STRUCTURE_VERSION,
  encodeSequencerMetadata,
  readSequencerMetadata,
  type SequencerMetadata,
} from "./sequencer_metadata.ts";
import { replayStructure, writeStructureRecord } from "./structure_log.ts";
import { DROP_WAL_ID, encodeNewTxnLog, STRUCTURAL_WAL_ID, TxnLog, txnLogPath } from "./txn_log.ts";
import { encodeNewWalIndex, walIndexPath } from "./wal_ids.ts";

/** Size the reference server gives these files; it maps whole pages. */
const PAGE_BYTES = 4096;
const META_BYTES_MAX = 64 << 20;
const NO_MIN_TIMESTAMP = 0x7fffffffffffffffn;

/** A data or truncate transaction to put in order. */
export interface SequencedTxn {
  readonly walId: number;
  readonly segmentId: number;
  readonly segmentTxn: number;
  readonly commitMicros: bigint;
  readonly minTimestamp: bigint;
  readonly maxTimestamp: bigint;
  readonly rowCount: number;
}

/** See the module's description. */
export class Sequencer implements Disposable {
  readonly #fs: FileSystem;
  readonly #tableDir: string;
  readonly #log: TxnLog;
  #metadata: SequencerMetadata;
  #isDropped: boolean;
  #structureVersion: number;
  #isDirty = false;

  private constructor(
    context: { fs: FileSystem; tableDir: string },
    log: TxnLog,
    metadata: SequencerMetadata,
  ) {
    this.#fs = context.fs;
    this.#tableDir = context.tableDir;
    this.#log = log;
    this.#metadata = metadata;
    const last = log.lastTxn === 0 ? undefined : log.read(log.lastTxn, log.lastTxn)[0];
    this.#isDropped = metadata.structureVersion === DROPPED_STRUCTURE_VERSION ||
      last?.walId === DROP_WAL_ID;
    this.#structureVersion = last?.structureVersion ?? Math.max(metadata.structureVersion, 0);
  }

  /** Opens a table's sequencer. @throws {StorageError} if one of its files is missing or corrupt. */
  static open(fs: FileSystem, tableDir: string): Sequencer {
    const log = TxnLog.open(fs, tableDir, "readWrite");
    try {
      const metadata = recoverMetadata(fs, tableDir, log);
      return new Sequencer({ fs, tableDir }, log, metadata);
    } catch (error) {
      log.close();
      throw error;
    }
  }

  /** Number of the last committed transaction. */
  get lastTxn(): number {
    return this.#log.lastTxn;
  }
  /** Version of the column list after the last transaction. */
  get structureVersion(): number {
    return this.#structureVersion;
  }
  /** True once the table was dropped. */
  get isDropped(): boolean {
    return this.#isDropped;
  }
  /** The log, for reading. */
  get log(): TxnLog {
    return this.#log;
  }

  /**
   * Commits a transaction and returns its number.
   *
   * @throws {WalError} if the table was dropped, or the log cannot be written; the transaction is not visible then.
   */
  commit(txn: SequencedTxn, sync: boolean): number {
    return this.commitAll([txn], sync);
  }

  /** Like {@linkcode commit} for several transactions, all or none; returns the number of the first. */
  commitAll(txns: readonly SequencedTxn[], sync: boolean): number {
    if (this.#isDropped) throw new WalError("table is dropped", { dir: this.#tableDir });
    const structureVersion = this.#structureVersion;
    try {
      const number = this.#log.appendAll(txns.map((txn) => ({ ...txn, structureVersion })), sync);
      this.#isDirty ||= !sync;
      return number;
    } catch (error) {
      if (error instanceof QuestError) throw error;
      throw new WalError("cannot write the sequencer log", {
        file: txnLogPath(this.#tableDir),
        reason: (error as Error).message,
      }, { cause: error });
    }
  }

  /**
   * Commits a structural change, durably, and returns its transaction. Everything committed before must be durable already.
   *
   * @param change `metadata` are the columns behind the change, `body` its record.
   * @throws {WalError} if the table was dropped, or it cannot be written; nothing has changed then.
   */
  changeStructure(change: {
    metadata: TableMetadata;
    body: Uint8Array;
    command: number;
    commitMicros: bigint;
  }): number {
    if (this.#isDropped) throw new WalError("table is dropped", { dir: this.#tableDir });
    const version = this.#structureVersion;
    try {
      writeStructureRecord(this.#fs, this.#tableDir, { version, body: change.body });
      const bytes = encodeSequencerMetadata(change.metadata, version + 1);
      writeFileAtomic(this.#fs, sequencerMetaPath(this.#tableDir), bytes);
      const txn = this.#log.append({
        structureVersion: version + 1,
        walId: STRUCTURAL_WAL_ID,
        segmentId: -1,
        segmentTxn: -1,
        commitMicros: change.commitMicros,
        minTimestamp: BigInt(change.command),
        maxTimestamp: -1n,
        rowCount: 0,
      }, true);
      this.#structureVersion = version + 1;
      this.#metadata = describeMetadata(change.metadata, version + 1);
      return txn;
    } catch (error) {
      if (error instanceof QuestError) throw error;
      throw new WalError("cannot write a structural change", {
        dir: this.#tableDir,
        reason: (error as Error).message,
      }, { cause: error });
    }
  }

  /** Records that the table is dropped, durably. */
  drop(commitMicros: bigint): void {
    if (this.#isDropped) return;
    this.#log.append({
      structureVersion: this.#structureVersion,
      walId: DROP_WAL_ID,
      segmentId: 0,
      segmentTxn: 0,
      commitMicros,
      minTimestamp: NO_MIN_TIMESTAMP,
      maxTimestamp: -1n,
      rowCount: 0,
    }, true);
    this.#isDropped = true;
    using file = this.#fs.open(`${this.#tableDir}/txn_seq/_meta`, "readWrite");
    file.write(new ByteBuilder().i64(DROPPED_STRUCTURE_VERSION).bytes(), 8);
    file.syncData();
  }

  /** Columns as the sequencer knows them. */
  get metadata(): SequencerMetadata {
    return this.#metadata;
  }

  /** True if something was committed since the last sync. */
  get isDirty(): boolean {
    return this.#isDirty;
  }
  /** Makes the log durable, off the calling thread. */
  async syncAsync(): Promise<void> {
    this.#isDirty = false;
    try {
      await this.#log.syncAsync();
    } catch (error) {
      this.#isDirty = true;
      throw error;
    }
  }

  /** Makes the log durable. */
  sync(): void {
    this.#log.sync();
    this.#isDirty = false;
  }

  close(): void {
    this.#log.close();
  }
  [Symbol.dispose](): void {
    this.close();
  }
}

function sequencerMetaPath(tableDir: string): string {
  return `${tableDir}/txn_seq/_meta`;
}

/** Reads `_meta`, or makes it anew if a crash left one of another structure version than the log's. */
function recoverMetadata(fs: FileSystem, tableDir: string, log: TxnLog): SequencerMetadata {
  const path = sequencerMetaPath(tableDir);
  const last = log.lastTxn === 0 ? undefined : log.read(log.lastTxn, log.lastTxn)[0];
  const initialPath = `${tableDir}/txn_seq/_meta.0`;
  const stored = readSequencerMetadata(fs, path);
  const version = last?.structureVersion ?? 0;
  if (
    stored.structureVersion === version || stored.structureVersion === DROPPED_STRUCTURE_VERSION ||
    last?.walId === DROP_WAL_ID || fs.stat(initialPath) === null
  ) return stored;
  const initial = decodeMetadata(readStorageFile(fs, initialPath, META_BYTES_MAX));
  const steps = replayStructure(fs, tableDir, { metadata: initial, from: 0, to: version });
  const metadata = steps.at(-1)?.metadata ?? initial;
  writeFileAtomic(fs, path, encodeSequencerMetadata(metadata, version));
  return describeMetadata(metadata, version);
}

function describeMetadata(metadata: TableMetadata, structureVersion: number): SequencerMetadata {
  const { columns, timestampIndex, tableId } = metadata;
  return { columns, timestampIndex, tableId, structureVersion };
}

/** Creates `txn_seq/` of a new table, durably. `_meta.0` is left to {@linkcode saveInitialMetadata}. */
export function createSequencerFiles(
  fs: FileSystem,
  tableDir: string,
  options: { metadata: TableMetadata; createMicros: bigint },
): void {
  const dir = `${tableDir}/txn_seq`;
  fs.mkdir(dir);
  const files: [string, Uint8Array][] = [
    [`${dir}/_meta`, encodeSequencerMetadata(options.metadata, 0)],
    [txnLogPath(tableDir), encodeNewTxnLog(options.createMicros)],
    [`${dir}/_txnlog.meta.d`, new Uint8Array(PAGE_BYTES)],
    [`${dir}/_txnlog.meta.i`, new Uint8Array(PAGE_BYTES)],
    [walIndexPath(tableDir), encodeNewWalIndex()],
  ];
  for (const [path, bytes] of files) writeDurably(fs, path, bytes);
  fs.syncDir(dir);
}

/** Copies the table's `_meta` as created to `txn_seq/_meta.0`, durably. */
export function saveInitialMetadata(fs: FileSystem, tableDir: string): void {
  const dir = `${tableDir}/txn_seq`;
  writeDurably(fs, `${dir}/_meta.0`, readFile(fs, `${tableDir}/_meta`, META_BYTES_MAX));
  fs.syncDir(dir);
}

function writeDurably(fs: FileSystem, path: string, bytes: Uint8Array): void {
  using file = fs.open(path, "create");
  file.truncate(0);
  file.write(bytes, 0);
  file.sync();
}

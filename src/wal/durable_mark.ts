/**
 * `<database root>/.durable/<table directory>`: how far a table's WAL is known to be on the disk, so that a power loss in
 * `nosync` mode costs the last moments of data and never the use of the table. It says something about this disk, so it
 * stays outside the table's directory, which may be backed up and restored elsewhere. The reference server leaves it alone.
 *
 * ```
 * @0 i64 last durable transaction   @8 i32 WAL that writes   @12 i32 0   @16 str boot id of the machine at that time
 * ```
 *
 * A process that is killed loses nothing: the operating system still has what was written. So transactions behind the mark are
 * taken for lost only if the machine was started since, and only if the WAL that the mark names wrote them: if another
 * process went on with the log after that one, it found the transactions whole.
 *
 * Invariants:
 * 1. The mark is durable before the first transaction of its WAL, and what it covers is durable before it is moved.
 * 2. Transactions that the table has applied are never given up: the log is synced before the table commit that names them.
 *
 * Details: docs/internals/wal.md.
 *
 * @module
 */
import { type FileHandle, type FileSystem, parentPath, writeFileAtomic } from "../platform/mod.ts";
import { ByteBuilder, ByteCursor } from "./byte_cursor.ts";
import { segmentPath } from "./segment_events.ts";
import { readWalFile } from "./sequencer_metadata.ts";
import { cutLog, readWriters, TXN_LOG_CHUNK, TxnLog } from "./txn_log.ts";

const MARK_BYTES_MAX = 4096;

/** Path of a table's mark. */
export function durableMarkPath(tableDir: string): string {
  const name = tableDir.slice(tableDir.lastIndexOf("/") + 1);
  return `${parentPath(tableDir)}/.durable/${name}`;
}

/** Removes the mark of a table that is gone. */
export function removeDurableMark(fs: FileSystem, tableDir: string): void {
  const path = durableMarkPath(tableDir);
  if (fs.stat(path) !== null) fs.remove(path);
}

/** The mark of a WAL that is being written. */
export class DurableMark implements Disposable {
  readonly #file: FileHandle;
  #durableTxn: number;

  private constructor(file: FileHandle, durableTxn: number) {
    this.#file = file;
    this.#durableTxn = durableTxn;
  }

  /** Last transaction that the mark on the disk covers. */
  get durableTxn(): number {
    return this.#durableTxn;
  }

  /** Sets the mark for a new WAL; everything up to `durableTxn` must be durable. */
  static start(
    fs: FileSystem,
    tableDir: string,
    options: { walId: number; durableTxn: number; bootId: string },
  ): DurableMark {
    const path = durableMarkPath(tableDir);
    const dir = parentPath(path);
    if (fs.stat(dir) === null) {
      fs.mkdir(dir);
      fs.syncDir(parentPath(dir));
    }
    const bytes = new ByteBuilder().i64(options.durableTxn).i32(options.walId).i32(0)
      .str(options.bootId).bytes();
    writeFileAtomic(fs, path, bytes);
    return new DurableMark(fs.open(path, "readWrite"), options.durableTxn);
  }

  /** Moves the mark, durably; never back, since a slow sync may end behind a later one that was done at once. */
  async advance(durableTxn: number): Promise<void> {
    if (durableTxn <= this.#durableTxn) return;
    this.#file.write(new ByteBuilder().i64(durableTxn).bytes(), 0);
    await this.#file.syncDataAsync();
    this.#durableTxn = Math.max(this.#durableTxn, durableTxn);
  }

  /** Like {@linkcode advance}, at once. */
  advanceNow(durableTxn: number): void {
    if (durableTxn <= this.#durableTxn) return;
    this.#file.write(new ByteBuilder().i64(durableTxn).bytes(), 0);
    this.#file.syncData();
    this.#durableTxn = durableTxn;
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/**
 * Cuts off transactions that were acknowledged without being durable and may have gone with the machine's power.
 *
 * @returns How many were cut off.
 * @throws {StorageError} if the mark or the head of the log does not make sense.
 */
export function cutLostTransactions(
  fs: FileSystem,
  tableDir: string,
  options: { bootId: string; appliedTxn: number },
): number {
  const path = durableMarkPath(tableDir);
  if (fs.stat(path) === null) return 0;
  const cursor = new ByteCursor(path, readWalFile(fs, path, MARK_BYTES_MAX));
  const durableTxn = cursor.count("transaction");
  const walId = cursor.int("WAL number", 1);
  cursor.i32();
  if (cursor.text("boot id") === options.bootId) return 0;
  let keep = Math.max(durableTxn, options.appliedTxn);
  let writers = readWriters(fs, tableDir, keep + 1);
  // Structural changes and drops are made durable with everything before them.
  const syncedCount = writers.findLastIndex((writer) => writer !== null && writer < 0) + 1;
  keep += syncedCount;
  writers = writers.slice(syncedCount);
  if (writers.length === 0 || writers.some((writer) => writer !== null && writer !== walId)) {
    return 0;
  }
  cutLog(fs, tableDir, keep);
  return writers.length;
}

/** Tells whether all segments are there that transactions behind `appliedTxn` refer to. @throws {StorageError} */
export function hasSegments(fs: FileSystem, tableDir: string, appliedTxn: number): boolean {
  using log = TxnLog.open(fs, tableDir, "read");
  for (let txn = appliedTxn + 1; txn <= log.lastTxn; txn += TXN_LOG_CHUNK) {
    const isThere = log.read(txn, log.lastTxn).every(({ walId, segmentId }) =>
      walId <= 0 || fs.stat(segmentPath(tableDir, walId, segmentId)) !== null
    );
    if (!isThere) return false;
  }
  return true;
}

/** Makes the transactions behind `appliedTxn`, which another process may have left in memory only, durable. */
export function syncTail(
  fs: FileSystem,
  tableDir: string,
  tail: { log: TxnLog; appliedTxn: number },
): void {
  const { log, appliedTxn } = tail;
  const dirs = new Set<string>();
  for (let txn = appliedTxn + 1; txn <= log.lastTxn; txn += TXN_LOG_CHUNK) {
    for (const { walId, segmentId } of log.read(txn, log.lastTxn)) {
      if (walId > 0) dirs.add(segmentPath(tableDir, walId, segmentId));
    }
  }
  for (const dir of dirs) {
    for (const { name, isDirectory } of fs.readDir(dir)) {
      if (isDirectory) continue;
      using file = fs.open(`${dir}/${name}`, "readWrite");
      file.syncData();
    }
    fs.syncDir(dir);
    fs.syncDir(dir.slice(0, dir.lastIndexOf("/")));
  }
  if (dirs.size > 0) fs.syncDir(tableDir);
  log.sync();
}

/**
 * Readers of one table: the newest committed state is opened once and shared; older states live as long as somebody holds
 * them. What is held is what must not be purged.
 *
 * Invariants:
 * 1. `acquire` answers with a state not older than the last {@linkcode TableSnapshots.invalidate}.
 * 2. A state is closed when it is neither the newest nor held.
 *
 * @module
 */
import { StorageError } from "../common/mod.ts";
import { type StorageContext, TableReader } from "../storage/mod.ts";

/** Attempts to open a state while the table is being committed to: a torn read shows as a StorageError. */
const OPEN_ATTEMPTS = 500;
/** Attempts at once; after them a millisecond lies between two, since a change of `_meta` waits for the disk before `_txn` follows. */
const OPEN_ATTEMPTS_AT_ONCE = 50;
const OPEN_PAUSE_MILLIS = 1;

interface Snapshot {
  readonly reader: TableReader;
  holders: number;
}

/** See the module's description. */
export class TableSnapshots implements Disposable {
  readonly #context: StorageContext;
  #newest: Snapshot | null = null;
  readonly #held = new Set<Snapshot>();

  constructor(context: StorageContext) {
    this.#context = context;
  }

  /**
   * Returns a reader on the newest state, to be closed by the caller.
   *
   * @param isBusy Whether somebody may be committing right now; then a file that does not make sense is read again.
   */
  acquire(isBusy: boolean): TableReader {
    const snapshot = this.#newest ??= { reader: this.#open(isBusy), holders: 0 };
    snapshot.holders++;
    this.#held.add(snapshot);
    return sharedReader(snapshot.reader, () => this.#release(snapshot));
  }

  /** Tells that a newer state was committed. */
  invalidate(): void {
    const snapshot = this.#newest;
    this.#newest = null;
    if (snapshot !== null && snapshot.holders === 0) snapshot.reader.close();
  }

  /** True if somebody holds a reader. */
  get isHeld(): boolean {
    return this.#held.size > 0;
  }
  /** True if somebody holds a state before a transaction. */
  isHeldBefore(txn: number): boolean {
    for (const { reader } of this.#held) if (reader.txn.txn < txn) return true;
    return false;
  }
  /** True if a reader is open, held or not. */
  get isOpen(): boolean {
    return this.#newest !== null;
  }

  /** Partition directories that held readers use. */
  heldDirs(): Set<string> {
    const dirs = new Set<string>();
    for (const { reader } of this.#held) {
      for (const { dirName } of reader.partitions) dirs.add(dirName);
    }
    return dirs;
  }

  /** Closes every reader, held ones included. */
  [Symbol.dispose](): void {
    this.invalidate();
    for (const snapshot of this.#held) snapshot.reader.close();
    this.#held.clear();
  }

  #open(isBusy: boolean): TableReader {
    for (let attempt = 1;; attempt++) {
      try {
        return TableReader.open(this.#context);
      } catch (error) {
        if (!isBusy || !(error instanceof StorageError) || attempt === OPEN_ATTEMPTS) throw error;
        if (attempt > OPEN_ATTEMPTS_AT_ONCE) pause(OPEN_PAUSE_MILLIS);
      }
    }
  }

  #release(snapshot: Snapshot): void {
    snapshot.holders--;
    if (snapshot.holders > 0) return;
    this.#held.delete(snapshot);
    if (snapshot !== this.#newest) snapshot.reader.close();
  }
}

/** Stops this thread; the worker that commits goes on. */
function pause(millis: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis);
}

/** A reader that forwards to a shared one and lets go of it on `close`, once. */
function sharedReader(reader: TableReader, release: () => void): TableReader {
  const shared = Object.create(TableReader.prototype) as TableReader;
  for (const [name, value] of Object.entries(reader)) {
    Object.defineProperty(shared, name, { value, enumerable: true });
  }
  const members = Object.getOwnPropertyDescriptors(TableReader.prototype);
  for (const [name, member] of Object.entries(members)) {
    if (name === "constructor" || name === "close") continue;
    Object.defineProperty(
      shared,
      name,
      member.get !== undefined
        ? { get: () => member.get!.call(reader) }
        : { value: member.value.bind(reader) },
    );
  }
  let isClosed = false;
  const close = () => {
    if (isClosed) return;
    isClosed = true;
    release();
  };
  Object.defineProperty(shared, "close", { value: close });
  Object.defineProperty(shared, Symbol.dispose, { value: close });
  return shared;
}

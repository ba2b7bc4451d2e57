/**
 * Everything the engine holds in memory about one table.
 *
 * @module
 */
import { WalError } from "../common/mod.ts";
import type { TableMetadata } from "../storage/mod.ts";
import type { Sequencer, WalWriter } from "../wal/mod.ts";
import type { DirectWriter } from "./direct_writer.ts";
import type { TableDurability } from "./table_durability.ts";
import type { TableSnapshots } from "./snapshots.ts";
import type { TableToken } from "./table_token.ts";

/** Somebody who waits for a transaction to become visible. */
interface Waiter {
  readonly seqTxn: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** See the module's description. */
export class TableState {
  /** Changes when the table is renamed. */
  token: TableToken;
  readonly tableDir: string;
  readonly snapshots: TableSnapshots;
  /** What commits of rows rely on that do not wait for the disk. */
  readonly durability: TableDurability;
  /** `null` for a table without WAL, or a broken one. */
  readonly sequencer: Sequencer | null;
  /** Columns as the sequencer knows them, settings as the table has them; `null` for a broken table. */
  metadata: TableMetadata | null;
  /** Version of the table's own metadata that `metadata` was made from. */
  tableMetadataVersion = -1;
  /** Why the table cannot be used, else `null`. */
  readonly failure: Error | null;
  writer: WalWriter | null = null;
  /** Takes the rows of a table without WAL. */
  direct: DirectWriter | null = null;
  /** Rows that deduplication has taken out since the table was opened. */
  dedupedRowCount = 0;
  /** The running apply loop. */
  applying: Promise<void> | null = null;
  /** True while a task may be committing to the table. */
  isBusy = false;
  isDropped = false;
  /** Names of column files that were the last to be tidied up after. */
  purgedNames = "";
  /** True while a background sync uses the table's files. */
  isSyncing = false;
  #appliedTxn: number;
  #suspension: string | null = null;
  #waiters: Waiter[] = [];
  #isClosed = false;

  constructor(token: TableToken, tableDir: string, parts: {
    snapshots: TableSnapshots;
    durability: TableDurability;
    sequencer: Sequencer | null;
    metadata: TableMetadata | null;
    appliedTxn: number;
    failure: Error | null;
  }) {
    this.token = token;
    this.tableDir = tableDir;
    this.snapshots = parts.snapshots;
    this.durability = parts.durability;
    this.sequencer = parts.sequencer;
    this.metadata = parts.metadata;
    this.failure = parts.failure;
    this.#appliedTxn = parts.appliedTxn;
  }

  /** Last transaction that is visible. */
  get appliedTxn(): number {
    return this.#appliedTxn;
  }
  /** Last transaction that is in the table whatever happens to the machine. */
  get durableTxn(): number {
    return this.durability.durableTxn(this.#appliedTxn);
  }
  /** Why nothing is applied any more, or `null`. */
  get suspension(): string | null {
    return this.#suspension;
  }
  /** True if there is something to apply and nothing in the way. */
  get isBehind(): boolean {
    return this.token.type === 1 && this.sequencer !== null && !this.isDropped &&
      this.#suspension === null && this.#appliedTxn < this.sequencer.lastTxn;
  }

  /** True while somebody may have written to a table without WAL what is not committed. */
  get isWritten(): boolean {
    return (this.direct?.uncommittedRowCount ?? 0) > 0;
  }

  /** Throws why the table cannot be used, if it cannot. */
  requireUsable(): void {
    if (this.failure !== null) throw this.failure;
  }

  /** Notes that transactions up to this one are visible. */
  advance(appliedTxn: number): void {
    if (appliedTxn === this.#appliedTxn) return;
    this.#appliedTxn = appliedTxn;
    this.snapshots.invalidate();
    const due = this.#waiters.filter((waiter) => waiter.seqTxn <= appliedTxn);
    if (due.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.seqTxn > appliedTxn);
    for (const waiter of due) waiter.resolve();
  }

  /** Stops applying, and tells those who wait. */
  suspend(reason: string): void {
    this.#suspension = reason;
    this.failWaiters(suspendedError(this.token.name, reason));
  }
  /** Lets apply be tried again. */
  resume(): void {
    this.#suspension = null;
  }

  /** Rejects everybody who waits. */
  failWaiters(error: Error): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(error);
  }

  /** Resolves when a transaction is visible. */
  wait(seqTxn: number, signal?: AbortSignal): Promise<void> {
    if (seqTxn <= this.#appliedTxn) return Promise.resolve();
    if (this.#suspension !== null) {
      return Promise.reject(suspendedError(this.token.name, this.#suspension));
    }
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(signal!.reason);
      };
      const settle = <T extends unknown[]>(action: (...args: T) => void) => (...args: T) => {
        signal?.removeEventListener("abort", onAbort);
        action(...args);
      };
      const waiter: Waiter = { seqTxn, resolve: settle(resolve), reject: settle(reject) };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiters.push(waiter);
    });
  }

  /** Makes everything durable and closes every file. Further calls do nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.direct?.close();
      this.writer?.close();
      if (this.isDropped) this.durability.discard();
      else this.durability.settleNow();
    } finally {
      this.durability[Symbol.dispose]();
      this.direct = null;
      this.writer = null;
      this.snapshots[Symbol.dispose]();
      this.sequencer?.close();
    }
  }
}

function suspendedError(table: string, reason: string): WalError {
  return new WalError("table is suspended", { table, reason });
}

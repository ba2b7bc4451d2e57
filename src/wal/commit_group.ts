/**
 * Commits of `sync` mode that share what makes them durable: while the files of some are synced, others gather, and the next round takes
 * all of them. A transaction that waits is nowhere to be seen: it gets its record in the sequencer's log when its rows and its event are
 * on the disk.
 *
 * ```
 * event written ─► waits ─► fdatasync of its segment (off the thread) ─► log records of all ─► fdatasync ─► maxTxn ─► fdatasync ─► acknowledged
 * ```
 * Invariants:
 * 1. Transactions get their numbers in the order of their events.
 * 2. One that cannot be made durable is rejected, and so are those that wait with it; none of them is visible.
 *
 * @module
 */
import type { SequencedTxn, Sequencer } from "./sequencer.ts";
import type { WalSegment } from "./wal_segment.ts";

interface Waiting {
  readonly segment: WalSegment;
  readonly txn: SequencedTxn;
  readonly resolve: (txn: number) => void;
  readonly reject: (error: unknown) => void;
}

/** What a group tells its writer. */
export interface CommitGroupOptions {
  readonly sequencer: Sequencer;
  /** Called for each transaction that was committed. */
  readonly onCommit: (txn: number) => void;
  /** Makes a writer's error of anything that was thrown. */
  readonly asError: (error: unknown) => Error;
  /** Called when transactions could not be made durable: their segment must take no more. */
  readonly onFailure: (error: Error) => void;
}

/** See the module's description. */
export class CommitGroup {
  readonly #options: CommitGroupOptions;
  #waiting: Waiting[] = [];
  #round: Promise<void> | null = null;

  constructor(options: CommitGroupOptions) {
    this.#options = options;
  }

  /** True if a segment has transactions that wait. */
  uses(segment: WalSegment): boolean {
    return this.#waiting.some((one) => one.segment === segment);
  }
  /** True if transactions wait. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0 || this.#round !== null;
  }
  /** Resolves when no round is running. */
  async settled(): Promise<void> {
    while (this.#round !== null) await this.#round;
  }

  /** Adds a transaction whose event is written; resolves with its number when it is durable. */
  add(segment: WalSegment, txn: SequencedTxn): Promise<number> {
    const result = this.#enqueue(segment, txn);
    this.#round ??= this.#run();
    return result;
  }

  /** Like {@linkcode add}, at once, together with everything that waits. */
  addNow(segment: WalSegment, txn: SequencedTxn): number {
    let outcome: { number: number } | { error: unknown } | null = null;
    this.#waiting.push({
      segment,
      txn,
      resolve: (number) => outcome = { number },
      reject: (error) => outcome = { error },
    });
    this.flushNow();
    const settled = outcome as { number: number } | { error: unknown } | null;
    if (settled === null || "error" in settled) throw settled?.error;
    return settled.number;
  }

  /** Commits everything that waits, at once; failures go to those who wait. */
  flushNow(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    try {
      for (const segment of segmentsOf(batch)) segment.sync();
    } catch (error) {
      this.#reject(batch, error);
      return;
    }
    this.#sequence(batch);
  }

  #enqueue(segment: WalSegment, txn: SequencedTxn): Promise<number> {
    return new Promise((resolve, reject) => this.#waiting.push({ segment, txn, resolve, reject }));
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Their events are written; those that come later wait for the next round.
      const batch = new Set(this.#waiting);
      const outcomes = await Promise.allSettled(
        segmentsOf(this.#waiting).map((segment) => segment.syncAsync()),
      );
      // What was committed at once meanwhile is not here any more.
      const due = this.#waiting.filter((one) => batch.has(one));
      if (due.length === 0) continue;
      const failure = outcomes.find((outcome) => outcome.status === "rejected");
      if (failure !== undefined) {
        const all = this.#waiting;
        this.#waiting = [];
        this.#reject(all, failure.reason);
        continue;
      }
      this.#waiting = this.#waiting.filter((one) => !batch.has(one));
      this.#sequence(due);
    }
    this.#round = null;
  }

  #sequence(batch: readonly Waiting[]): void {
    if (batch.length === 0) return;
    const { sequencer, onCommit } = this.#options;
    let first: number;
    try {
      first = sequencer.commitAll(batch.map((one) => one.txn), true);
    } catch (error) {
      this.#reject(batch, error);
      return;
    }
    for (const [i, one] of batch.entries()) {
      one.resolve(first + i);
      onCommit(first + i);
    }
  }

  #reject(batch: readonly Waiting[], cause: unknown): void {
    const error = this.#options.asError(cause);
    for (const one of batch) one.reject(error);
    this.#options.onFailure(error);
  }
}

function segmentsOf(waiting: readonly Waiting[]): WalSegment[] {
  return [...new Set(waiting.map((one) => one.segment))];
}

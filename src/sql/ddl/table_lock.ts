/**
 * One writing statement a table at a time. A statement whose rows arrive in several batches must not see another one's
 * commit or rollback between them.
 *
 * @module
 */
import { CancelledError } from "../../common/mod.ts";

/** First-come, first-served locks, one a key. */
export class TableLocks {
  /** Resolves when the last holder in line is done. */
  readonly #tails = new Map<number, Promise<void>>();

  /**
   * Runs `work` when every earlier holder of the key is done.
   *
   * @throws {CancelledError} if the signal fires while waiting.
   */
  async run<T>(key: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const previous = this.#tails.get(key) ?? Promise.resolve();
    const { promise, resolve: release } = Promise.withResolvers<void>();
    const tail = previous.then(() => promise);
    this.#tails.set(key, tail);
    try {
      await previous;
      if (signal.aborted) throw new CancelledError("cancelled by user");
      return await work();
    } finally {
      release();
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }
}

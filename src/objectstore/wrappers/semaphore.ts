/**
 * A counted permission, handed out in the order of asking. A request for more than there is waits until everything is free, so
 * that one large object is not refused for its size.
 *
 * @module
 */

interface Waiter {
  readonly amount: number;
  readonly resume: () => void;
}

/** See the module's description. */
export class Semaphore {
  readonly #capacity: number;
  #free: number;
  readonly #waiters: Waiter[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#free = capacity;
  }

  /** Waits for `amount`. @returns gives it back. @throws the signal's reason if it is aborted first. */
  async acquire(amount: number, signal?: AbortSignal): Promise<Disposable> {
    const taken = Math.min(amount, this.#capacity);
    signal?.throwIfAborted();
    if (this.#waiters.length > 0 || this.#free < taken) await this.#wait(taken, signal);
    else this.#free -= taken;
    let isReleased = false;
    return {
      [Symbol.dispose]: () => {
        if (isReleased) return;
        isReleased = true;
        this.#free += taken;
        this.#wake();
      },
    };
  }

  #wait(amount: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(signal!.reason);
        this.#wake();
      };
      const waiter: Waiter = {
        amount,
        resume: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      this.#waiters.push(waiter);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  #wake(): void {
    while (this.#waiters.length > 0 && this.#waiters[0].amount <= this.#free) {
      const waiter = this.#waiters.shift()!;
      this.#free -= waiter.amount;
      waiter.resume();
    }
  }
}

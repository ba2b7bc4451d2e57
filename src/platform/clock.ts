/**
 * Time, timers and randomness behind interfaces, so a test can drive them from a seed.
 *
 * @module
 */

/** Wall clock and monotonic clock. */
export interface Clock {
  /** Wall-clock time in microseconds since the epoch. */
  nowMicros(): bigint;
  /** Monotonic milliseconds with fractions; only differences mean something. */
  monotonicMillis(): number;
}

/** One-shot timers. */
export interface Timers {
  /** Resolves after `millis`, 0: once waiting work had its turn; rejects with the signal's reason if aborted first. */
  sleep(millis: number, signal?: AbortSignal): Promise<void>;
}

/** A source of random bytes. */
export interface Random {
  /** Fills `bytes` with random values and returns it. */
  fill<T extends Uint8Array<ArrayBuffer>>(bytes: T): T;
}

/** The operating system's clock. */
export class SystemClock implements Clock {
  #last = 0n;
  nowMicros(): bigint {
    const now = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000));
    // Never step back within one process: backup and commit timestamps rely on order.
    this.#last = now > this.#last ? now : this.#last + 1n;
    return this.#last;
  }
  monotonicMillis(): number {
    return performance.now();
  }
}

/** Resolves once waiting work had its turn, requests on sockets included; takes about 0.05 ms. */
export async function yieldToEventLoop(): Promise<void> {
  // Any finished system call makes the event loop look at its sockets; a timer of 0 ms takes 2 ms, and immediates and message
  // ports keep the loop from its sockets.
  await Deno.stat("/");
}

/** The event loop's timers. */
export class SystemTimers implements Timers {
  sleep(millis: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (millis === 0) return yieldToEventLoop().then(resolve, reject);
      const onAbort = () => {
        clearTimeout(id);
        reject(signal!.reason);
      };
      const id = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, millis);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}

/** The operating system's cryptographic random source. */
export class SystemRandom implements Random {
  fill<T extends Uint8Array<ArrayBuffer>>(bytes: T): T {
    return crypto.getRandomValues(bytes);
  }
}

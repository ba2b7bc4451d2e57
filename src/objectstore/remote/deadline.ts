/**
 * An end for every request. The time allowed is a base for the store to think, and the bytes that move at the lowest
 * throughput that counts as alive; so a server that trickles is given up as surely as one that is silent.
 *
 * @module
 */
import type { Timers } from "../../platform/mod.ts";

/** How long requests may take. */
export interface RequestTimeouts {
  /** Milliseconds for anything but moving bytes. */
  readonly baseMillis: number;
  /** Bytes per second under which a transfer counts as stuck. */
  readonly minBytesPerSecond: number;
}

/** The values of QuestDB's `replication.requests.base.timeout` and `min.throughput`. */
export const DEFAULT_TIMEOUTS: RequestTimeouts = {
  baseMillis: 10_000,
  minBytesPerSecond: 262_144,
};

const MILLIS_PER_SECOND = 1000;

/** The deadline of one request; dispose it when the request has ended. */
export class Deadline implements Disposable {
  /** Aborted by the caller's signal or by the deadline. */
  readonly signal: AbortSignal;
  readonly #timeouts: RequestTimeouts;
  readonly #timers: Timers;
  readonly #expiry = new AbortController();
  #timer = new AbortController();

  /** @param options `bytes`: what the request will move, as far as it is known. */
  constructor(
    options: {
      readonly timeouts: RequestTimeouts;
      readonly timers: Timers;
      readonly bytes: number;
      readonly signal: AbortSignal | undefined;
    },
  ) {
    this.#timeouts = options.timeouts;
    this.#timers = options.timers;
    this.signal = options.signal === undefined
      ? this.#expiry.signal
      : AbortSignal.any([options.signal, this.#expiry.signal]);
    this.expect(options.bytes);
  }

  /** True if time ran out. */
  get isExpired(): boolean {
    return this.#expiry.signal.aborted;
  }

  /** Starts the time anew for so many bytes. */
  expect(bytes: number): void {
    this.#timer.abort();
    const timer = this.#timer = new AbortController();
    const { baseMillis, minBytesPerSecond } = this.#timeouts;
    const millis = baseMillis + bytes / minBytesPerSecond * MILLIS_PER_SECOND;
    this.#timers.sleep(millis, timer.signal).then(
      () => this.#expiry.abort(new Error(`no answer within ${Math.round(millis)} ms`)),
      () => undefined, // the timer was stopped
    );
  }

  [Symbol.dispose](): void {
    this.#timer.abort();
  }
}

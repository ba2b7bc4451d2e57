/**
 * Tells a backup when it is in the way. While it runs, two delays are measured:
 *
 * - of the event loop, on which statements run: how late a short timer is, the median of the last samples, so that a single
 *   long step, which may be the backup's own, does not count;
 * - of the workers: how long the application of written rows waited for one, the longest of the last samples.
 *
 * While one of them is above its limit, the backup hands out no work; after {@linkcode YIELD_MILLIS_MAX} it hands out one piece
 * nevertheless, so that it comes to an end on a server that is always busy.
 *
 * @module
 */
import type { Clock, Timers } from "../platform/mod.ts";

/** A median delay of the event loop above this makes a backup wait, milliseconds. */
export const EVENT_LOOP_DELAY_MILLIS_MAX = 50;
/** A wait of applied rows for a worker above this makes a backup wait, milliseconds. */
export const QUEUE_DELAY_MILLIS_MAX = 50;
/** Longest wait before a piece of work, milliseconds. */
export const YIELD_MILLIS_MAX = 250;
/** Time between two samples, milliseconds. */
export const SAMPLE_MILLIS = 20;
/** Samples that count. */
export const SAMPLE_COUNT = 5;

/** What is measured with. */
export interface PressureOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Longest wait of applied rows for a worker since the last call, milliseconds. */
  readonly takeQueueDelayMillis: () => number;
}

/** See the module's description. Measures from {@linkcode Pressure.run} until disposed. */
export class Pressure implements AsyncDisposable {
  readonly #options: PressureOptions;
  readonly #stop = new AbortController();
  readonly #loopDelays: number[] = [];
  readonly #queueDelays: number[] = [];
  #running: Promise<void> = Promise.resolve();
  #yieldedMillis = 0;

  constructor(options: PressureOptions) {
    this.#options = options;
  }

  /** Milliseconds that the backup has waited for others. */
  get yieldedMillis(): number {
    return Math.round(this.#yieldedMillis);
  }
  /** True while a delay is above its limit. */
  get isHigh(): boolean {
    return median(this.#loopDelays) > EVENT_LOOP_DELAY_MILLIS_MAX ||
      Math.max(0, ...this.#queueDelays) > QUEUE_DELAY_MILLIS_MAX;
  }

  /** Starts to measure. */
  run(): void {
    this.#options.takeQueueDelayMillis(); // what was before is of no concern
    this.#running = this.#measure();
  }

  /** Waits while the pressure is high, up to {@linkcode YIELD_MILLIS_MAX}. @throws the signal's reason. */
  async giveWay(signal: AbortSignal): Promise<void> {
    const { clock, timers } = this.#options;
    const start = clock.monotonicMillis();
    let waited = 0;
    while (this.isHigh && waited < YIELD_MILLIS_MAX) {
      await timers.sleep(SAMPLE_MILLIS, signal);
      waited = clock.monotonicMillis() - start;
    }
    this.#yieldedMillis += waited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #measure(): Promise<void> {
    const { clock, timers, takeQueueDelayMillis } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const start = clock.monotonicMillis();
      try {
        await timers.sleep(SAMPLE_MILLIS, signal);
      } catch (error) {
        if (!signal.aborted) throw error;
        return;
      }
      keep(this.#loopDelays, clock.monotonicMillis() - start - SAMPLE_MILLIS);
      keep(this.#queueDelays, takeQueueDelayMillis());
    }
  }
}

function keep(samples: number[], value: number): void {
  samples.push(Math.max(0, value));
  if (samples.length > SAMPLE_COUNT) samples.shift();
}

function median(samples: readonly number[]): number {
  if (samples.length < SAMPLE_COUNT) return 0;
  return [...samples].sort((a, b) => a - b)[SAMPLE_COUNT >> 1];
}

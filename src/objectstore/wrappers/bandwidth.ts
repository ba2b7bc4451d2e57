/**
 * Bounds the bytes per second, up and down together, so that a backup leaves room on the line. A request pays for its bytes
 * before it starts; one of unknown length pays afterwards, and the next ones wait for it.
 *
 * @module
 */
import type { Clock, Timers } from "../../platform/mod.ts";
import type { ObjectStore } from "../object_store.ts";
import { type Interceptor, WrappedStore } from "./wrapped_store.ts";

/** The bound. */
export interface BandwidthOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  /** The bound, or what tells the one that counts now; a function may tell 0, which is none. */
  readonly bytesPerSecondMax: number | (() => number);
}

const MILLIS_PER_SECOND = 1000;
/** A bound that may change is asked for again after so long. */
const RECHECK_MILLIS = 1000;

/** Wraps a store so that no more than so many bytes per second move. */
export function withBandwidth(inner: ObjectStore, options: BandwidthOptions): ObjectStore {
  const line = new Line(options);
  const intercept: Interceptor = async (request, run) => {
    await line.pay(request.sentBytes + request.expectedBytes, request.signal);
    const result = await run();
    if (request.expectedBytes === 0 && result instanceof Uint8Array) line.owe(result.byteLength);
    return result;
  };
  return new WrappedStore(inner, intercept);
}

/** A line on which bytes queue up and drain at the bound's pace. */
class Line {
  readonly #options: BandwidthOptions;
  /** Bytes that ever were paid for, and how many of them have moved. */
  #queued = 0;
  #drained = 0;
  #lookedAt: number;

  constructor(options: BandwidthOptions) {
    this.#options = options;
    this.#lookedAt = options.clock.monotonicMillis();
  }

  /** Puts bytes on the line that have moved already. */
  owe(bytes: number): void {
    this.#drain();
    this.#queued += bytes;
  }

  /** Puts bytes on the line and waits for those before them. */
  async pay(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    const { timers, bytesPerSecondMax } = this.#options;
    this.#drain();
    const before = this.#queued;
    this.#queued += bytes;
    while (this.#drained < before) {
      const wait = (before - this.#drained) / this.#rate() * MILLIS_PER_SECOND;
      if (typeof bytesPerSecondMax === "number") return await timers.sleep(wait, signal);
      await timers.sleep(Math.min(wait, RECHECK_MILLIS), signal);
      this.#drain();
    }
  }

  #drain(): void {
    const now = this.#options.clock.monotonicMillis();
    const rate = this.#rate();
    const moved = rate === Infinity ? rate : (now - this.#lookedAt) / MILLIS_PER_SECOND * rate;
    this.#lookedAt = now;
    this.#drained = Math.min(this.#queued, this.#drained + moved);
  }

  #rate(): number {
    const { bytesPerSecondMax } = this.#options;
    const rate = typeof bytesPerSecondMax === "number" ? bytesPerSecondMax : bytesPerSecondMax();
    return rate === 0 ? Infinity : rate;
  }
}

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
  readonly bytesPerSecondMax: number;
}

const MILLIS_PER_SECOND = 1000;

/** Wraps a store so that no more than so many bytes per second move. */
export function withBandwidth(inner: ObjectStore, options: BandwidthOptions): ObjectStore {
  const { clock, timers, bytesPerSecondMax } = options;
  /** When everything that was paid for so far has moved, by the monotonic clock. */
  let paidUntil = 0;
  const pay = async (bytes: number, signal: AbortSignal | undefined) => {
    const now = clock.monotonicMillis();
    const start = Math.max(now, paidUntil);
    paidUntil = start + bytes / bytesPerSecondMax * MILLIS_PER_SECOND;
    if (start > now) await timers.sleep(start - now, signal);
  };
  const intercept: Interceptor = async (request, run) => {
    const known = request.sentBytes + request.expectedBytes;
    await pay(known, request.signal);
    const result = await run();
    if (request.expectedBytes === 0 && result instanceof Uint8Array) {
      paidUntil = Math.max(paidUntil, clock.monotonicMillis()) +
        result.byteLength / bytesPerSecondMax * MILLIS_PER_SECOND;
    }
    return result;
  };
  return new WrappedStore(inner, intercept);
}

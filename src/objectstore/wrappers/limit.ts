/**
 * Bounds how many requests a store works on at a time, and how many bytes of bodies they hold. Further requests wait their turn.
 *
 * @module
 */
import type { ObjectStore } from "../object_store.ts";
import { Semaphore } from "./semaphore.ts";
import { type Interceptor, WrappedStore } from "./wrapped_store.ts";

/** The bounds. */
export interface LimitOptions {
  /** Requests at a time. */
  readonly concurrencyMax: number;
  /** Bytes of bodies at a time; a larger body goes alone. A whole object counts from the moment its length is known to nobody but the store, so readers of large objects name ranges. */
  readonly memoryBytesMax: number;
}

/** Wraps a store so that no more than so much is under way. */
export function withLimit(inner: ObjectStore, options: LimitOptions): ObjectStore {
  const requests = new Semaphore(options.concurrencyMax);
  const memory = new Semaphore(options.memoryBytesMax);
  const intercept: Interceptor = async (request, run) => {
    const bytes = request.sentBytes + request.expectedBytes;
    using _memory = await memory.acquire(bytes, request.signal);
    using _request = await requests.acquire(1, request.signal);
    return await run();
  };
  return new WrappedStore(inner, intercept);
}

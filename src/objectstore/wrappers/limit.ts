/**
 * Bounds how many requests a store works on at a time, and how many bytes of bodies they hold. Further requests wait their turn.
 *
 * @module
 */
import type { GetOptions, ObjectStore } from "../object_store.ts";
import { Semaphore } from "./semaphore.ts";
import { WrappedStore } from "./wrapped_store.ts";

/** The bounds. */
export interface LimitOptions {
  /** Requests at a time. */
  readonly concurrencyMax: number;
  /** Bytes of bodies at a time; a larger body goes alone. */
  readonly memoryBytesMax: number;
}

/** A whole object of no more than this counts as so much; the length of others is asked for before they are read. */
const ASSUMED_BYTES_MAX = 1_048_576;

/** Wraps a store so that no more than so much is under way. */
export function withLimit(inner: ObjectStore, options: LimitOptions): ObjectStore {
  const requests = new Semaphore(options.concurrencyMax);
  const memory = new Semaphore(options.memoryBytesMax);
  return new LimitedStore(inner, async (request, run) => {
    const bytes = request.sentBytes + request.expectedBytes;
    using _memory = await memory.acquire(bytes, request.signal);
    using _request = await requests.acquire(1, request.signal);
    return await run();
  });
}

class LimitedStore extends WrappedStore {
  override async get(key: string, options: GetOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    if (options.range !== undefined) return await super.get(key, options);
    const expectedBytes = await this.#wholeBytes(key, options);
    const { signal } = options;
    return await this.intercept(
      { operation: "get", key, sentBytes: 0, expectedBytes, signal },
      () => this.inner.get(key, options),
    );
  }

  /** Bytes that a whole object is counted as. It cannot wait for memory once its answer has begun: deadlines run. */
  async #wholeBytes(key: string, options: GetOptions): Promise<number> {
    const { maxBytes = Infinity, signal } = options;
    if (maxBytes <= ASSUMED_BYTES_MAX) return maxBytes;
    const info = await this.head(key, signal === undefined ? {} : { signal });
    return Math.min(info?.size ?? 0, maxBytes); // a missing object, or a larger one, is what `get` tells
  }
}

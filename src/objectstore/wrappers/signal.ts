/**
 * Gives every request a signal, so that who is to be stopped need not hand one to each call.
 *
 * @module
 */
import type {
  CallOptions,
  GetOptions,
  ObjectBody,
  ObjectInfo,
  ObjectStore,
  ObjectUpload,
  PutOptions,
  UploadOptions,
} from "../object_store.ts";

/** Wraps a store so that requests without a signal of their own end with this one. The wrapper is not to be disposed. */
export function withSignal(inner: ObjectStore, signal: AbortSignal): ObjectStore {
  return new SignalStore(inner, signal);
}

class SignalStore implements ObjectStore {
  readonly description: string;
  readonly #inner: ObjectStore;
  readonly #signal: AbortSignal;

  constructor(inner: ObjectStore, signal: AbortSignal) {
    this.#inner = inner;
    this.#signal = signal;
    this.description = inner.description;
  }

  get(key: string, options?: GetOptions): Promise<Uint8Array<ArrayBuffer>> {
    return this.#inner.get(key, { signal: this.#signal, ...options });
  }
  put(key: string, body: ObjectBody, options?: PutOptions): Promise<boolean> {
    return this.#inner.put(key, body, { signal: this.#signal, ...options });
  }
  head(key: string, options?: CallOptions): Promise<ObjectInfo | null> {
    return this.#inner.head(key, { signal: this.#signal, ...options });
  }
  list(prefix: string, options?: CallOptions): AsyncIterable<readonly ObjectInfo[]> {
    return this.#inner.list(prefix, { signal: this.#signal, ...options });
  }
  delete(keys: readonly string[], options?: CallOptions): Promise<void> {
    return this.#inner.delete(keys, { signal: this.#signal, ...options });
  }
  openUpload(key: string, options?: UploadOptions): Promise<ObjectUpload> {
    return this.#inner.openUpload(key, { signal: this.#signal, ...options });
  }
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

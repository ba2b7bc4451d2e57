/**
 * A store whose reads pass through a function of the test, which counts them, changes them or makes them fail.
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
} from "../../src/objectstore/mod.ts";

/** Reads an object as the wrapped store does. */
export type Read = () => Promise<Uint8Array<ArrayBuffer>>;

/** See the module's description. */
export class HookedStore implements ObjectStore {
  readonly description = "hooked";
  readonly #inner: ObjectStore;
  /** Bytes that were handed out. */
  readBytes = 0;
  /** What every read passes through. */
  onGet: (key: string, read: Read) => Promise<Uint8Array<ArrayBuffer>> = (_, read) => read();

  constructor(inner: ObjectStore) {
    this.#inner = inner;
  }
  async get(key: string, options?: GetOptions): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.onGet(key, () => this.#inner.get(key, options));
    this.readBytes += bytes.length;
    return bytes;
  }
  put(key: string, body: ObjectBody, options?: PutOptions): Promise<boolean> {
    return this.#inner.put(key, body, options);
  }
  head(key: string, options?: CallOptions): Promise<ObjectInfo | null> {
    return this.#inner.head(key, options);
  }
  list(prefix: string, options?: CallOptions): AsyncIterable<readonly ObjectInfo[]> {
    return this.#inner.list(prefix, options);
  }
  delete(keys: readonly string[], options?: CallOptions): Promise<void> {
    return this.#inner.delete(keys, options);
  }
  openUpload(key: string, options?: UploadOptions): Promise<ObjectUpload> {
    return this.#inner.openUpload(key, options);
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}

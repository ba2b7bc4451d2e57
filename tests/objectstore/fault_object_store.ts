/**
 * A store that fails on demand: the n-th call throws, before or after it took effect; or an object is changed on its way.
 *
 * @module
 */
import { ObjectStoreError } from "../../src/common/mod.ts";
import {
  bodyByteSize,
  type GetOptions,
  type ObjectBody,
  type ObjectInfo,
  type ObjectStore,
  type ObjectUpload,
  type PutOptions,
  type UploadOptions,
} from "../../src/objectstore/mod.ts";

/** {@linkcode ObjectStore} that counts calls and fails the chosen one. */
export class FaultObjectStore implements ObjectStore {
  readonly description = "fault";
  readonly #inner: ObjectStore;
  /** Calls so far. */
  callCount = 0;
  /** Objects and bytes written so far. */
  putCount = 0;
  putBytes = 0;
  /** Bytes that went up, whether anything was stored or not. */
  sentBytes = 0;
  /** Keys read, in order. */
  readonly reads: string[] = [];
  #failAt = Infinity;
  #isApplied = false;
  /** Called before each call with its number and name. */
  onCall: (number: number, operation: string, key: string) => void = () => {};

  constructor(inner: ObjectStore) {
    this.#inner = inner;
  }
  /** Fails the n-th call from now; with `isApplied`, after it has happened. */
  failAt(n: number, options: { isApplied?: boolean } = {}): void {
    this.#failAt = this.callCount + n;
    this.#isApplied = options.isApplied ?? false;
  }
  get(key: string, options?: GetOptions): Promise<Uint8Array<ArrayBuffer>> {
    this.reads.push(key);
    return this.#run("get", key, () => this.#inner.get(key, options));
  }
  put(key: string, body: ObjectBody, options?: PutOptions): Promise<boolean> {
    return this.#run("put", key, async () => {
      this.sentBytes += bodyByteSize(body);
      const isCreated = await this.#inner.put(key, body, options);
      if (isCreated) {
        this.putCount++;
        this.putBytes += (await this.#inner.head(key))!.size;
      }
      return isCreated;
    });
  }
  head(key: string): Promise<ObjectInfo | null> {
    return this.#run("head", key, () => this.#inner.head(key));
  }
  async *list(prefix: string): AsyncIterable<readonly ObjectInfo[]> {
    await this.#run("list", prefix, () => Promise.resolve());
    yield* this.#inner.list(prefix);
  }
  delete(keys: readonly string[]): Promise<void> {
    return this.#run("delete", keys.join(), () => this.#inner.delete(keys));
  }
  openUpload(key: string, options?: UploadOptions): Promise<ObjectUpload> {
    return this.#run("openUpload", key, () => this.#inner.openUpload(key, options));
  }
  async [Symbol.asyncDispose](): Promise<void> {}

  async #run<T>(operation: string, key: string, call: () => Promise<T>): Promise<T> {
    this.callCount++;
    this.onCall(this.callCount, operation, key);
    const isFailing = this.callCount === this.#failAt;
    if (isFailing && !this.#isApplied) throw new ObjectStoreError("injected", { operation, key });
    const result = await call();
    if (isFailing) throw new ObjectStoreError("injected after", { operation, key });
    return result;
  }
}

/**
 * Objects in memory, for tests that change them by the thousand.
 *
 * @module
 */
import {
  checkObjectSize,
  type GetOptions,
  joinBody,
  type ObjectBody,
  type ObjectInfo,
  ObjectNotFoundError,
  type ObjectStore,
  type ObjectUpload,
} from "../../src/objectstore/mod.ts";
import { ObjectStoreError } from "../../src/common/mod.ts";

/** {@linkcode ObjectStore} over a map. */
export class MemoryStore implements ObjectStore {
  readonly description = "memory";
  readonly objects: Map<string, Uint8Array<ArrayBuffer>>;

  constructor(objects: ReadonlyMap<string, Uint8Array<ArrayBuffer>> = new Map()) {
    this.objects = new Map(objects);
  }
  /** Copies everything another store holds. */
  static async copyOf(store: ObjectStore): Promise<MemoryStore> {
    const copy = new MemoryStore();
    for await (const page of store.list("")) {
      for (const { key } of page) copy.objects.set(key, await store.get(key));
    }
    return copy;
  }
  // deno-lint-ignore require-await -- failures must reject
  async get(key: string, options: GetOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = this.objects.get(key);
    if (bytes === undefined) throw new ObjectNotFoundError(key);
    checkObjectSize(key, bytes.length, options);
    if (options.range === undefined) return bytes.slice();
    const { offset, length } = options.range;
    if (offset + length > bytes.length) {
      throw new ObjectStoreError("object is shorter than the range", { key, offset, length });
    }
    return bytes.slice(offset, offset + length);
  }
  put(key: string, body: ObjectBody): Promise<boolean> {
    this.objects.set(key, new Uint8Array(joinBody(body)));
    return Promise.resolve(true);
  }
  head(key: string): Promise<ObjectInfo | null> {
    const bytes = this.objects.get(key);
    return Promise.resolve(
      bytes === undefined ? null : { key, size: bytes.length, modifiedMillis: 0 },
    );
  }
  async *list(prefix: string): AsyncIterable<readonly ObjectInfo[]> {
    for (const [key, { length }] of this.objects) {
      if (key.startsWith(prefix)) yield [{ key, size: length, modifiedMillis: 0 }];
    }
  }
  delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.objects.delete(key);
    return Promise.resolve();
  }
  openUpload(): Promise<ObjectUpload> {
    return Promise.reject(new ObjectStoreError("no uploads in parts"));
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}

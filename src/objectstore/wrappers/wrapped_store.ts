/**
 * The frame of every wrapper: one function sees each request, whatever its kind, and decides when and how often it is made.
 * The parts of an upload are requests of their own.
 *
 * @module
 */
import {
  bodyByteSize,
  type CallOptions,
  type GetOptions,
  type ObjectBody,
  type ObjectInfo,
  type ObjectStore,
  type ObjectUpload,
  type PutOptions,
  type UploadOptions,
} from "../object_store.ts";

/** Kinds of requests, as metrics and log lines name them. */
export type StoreOperation =
  | "get"
  | "put"
  | "head"
  | "list"
  | "delete"
  | "open upload"
  | "put part"
  | "complete upload"
  | "abort upload";

/** A request that passes a wrapper. */
export interface StoreRequest {
  readonly operation: StoreOperation;
  /** Object, prefix, or the first of several objects. */
  readonly key: string;
  /** Bytes that go up. */
  readonly sentBytes: number;
  /** Bytes that are expected to come down; 0 if unknown. */
  readonly expectedBytes: number;
  readonly signal: AbortSignal | undefined;
}

/** Makes a request, once, several times, or later. */
export type Interceptor = <T>(request: StoreRequest, run: () => Promise<T>) => Promise<T>;

/** {@linkcode ObjectStore} whose requests all pass one function. */
export class WrappedStore implements ObjectStore {
  readonly description: string;
  protected readonly inner: ObjectStore;
  protected readonly intercept: Interceptor;

  constructor(inner: ObjectStore, intercept: Interceptor) {
    this.inner = inner;
    this.intercept = intercept;
    this.description = inner.description;
  }

  get(key: string, options: GetOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    const expectedBytes = options.range?.length ?? 0;
    return this.intercept(
      requestOf("get", key, { expectedBytes, ...options }),
      () => this.inner.get(key, options),
    );
  }

  put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<boolean> {
    const sentBytes = bodyByteSize(body);
    return this.intercept(
      requestOf("put", key, { sentBytes, ...options }),
      () => this.inner.put(key, body, options),
    );
  }

  head(key: string, options: CallOptions = {}): Promise<ObjectInfo | null> {
    return this.intercept(requestOf("head", key, options), () => this.inner.head(key, options));
  }

  async *list(prefix: string, options: CallOptions = {}): AsyncIterable<readonly ObjectInfo[]> {
    const pages = this.inner.list(prefix, options)[Symbol.asyncIterator]();
    const request = requestOf("list", prefix, options);
    for (;;) {
      const { done, value } = await this.intercept(request, () => pages.next());
      if (done) return;
      yield value;
    }
  }

  delete(keys: readonly string[], options: CallOptions = {}): Promise<void> {
    return this.intercept(
      requestOf("delete", keys[0] ?? "", options),
      () => this.inner.delete(keys, options),
    );
  }

  async openUpload(key: string, options: UploadOptions = {}): Promise<ObjectUpload> {
    const upload = await this.intercept(
      requestOf("open upload", key, options),
      () => this.inner.openUpload(key, options),
    );
    return this.wrapUpload(key, upload, options);
  }

  /** Wraps the requests of an upload. */
  protected wrapUpload(
    key: string,
    upload: ObjectUpload,
    _options: UploadOptions,
  ): ObjectUpload {
    const { intercept } = this;
    return {
      token: upload.token,
      partBytes: upload.partBytes,
      isSequential: upload.isSequential,
      hasPart: (number, bytes) => upload.hasPart(number, bytes),
      putPart: (number, bytes, options = {}) =>
        intercept(
          requestOf("put part", key, { sentBytes: bytes.byteLength, ...options }),
          () => upload.putPart(number, bytes, options),
        ),
      complete: (partCount, options = {}) =>
        intercept(
          requestOf("complete upload", key, options),
          () => upload.complete(partCount, options),
        ),
      abort: (options = {}) =>
        intercept(requestOf("abort upload", key, options), () => upload.abort(options)),
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.inner[Symbol.asyncDispose]());
  }
}

function requestOf(
  operation: StoreOperation,
  key: string,
  facts: {
    readonly sentBytes?: number;
    readonly expectedBytes?: number;
    readonly signal?: AbortSignal;
  },
): StoreRequest {
  const { sentBytes = 0, expectedBytes = 0, signal } = facts;
  return { operation, key, sentBytes, expectedBytes, signal };
}

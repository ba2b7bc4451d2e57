/**
 * Tries failed requests again: those that may succeed later, after a pause drawn from a range that doubles ("full jitter"), so
 * that many clients do not come back at once; never before the server wants.
 *
 * A request whose answer was lost may have happened. For a `put` with `ifNoneMatch` that means that a later try can meet the
 * call's own object: each such call marks its object with a random id, and finds it again by that. Clients and connection pools
 * may repeat a request unasked, so the id is compared whenever an object was met.
 *
 * @module
 */
import { ObjectStoreError } from "../../common/mod.ts";
import type { Random, Timers } from "../../platform/mod.ts";
import type {
  CallOptions,
  ObjectBody,
  ObjectInfo,
  ObjectStore,
  ObjectUpload,
  PutOptions,
  UploadOptions,
} from "../object_store.ts";
import { ObjectStoreRequestError } from "../request_error.ts";
import { type StoreRequest, WrappedStore } from "./wrapped_store.ts";

/** How often and when to try again. */
export interface RetryOptions {
  readonly timers: Timers;
  readonly random: Random;
  /** Tries of one request, the first included. */
  readonly attemptsMax: number;
  /** Longest pause before the second try, milliseconds; 200 if left out. */
  readonly baseDelayMillis?: number;
  /** Longest pause at all, milliseconds; 20 000 if left out. */
  readonly delayMillisMax?: number;
}

const BASE_DELAY_MILLIS = 200;
const DELAY_MILLIS_MAX = 20_000;
const WRITE_ID_BYTES = 12;

/** Wraps a store so that requests that may succeed later are tried again. */
export function withRetry(inner: ObjectStore, options: RetryOptions): ObjectStore {
  return new RetryStore(inner, options);
}

class RetryStore extends WrappedStore {
  readonly #options: RetryOptions;

  constructor(inner: ObjectStore, options: RetryOptions) {
    super(inner, (request, run) => attempt(options, request, run));
    this.#options = options;
  }

  override async put(
    key: string,
    body: ObjectBody,
    options: PutOptions = {},
  ): Promise<boolean> {
    if (options.ifNoneMatch !== true) return await super.put(key, body, options);
    const writeId = options.writeId ?? this.#newWriteId();
    const request = { operation: "put", key, sentBytes: 0, expectedBytes: 0 } as const;
    const isCreated = await attempt(
      this.#options,
      { ...request, signal: options.signal },
      () => {
        return this.inner.put(key, body, { ...options, writeId });
      },
    );
    if (isCreated) return true;
    return await this.#isOwn(key, writeId, options);
  }

  /** A listing whose page failed goes on behind the last key that was seen; without an order there is no "behind". */
  override async *list(
    prefix: string,
    options: CallOptions = {},
  ): AsyncIterable<readonly ObjectInfo[]> {
    let seen: string | null = null;
    let failures = 0;
    let isOrdered = true;
    for (;;) {
      const pages: AsyncIterator<readonly ObjectInfo[]> = this.inner.list(prefix, options)
        [Symbol.asyncIterator]();
      try {
        for (;;) {
          const { done, value } = await pages.next();
          if (done) return;
          failures = 0;
          const page: readonly ObjectInfo[] = seen === null ? value : behind(value, seen);
          if (page.length === 0) continue;
          isOrdered &&= isAscending(page, seen);
          yield page;
          seen = page.at(-1)!.key;
        }
      } catch (error) {
        failures++;
        if (!isOrdered || !mayRetry(error, failures, this.#options)) throw error;
        await pause(this.#options, failures, { error, signal: options.signal });
      }
    }
  }

  override openUpload(key: string, options: UploadOptions = {}): Promise<ObjectUpload> {
    const writeId = options.writeId ?? this.#newWriteId();
    return super.openUpload(key, { ...options, writeId });
  }

  protected override wrapUpload(
    key: string,
    upload: ObjectUpload,
    options: UploadOptions,
  ): ObjectUpload {
    const { writeId } = options;
    const complete = async (partCount: number, call: CallOptions = {}): Promise<boolean> => {
      const request = {
        operation: "complete upload",
        key,
        sentBytes: 0,
        expectedBytes: 0,
      } as const;
      const isCreated = await attempt(this.#options, { ...request, signal: call.signal }, () => {
        return upload.complete(partCount, call);
      });
      if (isCreated || writeId === undefined) return isCreated;
      return await this.#isOwn(key, writeId, call);
    };
    return { ...super.wrapUpload(key, upload, options), complete };
  }

  async #isOwn(key: string, writeId: string, options: CallOptions): Promise<boolean> {
    const info = await this.head(key, options);
    return info?.writeId === writeId;
  }

  #newWriteId(): string {
    const bytes = this.#options.random.fill(new Uint8Array(WRITE_ID_BYTES));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
}

const encoder = new TextEncoder();

function behind(page: readonly ObjectInfo[], seen: string): ObjectInfo[] {
  return page.filter(({ key }) => compareKeys(key, seen) > 0);
}

function isAscending(page: readonly ObjectInfo[], seen: string | null): boolean {
  return page.every(({ key }, index) => {
    const previous = index === 0 ? seen : page[index - 1].key;
    return previous === null || compareKeys(previous, key) < 0;
  });
}

/** Orders by UTF-8 bytes. */
function compareKeys(left: string, right: string): number {
  const a = encoder.encode(left);
  const b = encoder.encode(right);
  const count = Math.min(a.length, b.length);
  for (let i = 0; i < count; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

async function attempt<T>(
  options: RetryOptions,
  request: StoreRequest,
  run: () => Promise<T>,
): Promise<T> {
  for (let failures = 1;; failures++) {
    try {
      return await run();
    } catch (error) {
      if (!mayRetry(error, failures, options)) throw error;
      await pause(options, failures, { error, signal: request.signal });
    }
  }
}

function mayRetry(error: unknown, failures: number, options: RetryOptions): boolean {
  return failures < options.attemptsMax && error instanceof ObjectStoreError && error.isRetryable;
}

async function pause(
  options: RetryOptions,
  failures: number,
  { error, signal }: { readonly error: unknown; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const { baseDelayMillis = BASE_DELAY_MILLIS, delayMillisMax = DELAY_MILLIS_MAX } = options;
  const range = Math.min(delayMillisMax, baseDelayMillis * 2 ** (failures - 1));
  const wanted = error instanceof ObjectStoreRequestError ? error.failure.retryAfterMillis ?? 0 : 0;
  const jitter = options.random.fill(new Uint8Array(4));
  const fraction = new DataView(jitter.buffer).getUint32(0) / 2 ** 32;
  // A server that wants hours is not waited for longer than our own longest pause.
  const millis = Math.min(delayMillisMax, wanted) + fraction * range;
  await options.timers.sleep(Math.max(1, millis), signal);
}

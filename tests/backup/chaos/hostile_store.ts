/**
 * A client's way to a {@linkcode Bucket}, on which anything may go wrong: the faults of docs/internals/testing.md, drawn from a
 * seed. A client that was killed makes no call any more.
 *
 * @module
 */
import { ObjectStoreError } from "../../../src/common/mod.ts";
import {
  checkObjectSize,
  type GetOptions,
  joinBody,
  type ObjectBody,
  type ObjectInfo,
  ObjectNotFoundError,
  type ObjectStore,
  type ObjectUpload,
  type PutOptions,
  validateObjectKey,
} from "../../../src/objectstore/mod.ts";
import { judgeFailure, ObjectStoreRequestError } from "../../../src/objectstore/request_error.ts";
import type { SeededRandom } from "../../support/seeded_random.ts";
import type { Bucket, StoredObject } from "./bucket.ts";

/** Kinds of faults. */
export const STORE_FAULTS = [
  "throttled",
  "server error",
  "expired token",
  "connection lost",
  "fail after apply",
  "truncated body",
  "bit flip",
  "stale list",
  "404 then 200",
  "duplicate put",
  "quota full",
] as const;
/** One of {@linkcode STORE_FAULTS}. */
export type StoreFault = typeof STORE_FAULTS[number];

/** A call, as hooks see it. */
export interface StoreCall {
  readonly operation: "get" | "put" | "head" | "list" | "delete";
  readonly key: string;
  /** 1 for the client's first call. */
  readonly number: number;
}

/** What a client meets. */
export interface Weather {
  /** Probability that a call meets a fault. */
  readonly faultRate: number;
  readonly faults: readonly StoreFault[];
}

/** Nothing goes wrong. */
export const CALM: Weather = { faultRate: 0, faults: [] };

const STALE_EVENTS_MAX = 40;
const STALE_CALLS_MAX = 5;
const QUOTA_CALLS = 12;
const DUPLICATE_CALLS = 6;
const PAUSES_MAX = 4;

/** The process that made the call was killed. */
export class KilledError extends Error {
  override readonly name: string = "KilledError";
}

/** {@linkcode ObjectStore} over a bucket with faults. */
export class HostileStore implements ObjectStore {
  readonly description = "hostile";
  weather: Weather = CALM;
  isDead = false;
  callCount = 0;
  /** Faults so far, by kind. */
  readonly faultCounts = new Map<StoreFault, number>();
  /** Called before every call. */
  before: (call: StoreCall) => void | Promise<void> = () => {};
  /** Called after every call that has happened, before the caller knows. */
  after: (call: StoreCall) => void = () => {};
  readonly #bucket: Bucket;
  readonly #random: SeededRandom;
  #staleCalls = 0;
  #staleEvents = 0;
  #quotaUntil = 0;
  readonly #hiddenUntil = new Map<string, number>();
  #duplicates: { at: number; run: () => void }[] = [];

  constructor(bucket: Bucket, random: SeededRandom) {
    this.#bucket = bucket;
    this.#random = random;
  }

  /** Ends the trouble: listings are up to date, late requests have arrived. */
  calm(): void {
    this.weather = CALM;
    this.#staleCalls = 0;
    this.#quotaUntil = 0;
    this.#hiddenUntil.clear();
    for (const { run } of this.#duplicates) run();
    this.#duplicates = [];
  }

  get(key: string, options: GetOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    validateObjectKey(key);
    return this.#call("get", key, (fault) => {
      const object = this.#seen(key);
      if (object === null) throw new ObjectNotFoundError(key);
      const { range } = options;
      if (range === undefined) checkObjectSize(key, object.bytes.length, options);
      const end = range === undefined ? object.bytes.length : range.offset + range.length;
      if (end > object.bytes.length) throw requestFailure("body is shorter than asked for", 416);
      const bytes = object.bytes.slice(range?.offset ?? 0, end);
      if (fault === "truncated body") throw requestFailure("body was cut short");
      if (fault === "bit flip" && bytes.length > 0) {
        // A whole object has a checksum at the provider; a range has none.
        if (range === undefined) throw requestFailure("checksum differs");
        bytes[this.#random.int(0, bytes.length)] ^= 1 << this.#random.int(0, 8);
      }
      return bytes;
    });
  }

  put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<boolean> {
    validateObjectKey(key);
    const bytes = joinBody(body).slice();
    const { writeId } = options;
    const apply = () => {
      if (options.ifNoneMatch === true && this.#bucket.objects.has(key)) return false;
      this.#bucket.put(key, bytes, writeId);
      return true;
    };
    return this.#call("put", key, (fault) => {
      if (this.callCount < this.#quotaUntil) throw requestFailure("quota exceeded", 507);
      if (fault === "duplicate put") {
        const at = this.callCount + this.#random.int(1, DUPLICATE_CALLS);
        this.#duplicates.push({ at, run: apply });
      }
      return apply();
    });
  }

  head(key: string): Promise<ObjectInfo | null> {
    validateObjectKey(key);
    return this.#call("head", key, () => {
      const object = this.#seen(key);
      return object === null ? null : infoOf(key, object);
    });
  }

  async *list(prefix: string): AsyncIterable<readonly ObjectInfo[]> {
    const objects = await this.#call("list", prefix, () => {
      const isStale = this.#staleCalls > 0;
      if (isStale) this.#staleCalls--;
      return this.#bucket.listed(prefix, isStale ? this.#staleEvents : 0);
    });
    const pageSize = this.#random.pick([3, 1000]);
    for (let start = 0; start < objects.length; start += pageSize) {
      yield objects.slice(start, start + pageSize).map(([key, object]) => {
        const { writeId: _, ...info } = infoOf(key, object);
        return info;
      });
    }
  }

  delete(keys: readonly string[]): Promise<void> {
    keys.forEach(validateObjectKey);
    return this.#call("delete", keys[0] ?? "", (fault) => {
      // Part of a batch may be gone when its answer is lost.
      const isPartial = fault !== null && this.#random.next() < 0.5;
      const count = isPartial ? this.#random.int(0, keys.length + 1) : keys.length;
      for (const key of keys.slice(0, count)) this.#bucket.delete(key);
      if (isPartial) throw requestFailure("some objects were not deleted", 500);
    });
  }

  openUpload(): Promise<ObjectUpload> {
    return Promise.reject(new ObjectStoreError("uploads in parts are not simulated"));
  }
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  /** One call with whatever happens to it. */
  async #call<T>(
    operation: StoreCall["operation"],
    key: string,
    apply: (fault: StoreFault | null) => T,
  ): Promise<T> {
    this.#requireAlive();
    const call: StoreCall = { operation, key, number: ++this.callCount };
    for (let i = this.#random.int(0, PAUSES_MAX); i > 0; i--) await Promise.resolve();
    await this.before(call);
    this.#requireAlive();
    this.#bucket.tick(this.#random.pick([0, 1, 40, 2000]));
    const due = this.#duplicates.filter(({ at }) => at <= call.number);
    this.#duplicates = this.#duplicates.filter(({ at }) => at > call.number);
    for (const { run } of due) run();
    const fault = this.#drawFault(call);
    const result = apply(fault);
    this.after(call);
    for (let i = this.#random.int(0, PAUSES_MAX); i > 0; i--) await Promise.resolve();
    this.#requireAlive();
    if (fault === "fail after apply") throw requestFailure("connection was reset");
    return result;
  }

  #drawFault(call: StoreCall): StoreFault | null {
    const { faultRate, faults } = this.weather;
    if (this.#random.next() >= faultRate) return null;
    const fault = this.#random.pick(faults);
    if (!fits(fault, call.operation)) return null;
    this.faultCounts.set(fault, (this.faultCounts.get(fault) ?? 0) + 1);
    switch (fault) {
      case "throttled":
        throw requestFailure("slow down", 429);
      case "server error":
        throw requestFailure("internal error", this.#random.pick([500, 502, 503]));
      case "expired token":
        throw requestFailure("token has expired", this.#random.pick([401, 403]));
      case "connection lost":
        throw requestFailure("connection was lost");
      case "stale list":
        this.#staleCalls = this.#random.int(1, STALE_CALLS_MAX);
        this.#staleEvents = this.#random.int(1, STALE_EVENTS_MAX);
        return fault;
      case "404 then 200":
        this.#hiddenUntil.set(call.key, call.number + this.#random.int(1, STALE_CALLS_MAX));
        return fault;
      case "quota full":
        this.#quotaUntil = call.number + QUOTA_CALLS;
        return fault;
      default:
        return fault;
    }
  }

  #seen(key: string): StoredObject | null {
    if ((this.#hiddenUntil.get(key) ?? 0) >= this.callCount) return null;
    return this.#bucket.objects.get(key) ?? null;
  }

  #requireAlive(): void {
    if (this.isDead) throw new KilledError("The process was killed");
  }
}

function fits(fault: StoreFault, operation: StoreCall["operation"]): boolean {
  switch (fault) {
    case "truncated body":
    case "bit flip":
      return operation === "get";
    case "stale list":
      return operation === "list";
    case "404 then 200":
      return operation === "get" || operation === "head";
    case "duplicate put":
    case "quota full":
      return operation === "put";
    default:
      return true;
  }
}

function requestFailure(reason: string, status?: number): ObjectStoreRequestError {
  return new ObjectStoreRequestError(judgeFailure({ reason, status }), {});
}

function infoOf(key: string, { bytes, modifiedMillis, writeId }: StoredObject): ObjectInfo {
  const info = { key, size: bytes.length, modifiedMillis };
  return writeId === undefined ? info : { ...info, writeId };
}

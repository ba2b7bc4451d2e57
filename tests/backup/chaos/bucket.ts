/**
 * A bucket in memory: what a provider holds, with its own clock. Clients see it through {@linkcode HostileStore}; the checks of
 * a history look at it directly, so no fault can hide anything from them.
 *
 * @module
 */
import type { WasmCore } from "../../../src/wasm/mod.ts";
import { hashHex } from "../../../src/backup/content_hash.ts";

/** An object. */
export interface StoredObject {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly modifiedMillis: number;
  readonly writeId: string | undefined;
}

/** Something that happened to the names in a bucket. */
interface BucketEvent {
  readonly key: string;
  readonly object: StoredObject | null;
}

const CONTENT_NAMED = /\/(?:packs|tables)\/[^/]+\/([0-9a-f]{64})\.(?:pack|json\.zst)$/;

/** Objects by key, and the order in which they came and went. */
export class Bucket {
  readonly objects = new Map<string, StoredObject>();
  /** Packs and table manifests that were deleted through a client, ever. */
  deletedCount = 0;
  /** What was written under a name that tells other content. */
  readonly misnamed: string[] = [];
  readonly #core: WasmCore;
  readonly #resolutionMillis: number;
  readonly #events: BucketEvent[] = [];
  #millis = 1_780_000_000_000;

  /** @param resolutionMillis of the times that the store tells; a second at many providers. */
  constructor(core: WasmCore, resolutionMillis: number) {
    this.#core = core;
    this.#resolutionMillis = resolutionMillis;
  }

  /** Lets the store's clock go on. */
  tick(millis: number): void {
    this.#millis += millis;
  }
  put(key: string, bytes: Uint8Array<ArrayBuffer>, writeId: string | undefined): void {
    const named = CONTENT_NAMED.exec(key);
    if (named !== null && hashHex(this.#core, bytes) !== named[1]) this.misnamed.push(key);
    const modifiedMillis = Math.floor(this.#millis / this.#resolutionMillis) *
      this.#resolutionMillis;
    this.#set(key, { bytes, modifiedMillis, writeId });
  }
  delete(key: string): void {
    if (!this.objects.has(key)) return;
    if (CONTENT_NAMED.test(key)) this.deletedCount++;
    this.#set(key, null);
  }
  /** Changes bytes behind everybody's back; to `null`: the object is gone. */
  damage(key: string, bytes: Uint8Array<ArrayBuffer> | null): void {
    const object = this.objects.get(key)!;
    this.#set(key, bytes === null ? null : { ...object, bytes });
  }
  /** Keys as of `eventCount` events ago, with what they hold: a listing that lags behind. */
  listed(prefix: string, eventCount: number): [string, StoredObject][] {
    const view = new Map(this.objects);
    const recent = eventCount === 0 ? [] : this.#events.slice(-eventCount);
    for (const { key, object } of recent.reverse()) {
      if (object === null) view.delete(key);
      else view.set(key, object);
    }
    return [...view].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => a < b ? -1 : 1);
  }

  /** Keeps what was there before, for listings that lag. */
  #set(key: string, object: StoredObject | null): void {
    this.#events.push({ key, object: this.objects.get(key) ?? null });
    if (object === null) this.objects.delete(key);
    else this.objects.set(key, object);
  }
}

/**
 * Fills packs and uploads them. A pack's name, the hash of its bytes, is known once it is full; the upload then goes on
 * while the next one fills. At most one upload is under way, so at most two packs are in memory, each in a buffer that is used
 * again.
 *
 * @module
 */
import { freeBytes } from "../common/mod.ts";
import { bodyByteSize, type ObjectStore } from "../objectstore/mod.ts";
import type { WasmCore } from "../wasm/mod.ts";
import type { InstanceKeys } from "./object_keys.ts";
import { PackBuilder, type PackEntry } from "./pack.ts";
import type { PackBuffer, PackBuffers } from "./pack_buffer.ts";
import type { StoredSlice } from "./table_manifest.ts";

/** A slice whose pack is still being filled; `pack` is empty until then. */
export type PendingSlice = { -readonly [Field in keyof StoredSlice]: StoredSlice[Field] };

/** Counts what a backup moves. */
export interface UploadCounters {
  bytesRead: number;
  bytesUploaded: number;
  bytesReused: number;
  objectsUploaded: number;
}

/** Counters at zero. */
export function newCounters(): UploadCounters {
  return { bytesRead: 0, bytesUploaded: 0, bytesReused: 0, objectsUploaded: 0 };
}

/** Where and how objects are stored. */
export interface UploadTarget {
  readonly store: ObjectStore;
  readonly counters: UploadCounters;
  /** True if an attempt that did not get to its end may have stored the object: it is then looked for before it is sent. */
  readonly isResumed: boolean;
}

/**
 * Stores an object whose name tells its content. One that exists already is kept; if its length is wrong, it was damaged and
 * is stored again.
 */
export async function putImmutable(
  { store, counters, isResumed }: UploadTarget,
  object: { readonly key: string; readonly body: readonly Uint8Array[] },
): Promise<void> {
  const { key, body } = object;
  const size = bodyByteSize(body);
  if (isResumed && (await store.head(key))?.size === size) {
    counters.bytesReused += size;
    return;
  }
  if (!await store.put(key, body, { ifNoneMatch: true })) {
    const info = await store.head(key);
    if (info?.size === size) {
      counters.bytesReused += size;
      return;
    }
    await store.put(key, body);
  }
  counters.bytesUploaded += size;
  counters.objectsUploaded++;
}

/** Fills packs of one table directory. */
export class PackUploader {
  /** Size of each pack finished so far, by hash. */
  readonly packBytes = new Map<string, number>();
  readonly #target: UploadTarget;
  readonly #core: WasmCore;
  readonly #keys: InstanceKeys;
  readonly #directory: string;
  readonly #buffers: PackBuffers;
  #filling: { readonly builder: PackBuilder; readonly buffer: PackBuffer } | null = null;
  #pending: PendingSlice[] = [];
  #upload: Promise<{ error: unknown } | null> = Promise.resolve(null);

  constructor(
    options: UploadTarget & {
      readonly core: WasmCore;
      readonly keys: InstanceKeys;
      readonly directory: string;
      readonly packBuffers: PackBuffers;
    },
  ) {
    this.#target = options;
    this.#core = options.core;
    this.#keys = options.keys;
    this.#directory = options.directory;
    this.#buffers = options.packBuffers;
  }

  /** Adds a slice and frees its bytes; waits for an upload if the pack is full. */
  async add(
    stored: Uint8Array,
    facts: Omit<PackEntry, "offset" | "stored">,
  ): Promise<PendingSlice> {
    const { builder } = this.#filling ??= this.#newPack();
    const offset = builder.add(stored, facts);
    const slice: PendingSlice = {
      rowLo: facts.row_lo,
      rowHi: facts.row_hi,
      pack: "",
      offset,
      stored: stored.byteLength,
      raw: facts.raw,
      codec: facts.codec,
      blake3: facts.blake3,
    };
    this.#pending.push(slice);
    freeBytes(stored);
    if (builder.isFull) await this.flush();
    return slice;
  }

  /** Closes the pack that is being filled, if it holds anything: its slices now know its name. */
  async flush(): Promise<void> {
    if (this.#filling === null) return;
    const { builder, buffer } = this.#filling;
    const { body, name } = builder.finish();
    this.#filling = null;
    for (const slice of this.#pending) slice.pack = name;
    this.#pending = [];
    this.packBytes.set(name, body.byteLength);
    await this.finish();
    const object = { key: this.#keys.pack(this.#directory, name), body: [body] };
    this.#upload = putImmutable(this.#target, object)
      .then(() => {
        this.#buffers.giveBack(buffer); // after a failure, a client may still read it
        return null;
      }, (error: unknown) => ({ error }));
  }

  /** Waits for the upload under way, whatever becomes of it. */
  async settle(): Promise<void> {
    if (this.#filling !== null) {
      this.#filling.builder[Symbol.dispose]();
      this.#buffers.giveBack(this.#filling.buffer);
      this.#filling = null;
    }
    await this.#upload;
  }

  /** Waits for the upload under way. @throws what it threw. */
  async finish(): Promise<void> {
    const outcome = await this.#upload;
    this.#upload = Promise.resolve(null);
    if (outcome !== null) throw outcome.error;
  }

  #newPack(): { builder: PackBuilder; buffer: PackBuffer } {
    const buffer = this.#buffers.take();
    return { builder: new PackBuilder(this.#core, buffer), buffer };
  }
}

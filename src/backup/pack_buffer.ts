/**
 * Memory in which packs are put together. Slices come from other threads in pieces of many sizes; kept for as long as their pack
 * fills, they would hold the heap's pages between them. So they are copied into one of a few large buffers, which are used
 * again for every pack of a backup.
 *
 * @module
 */
import { freeBytes } from "../common/mod.ts";

/** Takes a pack of ordinary slices with its directory; only what is written to is really occupied. */
const INITIAL_BYTES = 22 << 20;

/** Bytes that are appended to; grows when one slice is larger than a pack. */
export class PackBuffer {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #length = 0;

  /** What was appended so far: a view that is valid until the next call. */
  get content(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }
  /** Bytes appended so far. */
  get length(): number {
    return this.#length;
  }
  /** Appends a copy of bytes. */
  append(bytes: Uint8Array): void {
    const length = this.#length + bytes.byteLength;
    if (length > this.#bytes.byteLength) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#bytes.byteLength));
      larger.set(this.content);
      freeBytes(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = length;
  }
  /** Begins anew. */
  clear(): void {
    this.#length = 0;
  }
  /** Gives the memory back; the buffer must not be used any more. */
  free(): void {
    freeBytes(this.#bytes);
  }
}

/** The buffers of one backup: as many as are in use at a time. */
export class PackBuffers implements Disposable {
  readonly #idle: PackBuffer[] = [];

  /** An empty buffer. */
  take(): PackBuffer {
    return this.#idle.pop() ?? new PackBuffer();
  }
  /** Takes a buffer back that nobody reads any more. */
  giveBack(buffer: PackBuffer): void {
    buffer.clear();
    this.#idle.push(buffer);
  }
  [Symbol.dispose](): void {
    for (const buffer of this.#idle.splice(0)) buffer.free();
  }
}

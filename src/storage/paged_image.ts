/**
 * A file held in memory while it is changed in many small places: changes are collected per page and written together.
 *
 * @module
 */
import { assert } from "../common/mod.ts";
import type { FileHandle } from "../platform/mod.ts";

const PAGE_BYTES = 4096;

/** Growable copy of a file with little-endian accessors; {@linkcode flush} writes what changed. */
export class PagedImage {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #size: number;
  readonly #dirty = new Set<number>();

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#size = bytes.length;
  }
  /** Logical length in bytes. */
  get size(): number {
    return this.#size;
  }
  /** Extends the image with zeros; never shrinks it. */
  grow(size: number): void {
    if (size > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(size, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, this.#size));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    if (size > this.#size) {
      this.#mark(this.#size, size - this.#size);
      this.#size = size;
    }
  }
  i32(offset: number): number {
    return this.#view.getInt32(offset, true);
  }
  /** An int64 as a number; exact up to 2^53. */
  i64(offset: number): number {
    return this.#view.getInt32(offset + 4, true) * 0x1_0000_0000 +
      this.#view.getUint32(offset, true);
  }
  setU8(offset: number, value: number): void {
    this.#mark(offset, 1);
    this.#view.setUint8(offset, value);
  }
  setI32(offset: number, value: number): void {
    this.#mark(offset, 4);
    this.#view.setInt32(offset, value, true);
  }
  setI64(offset: number, value: number): void {
    this.#mark(offset, 8);
    assert(Number.isSafeInteger(value), `an integer that a number can hold: ${value}`);
    this.#view.setInt32(offset, value, true);
    this.#view.setInt32(offset + 4, Math.floor(value / 0x1_0000_0000), true);
  }
  /** Writes every changed page and forgets the changes. */
  flush(file: FileHandle): void {
    const pages = [...this.#dirty].sort((a, b) => a - b);
    for (let i = 0; i < pages.length;) {
      let end = i + 1;
      while (end < pages.length && pages[end] === pages[end - 1] + 1) end++;
      const from = pages[i] * PAGE_BYTES;
      const to = Math.min((pages[end - 1] + 1) * PAGE_BYTES, this.#size);
      file.write(this.#bytes.subarray(from, to), from);
      i = end;
    }
    this.#dirty.clear();
  }
  #mark(offset: number, size: number): void {
    assert(offset >= 0 && size >= 0, "a change lies inside the image");
    for (let page = Math.floor(offset / PAGE_BYTES); page * PAGE_BYTES < offset + size; page++) {
      this.#dirty.add(page);
    }
  }
}

/**
 * A file that is read and changed in many small places, a page at a time. What is changed stays in memory until
 * {@linkcode PageCache.flush}, which writes neighbouring pages together.
 *
 * @module
 */
import { assert } from "../common/mod.ts";
import type { FileHandle } from "../platform/mod.ts";

const PAGE_BYTES = 1 << 14;
const TWO_POW_32 = 0x1_0000_0000;

interface Page {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly i32: Int32Array<ArrayBuffer>;
  isDirty: boolean;
}

/** See the module's description. Accessors are little endian; aligned to 4 bytes unless they say otherwise. */
export class PageCache {
  readonly #file: FileHandle;
  readonly #fileBytes: number;
  #pages: (Page | undefined)[] = [];
  #pageCount = 0;
  #end = 0;

  /** @param file Pages behind its end read as zeros. */
  constructor(file: FileHandle) {
    this.#file = file;
    this.#fileBytes = file.size();
  }
  /** Bytes of memory that the pages take. */
  get byteSize(): number {
    return this.#pageCount * PAGE_BYTES;
  }
  i32(offset: number): number {
    return this.#page(offset).i32[(offset & (PAGE_BYTES - 1)) >>> 2];
  }
  /** An int64 as a number; exact up to 2^53. */
  i64(offset: number): number {
    const { i32 } = this.#page(offset);
    const at = (offset & (PAGE_BYTES - 1)) >>> 2;
    return i32[at + 1] * TWO_POW_32 + (i32[at] >>> 0);
  }
  setI64(offset: number, value: number): void {
    const page = this.#page(offset);
    const at = (offset & (PAGE_BYTES - 1)) >>> 2;
    page.i32[at] = value | 0;
    page.i32[at + 1] = Math.floor(value / TWO_POW_32);
    page.isDirty = true;
    if (offset + 8 > this.#end) this.#end = offset + 8;
  }
  /** Copies bytes into one page, wherever they begin. */
  setBytes(offset: number, bytes: Uint8Array): void {
    const page = this.#page(offset);
    const at = offset & (PAGE_BYTES - 1);
    assert(at + bytes.length <= PAGE_BYTES, "the bytes lie in one page");
    page.bytes.set(bytes, at);
    page.isDirty = true;
    if (offset + bytes.length > this.#end) this.#end = offset + bytes.length;
  }
  /** Writes every changed page and forgets all pages. */
  flush(): void {
    const pages = this.#pages;
    const end = Math.max(this.#end, this.#fileBytes);
    for (let first = 0; first < pages.length;) {
      if (!pages[first]?.isDirty) {
        first++;
        continue;
      }
      let next = first + 1;
      while (pages[next]?.isDirty) next++;
      const run = new Uint8Array((next - first) * PAGE_BYTES);
      for (let i = first; i < next; i++) run.set(pages[i]!.bytes, (i - first) * PAGE_BYTES);
      const from = first * PAGE_BYTES;
      this.#file.write(run.subarray(0, Math.min(run.length, end - from)), from);
      first = next;
    }
    this.#pages = [];
    this.#pageCount = 0;
  }

  #page(offset: number): Page {
    const number = Math.floor(offset / PAGE_BYTES);
    return this.#pages[number] ?? this.#load(number);
  }

  #load(number: number): Page {
    const bytes = new Uint8Array(PAGE_BYTES);
    const from = number * PAGE_BYTES;
    // Pages that were flushed lie behind the first length, too.
    if (from < Math.max(this.#fileBytes, this.#end)) this.#file.read(bytes, from);
    const page = { bytes, i32: new Int32Array(bytes.buffer), isDirty: false };
    while (this.#pages.length < number) this.#pages.push(undefined);
    this.#pages[number] = page;
    this.#pageCount++;
    return page;
  }
}

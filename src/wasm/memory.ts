/**
 * The memory that columns live in: one shared `WebAssembly.Memory`, cut into regions, each owned by exactly one thread.
 *
 * ```
 * 0 .. 64 KiB        reserved: null page, so that pointer 0 is never valid
 * 64 KiB .. main     region of the main isolate
 * .. worker i        one region per worker
 * ```
 * The memory never grows, so views never go stale. Pages are touched on first use: reserved memory costs nothing.
 *
 * Invariants:
 * 1. A region is allocated from by its owning thread only; other threads may read and write inside live blocks.
 * 2. Blocks are aligned to 64 bytes and never overlap; freeing an unknown pointer is a programmer error.
 * 3. Blocks are not zeroed.
 *
 * Layout and limits: docs/internals/wasm_memory.md.
 *
 * @module
 */
import { assert, LimitError } from "../common/mod.ts";

const PAGE_BYTES = 65_536;
const ALIGNMENT = 64;
/** Address space reserved for columns. 2 GiB keeps every pointer a non-negative int32. */
export const WASM_MEMORY_BYTES = 2_147_483_648;
const RESERVED_BYTES = PAGE_BYTES;

/** Creates the shared memory. Reserves address space only. */
export function createSharedMemory(): WebAssembly.Memory {
  const pages = WASM_MEMORY_BYTES / PAGE_BYTES;
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

/** A byte range of the shared memory. */
export interface Region {
  /** First byte. */
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
}

/** Splits the memory: half to the main isolate, the rest evenly to the workers. */
export function planRegions(workerCount: number): { main: Region; workers: Region[] } {
  const middle = workerCount === 0 ? WASM_MEMORY_BYTES : WASM_MEMORY_BYTES / 2;
  const share = workerCount === 0
    ? 0
    : Math.floor((WASM_MEMORY_BYTES - middle) / workerCount / PAGE_BYTES) * PAGE_BYTES;
  return {
    main: { start: RESERVED_BYTES, end: middle },
    workers: Array.from({ length: workerCount }, (_, i) => ({
      start: middle + i * share,
      end: middle + (i + 1) * share,
    })),
  };
}

/** Views over the whole memory plus the allocator of one region. */
export class WasmMemory {
  readonly memory: WebAssembly.Memory;
  readonly region: Region;
  readonly u8: Uint8Array;
  readonly i8: Int8Array;
  readonly i16: Int16Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  /** For scalars at the edges only: every element access makes a `bigint`. */
  readonly i64: BigInt64Array;
  /** Start → size of free extents, ascending by start; neighbours are always merged. */
  #freeStarts: number[];
  #freeSizes: number[];
  readonly #live = new Map<number, number>();
  #liveBytes = 0;

  constructor(memory: WebAssembly.Memory, region: Region) {
    const buffer = memory.buffer;
    this.memory = memory;
    this.region = region;
    this.u8 = new Uint8Array(buffer);
    this.i8 = new Int8Array(buffer);
    this.i16 = new Int16Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.i64 = new BigInt64Array(buffer);
    this.#freeStarts = [region.start];
    this.#freeSizes = [region.end - region.start];
  }

  /** Bytes in live blocks, including padding. */
  get liveBytes(): number {
    return this.#liveBytes;
  }

  /**
   * Allocates a block; contents are undefined. First fit over merged free extents.
   *
   * @throws {LimitError} when no free extent is large enough.
   */
  alloc(byteSize: number): number {
    assert(
      Number.isSafeInteger(byteSize) && byteSize >= 0,
      `block size is a non-negative integer: ${byteSize}`,
    );
    const size = Math.max(ALIGNMENT, Math.ceil(byteSize / ALIGNMENT) * ALIGNMENT);
    const index = this.#freeSizes.findIndex((free) => free >= size);
    if (index < 0) {
      throw new LimitError("out of column memory", {
        requested: byteSize,
        used: this.#liveBytes,
        limit: this.region.end - this.region.start,
      });
    }
    const pointer = this.#freeStarts[index];
    if (this.#freeSizes[index] === size) {
      this.#freeStarts.splice(index, 1);
      this.#freeSizes.splice(index, 1);
    } else {
      this.#freeStarts[index] += size;
      this.#freeSizes[index] -= size;
    }
    this.#live.set(pointer, size);
    this.#liveBytes += size;
    return pointer;
  }

  /** Gives a block back. */
  free(pointer: number): void {
    const size = this.#live.get(pointer);
    assert(size !== undefined, `pointer was allocated here and is live: ${pointer}`);
    this.#live.delete(pointer);
    this.#liveBytes -= size;
    let index = this.#lowerBound(pointer);
    this.#freeStarts.splice(index, 0, pointer);
    this.#freeSizes.splice(index, 0, size);
    if (index + 1 < this.#freeStarts.length && pointer + size === this.#freeStarts[index + 1]) {
      this.#mergeWithNext(index);
    }
    if (index > 0 && this.#freeStarts[index - 1] + this.#freeSizes[index - 1] === pointer) {
      this.#mergeWithNext(--index);
    }
  }

  /** A view on `byteSize` bytes at `pointer`. */
  bytes(pointer: number, byteSize: number): Uint8Array {
    return this.u8.subarray(pointer, pointer + byteSize);
  }

  #mergeWithNext(index: number): void {
    this.#freeSizes[index] += this.#freeSizes[index + 1];
    this.#freeStarts.splice(index + 1, 1);
    this.#freeSizes.splice(index + 1, 1);
  }

  #lowerBound(pointer: number): number {
    let low = 0, high = this.#freeStarts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#freeStarts[middle] < pointer) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** A group of blocks freed together. */
export class Arena implements Disposable {
  readonly memory: WasmMemory;
  #blocks: number[] = [];

  constructor(memory: WasmMemory) {
    this.memory = memory;
  }
  /** Allocates a block that lives until the arena is released. */
  alloc(byteSize: number): number {
    const pointer = this.memory.alloc(byteSize);
    this.#blocks.push(pointer);
    return pointer;
  }
  /** Frees every block; the arena can be used again. */
  release(): void {
    for (const pointer of this.#blocks) this.memory.free(pointer);
    this.#blocks = [];
  }
  [Symbol.dispose](): void {
    this.release();
  }
}

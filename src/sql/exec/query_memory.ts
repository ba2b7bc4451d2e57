/**
 * Column memory of one query: blocks that grow, counted against a limit.
 *
 * @module
 */
import { LimitError } from "../../common/mod.ts";
import type { WasmCore } from "../../wasm/mod.ts";

/** Bytes that grouping tables, sorts and other materialised rows of one query may take. */
export const QUERY_MEMORY_BYTES_MAX = 805_306_368;

/** Hands out memory that lives until `close()`. */
export class QueryMemory {
  readonly core: WasmCore;
  readonly #sizes = new Map<number, number>();
  #used = 0;

  constructor(core: WasmCore) {
    this.core = core;
  }

  /** Bytes handed out now. */
  get usedBytes(): number {
    return this.#used;
  }

  /** @throws {LimitError} if the query would take more than {@linkcode QUERY_MEMORY_BYTES_MAX}. */
  alloc(byteSize: number): number {
    if (this.#used + byteSize > QUERY_MEMORY_BYTES_MAX) {
      throw new LimitError("query memory limit exceeded", {
        requested: byteSize,
        used: this.#used,
        limit: QUERY_MEMORY_BYTES_MAX,
      });
    }
    const pointer = this.core.memory.alloc(byteSize);
    this.#sizes.set(pointer, byteSize);
    this.#used += byteSize;
    return pointer;
  }
  /** Gives a block back early. */
  free(pointer: number): void {
    this.#used -= this.#sizes.get(pointer) ?? 0;
    this.#sizes.delete(pointer);
    this.core.memory.free(pointer);
  }
  /** Gives everything back. */
  close(): void {
    for (const pointer of this.#sizes.keys()) this.core.memory.free(pointer);
    this.#sizes.clear();
    this.#used = 0;
  }
}

/** What fresh bytes of a {@linkcode GrowableBuffer} hold. */
export type Filler = "nothing" | "zero" | "longNull" | "nan";

/** An array in column memory that grows by doubling. */
export class GrowableBuffer {
  readonly #memory: QueryMemory;
  readonly #width: number;
  readonly #filler: Filler;
  #pointer = 0;
  #capacity = 0;

  /** @param width Bytes of an element. */
  constructor(memory: QueryMemory, width: number, filler: Filler = "nothing") {
    this.#memory = memory;
    this.#width = width;
    this.#filler = filler;
  }

  /** Changes when the buffer grows. */
  get pointer(): number {
    return this.#pointer;
  }
  /** Elements that fit now. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Makes room for that many elements; fresh ones hold the filler. */
  reserve(count: number): void {
    if (count <= this.#capacity) return;
    const capacity = Math.max(64, count, Math.min(2 * this.#capacity, count + 16_777_216));
    const pointer = this.#memory.alloc(capacity * this.#width);
    const used = this.#capacity * this.#width;
    const { u8 } = this.#memory.core.memory;
    if (used > 0) {
      u8.copyWithin(pointer, this.#pointer, this.#pointer + used);
      this.#memory.free(this.#pointer);
    }
    this.#fill(pointer + used, capacity * this.#width - used);
    this.#pointer = pointer;
    this.#capacity = capacity;
  }

  /** Gives the memory back; the buffer is empty then. */
  close(): void {
    if (this.#capacity > 0) this.#memory.free(this.#pointer);
    this.#pointer = 0;
    this.#capacity = 0;
  }

  #fill(pointer: number, byteSize: number): void {
    const { u8, i64, f64 } = this.#memory.core.memory;
    if (this.#filler === "zero") u8.fill(0, pointer, pointer + byteSize);
    else if (this.#filler === "nan") f64.fill(NaN, pointer >> 3, (pointer + byteSize) >> 3);
    else if (this.#filler === "longNull") {
      i64.fill(-0x8000000000000000n, pointer >> 3, (pointer + byteSize) >> 3);
    }
  }
}

/**
 * Gives equal values of a VARCHAR column equal dense ids, in wasm; strings are made once for each distinct value.
 *
 * ```
 * slots   {hash u32, id + 1 u32}, open addressing, at most half full      keys   16-byte VARCHAR entry by id, their heap behind `heap`
 * ```
 *
 * Invariants:
 * 1. Ids count from 0 in order of first appearance; NULL has one, too.
 * 2. Its memory belongs to the open transaction: whoever makes one disposes of it when that ends.
 *
 * @module
 */
import type { Vector, WasmCore } from "../wasm/mod.ts";

const SLOTS_MIN = 64;
const HEAP_MIN = 1024;
const SLOT_BYTES = 8;
const ENTRY_BYTES = 16;
const FLAG_INLINED = 1;
const FLAG_NULL = 4;
const INLINED_BYTES_MAX = 9;
const TWO_POW_16 = 65_536;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** See the module's description. */
export class TextInterner implements Disposable {
  readonly #core: WasmCore;
  /** `count`, bytes used of the heap. */
  readonly #state: number;
  #slots = 0;
  #slotCount = 0;
  #keys = 0;
  #heap = 0;
  #heapSize = 0;

  constructor(core: WasmCore) {
    const { memory } = core;
    this.#core = core;
    this.#state = memory.alloc(8);
    memory.i32.fill(0, this.#state / 4, this.#state / 4 + 2);
    this.#growHeap(HEAP_MIN);
    this.#growSlots();
  }

  /** Distinct values so far. */
  get count(): number {
    return this.#core.memory.i32[this.#state / 4];
  }
  /** Bytes that it holds. */
  get byteSize(): number {
    return this.#slotCount * (SLOT_BYTES + ENTRY_BYTES / 2) + this.#heapSize;
  }

  /** Writes the id of each of `rowCount` values to `out` (int32). */
  intern(vector: Vector, rowCount: number, out: number): void {
    const { kernels, memory } = this.#core;
    for (let done = 0;;) {
      done += kernels.internVarchar(
        vector.data + ENTRY_BYTES * done,
        vector.heap,
        vector.heapOffset,
        rowCount - done,
        out + 4 * done,
        this.#slots,
        this.#slotCount - 1,
        this.#keys,
        this.#heap,
        this.#heapSize,
        this.#state,
      );
      if (done === rowCount) return;
      if (2 * this.count >= this.#slotCount) this.#growSlots();
      else {
        const length = memory.u32[(vector.data + ENTRY_BYTES * done) / 4] >>> 4;
        this.#growHeap(Math.max(2 * this.#heapSize, this.#heapUsed + length));
      }
    }
  }

  /** Texts of the ids from one on; `null` for NULL. */
  texts(from: number): (string | null)[] {
    const { count } = this;
    const { u8, u32, memory } = this.#core.memory;
    const starts = new Uint32Array(count - from), ends = new Uint32Array(count - from);
    const bytes = new Uint8Array(
      INLINED_BYTES_MAX * (count - from) +
        (from === count ? 0 : this.#heapUsed - this.#heapStart(from)),
    );
    let end = 0;
    for (let id = from; id < count; id++) {
      const entry = this.#keys + ENTRY_BYTES * id;
      const header = u32[entry / 4];
      const isInlined = (header & FLAG_INLINED) !== 0;
      const length = (header & FLAG_NULL) !== 0
        ? 0
        : isInlined
        ? (header >>> 4) & 0xf
        : header >>> 4;
      const at = isInlined ? entry + 1 : this.#heap + this.#heapStart(id);
      starts[id - from] = end;
      if (length <= 2 * INLINED_BYTES_MAX) {
        for (let i = 0; i < length; i++) bytes[end + i] = u8[at + i];
      } else bytes.set(new Uint8Array(memory.buffer, at, length), end);
      ends[id - from] = end += length;
    }
    const all = decoder.decode(bytes.subarray(0, end));
    const isAscii = all.length === end;
    return Array.from(starts, (start, i) => {
      if ((u32[(this.#keys + ENTRY_BYTES * (from + i)) / 4] & FLAG_NULL) !== 0) return null;
      // A value that is cut out of the whole keeps all of it alive, but for as long as the transaction only.
      return isAscii
        ? all.substring(start, ends[i])
        : decoder.decode(bytes.subarray(start, ends[i]));
    });
  }

  [Symbol.dispose](): void {
    const { memory } = this.#core;
    for (const block of [this.#state, this.#slots, this.#keys, this.#heap]) {
      if (block !== 0) memory.free(block); // memory may have run out between two of them
    }
  }

  get #heapUsed(): number {
    return this.#core.memory.i32[this.#state / 4 + 1];
  }

  /** Where the value of an id is in the heap if it is not in its entry, else where the next one is. */
  #heapStart(id: number): number {
    const { u32 } = this.#core.memory;
    const at = (this.#keys + ENTRY_BYTES * id + 8) / 4;
    return (u32[at] >>> 16) + u32[at + 1] * TWO_POW_16;
  }

  #growSlots(): void {
    const { memory, kernels } = this.#core;
    const slotCount = Math.max(SLOTS_MIN, 2 * this.#slotCount);
    const keys = memory.alloc((slotCount / 2) * ENTRY_BYTES);
    if (this.#keys !== 0) {
      memory.u8.copyWithin(keys, this.#keys, this.#keys + ENTRY_BYTES * this.count);
      memory.free(this.#keys);
    }
    this.#keys = keys;
    if (this.#slots !== 0) memory.free(this.#slots);
    this.#slots = 0;
    this.#slots = memory.alloc(slotCount * SLOT_BYTES);
    this.#slotCount = slotCount;
    kernels.rehashVarchar(keys, this.#heap, this.count, this.#slots, slotCount - 1);
  }

  #growHeap(size: number): void {
    const { memory } = this.#core;
    const heap = memory.alloc(size);
    if (this.#heap !== 0) {
      memory.u8.copyWithin(heap, this.#heap, this.#heap + this.#heapUsed);
      memory.free(this.#heap);
    }
    this.#heap = heap;
    this.#heapSize = size;
  }
}

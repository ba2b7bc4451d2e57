/**
 * Gives equal UTF-8 values equal dense ids without making a string per row: an open-addressing table over the bytes, with
 * one copy of each distinct value. The text of an id is decoded once, when somebody asks.
 *
 * Invariants:
 * 1. Ids count from 0 in order of first appearance and never change until `clear`.
 * 2. The table is at most half full.
 *
 * @module
 */
import { INT_NULL } from "../common/mod.ts";
import type { SymbolTable, Vector, WasmMemory } from "../wasm/mod.ts";

const INITIAL_SLOTS = 1024;
const INITIAL_BYTES = 16_384;
const FNV_OFFSET = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;
const FLAG_INLINED = 1;
const FLAG_NULL = 4;
const ENTRY_BYTES = 16;
const TWO_POW_16 = 65_536;
const TWO_POW_32 = 4_294_967_296;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** See the module's description. */
export class TextInterner implements SymbolTable {
  /** Slot → id + 1, 0 = empty. */
  #slots = new Int32Array(INITIAL_SLOTS);
  #hashes = new Int32Array(INITIAL_SLOTS / 2);
  /** Id → start of its bytes; entry `count` = end. */
  #starts = new Uint32Array(INITIAL_SLOTS / 2 + 1);
  #bytes = new Uint8Array(INITIAL_BYTES);
  #texts: (string | undefined)[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }
  /** Bytes of all distinct values. */
  get byteSize(): number {
    return this.#starts[this.#count];
  }
  text(id: number): string {
    return this.#texts[id] ??= decoder.decode(
      this.#bytes.subarray(this.#starts[id], this.#starts[id + 1]),
    );
  }
  /** Not needed by writers: always answers −1. */
  find(): number {
    return -1;
  }
  /** Forgets everything; ids start from 0 again. */
  clear(): void {
    this.#slots.fill(0);
    this.#texts = [];
    this.#count = 0;
  }

  /** Writes the id of each of `rowCount` VARCHAR values to `out`, INT_NULL for NULL. */
  internVarchar(memory: WasmMemory, vector: Vector, options: {
    rowCount: number;
    out: Int32Array;
  }): void {
    const { u8, i32, u32 } = memory;
    const { rowCount, out } = options;
    for (let row = 0; row < rowCount; row++) {
      const entry = vector.data + ENTRY_BYTES * row;
      const header = i32[entry >>> 2];
      if ((header & FLAG_NULL) !== 0) {
        out[row] = INT_NULL;
      } else if ((header & FLAG_INLINED) !== 0) {
        out[row] = this.#intern(u8, entry + 1, (header >>> 4) & 0xf);
      } else {
        const offset = (u32[(entry + 8) >>> 2] >>> 16) + u32[(entry + 12) >>> 2] * TWO_POW_16;
        out[row] = this.#intern(u8, vector.heap + offset - vector.heapOffset, header >>> 4);
      }
    }
  }

  #intern(u8: Uint8Array, start: number, length: number): number {
    let hash = FNV_OFFSET ^ length;
    for (let i = start; i < start + length; i++) hash = Math.imul(hash ^ u8[i], FNV_PRIME);
    hash ^= hash >>> 15;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const id = this.#slots[slot] - 1;
      if (id < 0) return this.#add(u8, { start, length, hash, slot });
      if (this.#hashes[id] === hash && this.#isEqual(id, u8, { start, length })) return id;
      slot = (slot + 1) & mask;
    }
  }

  #isEqual(id: number, u8: Uint8Array, value: { start: number; length: number }): boolean {
    const from = this.#starts[id];
    if (this.#starts[id + 1] - from !== value.length) return false;
    for (let i = 0; i < value.length; i++) {
      if (this.#bytes[from + i] !== u8[value.start + i]) return false;
    }
    return true;
  }

  #add(
    u8: Uint8Array,
    value: { start: number; length: number; hash: number; slot: number },
  ): number {
    const id = this.#count;
    const from = id === 0 ? 0 : this.#starts[id];
    const end = from + value.length;
    if (end > this.#bytes.length) this.#growBytes(end);
    this.#bytes.set(u8.subarray(value.start, value.start + value.length), from);
    this.#starts[id] = from;
    this.#starts[id + 1] = end;
    this.#hashes[id] = value.hash;
    this.#slots[value.slot] = id + 1;
    this.#count = id + 1;
    if (this.#count === this.#hashes.length) this.#growTable();
    return id;
  }

  #growBytes(needed: number): void {
    const larger = new Uint8Array(Math.min(Math.max(needed, 2 * this.#bytes.length), TWO_POW_32));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }

  #growTable(): void {
    const capacity = 2 * this.#hashes.length;
    const hashes = new Int32Array(capacity);
    hashes.set(this.#hashes);
    const starts = new Uint32Array(capacity + 1);
    starts.set(this.#starts);
    const slots = new Int32Array(2 * capacity);
    const mask = slots.length - 1;
    for (let id = 0; id < this.#count; id++) {
      let slot = hashes[id] & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id + 1;
    }
    this.#hashes = hashes;
    this.#starts = starts;
    this.#slots = slots;
  }
}

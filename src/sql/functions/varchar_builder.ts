/**
 * Values of variable width in QuestDB's VARCHAR layout: reading them into JavaScript strings and bytes, and building vectors
 * of them. BINARY and ARRAY values lie there like texts.
 *
 * ```
 * inlined (<= 9 bytes)  byte 0 = len << 4 | ascii << 1 | 1   bytes 1-9 value     bytes 10-15 heap offset
 * split   (>= 10 bytes) i32    = len << 4 | ascii << 1       bytes 4-9 prefix    bytes 10-15 heap offset of the value
 * NULL                  i32    = 4                           bytes 4-9 zero      bytes 10-15 heap offset
 * ```
 *
 * @module
 */
import { assert, LimitError } from "../../common/mod.ts";
import type { Arena, Vector, WasmMemory } from "../../wasm/mod.ts";

const INLINED = 1;
const ASCII = 2;
const NULL_FLAG = 4;
const INLINE_BYTES_MAX = 9;
/** Bytes of one value at most: what an entry's 28-bit length can say. */
export const VALUE_BYTES_MAX = 268_435_455;
const decoder = new TextDecoder();
const encoder = new TextEncoder();
/** Shorter ASCII texts are cheaper to build character by character than to copy and decode. */
const SHORT_BYTES = 32;

function decode(memory: WasmMemory, start: number, options: { length: number; isAscii: boolean }) {
  const { length, isAscii } = options;
  if (isAscii && length <= SHORT_BYTES) {
    let text = "";
    for (let i = 0; i < length; i++) text += String.fromCharCode(memory.u8[start + i]);
    return text;
  }
  return decoder.decode(memory.u8.slice(start, start + length)); // decoders refuse shared memory
}

/** Reads a text of a VARCHAR or STRING vector; `null` is NULL. */
export function readVarchar(memory: WasmMemory, vector: Vector, row: number): string | null {
  const entry = vector.data + row * 16;
  const flags = memory.u8[entry];
  if ((flags & NULL_FLAG) !== 0) return null;
  const isAscii = (flags & ASCII) !== 0;
  if ((flags & INLINED) !== 0) return decode(memory, entry + 1, { length: flags >> 4, isAscii });
  const length = memory.u32[entry >> 2] >>> 4;
  const offset = memory.u16[(entry + 10) >> 1] + memory.u32[(entry + 12) >> 2] * 65_536;
  return decode(memory, vector.heap + (offset - vector.heapOffset), { length, isAscii });
}

/** Reads the bytes of a BINARY or ARRAY entry, a copy; `null` is NULL. */
export function readBytes(memory: WasmMemory, vector: Vector, row: number): Uint8Array | null {
  const entry = vector.data + row * 16;
  const flags = memory.u8[entry];
  if ((flags & NULL_FLAG) !== 0) return null;
  if ((flags & INLINED) !== 0) return memory.u8.slice(entry + 1, entry + 1 + (flags >> 4));
  const length = memory.u32[entry >> 2] >>> 4;
  const offset = memory.u16[(entry + 10) >> 1] + memory.u32[(entry + 12) >> 2] * 65_536;
  const start = vector.heap + (offset - vector.heapOffset);
  return memory.u8.slice(start, start + length);
}

/** Builds a vector of texts, row by row. Its memory is the arena's, and used again after `reset()`. */
export class VarcharBuilder {
  readonly #arena: Arena;
  readonly #memory: WasmMemory;
  readonly #capacity: number;
  readonly #data: number;
  #heap = 0;
  #heapCapacity = 0;
  #heapBytes = 0;
  #rowCount = 0;

  /** @param capacity Rows at most. */
  constructor(arena: Arena, capacity: number) {
    this.#arena = arena;
    this.#memory = arena.memory;
    this.#capacity = capacity;
    this.#data = arena.alloc(capacity * 16);
  }
  /** Rows so far. */
  get rowCount(): number {
    return this.#rowCount;
  }
  /** Forgets all rows. */
  reset(): void {
    this.#rowCount = 0;
    this.#heapBytes = 0;
  }
  /** Adds a text. */
  append(text: string | null): void {
    const entry = this.#begin();
    if (text === null) return;
    if (text.length <= INLINE_BYTES_MAX && this.#putShort(entry, text)) return;
    this.#putLong(entry, encoder.encode(text));
  }
  /** Adds a BINARY or ARRAY value. @throws {LimitError} if it is longer than {@linkcode VALUE_BYTES_MAX}. */
  appendBytes(bytes: Uint8Array | null): void {
    const entry = this.#begin();
    if (bytes !== null) this.#putLong(entry, bytes);
  }
  /** Starts an entry as NULL. */
  #begin(): number {
    assert(this.#rowCount < this.#capacity, `a text vector holds ${this.#capacity} rows`);
    const entry = this.#data + this.#rowCount++ * 16;
    const { u32 } = this.#memory;
    u32[entry >> 2] = NULL_FLAG;
    u32[(entry + 4) >> 2] = 0;
    u32[(entry + 8) >> 2] = 0;
    u32[(entry + 12) >> 2] = 0;
    this.#putOffset(entry);
    return entry;
  }
  /** The rows so far as a vector; valid until the next change. */
  finish(type: number): Vector {
    return {
      type,
      data: this.#data,
      heap: this.#heap,
      heapBytes: this.#heapBytes,
      heapOffset: 0,
      symbols: null,
    };
  }
  /** Inlines an ASCII text without an encoder; gives up at the first other character. */
  #putShort(entry: number, text: string): boolean {
    const { u8 } = this.#memory;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) {
        u8.fill(0, entry + 1, entry + 10);
        return false;
      }
      u8[entry + 1 + i] = code;
    }
    u8[entry] = (text.length << 4) | ASCII | INLINED;
    return true;
  }
  #putLong(entry: number, bytes: Uint8Array): void {
    if (bytes.length > VALUE_BYTES_MAX) {
      throw new LimitError("value is too long", { bytes: bytes.length, limit: VALUE_BYTES_MAX });
    }
    const { u8, u32 } = this.#memory;
    const isAscii = bytes.every((byte) => byte < 0x80) ? ASCII : 0;
    if (bytes.length <= INLINE_BYTES_MAX) {
      u8.set(bytes, entry + 1);
      u8[entry] = (bytes.length << 4) | isAscii | INLINED;
      return;
    }
    this.#reserve(bytes.length);
    u8.set(bytes, this.#heap + this.#heapBytes);
    u32[entry >> 2] = (bytes.length << 4) | isAscii;
    u8.set(bytes.subarray(0, 6), entry + 4);
    this.#heapBytes += bytes.length;
  }
  #putOffset(entry: number): void {
    const { u16, u32 } = this.#memory;
    u16[(entry + 10) >> 1] = this.#heapBytes & 0xffff;
    u32[(entry + 12) >> 2] = Math.floor(this.#heapBytes / 65_536);
  }
  #reserve(byteSize: number): void {
    if (this.#heapBytes + byteSize <= this.#heapCapacity) return;
    // The old heap stays in the arena: doubling bounds that waste by the size of the last one.
    const capacity = Math.max(4096, 2 * (this.#heapBytes + byteSize));
    const heap = this.#arena.alloc(capacity);
    this.#memory.u8.copyWithin(heap, this.#heap, this.#heap + this.#heapBytes);
    this.#heap = heap;
    this.#heapCapacity = capacity;
  }
}

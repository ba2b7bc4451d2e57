/**
 * BLAKE3 over wasm memory, and over streams of any length.
 *
 * @module
 */
import { assert } from "../common/mod.ts";
import type { WasmCore } from "./core.ts";

const CHUNK_BYTES = 1024;
/** Bytes of a BLAKE3 hash. */
export const BLAKE3_BYTES = 32;
/** Streams are hashed in whole subtrees of this size, a power of two of chunks. */
const UNIT_BYTES = 65_536;
const UNIT_CHUNKS = UNIT_BYTES / CHUNK_BYTES;
/** Levels of units: enough for 2⁵³ bytes. */
const STACK_LEVELS = 40;

/** Scratch bytes that hashing `byteSize` bytes at once takes. */
function scratchBytes(byteSize: number): number {
  return 64 + BLAKE3_BYTES * (Math.ceil(byteSize / CHUNK_BYTES) + 4);
}

/** Hash of `byteSize` bytes at `pointer`. */
export function blake3(core: WasmCore, pointer: number, byteSize: number): Uint8Array<ArrayBuffer> {
  const { memory, kernels } = core;
  const block = memory.alloc(BLAKE3_BYTES + scratchBytes(byteSize));
  try {
    kernels.blake3Subtree(pointer, byteSize, 0, 1, block + BLAKE3_BYTES, block);
    return memory.u8.slice(block, block + BLAKE3_BYTES) as Uint8Array<ArrayBuffer>;
  } finally {
    memory.free(block);
  }
}

/** Bytes of the parts that {@linkcode blake3Part} takes, but for the last one: a power of two of chunks. */
export const BLAKE3_PART_BYTES = 4_194_304;

/**
 * Hashes one part of a longer input, so that parts can be hashed on their own, anywhere, in any order.
 *
 * @param part `pointer`, `byteSize`: the bytes, {@linkcode BLAKE3_PART_BYTES} of them unless it is the last part; `index`: which part it is.
 * @returns what {@linkcode joinBlake3} needs; not the hash itself.
 */
export function blake3Part(
  core: WasmCore,
  part: { readonly pointer: number; readonly byteSize: number; readonly index: number },
): Uint8Array<ArrayBuffer> {
  const { memory, kernels } = core;
  const { pointer, byteSize, index } = part;
  assert(byteSize > 0 && byteSize <= BLAKE3_PART_BYTES, "a part has its size");
  const block = memory.alloc(BLAKE3_BYTES + scratchBytes(byteSize));
  const chunk = index * (BLAKE3_PART_BYTES / CHUNK_BYTES);
  try {
    kernels.blake3Subtree(pointer, byteSize, chunk, 0, block + BLAKE3_BYTES, block);
    return memory.u8.slice(block, block + BLAKE3_BYTES) as Uint8Array<ArrayBuffer>;
  } finally {
    memory.free(block);
  }
}

/** Hash of an input of at least two parts. @param parts results of {@linkcode blake3Part}, in order. */
export function joinBlake3(
  core: WasmCore,
  parts: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  assert(parts.length > 1, "a single part is hashed at once");
  const { memory, kernels } = core;
  const block = memory.alloc(2 * BLAKE3_BYTES + scratchBytes(0));
  try {
    // Level by level: pairs become parents, an odd one out moves up as it is.
    let level = parts;
    while (level.length > 1) {
      const next: Uint8Array[] = [];
      for (let i = 0; i + 1 < level.length; i += 2) {
        memory.u8.set(level[i], block);
        memory.u8.set(level[i + 1], block + BLAKE3_BYTES);
        const isRoot = level.length === 2 ? 1 : 0;
        kernels.blake3Parent(block, isRoot, block + 2 * BLAKE3_BYTES, block);
        next.push(memory.u8.slice(block, block + BLAKE3_BYTES));
      }
      if (level.length % 2 === 1) next.push(level.at(-1)!);
      level = next;
    }
    return new Uint8Array(level[0]);
  } finally {
    memory.free(block);
  }
}

/**
 * Incremental hash: the chaining values of whole units wait on a stack, one per set bit of the number of units, until the end
 * tells which node is the root.
 */
export class Blake3 implements Disposable {
  readonly #core: WasmCore;
  readonly #block: number;
  readonly #buffer: number;
  readonly #stack: number;
  readonly #scratch: number;
  #buffered = 0;
  #units = 0;
  #depth = 0;
  #isOpen = true;

  constructor(core: WasmCore) {
    this.#core = core;
    const stackBytes = BLAKE3_BYTES * (STACK_LEVELS + 2);
    this.#block = core.memory.alloc(UNIT_BYTES + stackBytes + scratchBytes(UNIT_BYTES));
    this.#buffer = this.#block;
    this.#stack = this.#buffer + UNIT_BYTES;
    this.#scratch = this.#stack + stackBytes;
  }

  /** Adds bytes. */
  update(bytes: Uint8Array): void {
    assert(this.#isOpen, "the hash is not finished");
    for (let at = 0; at < bytes.length;) {
      // A full buffer is hashed only when more comes: the last unit must know whether it is the root.
      if (this.#buffered === UNIT_BYTES) this.#pushUnit();
      const count = Math.min(UNIT_BYTES - this.#buffered, bytes.length - at);
      this.#core.memory.u8.set(bytes.subarray(at, at + count), this.#buffer + this.#buffered);
      this.#buffered += count;
      at += count;
    }
  }

  /** Finishes, frees the memory, and returns the hash. */
  digest(): Uint8Array<ArrayBuffer> {
    assert(this.#isOpen, "the hash is not finished");
    const { memory, kernels } = this.#core;
    const isRoot = this.#depth === 0;
    const top = () => this.#stack + BLAKE3_BYTES * this.#depth;
    kernels.blake3Subtree(
      this.#buffer,
      this.#buffered,
      this.#units * UNIT_CHUNKS,
      isRoot ? 1 : 0,
      this.#scratch,
      top(),
    );
    while (this.#depth > 0) {
      this.#depth--;
      kernels.blake3Parent(top(), this.#depth === 0 ? 1 : 0, this.#scratch, top());
    }
    const hash = memory.u8.slice(this.#stack, this.#stack + BLAKE3_BYTES) as Uint8Array<
      ArrayBuffer
    >;
    this[Symbol.dispose]();
    return hash;
  }

  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#core.memory.free(this.#block);
  }

  #pushUnit(): void {
    const { kernels } = this.#core;
    const top = () => this.#stack + BLAKE3_BYTES * this.#depth;
    kernels.blake3Subtree(
      this.#buffer,
      UNIT_BYTES,
      this.#units * UNIT_CHUNKS,
      0,
      this.#scratch,
      top(),
    );
    this.#units++;
    this.#buffered = 0;
    // As many complete pairs as the unit count has trailing zero bits.
    for (let units = this.#units; units % 2 === 0; units /= 2) {
      this.#depth--;
      kernels.blake3Parent(top(), 0, this.#scratch, top());
    }
    this.#depth++;
    assert(this.#depth <= STACK_LEVELS, "the input is below 2^53 bytes");
  }
}

/**
 * What `core-wasm/hash/` exports. Pointers are byte addresses in the shared memory.
 *
 * @module
 */

/** Functions of `core-wasm/hash/`. */
export interface HashKernels {
  /**
   * BLAKE3 of the subtree over `length` bytes whose first chunk has the number `chunk`; with `isRoot` 1, the final hash of a
   * whole input. `scratch`: 64 + 32 · chunks bytes; `out`: 32 bytes.
   */
  blake3Subtree(
    input: number,
    length: number,
    chunk: number,
    isRoot: number,
    scratch: number,
    out: number,
  ): void;
  /** Joins two chaining values that lie side by side at `pair`; `pad`: 64 bytes; `out`: 32 bytes, may be `pair`. */
  blake3Parent(pair: number, isRoot: number, pad: number, out: number): void;
}

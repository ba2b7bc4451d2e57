/**
 * What `core-wasm/scan/` exports. Pointers are byte addresses in the shared memory, `n` counts rows or bytes as named.
 *
 * @module
 */

/** Functions of `core-wasm/scan/`. */
export interface ScanKernels {
  /** Sum of the `n` doubles at `ptr`, leaving out NaN (NULL). */
  sumF64(ptr: number, n: number): number;
}

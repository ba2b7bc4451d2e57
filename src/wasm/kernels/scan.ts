/**
 * What `core-wasm/scan/` exports. Pointers are byte addresses in the shared memory, `n` counts rows.
 *
 * @module
 */

/** Functions of `core-wasm/scan/`. NULL is left out everywhere. */
export interface ScanKernels {
  /** Number of the `n` doubles that are not NULL. */
  countF64(ptr: number, n: number): number;
  /** Sum of the `n` doubles; 0 if all are NULL. */
  sumF64(ptr: number, n: number): number;
  /** Smallest of the `n` doubles; +Infinity if all are NULL. */
  minF64(ptr: number, n: number): number;
  /** Largest of the `n` doubles; −Infinity if all are NULL. */
  maxF64(ptr: number, n: number): number;
  /** Number of the `n` longs that are not NULL. */
  countI64(ptr: number, n: number): number;
  /** Sum of the `n` longs, wrapping; 0 if all are NULL. */
  sumI64(ptr: number, n: number): bigint;
  /** Smallest of the `n` longs; INT64_MAX if all are NULL. */
  minI64(ptr: number, n: number): bigint;
  /** Largest of the `n` longs; INT64_MIN if all are NULL. */
  maxI64(ptr: number, n: number): bigint;
  /** Number of the `n` ints that are not NULL. */
  countI32(ptr: number, n: number): number;
  /** Sum of the `n` ints; 0 if all are NULL. */
  sumI32(ptr: number, n: number): bigint;
  /** Smallest of the `n` ints; INT32_MAX if all are NULL. */
  minI32(ptr: number, n: number): number;
  /** Largest of the `n` ints; INT32_MIN if all are NULL. */
  maxI32(ptr: number, n: number): number;
  /** Index of the first of the `n` doubles that is not NULL, or −1. */
  firstF64(ptr: number, n: number): number;
  /** Index of the last of the `n` doubles that is not NULL, or −1. */
  lastF64(ptr: number, n: number): number;
  /** Index of the first of the `n` longs that is not NULL, or −1. */
  firstI64(ptr: number, n: number): number;
  /** Index of the last of the `n` longs that is not NULL, or −1. */
  lastI64(ptr: number, n: number): number;
  /** Index of the first of the `n` ints that is not NULL, or −1. */
  firstI32(ptr: number, n: number): number;
  /** Index of the last of the `n` ints that is not NULL, or −1. */
  lastI32(ptr: number, n: number): number;
}

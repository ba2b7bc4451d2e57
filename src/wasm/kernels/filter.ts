/**
 * What `core-wasm/filter/` exports. Pointers are byte addresses in the shared memory, `n` counts numbers.
 *
 * @module
 */

/** Functions of `core-wasm/filter/`. */
export interface FilterKernels {
  /** Encodes 8-byte words `stride` bytes apart into 8 planes; mode 0 plain, 1 delta, 2 delta of delta, 3 XOR, 4 zigzag. */
  encodeWords(src: number, stride: number, n: number, mode: number, dst: number): void;
  /** Inverse of `encodeWords`. */
  decodeWords(src: number, stride: number, n: number, mode: number, dst: number): void;
  /** Encodes 4-byte numbers into 4 planes; mode 0 plain, 1 delta. */
  encodeInts(src: number, n: number, mode: number, dst: number): void;
  /** Inverse of `encodeInts`. */
  decodeInts(src: number, n: number, mode: number, dst: number): void;
  /** Turns doubles into integers of k / scale; 1 if every one of them is exactly that, else 0. */
  decimalToWords(src: number, n: number, scale: number, dst: number): number;
  /** Inverse of `decimalToWords`, in place. */
  wordsToDecimal(ptr: number, n: number, scale: number): void;
}

/**
 * What `core-wasm/sort/` exports. Pointers are byte addresses in the shared memory, `n` counts rows.
 *
 * @module
 */

/** Functions of `core-wasm/sort/`. */
export interface SortKernels {
  /** 1 if the `n` timestamps of the pairs never go down, else 0. */
  isSortedPairs(ptr: number, n: number): number;
  /** 1 if the `n` int64 values never go down, else 0. */
  isSortedI64(ptr: number, n: number): number;
  /** Sorts `n` 16-byte (timestamp, row) pairs by timestamp, stable, in place; `scratch` holds 16·n + 8192 bytes. */
  radixSortPairs(ptr: number, scratch: number, n: number): void;
  /** As `radixSortPairs` for pairs whose rows ascend; fast if most are in order already. */
  sortPairs(ptr: number, scratch: number, n: number): void;
  /** Splits pairs into int64 timestamps and uint32 rows less `base`; a destination of 0 is left out. */
  splitPairs(ptr: number, n: number, base: number, timestamps: number, rows: number): void;
  /** Joins timestamps and consecutive row numbers from `base` into pairs. */
  joinPairs(timestamps: number, n: number, base: number, dst: number): void;
  /** Index of the first of `n` ascending values that is ≥ `key`. */
  lowerBoundI64(ptr: number, n: number, key: bigint): number;
  /** Index of the first of `n` ascending values that is > `key`. */
  upperBoundI64(ptr: number, n: number, key: bigint): number;
  /** Merge order of two ascending int64 arrays, ties to the first: uint32 rows, high bit set for rows of the second. */
  mergeIndex(a: number, an: number, b: number, bn: number, dst: number): void;
  /** Keys below `base` stay (NULL too); others become `map[key − base]`. */
  remapI32(src: number, n: number, base: number, map: number, dst: number): void;
  /** The largest of `n` int32 keys, or −1 if there is none or all are NULL. */
  maxKeyI32(src: number, n: number): number;
  /** `dst[i] = src[index[i]]` for values of 1 byte. */
  gather1(src: number, index: number, n: number, dst: number): void;
  /** `dst[i]` = the value of 1 byte that a merge index names. */
  mergeGather1(a: number, b: number, index: number, n: number, dst: number): void;
  /** `dst[i] = src[index[i]]` for values of 2 bytes. */
  gather2(src: number, index: number, n: number, dst: number): void;
  /** `dst[i]` = the value of 2 bytes that a merge index names. */
  mergeGather2(a: number, b: number, index: number, n: number, dst: number): void;
  /** `dst[i] = src[index[i]]` for values of 4 bytes. */
  gather4(src: number, index: number, n: number, dst: number): void;
  /** `dst[i]` = the value of 4 bytes that a merge index names. */
  mergeGather4(a: number, b: number, index: number, n: number, dst: number): void;
  /** `dst[i] = src[index[i]]` for values of 8 bytes. */
  gather8(src: number, index: number, n: number, dst: number): void;
  /** `dst[i]` = the value of 8 bytes that a merge index names. */
  mergeGather8(a: number, b: number, index: number, n: number, dst: number): void;
  /** `dst[i] = src[index[i]]` for values of 16 bytes. */
  gather16(src: number, index: number, n: number, dst: number): void;
  /** `dst[i]` = the value of 16 bytes that a merge index names. */
  mergeGather16(a: number, b: number, index: number, n: number, dst: number): void;
  /** `dst[i] = src[index[i]]` for values of 32 bytes. */
  gather32(src: number, index: number, n: number, dst: number): void;
  /** `dst[i]` = the value of 32 bytes that a merge index names. */
  mergeGather32(a: number, b: number, index: number, n: number, dst: number): void;
}

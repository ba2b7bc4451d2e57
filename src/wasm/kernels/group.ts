/**
 * What `core-wasm/group/` exports. Pointers are byte addresses in the shared memory, `n` counts rows or bytes as named.
 *
 * @module
 */

/** Functions of `core-wasm/group/`. */
export interface GroupKernels {
  /** counts[id] += 1. */
  countBy(ids: number, n: number, counts: number): void;
  /** counts[id] += 1 - nulls[i]; `nulls` has one byte per row. */
  countNotNullBy(nulls: number, ids: number, n: number, counts: number): void;
  /** Pairs at acc + 16·id: { sum f64, count i64 }. */
  sumF64By(values: number, ids: number, n: number, acc: number): void;
  /** Pairs at acc + 16·id: { sum i64 (wrapping), count i64 }. */
  sumI64By(values: number, ids: number, n: number, acc: number): void;
  /** acc[id] = the lesser; NULL (smallest int64) counts as the largest. */
  minI64By(values: number, ids: number, n: number, acc: number): void;
  /** acc[id] = the greater. */
  maxI64By(values: number, ids: number, n: number, acc: number): void;
  /** acc[id] = the lesser; NaN only if nothing else came. */
  minF64By(values: number, ids: number, n: number, acc: number): void;
  /** acc[id] = the greater; NaN only if nothing else came. */
  maxF64By(values: number, ids: number, n: number, acc: number): void;
  /** Welford's running moments at acc + 24·id: { count f64, mean f64, sum of squared deviations f64 }. */
  momentsF64By(values: number, ids: number, n: number, acc: number): void;
  /**
   * acc[id] = the first (isLast 0) or last (1) value of 1, 2, 4, 8 or 16 bytes; seen[id] = 1. Rows with nulls[i] != 0 are
   * left out; a null pointer keeps all.
   */
  keepBy(
    isLast: number,
    size: number,
    values: number,
    nulls: number,
    ids: number,
    n: number,
    acc: number,
    seen: number,
  ): void;
  /** counts[group[i]] += 1 for every id that appears for the first time, the next new id being `next`. Returns the new next. */
  countNewBy(ids: number, groups: number, n: number, next: number, counts: number): number;
  /** seen[id] = 1. */
  markBy(ids: number, n: number, seen: number): void;
  /** Interns n int64 values; ids go to `out` (int32). Returns the rows done. */
  internI64(
    values: number,
    n: number,
    out: number,
    slots: number,
    mask: number,
    keys: number,
    state: number,
  ): number;
  /** Fills empty slots of a larger table from `count` values by id. */
  rehashI64(keys: number, count: number, slots: number, mask: number): void;
  /** Interns n texts; ids go to `out`. Values of 10 bytes and more are copied to the keys' own heap. Returns the rows done. */
  internVarchar(
    aux: number,
    heap: number,
    heapOffset: number,
    n: number,
    out: number,
    slots: number,
    mask: number,
    keys: number,
    keyHeap: number,
    keyHeapSize: number,
    state: number,
  ): number;
  /** Fills empty slots of a larger table of texts. */
  rehashVarchar(keys: number, keyHeap: number, count: number, slots: number, mask: number): void;
  /** out[i] (int64) = a[i] * 2^32 + b[i] of two id arrays. */
  pairIds(a: number, b: number, out: number, n: number): void;
  /** Takes pairs apart again. */
  unpairIds(pairs: number, a: number, b: number, n: number): void;
  /** out[i] = keys[i] + 1 of dictionary keys, 0 for NULL. */
  symbolIds(keys: number, out: number, n: number): void;
  /** Bits of doubles as int64 grouping keys: one NaN, one zero. */
  doubleKeys(a: number, out: number, n: number): void;
  /** Pairs at out: { key, first + i } from int64 values. */
  orderPairsI64(values: number, descending: number, first: number, n: number, out: number): void;
  /** out[i] = order-preserving int64 of doubles: all NaN are equal and largest, -0 equals 0. */
  orderKeysF64(values: number, out: number, n: number): void;
  /** Replaces the key of each pair by values[row - first], keeping the pairs' order: the next key of a stable multi-key sort. */
  rekeyPairs(pairs: number, values: number, descending: number, n: number): void;
  /** Indexes (int32) of the values that are at most `bound` (descending: at least). Returns their number. */
  selectWithin(values: number, descending: number, bound: bigint, n: number, out: number): number;
  /** Rows of 16-byte pairs as uint32. */
  pairRows(pairs: number, n: number, out: number): void;
  /** acc = { sum f64, count i64 }. */
  sumF64Range(values: number, n: number, acc: number): void;
  /** acc = { sum i64, count i64 }. */
  sumI64Range(values: number, n: number, acc: number): void;
  /** acc = the greater int64. */
  maxI64Range(values: number, n: number, acc: number): void;
  /** acc = the lesser int64, NULL counting as the largest. */
  minI64Range(values: number, n: number, acc: number): void;
  /** acc = the lesser double; NaN only if nothing else came. */
  minF64Range(values: number, n: number, acc: number): void;
  /** acc = the greater double; NaN only if nothing else came. */
  maxF64Range(values: number, n: number, acc: number): void;
}

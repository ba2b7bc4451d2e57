// Sorting (timestamp, row) pairs: 16 bytes each, `i64 timestamp, i64 row`, as QuestDB's WAL stores a designated timestamp.

/** 1 if the n timestamps of the pairs never go down, else 0. */
export function isSortedPairs(ptr: usize, n: i32): i32 {
  let last = i64.MIN_VALUE;
  for (let i: i32 = 0; i < n; i++) {
    const t = load<i64>(ptr + ((<usize>i) << 4));
    if (t < last) return 0;
    last = t;
  }
  return 1;
}

/** 1 if the n values never go down, else 0. */
export function isSortedI64(ptr: usize, n: i32): i32 {
  let last = i64.MIN_VALUE;
  for (let i: i32 = 0; i < n; i++) {
    const t = load<i64>(ptr + ((<usize>i) << 3));
    if (t < last) return 0;
    last = t;
  }
  return 1;
}

/**
 * Sorts n pairs by timestamp, stable, in place: least significant byte first, bytes that are equal everywhere skipped.
 * scratch: 16·n + 8192 bytes.
 */
export function radixSortPairs(ptr: usize, scratch: usize, n: i32): void {
  const counts = scratch + ((<usize>n) << 4);
  memory.fill(counts, 0, 8192);
  for (let i: i32 = 0; i < n; i++) {
    // Flipping the sign bit makes unsigned byte order equal signed order.
    const key = load<u64>(ptr + ((<usize>i) << 4)) ^ 0x8000000000000000;
    for (let b: usize = 0; b < 8; b++) {
      const slot = counts + (b << 10) + ((<usize>((key >> (<u64>b << 3)) & 0xff)) << 2);
      store<u32>(slot, load<u32>(slot) + 1);
    }
  }
  let src = ptr;
  let dst = scratch;
  for (let b: usize = 0; b < 8; b++) {
    const table = counts + (b << 10);
    const shift = <u64>b << 3;
    const first = (load<u64>(src) ^ 0x8000000000000000) >> shift & 0xff;
    if (load<u32>(table + ((<usize>first) << 2)) == <u32>n) continue;
    let sum: u32 = 0;
    for (let v: usize = 0; v < 256; v++) {
      const c = load<u32>(table + (v << 2));
      store<u32>(table + (v << 2), sum);
      sum += c;
    }
    for (let i: i32 = 0; i < n; i++) {
      const from = src + ((<usize>i) << 4);
      const t = load<u64>(from);
      const slot = table + ((<usize>(((t ^ 0x8000000000000000) >> shift) & 0xff)) << 2);
      const at = load<u32>(slot);
      store<u32>(slot, at + 1);
      const to = dst + ((<usize>at) << 4);
      store<u64>(to, t);
      store<u64>(to, load<u64>(from, 8), 8);
    }
    const swap = src;
    src = dst;
    dst = swap;
  }
  if (src != ptr) memory.copy(ptr, src, (<usize>n) << 4);
}

/** Splits n pairs into i64 timestamps and u32 rows; `base` is taken off each row. Either destination may be 0. */
export function splitPairs(ptr: usize, n: i32, base: f64, timestamps: usize, rows: usize): void {
  const off = <i64>base;
  for (let i: i32 = 0; i < n; i++) {
    const from = ptr + ((<usize>i) << 4);
    if (timestamps) store<i64>(timestamps + ((<usize>i) << 3), load<i64>(from));
    if (rows) store<u32>(rows + ((<usize>i) << 2), <u32>(load<i64>(from, 8) - off));
  }
}

/** Joins n timestamps and consecutive row numbers from `base` into pairs. */
export function joinPairs(timestamps: usize, n: i32, base: f64, dst: usize): void {
  const off = <i64>base;
  for (let i: i32 = 0; i < n; i++) {
    const to = dst + ((<usize>i) << 4);
    store<i64>(to, load<i64>(timestamps + ((<usize>i) << 3)));
    store<i64>(to, off + <i64>i, 8);
  }
}

/** Index of the first of n ascending values that is ≥ key. */
export function lowerBoundI64(ptr: usize, n: i32, key: i64): i32 {
  let lo: i32 = 0;
  let hi = n;
  while (lo < hi) {
    const mid = (lo + hi) >>> 1;
    if (load<i64>(ptr + ((<usize>mid) << 3)) < key) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

/** Index of the first of n ascending values that is > key. */
export function upperBoundI64(ptr: usize, n: i32, key: i64): i32 {
  let lo: i32 = 0;
  let hi = n;
  while (lo < hi) {
    const mid = (lo + hi) >>> 1;
    if (load<i64>(ptr + ((<usize>mid) << 3)) <= key) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

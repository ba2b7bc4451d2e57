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

/** Bits of a digit at most: counters of one digit take 8192 bytes. */
const DIGIT_BITS_MAX: u64 = 11;

// Counts the digits of all keys at `counts`, then turns each count into the place of the digit's first pair.
function digitPlaces(src: usize, end: usize, low: u64, shift: u64, mask: u64, counts: usize): void {
  memory.fill(counts, 0, <usize>(mask + 1) << 2);
  for (; src < end; src += 16) {
    const slot = counts + (<usize>(((load<u64>(src) - low) >> shift) & mask) << 2);
    store<u32>(slot, load<u32>(slot) + 1);
  }
  let sum: u32 = 0;
  const last = counts + (<usize>mask << 2);
  for (; counts <= last; counts += 4) {
    const count = load<u32>(counts);
    store<u32>(counts, sum);
    sum += count;
  }
}

/**
 * Sorts n pairs by timestamp, stable, in place. Only the bits in which the timestamps' distances from the smallest one differ are
 * looked at, in as few digits of equal width as possible, the lowest first.
 * scratch: 16·n + 8192 bytes.
 */
export function radixSortPairs(ptr: usize, scratch: usize, n: i32): void {
  const bytes = (<usize>n) << 4;
  const counts = scratch + bytes;
  let min = i64.MAX_VALUE;
  let max = i64.MIN_VALUE;
  for (let at = ptr; at < ptr + bytes; at += 16) {
    const t = load<i64>(at);
    if (t < min) min = t;
    if (t > max) max = t;
  }
  if (min >= max) return; // nothing to order
  const low = <u64>min;
  const bits = 64 - clz<u64>(<u64>max - low);
  const passes = (bits + DIGIT_BITS_MAX - 1) / DIGIT_BITS_MAX;
  const width = (bits + passes - 1) / passes;
  const mask = (<u64>1 << width) - 1;
  let src = ptr;
  let dst = scratch;
  for (let shift: u64 = 0; shift < bits; shift += width) {
    const end = src + bytes;
    digitPlaces(src, end, low, shift, mask, counts);
    for (let from = src; from < end; from += 16) {
      const slot = counts + (<usize>(((load<u64>(from) - low) >> shift) & mask) << 2);
      const place = load<u32>(slot);
      store<u32>(slot, place + 1);
      v128.store(dst + ((<usize>place) << 4), v128.load(from));
    }
    const swap = src;
    src = dst;
    dst = swap;
  }
  if (src != ptr) memory.copy(ptr, src, bytes);
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

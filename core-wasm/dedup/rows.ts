// Deduplication of rows that are sorted by time: within a batch, and of a batch against a partition.
import { compareKeys } from "./keys";

/** Set in a merge index when the row comes from the batch. */
const SECOND: u32 = 0x80000000;
/** Runs up to this length are sorted by insertion. */
const INSERTION_MAX: i32 = 12;

/** 1 if two neighbours of n ascending values are equal, else 0. */
export function hasTiesI64(ptr: usize, n: i32): i32 {
  for (let i: i32 = 1; i < n; i++) {
    const at = ptr + ((<usize>i) << 3);
    if (load<i64>(at) == load<i64>(at - 8)) return 1;
  }
  return 0;
}

// @ts-ignore: decorator
@inline
function rowAt(rows: usize, i: i32): u32 {
  return load<u32>(rows + ((<usize>i) << 2));
}

// @ts-ignore: decorator
@inline
function setRow(rows: usize, i: i32, row: u32): void {
  store<u32>(rows + ((<usize>i) << 2), row);
}

function insertionSort(rows: usize, lo: i32, hi: i32, keys: usize, k: i32): void {
  for (let i = lo + 1; i < hi; i++) {
    const row = rowAt(rows, i);
    let j = i - 1;
    while (j >= lo && compareKeys(keys, k, 0, rowAt(rows, j), 0, row) > 0) {
      setRow(rows, j + 1, rowAt(rows, j));
      j--;
    }
    setRow(rows, j + 1, row);
  }
}

// Sorts rows [lo, hi) by their keys, stable: insertion for short runs, then merges of doubling width.
function sortRun(rows: usize, lo: i32, hi: i32, keys: usize, k: i32, scratch: usize): void {
  for (let at = lo; at < hi; at += INSERTION_MAX) {
    const end = at + INSERTION_MAX;
    insertionSort(rows, at, end < hi ? end : hi, keys, k);
  }
  for (let width = INSERTION_MAX; width < hi - lo; width <<= 1) {
    for (let at = lo; at + width < hi; at += width << 1) {
      const middle = at + width;
      const end = middle + width < hi ? middle + width : hi;
      if (compareKeys(keys, k, 0, rowAt(rows, middle - 1), 0, rowAt(rows, middle)) <= 0) continue;
      memory.copy(scratch, rows + ((<usize>at) << 2), (<usize>width) << 2);
      let left: i32 = 0, right = middle, out = at;
      while (left < width) {
        if (right < end && compareKeys(keys, k, 0, rowAt(rows, right), 0, rowAt(scratch, left)) < 0) {
          setRow(rows, out++, rowAt(rows, right++));
        } else setRow(rows, out++, rowAt(scratch, left++));
      }
    }
  }
}

/**
 * Picks the rows of a batch that deduplication leaves, of equal time and keys the last one: ordered by time, then keys. Writes u32
 * rows and returns how many. `rows` and `scratch` hold 4·n bytes.
 */
export function dedupBatch(times: usize, n: i32, keys: usize, k: i32, rows: usize, scratch: usize): i32 {
  let out: i32 = 0;
  for (let lo: i32 = 0; lo < n;) {
    const time = load<i64>(times + ((<usize>lo) << 3));
    let hi = lo + 1;
    while (hi < n && load<i64>(times + ((<usize>hi) << 3)) == time) hi++;
    if (k == 0 || hi - lo == 1) setRow(rows, out++, <u32>(hi - 1));
    else {
      // `out` never passes `lo`, so the run is ordered where it ends up.
      const start = out;
      for (let i = lo; i < hi; i++) setRow(rows, out++, <u32>i);
      sortRun(rows, start, out, keys, k, scratch);
      let kept = start;
      for (let i = start; i < out; i++) {
        const isLast = i + 1 == out || compareKeys(keys, k, 0, rowAt(rows, i), 0, rowAt(rows, i + 1)) != 0;
        if (isLast) setRow(rows, kept++, rowAt(rows, i));
      }
      out = kept;
    }
    lo = hi;
  }
  return out;
}

// Row of the ordered batch rows [lo, hi) with the keys of a partition's row, or −1.
function findKeys(keys: usize, k: i32, lo: i32, hi: i32, row: i32): i32 {
  if (k == 0) return lo;
  while (lo < hi) {
    const middle = (lo + hi) >>> 1;
    const order = compareKeys(keys, k, 0, <u32>middle, 1, <u32>row);
    if (order == 0) return middle;
    if (order < 0) lo = middle + 1;
    else hi = middle;
  }
  return -1;
}

/**
 * Merge order of a partition's rows and a batch without duplicates that is ordered by time, then keys: a row of the partition with
 * the time and keys of a batch row gives its place to that one; batch rows that found no place go behind all rows of their time.
 * Writes u32 rows, those of the batch with the high bit set, and returns how many. `index` holds 4·(an + bn) bytes, `used` bn.
 */
export function dedupMerge(
  a: usize, an: i32, b: usize, bn: i32, keys: usize, k: i32, index: usize, used: usize,
): i32 {
  let out: i32 = 0;
  let i: i32 = 0;
  let j: i32 = 0;
  while (i < an && j < bn) {
    const time = load<i64>(b + ((<usize>j) << 3));
    while (i < an && load<i64>(a + ((<usize>i) << 3)) < time) setRow(index, out++, <u32>(i++));
    let end = j + 1;
    while (end < bn && load<i64>(b + ((<usize>end) << 3)) == time) end++;
    memory.fill(used + <usize>j, 0, <usize>(end - j));
    while (i < an && load<i64>(a + ((<usize>i) << 3)) == time) {
      const match = findKeys(keys, k, j, end, i);
      if (match >= 0) {
        store<u8>(used + <usize>match, 1);
        setRow(index, out++, SECOND | <u32>match);
      } else setRow(index, out++, <u32>i);
      i++;
    }
    for (; j < end; j++) if (load<u8>(used + <usize>j) == 0) setRow(index, out++, SECOND | <u32>j);
  }
  while (i < an) setRow(index, out++, <u32>(i++));
  while (j < bn) setRow(index, out++, SECOND | <u32>(j++));
  return out;
}

/** Takes `base` off the rows of the first source in a merge index. */
export function rebaseIndex(src: usize, n: i32, first: i32, second: i32, dst: usize): void {
  for (let i: i32 = 0; i < n; i++) {
    const entry = load<u32>(src + ((<usize>i) << 2));
    store<u32>(dst + ((<usize>i) << 2), entry & SECOND ? entry - <u32>second : entry - <u32>first);
  }
}

/**
 * Smallest and largest row of each source in n entries of a merge index, as 4 × i32 at `dst`: first, last of the first source, first,
 * last of the second; −1, −1 where a source has none.
 */
export function indexBounds(src: usize, n: i32, dst: usize): void {
  let minA: u32 = u32.MAX_VALUE, maxA: u32 = u32.MAX_VALUE;
  let minB: u32 = u32.MAX_VALUE, maxB: u32 = u32.MAX_VALUE;
  for (let i: i32 = 0; i < n; i++) {
    const entry = load<u32>(src + ((<usize>i) << 2));
    const row = entry & 0x7fffffff;
    if (entry & SECOND) {
      if (minB == u32.MAX_VALUE || row < minB) minB = row;
      if (maxB == u32.MAX_VALUE || row > maxB) maxB = row;
    } else {
      if (minA == u32.MAX_VALUE || row < minA) minA = row;
      if (maxA == u32.MAX_VALUE || row > maxA) maxA = row;
    }
  }
  store<u32>(dst, minA);
  store<u32>(dst, maxA, 4);
  store<u32>(dst, minB, 8);
  store<u32>(dst, maxB, 12);
}

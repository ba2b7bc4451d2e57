// Sorting pairs of which most are in order already: rows arrive in time order but for some that are late.
import { radixSortPairs } from "./pairs";

/** Part of the rows that may be late; with more, all are sorted. */
const LATE_PART_MAX: i32 = 4;

/** Rows whose timestamp is below that of a row before them. */
function countLate(ptr: usize, n: i32): i32 {
  let max = i64.MIN_VALUE;
  let late: i32 = 0;
  const end = ptr + ((<usize>n) << 4);
  for (let at = ptr; at < end; at += 16) {
    const t = load<i64>(at);
    if (t < max) late++;
    else max = t;
  }
  return late;
}

/**
 * Sorts n pairs by timestamp, stable, in place; the rows of the pairs ascend. Late ones are taken out, sorted, and merged back from the end.
 * scratch: 16·n + 8192 bytes.
 */
export function sortPairs(ptr: usize, scratch: usize, n: i32): void {
  const late = countLate(ptr, n);
  if (late == 0) return;
  if (late > n / LATE_PART_MAX) {
    radixSortPairs(ptr, scratch, n);
    return;
  }
  let max = i64.MIN_VALUE;
  let kept = ptr;
  let out = scratch;
  const end = ptr + ((<usize>n) << 4);
  for (let at = ptr; at < end; at += 16) {
    const t = load<i64>(at);
    if (t < max) {
      v128.store(out, v128.load(at));
      out += 16;
    } else {
      max = t;
      v128.store(kept, v128.load(at));
      kept += 16;
    }
  }
  radixSortPairs(scratch, out, late);
  let to = end;
  while (out > scratch) {
    const t = load<i64>(out - 16);
    while (kept > ptr) {
      const other = load<i64>(kept - 16);
      if (other < t || (other == t && load<i64>(kept - 8) < load<i64>(out - 8))) break;
      to -= 16;
      kept -= 16;
      v128.store(to, v128.load(kept));
    }
    to -= 16;
    out -= 16;
    v128.store(to, v128.load(out));
  }
}

// Sort keys: values of any type become int64 whose signed order is the SQL order (NULL first for integers, last for
// doubles), joined with row numbers to the 16-byte pairs that the sort family orders. Descending keys are inverted.

/** Pairs at out: { key, first + i } from int64 values. */
export function orderPairsI64(values: usize, descending: i32, first: f64, n: i32, out: usize): void {
  const flip: i64 = descending != 0 ? -1 : 0;
  let row = <i64>first;
  for (let i: usize = 0; i < <usize>n; i++) {
    store<i64>(out + (i << 4), load<i64>(values + (i << 3)) ^ flip);
    store<i64>(out + (i << 4), row++, 8);
  }
}

/** out[i] = order-preserving int64 of doubles: all NaN are equal and largest, -0 equals 0. */
export function orderKeysF64(values: usize, out: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const v = load<f64>(values + (i << 3));
    let bits = v != v ? i64.MAX_VALUE : v == 0 ? 0 : reinterpret<i64>(v);
    if (bits < 0) bits = bits ^ i64.MAX_VALUE;
    store<i64>(out + (i << 3), bits);
  }
}

/** Replaces the key of each pair by values[row - first], keeping the pairs' order: the next key of a stable multi-key sort. */
export function rekeyPairs(pairs: usize, values: usize, descending: i32, n: i32): void {
  const flip: i64 = descending != 0 ? -1 : 0;
  for (let i: usize = 0; i < <usize>n; i++) {
    const row = <usize>load<i64>(pairs + (i << 4), 8);
    store<i64>(pairs + (i << 4), load<i64>(values + (row << 3)) ^ flip);
  }
}

/** Indexes (int32) of the values that are at most `bound` (descending: at least). Returns their number. */
export function selectWithin(values: usize, descending: i32, bound: i64, n: i32, out: usize): i32 {
  const start = out;
  const flip: i64 = descending != 0 ? -1 : 0;
  const limit = bound ^ flip;
  for (let i: usize = 0; i < <usize>n; i++) {
    store<i32>(out, <i32>i);
    out += (load<i64>(values + (i << 3)) ^ flip) <= limit ? 4 : 0;
  }
  return <i32>((out - start) >> 2);
}

/** Rows of 16-byte pairs as uint32. */
export function pairRows(pairs: usize, n: i32, out: usize): void {
  for (let i: usize = 0; i < <usize>n; i++) store<u32>(out + (i << 2), load<u32>(pairs + (i << 4), 8));
}

// Aggregates over plain arrays that leave NULL out: INT and LONG by their sentinel, DOUBLE by NaN. Two accumulators a SIMD lane
// hide the latency of additions.

/** Number of doubles that are not NULL. */
export function countF64(ptr: usize, n: i32): i32 {
  let nulls: i32 = 0;
  for (let i: i32 = 0; i < n; i++) {
    const v = load<f64>(ptr + ((<usize>i) << 3));
    nulls += <i32>(v != v);
  }
  return n - nulls;
}

/** Sum of the doubles; 0 if all are NULL. */
export function sumF64(ptr: usize, n: i32): f64 {
  let a = f64x2.splat(0);
  let b = f64x2.splat(0);
  let i: i32 = 0;
  for (; i + 4 <= n; i += 4) {
    const at = ptr + ((<usize>i) << 3);
    const x = v128.load(at);
    const y = v128.load(at, 16);
    a = f64x2.add(a, v128.and(x, f64x2.eq(x, x)));
    b = f64x2.add(b, v128.and(y, f64x2.eq(y, y)));
  }
  a = f64x2.add(a, b);
  let sum = f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
  for (; i < n; i++) {
    const v = load<f64>(ptr + ((<usize>i) << 3));
    if (v == v) sum += v;
  }
  return sum;
}

/** Smallest double; +Infinity if all are NULL. */
export function minF64(ptr: usize, n: i32): f64 {
  let a = f64x2.splat(Infinity);
  let i: i32 = 0;
  // pmin(a, x) = x < a ? x : a, so a NaN in x never wins.
  for (; i + 2 <= n; i += 2) a = f64x2.pmin(a, v128.load(ptr + ((<usize>i) << 3)));
  let result = min<f64>(f64x2.extract_lane(a, 0), f64x2.extract_lane(a, 1));
  if (i < n) {
    const v = load<f64>(ptr + ((<usize>i) << 3));
    if (v < result) result = v;
  }
  return result;
}

/** Largest double; −Infinity if all are NULL. */
export function maxF64(ptr: usize, n: i32): f64 {
  let a = f64x2.splat(-Infinity);
  let i: i32 = 0;
  for (; i + 2 <= n; i += 2) a = f64x2.pmax(a, v128.load(ptr + ((<usize>i) << 3)));
  let result = max<f64>(f64x2.extract_lane(a, 0), f64x2.extract_lane(a, 1));
  if (i < n) {
    const v = load<f64>(ptr + ((<usize>i) << 3));
    if (v > result) result = v;
  }
  return result;
}

/** Number of longs that are not NULL. */
export function countI64(ptr: usize, n: i32): i32 {
  let nulls: i32 = 0;
  for (let i: i32 = 0; i < n; i++) nulls += <i32>(load<i64>(ptr + ((<usize>i) << 3)) == i64.MIN_VALUE);
  return n - nulls;
}

/** Sum of the longs, wrapping as Java's; 0 if all are NULL. */
export function sumI64(ptr: usize, n: i32): i64 {
  const nulls = i64x2.splat(i64.MIN_VALUE);
  let a = i64x2.splat(0);
  let i: i32 = 0;
  for (; i + 2 <= n; i += 2) {
    const x = v128.load(ptr + ((<usize>i) << 3));
    a = i64x2.add(a, v128.and(x, i64x2.ne(x, nulls)));
  }
  let sum = i64x2.extract_lane(a, 0) + i64x2.extract_lane(a, 1);
  if (i < n) {
    const v = load<i64>(ptr + ((<usize>i) << 3));
    if (v != i64.MIN_VALUE) sum += v;
  }
  return sum;
}

/** Smallest long that is not NULL; INT64_MAX if there is none. */
export function minI64(ptr: usize, n: i32): i64 {
  let result = i64.MAX_VALUE;
  for (let i: i32 = 0; i < n; i++) {
    const v = load<i64>(ptr + ((<usize>i) << 3));
    if (v != i64.MIN_VALUE && v < result) result = v;
  }
  return result;
}

/** Largest long; INT64_MIN, which is NULL, if all are NULL. */
export function maxI64(ptr: usize, n: i32): i64 {
  let result = i64.MIN_VALUE;
  for (let i: i32 = 0; i < n; i++) {
    const v = load<i64>(ptr + ((<usize>i) << 3));
    if (v > result) result = v;
  }
  return result;
}

/** Number of ints that are not NULL. */
export function countI32(ptr: usize, n: i32): i32 {
  let nulls: i32 = 0;
  for (let i: i32 = 0; i < n; i++) nulls += <i32>(load<i32>(ptr + ((<usize>i) << 2)) == i32.MIN_VALUE);
  return n - nulls;
}

/** Sum of the ints as a long; 0 if all are NULL. */
export function sumI32(ptr: usize, n: i32): i64 {
  let sum: i64 = 0;
  for (let i: i32 = 0; i < n; i++) {
    const v = load<i32>(ptr + ((<usize>i) << 2));
    if (v != i32.MIN_VALUE) sum += <i64>v;
  }
  return sum;
}

/** Smallest int that is not NULL; INT32_MAX if there is none. */
export function minI32(ptr: usize, n: i32): i32 {
  let result = i32.MAX_VALUE;
  for (let i: i32 = 0; i < n; i++) {
    const v = load<i32>(ptr + ((<usize>i) << 2));
    if (v != i32.MIN_VALUE && v < result) result = v;
  }
  return result;
}

/** Largest int; INT32_MIN, which is NULL, if all are NULL. */
export function maxI32(ptr: usize, n: i32): i32 {
  let result = i32.MIN_VALUE;
  for (let i: i32 = 0; i < n; i++) {
    const v = load<i32>(ptr + ((<usize>i) << 2));
    if (v > result) result = v;
  }
  return result;
}

// Aggregates over plain arrays that leave NULL out: INT and LONG by their sentinel, which is also their smallest number, DOUBLE by
// NaN. Several accumulators hide the latency of additions. Masks of comparisons are −1 a lane, so subtracting them counts.

/** Adds the two lanes. */
// @ts-ignore: decorator
@inline function total64(v: v128): i64 {
  return i64x2.extract_lane(v, 0) + i64x2.extract_lane(v, 1);
}

/** Number of doubles that are not NULL. */
export function countF64(ptr: usize, n: i32): i32 {
  let a = i64x2.splat(0), b = a;
  const end = ptr + (<usize>n << 3);
  for (; ptr + 32 <= end; ptr += 32) {
    const x = v128.load(ptr), y = v128.load(ptr, 16);
    a = i64x2.sub(a, f64x2.eq(x, x));
    b = i64x2.sub(b, f64x2.eq(y, y));
  }
  let count = <i32>total64(i64x2.add(a, b));
  for (; ptr < end; ptr += 8) {
    const v = load<f64>(ptr);
    count += <i32>(v == v);
  }
  return count;
}

/** Sum of the doubles; 0 if all are NULL. */
export function sumF64(ptr: usize, n: i32): f64 {
  let a = f64x2.splat(0), b = a, c = a, d = a;
  const end = ptr + (<usize>n << 3);
  for (; ptr + 64 <= end; ptr += 64) {
    const x = v128.load(ptr), y = v128.load(ptr, 16), z = v128.load(ptr, 32), w = v128.load(ptr, 48);
    a = f64x2.add(a, v128.and(x, f64x2.eq(x, x)));
    b = f64x2.add(b, v128.and(y, f64x2.eq(y, y)));
    c = f64x2.add(c, v128.and(z, f64x2.eq(z, z)));
    d = f64x2.add(d, v128.and(w, f64x2.eq(w, w)));
  }
  a = f64x2.add(f64x2.add(a, b), f64x2.add(c, d));
  let sum = f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
  for (; ptr < end; ptr += 8) {
    const v = load<f64>(ptr);
    if (v == v) sum += v;
  }
  return sum;
}

/** Smallest double; +Infinity if all are NULL. */
export function minF64(ptr: usize, n: i32): f64 {
  let a = f64x2.splat(Infinity), b = a;
  const end = ptr + (<usize>n << 3);
  // pmin(a, x) = x < a ? x : a, so a NaN in x never wins.
  for (; ptr + 32 <= end; ptr += 32) {
    a = f64x2.pmin(a, v128.load(ptr));
    b = f64x2.pmin(b, v128.load(ptr, 16));
  }
  a = f64x2.pmin(a, b);
  let result = min<f64>(f64x2.extract_lane(a, 0), f64x2.extract_lane(a, 1));
  for (; ptr < end; ptr += 8) {
    const v = load<f64>(ptr);
    if (v < result) result = v;
  }
  return result;
}

/** Largest double; −Infinity if all are NULL. */
export function maxF64(ptr: usize, n: i32): f64 {
  let a = f64x2.splat(-Infinity), b = a;
  const end = ptr + (<usize>n << 3);
  for (; ptr + 32 <= end; ptr += 32) {
    a = f64x2.pmax(a, v128.load(ptr));
    b = f64x2.pmax(b, v128.load(ptr, 16));
  }
  a = f64x2.pmax(a, b);
  let result = max<f64>(f64x2.extract_lane(a, 0), f64x2.extract_lane(a, 1));
  for (; ptr < end; ptr += 8) {
    const v = load<f64>(ptr);
    if (v > result) result = v;
  }
  return result;
}

/** Number of longs that are not NULL. */
export function countI64(ptr: usize, n: i32): i32 {
  const nulls = i64x2.splat(i64.MIN_VALUE);
  let a = i64x2.splat(0), b = a;
  const end = ptr + (<usize>n << 3);
  for (; ptr + 32 <= end; ptr += 32) {
    a = i64x2.sub(a, i64x2.ne(v128.load(ptr), nulls));
    b = i64x2.sub(b, i64x2.ne(v128.load(ptr, 16), nulls));
  }
  let count = <i32>total64(i64x2.add(a, b));
  for (; ptr < end; ptr += 8) count += <i32>(load<i64>(ptr) != i64.MIN_VALUE);
  return count;
}

/** Sum of the longs, wrapping as Java's; 0 if all are NULL. */
export function sumI64(ptr: usize, n: i32): i64 {
  const nulls = i64x2.splat(i64.MIN_VALUE);
  let a = i64x2.splat(0), b = a;
  const end = ptr + (<usize>n << 3);
  for (; ptr + 32 <= end; ptr += 32) {
    const x = v128.load(ptr), y = v128.load(ptr, 16);
    a = i64x2.add(a, v128.and(x, i64x2.ne(x, nulls)));
    b = i64x2.add(b, v128.and(y, i64x2.ne(y, nulls)));
  }
  let sum = total64(i64x2.add(a, b));
  for (; ptr < end; ptr += 8) {
    const v = load<i64>(ptr);
    if (v != i64.MIN_VALUE) sum += v;
  }
  return sum;
}

// Orders NULL behind everything: taking 1 off wraps NULL, the smallest number, to the largest, and keeps the order of the rest.
// @ts-ignore: decorator
@inline function nullLast64(v: v128): v128 {
  return i64x2.sub(v, i64x2.splat(1));
}

/** Smallest long that is not NULL; INT64_MAX if there is none. */
export function minI64(ptr: usize, n: i32): i64 {
  let a = i64x2.splat(i64.MAX_VALUE), b = a;
  const end = ptr + (<usize>n << 3);
  for (; ptr + 32 <= end; ptr += 32) {
    const x = nullLast64(v128.load(ptr)), y = nullLast64(v128.load(ptr, 16));
    a = v128.bitselect(x, a, i64x2.gt_s(a, x));
    b = v128.bitselect(y, b, i64x2.gt_s(b, y));
  }
  a = v128.bitselect(b, a, i64x2.gt_s(a, b));
  let result = min<i64>(i64x2.extract_lane(a, 0), i64x2.extract_lane(a, 1));
  for (; ptr < end; ptr += 8) result = min<i64>(result, load<i64>(ptr) - 1);
  return result == i64.MAX_VALUE ? result : result + 1;
}

/** Largest long; INT64_MIN, which is NULL, if all are NULL. */
export function maxI64(ptr: usize, n: i32): i64 {
  let a = i64x2.splat(i64.MIN_VALUE), b = a;
  const end = ptr + (<usize>n << 3);
  for (; ptr + 32 <= end; ptr += 32) {
    const x = v128.load(ptr), y = v128.load(ptr, 16);
    a = v128.bitselect(x, a, i64x2.gt_s(x, a));
    b = v128.bitselect(y, b, i64x2.gt_s(y, b));
  }
  a = v128.bitselect(b, a, i64x2.gt_s(b, a));
  let result = max<i64>(i64x2.extract_lane(a, 0), i64x2.extract_lane(a, 1));
  for (; ptr < end; ptr += 8) result = max<i64>(result, load<i64>(ptr));
  return result;
}

/** Number of ints that are not NULL. */
export function countI32(ptr: usize, n: i32): i32 {
  const nulls = i32x4.splat(i32.MIN_VALUE);
  let a = i32x4.splat(0), b = a;
  const end = ptr + (<usize>n << 2);
  for (; ptr + 32 <= end; ptr += 32) {
    a = i32x4.sub(a, i32x4.ne(v128.load(ptr), nulls));
    b = i32x4.sub(b, i32x4.ne(v128.load(ptr, 16), nulls));
  }
  a = i32x4.add(a, b);
  let count = i32x4.extract_lane(a, 0) + i32x4.extract_lane(a, 1) + i32x4.extract_lane(a, 2) + i32x4.extract_lane(a, 3);
  for (; ptr < end; ptr += 4) count += <i32>(load<i32>(ptr) != i32.MIN_VALUE);
  return count;
}

/** Sum of the ints as a long; 0 if all are NULL. */
export function sumI32(ptr: usize, n: i32): i64 {
  const nulls = i32x4.splat(i32.MIN_VALUE);
  let a = i64x2.splat(0), b = a;
  const end = ptr + (<usize>n << 2);
  for (; ptr + 16 <= end; ptr += 16) {
    const x = v128.load(ptr);
    const present = v128.and(x, i32x4.ne(x, nulls));
    a = i64x2.add(a, i64x2.extend_low_i32x4_s(present));
    b = i64x2.add(b, i64x2.extend_high_i32x4_s(present));
  }
  let sum = total64(i64x2.add(a, b));
  for (; ptr < end; ptr += 4) {
    const v = load<i32>(ptr);
    if (v != i32.MIN_VALUE) sum += <i64>v;
  }
  return sum;
}

/** Smallest int that is not NULL; INT32_MAX if there is none. */
export function minI32(ptr: usize, n: i32): i32 {
  // NULL less 1 is the largest, as for longs.
  const one = i32x4.splat(1);
  let a = i32x4.splat(i32.MAX_VALUE), b = a;
  const end = ptr + (<usize>n << 2);
  for (; ptr + 32 <= end; ptr += 32) {
    a = i32x4.min_s(a, i32x4.sub(v128.load(ptr), one));
    b = i32x4.min_s(b, i32x4.sub(v128.load(ptr, 16), one));
  }
  a = i32x4.min_s(a, b);
  let result = min<i32>(
    min<i32>(i32x4.extract_lane(a, 0), i32x4.extract_lane(a, 1)),
    min<i32>(i32x4.extract_lane(a, 2), i32x4.extract_lane(a, 3)),
  );
  for (; ptr < end; ptr += 4) result = min<i32>(result, load<i32>(ptr) - 1);
  return result == i32.MAX_VALUE ? result : result + 1;
}

/** Largest int; INT32_MIN, which is NULL, if all are NULL. */
export function maxI32(ptr: usize, n: i32): i32 {
  let a = i32x4.splat(i32.MIN_VALUE), b = a;
  const end = ptr + (<usize>n << 2);
  for (; ptr + 32 <= end; ptr += 32) {
    a = i32x4.max_s(a, v128.load(ptr));
    b = i32x4.max_s(b, v128.load(ptr, 16));
  }
  a = i32x4.max_s(a, b);
  let result = max<i32>(
    max<i32>(i32x4.extract_lane(a, 0), i32x4.extract_lane(a, 1)),
    max<i32>(i32x4.extract_lane(a, 2), i32x4.extract_lane(a, 3)),
  );
  for (; ptr < end; ptr += 4) result = max<i32>(result, load<i32>(ptr));
  return result;
}

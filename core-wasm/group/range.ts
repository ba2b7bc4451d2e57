// Accumulators of one group over a run of rows: SIMD versions of accumulate.ts. `acc` points at the group's element.

// @ts-ignore: decorator
@inline function finite(v: v128): v128 {
  return f64x2.eq(f64x2.sub(v, v), f64x2.splat(0));
}

/** acc = { sum f64, count i64 }. */
export function sumF64Range(values: usize, n: i32, acc: usize): void {
  let s0 = f64x2.splat(0), s1 = s0, s2 = s0, s3 = s0;
  let c0 = i64x2.splat(0), c1 = c0;
  let i: usize = 0;
  for (; i + 8 <= <usize>n; i += 8) {
    const p = values + (i << 3);
    const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p, 32), d = v128.load(p, 48);
    const ma = finite(a), mb = finite(b), mc = finite(c), md = finite(d);
    s0 = f64x2.add(s0, v128.and(a, ma));
    s1 = f64x2.add(s1, v128.and(b, mb));
    s2 = f64x2.add(s2, v128.and(c, mc));
    s3 = f64x2.add(s3, v128.and(d, md));
    c0 = i64x2.add(c0, i64x2.add(ma, mb)); // masks are -1
    c1 = i64x2.add(c1, i64x2.add(mc, md));
  }
  const s = f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3));
  let sum = f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1);
  const k = i64x2.add(c0, c1);
  let count = -(i64x2.extract_lane(k, 0) + i64x2.extract_lane(k, 1));
  for (; i < <usize>n; i++) {
    const v = load<f64>(values + (i << 3));
    if (v - v == 0) {
      sum += v;
      count++;
    }
  }
  store<f64>(acc, load<f64>(acc) + sum);
  store<i64>(acc, load<i64>(acc, 8) + count, 8);
}

/** acc = { sum i64, count i64 }. */
export function sumI64Range(values: usize, n: i32, acc: usize): void {
  const NULL = i64x2.splat(i64.MIN_VALUE);
  let s0 = i64x2.splat(0), s1 = s0, c0 = s0, c1 = s0;
  let i: usize = 0;
  for (; i + 4 <= <usize>n; i += 4) {
    const p = values + (i << 3);
    const a = v128.load(p), b = v128.load(p, 16);
    const ma = i64x2.ne(a, NULL), mb = i64x2.ne(b, NULL);
    s0 = i64x2.add(s0, v128.and(a, ma));
    s1 = i64x2.add(s1, v128.and(b, mb));
    c0 = i64x2.sub(c0, ma);
    c1 = i64x2.sub(c1, mb);
  }
  const s = i64x2.add(s0, s1), c = i64x2.add(c0, c1);
  let sum = i64x2.extract_lane(s, 0) + i64x2.extract_lane(s, 1);
  let count = i64x2.extract_lane(c, 0) + i64x2.extract_lane(c, 1);
  for (; i < <usize>n; i++) {
    const v = load<i64>(values + (i << 3));
    if (v != i64.MIN_VALUE) {
      sum += v;
      count++;
    }
  }
  store<i64>(acc, load<i64>(acc) + sum);
  store<i64>(acc, load<i64>(acc, 8) + count, 8);
}

/** acc = the greater int64. */
export function maxI64Range(values: usize, n: i32, acc: usize): void {
  let m0 = i64x2.splat(load<i64>(acc)), m1 = m0;
  let i: usize = 0;
  for (; i + 4 <= <usize>n; i += 4) {
    const p = values + (i << 3);
    const a = v128.load(p), b = v128.load(p, 16);
    m0 = v128.bitselect(a, m0, i64x2.gt_s(a, m0));
    m1 = v128.bitselect(b, m1, i64x2.gt_s(b, m1));
  }
  m0 = v128.bitselect(m1, m0, i64x2.gt_s(m1, m0));
  let best = max(i64x2.extract_lane(m0, 0), i64x2.extract_lane(m0, 1));
  for (; i < <usize>n; i++) best = max(best, load<i64>(values + (i << 3)));
  store<i64>(acc, best);
}

/** acc = the lesser int64, NULL counting as the largest. */
export function minI64Range(values: usize, n: i32, acc: usize): void {
  // v - 1 wraps NULL (the smallest) to the largest.
  const one = i64x2.splat(1);
  let m0 = i64x2.splat(load<i64>(acc) - 1), m1 = m0;
  let i: usize = 0;
  for (; i + 4 <= <usize>n; i += 4) {
    const p = values + (i << 3);
    const a = i64x2.sub(v128.load(p), one), b = i64x2.sub(v128.load(p, 16), one);
    m0 = v128.bitselect(a, m0, i64x2.lt_s(a, m0));
    m1 = v128.bitselect(b, m1, i64x2.lt_s(b, m1));
  }
  m0 = v128.bitselect(m1, m0, i64x2.lt_s(m1, m0));
  let best = min(i64x2.extract_lane(m0, 0), i64x2.extract_lane(m0, 1));
  for (; i < <usize>n; i++) best = min(best, load<i64>(values + (i << 3)) - 1);
  store<i64>(acc, best + 1);
}

// @ts-ignore: decorator
@inline function extremeF64(isMax: bool, values: usize, n: i32, acc: usize): void {
  const start = load<f64>(acc);
  const none: f64 = isMax ? -Infinity : Infinity;
  const neutral = f64x2.splat(none);
  let m0 = neutral, m1 = neutral;
  let i: usize = 0;
  for (; i + 4 <= <usize>n; i += 4) {
    const p = values + (i << 3);
    const a = v128.load(p), b = v128.load(p, 16);
    const x = v128.bitselect(a, neutral, finite(a)), y = v128.bitselect(b, neutral, finite(b));
    if (isMax) {
      m0 = f64x2.pmax(m0, x);
      m1 = f64x2.pmax(m1, y);
    } else {
      m0 = f64x2.pmin(m0, x);
      m1 = f64x2.pmin(m1, y);
    }
  }
  m0 = isMax ? f64x2.pmax(m0, m1) : f64x2.pmin(m0, m1);
  const l = f64x2.extract_lane(m0, 0), r = f64x2.extract_lane(m0, 1);
  let best = isMax ? (l > r ? l : r) : (l < r ? l : r);
  for (; i < <usize>n; i++) {
    const v = load<f64>(values + (i << 3));
    if (v - v == 0 && (isMax ? v > best : v < best)) best = v;
  }
  if (best != none && (isMax ? !(best <= start) : !(best >= start))) store<f64>(acc, best);
}

/** acc = the lesser double; NaN only if nothing else came. */
export function minF64Range(values: usize, n: i32, acc: usize): void {
  extremeF64(false, values, n, acc);
}

/** acc = the greater double; NaN only if nothing else came. */
export function maxF64Range(values: usize, n: i32, acc: usize): void {
  extremeF64(true, values, n, acc);
}

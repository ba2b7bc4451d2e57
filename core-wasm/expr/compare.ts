// Comparisons into one byte per row. Operand strides are in bytes: 0 repeats one value. NULL equals NULL and is
// neither below nor above anything, so NULL <= NULL holds and NULL < 1 does not. Doubles within 1e-10 are equal.

const EQ: i32 = 0;
const NE: i32 = 1;
const LT: i32 = 2;
const LE: i32 = 3;
const GT: i32 = 4;
const GE: i32 = 5;
const TOLERANCE: f64 = 1e-10;

// @ts-ignore: decorator
@inline function integerTest<T>(op: i32, x: T, y: T): i32 {
  if (op == EQ) return i32(x == y);
  if (op == NE) return i32(x != y);
  const NULL = <T>(sizeof<T>() == 8 ? <i64>i64.MIN_VALUE : <i64>i32.MIN_VALUE);
  if (op == LT) return i32(x < y) & i32(x != NULL);
  if (op == GT) return i32(x > y) & i32(y != NULL);
  const bothOrNone = i32(x == NULL) ^ i32(y == NULL) ^ 1;
  if (op == LE) return i32(x <= y) & bothOrNone;
  return i32(x >= y) & bothOrNone;
}

// @ts-ignore: decorator
@inline function integerLoop<T>(op: i32, a: usize, sa: i32, b: usize, sb: i32, out: usize, n: i32): void {
  const end = out + <usize>n;
  while (out < end) {
    store<u8>(out, <u8>integerTest<T>(op, load<T>(a), load<T>(b)));
    a += sa;
    b += sb;
    out += 1;
  }
}

// @ts-ignore: decorator
@inline function integerDispatch<T>(op: i32, a: usize, sa: i32, b: usize, sb: i32, out: usize, n: i32): void {
  switch (op) {
    case EQ: integerLoop<T>(EQ, a, sa, b, sb, out, n); return;
    case NE: integerLoop<T>(NE, a, sa, b, sb, out, n); return;
    case LT: integerLoop<T>(LT, a, sa, b, sb, out, n); return;
    case LE: integerLoop<T>(LE, a, sa, b, sb, out, n); return;
    case GT: integerLoop<T>(GT, a, sa, b, sb, out, n); return;
    default: integerLoop<T>(GE, a, sa, b, sb, out, n);
  }
}

// Against a constant that is not NULL, 16 rows at a time: masks of lanes are narrowed to bytes.

// @ts-ignore: decorator
@inline function testI64x2(op: i32, x: v128, y: v128): v128 {
  if (op == EQ) return i64x2.eq(x, y);
  if (op == NE) return i64x2.ne(x, y);
  if (op == GT) return i64x2.gt_s(x, y);
  if (op == GE) return i64x2.ge_s(x, y);
  const known = i64x2.ne(x, i64x2.splat(i64.MIN_VALUE));
  return v128.and(known, op == LT ? i64x2.lt_s(x, y) : i64x2.le_s(x, y));
}

// @ts-ignore: decorator
@inline function testI32x4(op: i32, x: v128, y: v128): v128 {
  if (op == EQ) return i32x4.eq(x, y);
  if (op == NE) return i32x4.ne(x, y);
  if (op == GT) return i32x4.gt_s(x, y);
  if (op == GE) return i32x4.ge_s(x, y);
  const known = i32x4.ne(x, i32x4.splat(i32.MIN_VALUE));
  return v128.and(known, op == LT ? i32x4.lt_s(x, y) : i32x4.le_s(x, y));
}

/** Equality within the tolerance turns every comparison into bounds for the difference; NaN fails them. */
// @ts-ignore: decorator
@inline function testF64x2(op: i32, x: v128, y: v128): v128 {
  const d = f64x2.sub(x, y);
  const near = f64x2.splat(TOLERANCE), far = f64x2.splat(Infinity);
  if (op == EQ) return f64x2.lt(f64x2.abs(d), near);
  if (op == NE) return v128.not(f64x2.lt(f64x2.abs(d), near));
  if (op == GT) return v128.and(f64x2.ge(d, near), f64x2.lt(d, far));
  if (op == GE) return v128.and(f64x2.gt(d, f64x2.neg(near)), f64x2.lt(d, far));
  if (op == LT) return v128.and(f64x2.le(d, f64x2.neg(near)), f64x2.gt(d, f64x2.neg(far)));
  return v128.and(f64x2.lt(d, near), f64x2.gt(d, f64x2.neg(far)));
}

// @ts-ignore: decorator
@inline function wideTest(isReal: bool, op: i32, p: usize, y: v128): v128 {
  const x = v128.load(p);
  return isReal ? testF64x2(op, x, y) : testI64x2(op, x, y);
}

/** Four rows of 8 bytes as four 32-bit masks. */
// @ts-ignore: decorator
@inline function wideQuad(isReal: bool, op: i32, p: usize, y: v128): v128 {
  return v128.shuffle<i32>(wideTest(isReal, op, p, y), wideTest(isReal, op, p + 16, y), 0, 2, 4, 6);
}

/** Rows done: a multiple of 16. */
// @ts-ignore: decorator
@inline function wideLoop(isReal: bool, op: i32, a: usize, y: v128, out: usize, n: i32): i32 {
  const one = i8x16.splat(1);
  const whole = n & ~15;
  const end = out + <usize>whole;
  for (; out < end; out += 16, a += 128) {
    const low = i16x8.narrow_i32x4_s(wideQuad(isReal, op, a, y), wideQuad(isReal, op, a + 32, y));
    const high = i16x8.narrow_i32x4_s(wideQuad(isReal, op, a + 64, y), wideQuad(isReal, op, a + 96, y));
    v128.store(out, v128.and(i8x16.narrow_i16x8_s(low, high), one));
  }
  return whole;
}

// @ts-ignore: decorator
@inline function wideConstant(isReal: bool, op: i32, a: usize, y: v128, out: usize, n: i32): i32 {
  switch (op) {
    case EQ: return wideLoop(isReal, EQ, a, y, out, n);
    case NE: return wideLoop(isReal, NE, a, y, out, n);
    case LT: return wideLoop(isReal, LT, a, y, out, n);
    case LE: return wideLoop(isReal, LE, a, y, out, n);
    case GT: return wideLoop(isReal, GT, a, y, out, n);
    default: return wideLoop(isReal, GE, a, y, out, n);
  }
}

// @ts-ignore: decorator
@inline function narrowLoop(op: i32, a: usize, y: v128, out: usize, n: i32): i32 {
  const one = i8x16.splat(1);
  const whole = n & ~15;
  const end = out + <usize>whole;
  for (; out < end; out += 16, a += 64) {
    const low = i16x8.narrow_i32x4_s(testI32x4(op, v128.load(a), y), testI32x4(op, v128.load(a, 16), y));
    const high = i16x8.narrow_i32x4_s(testI32x4(op, v128.load(a, 32), y), testI32x4(op, v128.load(a, 48), y));
    v128.store(out, v128.and(i8x16.narrow_i16x8_s(low, high), one));
  }
  return whole;
}

// @ts-ignore: decorator
@inline function narrowConstant(op: i32, a: usize, y: v128, out: usize, n: i32): i32 {
  switch (op) {
    case EQ: return narrowLoop(EQ, a, y, out, n);
    case NE: return narrowLoop(NE, a, y, out, n);
    case LT: return narrowLoop(LT, a, y, out, n);
    case LE: return narrowLoop(LE, a, y, out, n);
    case GT: return narrowLoop(GT, a, y, out, n);
    default: return narrowLoop(GE, a, y, out, n);
  }
}

/** out[i] = a[i] op b[i] over int32. */
export function compareI32(op: i32, a: usize, sa: i32, b: usize, sb: i32, out: usize, n: i32): void {
  if (sb == 0 && sa == 4 && load<i32>(b) != i32.MIN_VALUE) {
    const done = narrowConstant(op, a, i32x4.splat(load<i32>(b)), out, n);
    a += (<usize>done) << 2;
    out += <usize>done;
    n -= done;
  }
  integerDispatch<i32>(op, a, sa, b, sb, out, n);
}

/** out[i] = a[i] op b[i] over int64. */
export function compareI64(op: i32, a: usize, sa: i32, b: usize, sb: i32, out: usize, n: i32): void {
  if (sb == 0 && sa == 8 && load<i64>(b) != i64.MIN_VALUE) {
    const done = wideConstant(false, op, a, i64x2.splat(load<i64>(b)), out, n);
    a += (<usize>done) << 3;
    out += <usize>done;
    n -= done;
  }
  integerDispatch<i64>(op, a, sa, b, sb, out, n);
}

// @ts-ignore: decorator
@inline function doubleTest(op: i32, x: f64, y: f64): i32 {
  // Infinities are NULL as well; their difference to anything is not a number below the tolerance.
  const xNull = i32(x - x != 0);
  const yNull = i32(y - y != 0);
  const equal = (xNull & yNull) | i32(Math.abs(x - y) < TOLERANCE);
  if (op == EQ) return equal;
  if (op == NE) return equal ^ 1;
  const known = (xNull | yNull) ^ 1;
  if (op == LT) return i32(x < y) & known & (equal ^ 1);
  if (op == GT) return i32(x > y) & known & (equal ^ 1);
  if (op == LE) return equal | (i32(x < y) & known);
  return equal | (i32(x > y) & known);
}

// @ts-ignore: decorator
@inline function doubleLoop(op: i32, a: usize, sa: i32, b: usize, sb: i32, out: usize, n: i32): void {
  const end = out + <usize>n;
  while (out < end) {
    store<u8>(out, <u8>doubleTest(op, load<f64>(a), load<f64>(b)));
    a += sa;
    b += sb;
    out += 1;
  }
}

/** out[i] = a[i] op b[i] over doubles. */
export function compareF64(op: i32, a: usize, sa: i32, b: usize, sb: i32, out: usize, n: i32): void {
  const y = load<f64>(b);
  if (sb == 0 && sa == 8 && y - y == 0) {
    const done = wideConstant(true, op, a, f64x2.splat(y), out, n);
    a += (<usize>done) << 3;
    out += <usize>done;
    n -= done;
  }
  switch (op) {
    case EQ: doubleLoop(EQ, a, sa, b, sb, out, n); return;
    case NE: doubleLoop(NE, a, sa, b, sb, out, n); return;
    case LT: doubleLoop(LT, a, sa, b, sb, out, n); return;
    case LE: doubleLoop(LE, a, sa, b, sb, out, n); return;
    case GT: doubleLoop(GT, a, sa, b, sb, out, n); return;
    default: doubleLoop(GE, a, sa, b, sb, out, n);
  }
}

/** out[i] = a[i] op b[i] over bytes; only equal and not equal mean something for booleans. */
export function compareU8(op: i32, a: usize, sa: i32, b: usize, sb: i32, out: usize, n: i32): void {
  const negate = u8(op == NE);
  const end = out + <usize>n;
  while (out < end) {
    store<u8>(out, u8(load<u8>(a) == load<u8>(b)) ^ negate);
    a += sa;
    b += sb;
    out += 1;
  }
}

/** out[i] = table[keys[i]] for keys of a dictionary; NULL keys give nullValue. */
export function mapKeysU8(keys: usize, table: usize, nullValue: i32, out: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const key = load<i32>(keys + (i << 2));
    store<u8>(out + i, key < 0 ? <u8>nullValue : load<u8>(table + <usize>key));
  }
}

/** out[i] = table[keys[i]] of int32 values for keys of a dictionary; NULL keys give nullValue. */
export function mapKeysI32(keys: usize, table: usize, nullValue: i32, out: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const key = load<i32>(keys + (i << 2));
    store<i32>(out + (i << 2), key < 0 ? nullValue : load<i32>(table + ((<usize>key) << 2)));
  }
}

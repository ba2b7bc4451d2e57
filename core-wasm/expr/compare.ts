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

/** out[i] = a[i] op b[i] over int32. */
export function compareI32(op: i32, a: usize, sa: i32, b: usize, sb: i32, out: usize, n: i32): void {
  integerDispatch<i32>(op, a, sa, b, sb, out, n);
}

/** out[i] = a[i] op b[i] over int64. */
export function compareI64(op: i32, a: usize, sa: i32, b: usize, sb: i32, out: usize, n: i32): void {
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

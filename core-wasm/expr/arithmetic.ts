// Element-wise arithmetic. Operand strides are in bytes: 0 repeats one value. Integer NULL is the smallest value and
// makes the result NULL; integers wrap; x / 0 and x % 0 are NULL. Doubles follow IEEE 754: NaN is NULL by itself.

const ADD: i32 = 0;
const SUB: i32 = 1;
const MUL: i32 = 2;
const DIV: i32 = 3;
const MOD: i32 = 4;
const AND: i32 = 5;
const OR: i32 = 6;
const XOR: i32 = 7;

// @ts-ignore: decorator
@inline function integerOp<T>(op: i32, x: T, y: T): T {
  const NULL = <T>(sizeof<T>() == 8 ? <i64>i64.MIN_VALUE : <i64>i32.MIN_VALUE);
  if (x == NULL || y == NULL) return NULL;
  if (op == ADD) return <T>(x + y);
  if (op == SUB) return <T>(x - y);
  if (op == MUL) return <T>(x * y);
  if (op == AND) return <T>(x & y);
  if (op == OR) return <T>(x | y);
  if (op == XOR) return <T>(x ^ y);
  if (y == <T>0) return NULL;
  if (op == DIV) return <T>(x / y); // NULL / -1 cannot trap: NULL is gone already
  return <T>(x % y);
}

// @ts-ignore: decorator
@inline function integerLoop<T>(op: i32, a: usize, sa: i32, b: usize, sb: i32, out: usize, n: i32): void {
  const end = out + (<usize>n) * sizeof<T>();
  while (out < end) {
    store<T>(out, integerOp<T>(op, load<T>(a), load<T>(b)));
    a += sa;
    b += sb;
    out += sizeof<T>();
  }
}

// @ts-ignore: decorator
@inline function integerDispatch<T>(op: i32, a: usize, sa: i32, b: usize, sb: i32, out: usize, n: i32): void {
  switch (op) {
    case ADD: integerLoop<T>(ADD, a, sa, b, sb, out, n); return;
    case SUB: integerLoop<T>(SUB, a, sa, b, sb, out, n); return;
    case MUL: integerLoop<T>(MUL, a, sa, b, sb, out, n); return;
    case DIV: integerLoop<T>(DIV, a, sa, b, sb, out, n); return;
    case MOD: integerLoop<T>(MOD, a, sa, b, sb, out, n); return;
    case AND: integerLoop<T>(AND, a, sa, b, sb, out, n); return;
    case OR: integerLoop<T>(OR, a, sa, b, sb, out, n); return;
    default: integerLoop<T>(XOR, a, sa, b, sb, out, n);
  }
}

/** out[i] = a[i] op b[i] over int32. */
export function arithI32(op: i32, a: usize, sa: i32, b: usize, sb: i32, out: usize, n: i32): void {
  integerDispatch<i32>(op, a, sa, b, sb, out, n);
}

/** out[i] = a[i] op b[i] over int64. */
export function arithI64(op: i32, a: usize, sa: i32, b: usize, sb: i32, out: usize, n: i32): void {
  integerDispatch<i64>(op, a, sa, b, sb, out, n);
}

/** Remainder of doubles as C's fmod, without its slow path for small whole quotients. */
// @ts-ignore: decorator
@inline function remainder(x: f64, y: f64): f64 {
  if (y == 0) return NaN;
  return x % y;
}

// @ts-ignore: decorator
@inline function doubleLoop(op: i32, a: usize, sa: i32, b: usize, sb: i32, out: usize, n: i32): void {
  const end = out + ((<usize>n) << 3);
  while (out < end) {
    const x = load<f64>(a);
    const y = load<f64>(b);
    let r: f64;
    if (op == ADD) r = x + y;
    else if (op == SUB) r = x - y;
    else if (op == MUL) r = x * y;
    else if (op == DIV) {
      r = x / y;
      if (r - r != 0) r = NaN; // a quotient, unlike the others, is never infinite in QuestDB
    } else r = remainder(x, y);
    store<f64>(out, r);
    a += sa;
    b += sb;
    out += 8;
  }
}

/** out[i] = a[i] op b[i] over doubles; op is add, sub, mul, div or mod. */
export function arithF64(op: i32, a: usize, sa: i32, b: usize, sb: i32, out: usize, n: i32): void {
  switch (op) {
    case ADD: doubleLoop(ADD, a, sa, b, sb, out, n); return;
    case SUB: doubleLoop(SUB, a, sa, b, sb, out, n); return;
    case MUL: doubleLoop(MUL, a, sa, b, sb, out, n); return;
    case DIV: doubleLoop(DIV, a, sa, b, sb, out, n); return;
    default: doubleLoop(MOD, a, sa, b, sb, out, n);
  }
}

/** Unary functions of doubles: 0 negate, 1 abs, 2 sqrt, 3 floor, 4 ceil, 5 round half away from zero... see TypeScript. */
export function unaryF64(op: i32, a: usize, out: usize, n: i32): void {
  const end = out + ((<usize>n) << 3);
  while (out < end) {
    const x = load<f64>(a);
    let r: f64;
    if (op == 0) r = -x;
    else if (op == 1) r = Math.abs(x);
    else if (op == 2) r = Math.sqrt(x);
    else if (op == 3) r = Math.floor(x);
    else if (op == 4) r = Math.ceil(x);
    else r = Math.floor(x + 0.5);
    store<f64>(out, r);
    a += 8;
    out += 8;
  }
}

/** Unary functions of int64: 0 negate, 1 abs, 2 bitwise not. NULL stays NULL. */
export function unaryI64(op: i32, a: usize, out: usize, n: i32): void {
  const end = out + ((<usize>n) << 3);
  while (out < end) {
    const x = load<i64>(a);
    let r = x;
    if (x != i64.MIN_VALUE) {
      if (op == 0) r = -x;
      else if (op == 1) r = x < 0 ? -x : x;
      else r = ~x;
    }
    store<i64>(out, r);
    a += 8;
    out += 8;
  }
}

/** Unary functions of int32: 0 negate, 1 abs, 2 bitwise not. NULL stays NULL. */
export function unaryI32(op: i32, a: usize, out: usize, n: i32): void {
  const end = out + ((<usize>n) << 2);
  while (out < end) {
    const x = load<i32>(a);
    let r = x;
    if (x != i32.MIN_VALUE) {
      if (op == 0) r = -x;
      else if (op == 1) r = x < 0 ? -x : x;
      else r = ~x;
    }
    store<i32>(out, r);
    a += 4;
    out += 4;
  }
}

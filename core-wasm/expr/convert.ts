// Conversions between fixed-width types, NULL to NULL. Type codes: 1 BOOLEAN/BYTE (int8), 2 SHORT (int16),
// 3 CHAR (uint16), 4 INT, 5 LONG, 6 FLOAT, 7 DOUBLE. Narrowing of integers wraps; doubles out of range become NULL.

const I8: i32 = 1;
const I16: i32 = 2;
const U16: i32 = 3;
const I32: i32 = 4;
const I64: i32 = 5;
const F32: i32 = 6;
const F64: i32 = 7;

// @ts-ignore: decorator
@inline function width(code: i32): usize {
  return code == I8 ? 1 : code <= U16 ? 2 : code == I32 || code == F32 ? 4 : 8;
}

// @ts-ignore: decorator
@inline function readInteger(code: i32, p: usize): i64 {
  if (code == I8) return <i64>load<i8>(p);
  if (code == I16) return <i64>load<i16>(p);
  if (code == U16) return <i64>load<u16>(p);
  if (code == I64) return load<i64>(p);
  const v = load<i32>(p);
  return v == i32.MIN_VALUE ? i64.MIN_VALUE : <i64>v;
}

// @ts-ignore: decorator
@inline function writeInteger(code: i32, p: usize, v: i64): void {
  const isNull = v == i64.MIN_VALUE;
  if (code == I8) store<i8>(p, isNull ? 0 : <i8>v);
  else if (code <= U16) store<i16>(p, isNull ? 0 : <i16>v);
  else if (code == I32) store<i32>(p, isNull ? i32.MIN_VALUE : <i32>v);
  else store<i64>(p, v);
}

/** Integer to integer. */
export function convertInteger(from: i32, to: i32, a: usize, out: usize, n: i32): void {
  const sa = width(from), so = width(to);
  for (let i: i32 = 0; i < n; i++) {
    writeInteger(to, out, readInteger(from, a));
    a += sa;
    out += so;
  }
}

/** Integer to FLOAT or DOUBLE. */
export function convertToReal(from: i32, to: i32, a: usize, out: usize, n: i32): void {
  const sa = width(from), so = width(to);
  for (let i: i32 = 0; i < n; i++) {
    const v = readInteger(from, a);
    const d = v == i64.MIN_VALUE ? NaN : <f64>v;
    if (to == F64) store<f64>(out, d);
    else store<f32>(out, v == i64.MIN_VALUE ? <f32>NaN : <f32>v);
    a += sa;
    out += so;
  }
}

/** FLOAT or DOUBLE to integer: cut towards zero; NaN and values out of the target's range are NULL. */
export function convertFromReal(from: i32, to: i32, a: usize, out: usize, n: i32): void {
  const sa = width(from), so = width(to);
  const bound: f64 = to == I64 ? 9223372036854775808.0 : 2147483648.0;
  for (let i: i32 = 0; i < n; i++) {
    const d = from == F64 ? load<f64>(a) : <f64>load<f32>(a);
    const v = d > -bound - (to == I64 ? 0.0 : 1.0) && d < bound ? <i64>d : i64.MIN_VALUE;
    writeInteger(to, out, v);
    a += sa;
    out += so;
  }
}

/** FLOAT to DOUBLE and back. */
export function convertReal(from: i32, to: i32, a: usize, out: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    if (from == to) {
      if (from == F64) store<f64>(out + (i << 3), load<f64>(a + (i << 3)));
      else store<f32>(out + (i << 2), load<f32>(a + (i << 2)));
    } else if (from == F32) store<f64>(out + (i << 3), <f64>load<f32>(a + (i << 2)));
    else {
      const narrow = <f32>load<f64>(a + (i << 3));
      store<f32>(out + (i << 2), narrow - narrow == 0 ? narrow : f32.NaN);
    }
  }
}

/** Any number to BOOLEAN: true unless zero; NULL is true for integers as in QuestDB, NaN too. */
export function convertToBoolean(from: i32, a: usize, out: usize, n: i32): void {
  const sa = width(from);
  for (let i: i32 = 0; i < n; i++) {
    let b: bool;
    if (from == F64) b = load<f64>(a) != 0;
    else if (from == F32) b = load<f32>(a) != 0;
    else b = readInteger(from, a) != 0;
    store<u8>(out, <u8>b);
    a += sa;
    out += 1;
  }
}

/** out[i] = 1 where the value is NULL. size 4 or 8 integers (kind 0), doubles (kind 1), floats (kind 2), varchar aux (kind 3). */
export function isNullRows(kind: i32, size: i32, a: usize, out: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    let b: bool;
    if (kind == 1) {
      const d = load<f64>(a + (i << 3));
      b = d - d != 0;
    } else if (kind == 2) {
      const f = load<f32>(a + (i << 2));
      b = f - f != 0;
    } else if (kind == 3) b = (load<u8>(a + (i << 4)) & 4) != 0;
    else if (size == 8) b = load<i64>(a + (i << 3)) == i64.MIN_VALUE;
    else b = load<i32>(a + (i << 2)) == i32.MIN_VALUE;
    store<u8>(out + i, <u8>b);
  }
}

// Values of a fixed-width column turned into those of another type: what ALTER COLUMN TYPE makes of them. Codes: 0 BOOLEAN, 1 BYTE,
// 2 SHORT, 3 INT, 4 LONG and times, 5 FLOAT, 6 DOUBLE. NULL becomes NULL where the target has one, else 0. Integers wrap; reals are
// cut towards zero, and NULL if they lie outside the target. Unlike CAST, which see in expr/convert.ts.

const BOOL: i32 = 0;
const I8: i32 = 1;
const I16: i32 = 2;
const I32: i32 = 3;
const I64: i32 = 4;
const F32: i32 = 5;
const F64: i32 = 6;

// @ts-ignore: decorator
@inline function width(code: i32): usize {
  return code <= I8 ? 1 : code == I16 ? 2 : code == I32 || code == F32 ? 4 : 8;
}

// @ts-ignore: decorator
@inline function storeNull(code: i32, p: usize): void {
  if (code <= I8) store<u8>(p, 0);
  else if (code == I16) store<i16>(p, 0);
  else if (code == I32) store<i32>(p, i32.MIN_VALUE);
  else if (code == I64) store<i64>(p, i64.MIN_VALUE);
  else if (code == F32) store<f32>(p, <f32>NaN);
  else store<f64>(p, NaN);
}

// @ts-ignore: decorator
@inline function storeInteger(code: i32, p: usize, v: i64): void {
  if (code == BOOL) store<u8>(p, <u8>(v != 0));
  else if (code == I8) store<i8>(p, <i8>v);
  else if (code == I16) store<i16>(p, <i16>v);
  else if (code == I32) store<i32>(p, <i32>v);
  else if (code == I64) store<i64>(p, v);
  else if (code == F32) store<f32>(p, <f32>v);
  else store<f64>(p, <f64>v);
}

// @ts-ignore: decorator
@inline function storeReal(code: i32, p: usize, d: f64): void {
  if (code == BOOL) store<u8>(p, <u8>(d != 0));
  else if (code == F64) store<f64>(p, d);
  else if (code == F32) {
    const f = <f32>d;
    store<f32>(p, f - f == 0 ? f : <f32>NaN);
  } else {
    const high: f64 = code == I8 ? 127.0 : code == I16 ? 32767.0 : code == I32 ? 2147483647.0 : 9223372036854774784.0;
    const low: f64 = code == I8 ? -128.0 : code == I16 ? -32768.0 : code == I32 ? -2147483648.0 : -9223372036854775808.0;
    if (d >= low && d <= high) storeInteger(code, p, <i64>d);
    else storeNull(code, p);
  }
}

/** Turns `n` values at `a` into values at `out`; integers are multiplied and then divided on the way, both by 1 at least. */
export function changeNumbers(from: i32, to: i32, factor: i64, divisor: i64, a: usize, out: usize, n: i32): void {
  const sa = width(from), so = width(to);
  for (let i: i32 = 0; i < n; i++) {
    if (from >= F32) {
      const d: f64 = from == F64 ? load<f64>(a) : <f64>load<f32>(a);
      if (d - d == 0) storeReal(to, out, d);
      else storeNull(to, out);
    } else {
      let v: i64, isNull = false;
      if (from == BOOL) v = <i64>(load<u8>(a) != 0);
      else if (from == I8) v = <i64>load<i8>(a);
      else if (from == I16) v = <i64>load<i16>(a);
      else if (from == I32) {
        v = <i64>load<i32>(a);
        isNull = v == <i64>i32.MIN_VALUE;
      } else {
        v = load<i64>(a);
        isNull = v == i64.MIN_VALUE;
      }
      if (isNull) storeNull(to, out);
      else storeInteger(to, out, v * factor / divisor);
    }
    a += sa;
    out += so;
  }
}

// Where the first and the last value that is not NULL stand.

// @ts-ignore: decorator
@inline function isValue<T>(at: usize): bool {
  const v = load<T>(at);
  if (isFloat<T>()) return v == v;
  if (sizeof<T>() == 8) return <i64>v != i64.MIN_VALUE;
  return <i32>v != i32.MIN_VALUE;
}

// @ts-ignore: decorator
@inline function first<T>(ptr: usize, n: i32): i32 {
  for (let i: i32 = 0; i < n; i++) {
    if (isValue<T>(ptr + <usize>i * sizeof<T>())) return i;
  }
  return -1;
}

// @ts-ignore: decorator
@inline function last<T>(ptr: usize, n: i32): i32 {
  for (let i = n - 1; i >= 0; i--) {
    if (isValue<T>(ptr + <usize>i * sizeof<T>())) return i;
  }
  return -1;
}

/** Index of the first double that is not NULL, or −1. */
export function firstF64(ptr: usize, n: i32): i32 {
  return first<f64>(ptr, n);
}
/** Index of the last double that is not NULL, or −1. */
export function lastF64(ptr: usize, n: i32): i32 {
  return last<f64>(ptr, n);
}
/** Index of the first long that is not NULL, or −1. */
export function firstI64(ptr: usize, n: i32): i32 {
  return first<i64>(ptr, n);
}
/** Index of the last long that is not NULL, or −1. */
export function lastI64(ptr: usize, n: i32): i32 {
  return last<i64>(ptr, n);
}
/** Index of the first int that is not NULL, or −1. */
export function firstI32(ptr: usize, n: i32): i32 {
  return first<i32>(ptr, n);
}
/** Index of the last int that is not NULL, or −1. */
export function lastI32(ptr: usize, n: i32): i32 {
  return last<i32>(ptr, n);
}

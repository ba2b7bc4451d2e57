// Sums over plain arrays.

/** Sum of the n doubles at ptr, leaving out NaN (NULL). */
export function sumF64(ptr: usize, n: i32): f64 {
  let sum: f64 = 0;
  for (let i: i32 = 0; i < n; i++) {
    const v = load<f64>(ptr + ((<usize>i) << 3));
    if (v == v) sum += v;
  }
  return sum;
}

// Doubles that are decimals: x = k / scale exactly, for an integer k.

/** |k| stays below 2⁵¹, so that adding the magic number puts k into the low bits of a double. */
const LIMIT: f64 = 2251799813685248.0;
/** 1.5 · 2⁵². */
const MAGIC: f64 = 6755399441055744.0;
const MAGIC_BITS: i64 = 0x4338000000000000;

// @ts-ignore: decorator
@inline function rounded(x: v128, scale: v128): v128 {
  // Adding +0 turns −0 into +0, which does not come back as −0: such a value is no decimal.
  return f64x2.add(f64x2.nearest(f64x2.mul(x, scale)), f64x2.splat(0));
}

// @ts-ignore: decorator
@inline function isExact(x: v128, k: v128, scale: v128): v128 {
  return v128.and(f64x2.lt(f64x2.abs(k), f64x2.splat(LIMIT)), i64x2.eq(f64x2.div(k, scale), x));
}

// @ts-ignore: decorator
@inline function integers(k: v128): v128 {
  return i64x2.sub(f64x2.add(k, f64x2.splat(MAGIC)), i64x2.splat(MAGIC_BITS));
}

/**
 * Turns n doubles into integers k of k / scale, if every one of them is exactly that, bit for bit; 1 if so, else 0. Negative zero,
 * NaN and infinities never are.
 */
export function decimalToWords(src: usize, n: i32, scale: f64, dst: usize): i32 {
  const s = f64x2.splat(scale);
  const bytes = <usize>n << 3;
  let at: usize = 0;
  for (; at + 32 <= bytes; at += 32) {
    const x = v128.load(src + at), y = v128.load(src + at, 16);
    const kx = rounded(x, s), ky = rounded(y, s);
    if (!i64x2.all_true(v128.and(isExact(x, kx, s), isExact(y, ky, s)))) return 0;
    v128.store(dst + at, integers(kx));
    v128.store(dst + at, integers(ky), 16);
  }
  for (; at < bytes; at += 8) {
    const x = v128.load64_zero(src + at);
    const k = rounded(x, s);
    if (i64x2.extract_lane(isExact(x, k, s), 0) == 0) return 0;
    v128.store_lane<u64>(dst + at, integers(k), 0);
  }
  return 1;
}

/** Inverse of decimalToWords, in place. */
export function wordsToDecimal(ptr: usize, n: i32, scale: f64): void {
  const s = f64x2.splat(scale);
  const end = ptr + (<usize>n << 3);
  for (; ptr + 16 <= end; ptr += 16) {
    const k = f64x2.replace_lane(f64x2.splat(<f64>load<i64>(ptr)), 1, <f64>load<i64>(ptr, 8));
    v128.store(ptr, f64x2.div(k, s));
  }
  if (ptr < end) store<f64>(ptr, <f64>load<i64>(ptr) / scale);
}

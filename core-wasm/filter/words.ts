// Reversible transforms of columns before entropy coding: neighbours become small numbers, and byte k of every number moves into
// plane k, so that the many zero bytes lie together. Every bit pattern comes back exactly.
//
// Modes of 8-byte words: 0 as they are, 1 difference to the one before, 2 difference of differences (both zigzag), 3 XOR with the
// one before. All arithmetic wraps.

// @ts-ignore: decorator
@inline
function zigzag(v: i64): u64 {
  return <u64>((v << 1) ^ (v >> 63));
}

// @ts-ignore: decorator
@inline
function unzigzag(v: u64): i64 {
  return <i64>(v >>> 1) ^ -(<i64>(v & 1));
}

// @ts-ignore: decorator
@inline
function putPlanes(dst: usize, n: usize, i: usize, v: u64): void {
  store<u8>(dst + i, <u8>v);
  store<u8>(dst + n + i, <u8>(v >> 8));
  store<u8>(dst + 2 * n + i, <u8>(v >> 16));
  store<u8>(dst + 3 * n + i, <u8>(v >> 24));
  store<u8>(dst + 4 * n + i, <u8>(v >> 32));
  store<u8>(dst + 5 * n + i, <u8>(v >> 40));
  store<u8>(dst + 6 * n + i, <u8>(v >> 48));
  store<u8>(dst + 7 * n + i, <u8>(v >> 56));
}

// @ts-ignore: decorator
@inline
function getPlanes(src: usize, n: usize, i: usize): u64 {
  return <u64>load<u8>(src + i) | (<u64>load<u8>(src + n + i) << 8) | (<u64>load<u8>(src + 2 * n + i) << 16) |
    (<u64>load<u8>(src + 3 * n + i) << 24) | (<u64>load<u8>(src + 4 * n + i) << 32) |
    (<u64>load<u8>(src + 5 * n + i) << 40) | (<u64>load<u8>(src + 6 * n + i) << 48) |
    (<u64>load<u8>(src + 7 * n + i) << 56);
}

/** Encodes n words that lie `stride` bytes apart into 8 planes of n bytes. */
export function encodeWords(src: usize, stride: i32, n: i32, mode: i32, dst: usize): void {
  let last: i64 = 0;
  let lastDelta: i64 = 0;
  for (let i: i32 = 0; i < n; i++) {
    const v = load<i64>(src + <usize>i * <usize>stride);
    let out = <u64>v;
    if (mode == 1) out = zigzag(v - last);
    else if (mode == 2) {
      const delta = v - last;
      out = zigzag(delta - lastDelta);
      lastDelta = delta;
    } else if (mode == 3) out = <u64>(v ^ last);
    last = v;
    putPlanes(dst, <usize>n, <usize>i, out);
  }
}

/** Inverse of encodeWords. */
export function decodeWords(src: usize, stride: i32, n: i32, mode: i32, dst: usize): void {
  let last: i64 = 0;
  let lastDelta: i64 = 0;
  for (let i: i32 = 0; i < n; i++) {
    const v = getPlanes(src, <usize>n, <usize>i);
    let out = <i64>v;
    if (mode == 1) out = last + unzigzag(v);
    else if (mode == 2) {
      lastDelta += unzigzag(v);
      out = last + lastDelta;
    } else if (mode == 3) out = last ^ <i64>v;
    last = out;
    store<i64>(dst + <usize>i * <usize>stride, out);
  }
}

/** Encodes n 4-byte numbers into 4 planes of n bytes; mode 0 as they are, 1 zigzag difference. */
export function encodeInts(src: usize, n: i32, mode: i32, dst: usize): void {
  let last: i32 = 0;
  const size = <usize>n;
  for (let i: usize = 0; i < size; i++) {
    const v = load<i32>(src + (i << 2));
    let out = <u32>v;
    if (mode == 1) {
      const delta = v - last;
      out = <u32>((delta << 1) ^ (delta >> 31));
      last = v;
    }
    store<u8>(dst + i, <u8>out);
    store<u8>(dst + size + i, <u8>(out >> 8));
    store<u8>(dst + 2 * size + i, <u8>(out >> 16));
    store<u8>(dst + 3 * size + i, <u8>(out >> 24));
  }
}

/** Inverse of encodeInts. */
export function decodeInts(src: usize, n: i32, mode: i32, dst: usize): void {
  let last: i32 = 0;
  const size = <usize>n;
  for (let i: usize = 0; i < size; i++) {
    const v = <u32>load<u8>(src + i) | (<u32>load<u8>(src + size + i) << 8) |
      (<u32>load<u8>(src + 2 * size + i) << 16) | (<u32>load<u8>(src + 3 * size + i) << 24);
    let out = <i32>v;
    if (mode == 1) out = last + (<i32>(v >>> 1) ^ -(<i32>(v & 1)));
    last = out;
    store<i32>(dst + (i << 2), out);
  }
}

/**
 * Turns n doubles into integers of k / scale, if every one of them is exactly that, bit for bit; 1 if so, else 0. Negative zero,
 * NaN and infinities never are.
 */
export function decimalToWords(src: usize, n: i32, scale: f64, dst: usize): i32 {
  for (let i: i32 = 0; i < n; i++) {
    const at = (<usize>i) << 3;
    const scaled = nearest<f64>(load<f64>(src + at) * scale);
    if (!(abs<f64>(scaled) < 4503599627370496.0)) return 0;
    const k = <i64>scaled;
    if (reinterpret<i64>(<f64>k / scale) != load<i64>(src + at)) return 0;
    store<i64>(dst + at, k);
  }
  return 1;
}

/** Inverse of decimalToWords, in place. */
export function wordsToDecimal(ptr: usize, n: i32, scale: f64): void {
  for (let i: i32 = 0; i < n; i++) {
    const at = ptr + ((<usize>i) << 3);
    store<f64>(at, <f64>load<i64>(at) / scale);
  }
}

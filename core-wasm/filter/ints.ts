// Filters of 4-byte numbers, as words.ts for 8-byte ones. Modes: 0 as they are, 1 zigzag difference to the one before.
import { sums32, toPlanes4, unzigzag32, zigzag32, zipHigh, zipLow } from "./lanes";

// @ts-ignore: decorator
@inline function encodeFour(ptr: usize, mode: i32): v128 {
  const v = v128.load(ptr);
  return mode == 0 ? v : zigzag32(i32x4.sub(v, v128.load(ptr - 4)));
}

function encodeOne(src: usize, i: usize, mode: i32): u32 {
  const v = load<i32>(src + (i << 2));
  if (mode == 0) return <u32>v;
  const delta = i > 0 ? v - load<i32>(src + (i << 2) - 4) : v;
  return <u32>((delta << 1) ^ (delta >> 31));
}

function putOne(dst: usize, n: usize, v: u32): void {
  for (let k: usize = 0; k < 4; k++) store<u8>(dst + k * n, <u8>(v >> (<u32>k << 3)));
}

// Blocks of 16 from the second number on, so that one lies before each of them.
// @ts-ignore: decorator
@inline function encodeBlocks(src: usize, n: usize, mode: i32, dst: usize): void {
  let i: usize = 0;
  if (n > 0) putOne(dst, n, encodeOne(src, i++, mode));
  for (; i + 16 <= n; i += 16) {
    const p = src + (i << 2);
    const v0 = encodeFour(p, mode), v1 = encodeFour(p + 16, mode);
    const v2 = encodeFour(p + 32, mode), v3 = encodeFour(p + 48, mode);
    toPlanes4(v0, v1, v2, v3, dst + i, n);
  }
  for (; i < n; i++) putOne(dst + i, n, encodeOne(src, i, mode));
}

/** Encodes n 4-byte numbers into 4 planes of n bytes. */
export function encodeInts(src: usize, n: i32, mode: i32, dst: usize): void {
  if (mode == 0) encodeBlocks(src, <usize>n, 0, dst);
  else encodeBlocks(src, <usize>n, 1, dst);
}

// @ts-ignore: decorator
@inline function decodeFour(v: v128, values: v128, mode: i32): v128 {
  return mode == 0 ? v : sums32(unzigzag32(v), values);
}

// @ts-ignore: decorator
@inline function decodeBlocks(src: usize, n: usize, mode: i32, dst: usize): void {
  let values = i32x4.splat(0);
  let i: usize = 0;
  for (; i + 16 <= n; i += 16) {
    const p = src + i;
    const p0 = v128.load(p), p1 = v128.load(p + n), p2 = v128.load(p + 2 * n), p3 = v128.load(p + 3 * n);
    const a0 = zipLow(p0, p2), a2 = zipHigh(p0, p2), a1 = zipLow(p1, p3), a3 = zipHigh(p1, p3);
    const to = dst + (i << 2);
    values = decodeFour(zipLow(a0, a1), values, mode);
    v128.store(to, values);
    values = decodeFour(zipHigh(a0, a1), values, mode);
    v128.store(to, values, 16);
    values = decodeFour(zipLow(a2, a3), values, mode);
    v128.store(to, values, 32);
    values = decodeFour(zipHigh(a2, a3), values, mode);
    v128.store(to, values, 48);
  }
  let last = i32x4.extract_lane(values, 3);
  for (; i < n; i++) {
    let v: u32 = 0;
    for (let k: usize = 0; k < 4; k++) v |= <u32>load<u8>(src + k * n + i) << (<u32>k << 3);
    last = mode == 0 ? <i32>v : last + (<i32>(v >>> 1) ^ -(<i32>(v & 1)));
    store<i32>(dst + (i << 2), last);
  }
}

/** Inverse of encodeInts. */
export function decodeInts(src: usize, n: i32, mode: i32, dst: usize): void {
  if (mode == 0) decodeBlocks(src, <usize>n, 0, dst);
  else decodeBlocks(src, <usize>n, 1, dst);
}

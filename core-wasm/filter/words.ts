// Filters of 8-byte numbers. Reversible: neighbours become small numbers, and byte k of every number moves into plane k, so that the
// many zero bytes lie together. Every bit pattern comes back exactly; all arithmetic wraps.
//
// Modes: 0 as they are, 1 difference to the one before, 2 difference of differences, 3 XOR with the one before, 4 as they are but
// zigzag, as 1 and 2 also are. What precedes the first number counts as 0.
import { load2, sums64, toPlanes8, unzigzag64, xors64, zigzag64, zipHigh, zipLow } from "./lanes";

// @ts-ignore: decorator
@inline function encodeTwo(ptr: usize, stride: usize, mode: i32): v128 {
  const v = load2(ptr, stride);
  if (mode == 0) return v;
  if (mode == 4) return zigzag64(v);
  const last = load2(ptr - stride, stride);
  if (mode == 1) return zigzag64(i64x2.sub(v, last));
  if (mode == 3) return v128.xor(v, last);
  const beforeLast = load2(ptr - 2 * stride, stride);
  return zigzag64(i64x2.add(i64x2.sub(v, i64x2.shl(last, 1)), beforeLast));
}

// Number i alone.
function encodeOne(src: usize, stride: usize, i: usize, mode: i32): u64 {
  const at = src + i * stride;
  const v = load<i64>(at);
  const last = i > 0 ? load<i64>(at - stride) : 0;
  if (mode == 0) return <u64>v;
  if (mode == 3) return <u64>(v ^ last);
  const beforeLast = i > 1 ? load<i64>(at - 2 * stride) : 0;
  const out = mode == 4 ? v : mode == 1 ? v - last : v - 2 * last + beforeLast;
  return <u64>((out << 1) ^ (out >> 63));
}

function putOne(dst: usize, n: usize, v: u64): void {
  for (let k: usize = 0; k < 8; k++) store<u8>(dst + k * n, <u8>(v >> (<u64>k << 3)));
}

// Blocks of 16 from the third number on, so that two numbers lie before each of them.
// @ts-ignore: decorator
@inline function encodeBlocks(src: usize, stride: usize, n: usize, mode: i32, dst: usize): void {
  const few = min<usize>(n, 2);
  for (let i: usize = 0; i < few; i++) putOne(dst + i, n, encodeOne(src, stride, i, mode));
  let i = few;
  const step = stride << 1;
  for (; i + 16 <= n; i += 16) {
    const p = src + i * stride;
    const v0 = encodeTwo(p, stride, mode), v1 = encodeTwo(p + step, stride, mode);
    const v2 = encodeTwo(p + 2 * step, stride, mode), v3 = encodeTwo(p + 3 * step, stride, mode);
    const v4 = encodeTwo(p + 4 * step, stride, mode), v5 = encodeTwo(p + 5 * step, stride, mode);
    const v6 = encodeTwo(p + 6 * step, stride, mode), v7 = encodeTwo(p + 7 * step, stride, mode);
    toPlanes8(v0, v1, v2, v3, v4, v5, v6, v7, dst + i, n);
  }
  for (; i < n; i++) putOne(dst + i, n, encodeOne(src, stride, i, mode));
}

/** Encodes n words that lie `stride` bytes apart into 8 planes of n bytes. */
export function encodeWords(src: usize, stride: i32, n: i32, mode: i32, dst: usize): void {
  const size = <usize>n;
  if (stride != 8) encodeBlocks(src, <usize>stride, size, mode, dst);
  else if (mode == 0) encodeBlocks(src, 8, size, 0, dst);
  else if (mode == 1) encodeBlocks(src, 8, size, 1, dst);
  else if (mode == 2) encodeBlocks(src, 8, size, 2, dst);
  else if (mode == 3) encodeBlocks(src, 8, size, 3, dst);
  else encodeBlocks(src, 8, size, 4, dst);
}

// @ts-ignore: decorator
@inline function store2(ptr: usize, stride: usize, v: v128): void {
  if (stride == 8) v128.store(ptr, v);
  else {
    v128.store_lane<u64>(ptr, v, 0);
    v128.store_lane<u64>(ptr + stride, v, 1);
  }
}

// The deltas so far; means something in mode 2 only.
// @ts-ignore: decorator
@inline function nextDeltas(v: v128, deltas: v128, mode: i32): v128 {
  return mode == 2 ? sums64(unzigzag64(v), deltas) : deltas;
}

// @ts-ignore: decorator
@inline function nextValues(v: v128, deltas: v128, values: v128, mode: i32): v128 {
  if (mode == 0) return v;
  if (mode == 3) return xors64(v, values);
  if (mode == 4) return unzigzag64(v);
  return sums64(mode == 1 ? unzigzag64(v) : deltas, values);
}

// @ts-ignore: decorator
@inline function decodeBlocks(src: usize, stride: usize, n: usize, mode: i32, dst: usize): void {
  let values = i64x2.splat(0), deltas = values;
  let i: usize = 0;
  const step = stride << 1;
  for (; i + 16 <= n; i += 16) {
    const p = src + i;
    const p0 = v128.load(p), p1 = v128.load(p + n), p2 = v128.load(p + 2 * n), p3 = v128.load(p + 3 * n);
    const p4 = v128.load(p + 4 * n), p5 = v128.load(p + 5 * n), p6 = v128.load(p + 6 * n), p7 = v128.load(p + 7 * n);
    const a0 = zipLow(p0, p4), a4 = zipHigh(p0, p4), a1 = zipLow(p1, p5), a5 = zipHigh(p1, p5);
    const a2 = zipLow(p2, p6), a6 = zipHigh(p2, p6), a3 = zipLow(p3, p7), a7 = zipHigh(p3, p7);
    const b0 = zipLow(a0, a2), b2 = zipHigh(a0, a2), b1 = zipLow(a1, a3), b3 = zipHigh(a1, a3);
    const b4 = zipLow(a4, a6), b6 = zipHigh(a4, a6), b5 = zipLow(a5, a7), b7 = zipHigh(a5, a7);
    const to = dst + i * stride;
    let v = zipLow(b0, b1);
    deltas = nextDeltas(v, deltas, mode), values = nextValues(v, deltas, values, mode);
    store2(to, stride, values);
    v = zipHigh(b0, b1);
    deltas = nextDeltas(v, deltas, mode), values = nextValues(v, deltas, values, mode);
    store2(to + step, stride, values);
    v = zipLow(b2, b3);
    deltas = nextDeltas(v, deltas, mode), values = nextValues(v, deltas, values, mode);
    store2(to + 2 * step, stride, values);
    v = zipHigh(b2, b3);
    deltas = nextDeltas(v, deltas, mode), values = nextValues(v, deltas, values, mode);
    store2(to + 3 * step, stride, values);
    v = zipLow(b4, b5);
    deltas = nextDeltas(v, deltas, mode), values = nextValues(v, deltas, values, mode);
    store2(to + 4 * step, stride, values);
    v = zipHigh(b4, b5);
    deltas = nextDeltas(v, deltas, mode), values = nextValues(v, deltas, values, mode);
    store2(to + 5 * step, stride, values);
    v = zipLow(b6, b7);
    deltas = nextDeltas(v, deltas, mode), values = nextValues(v, deltas, values, mode);
    store2(to + 6 * step, stride, values);
    v = zipHigh(b6, b7);
    deltas = nextDeltas(v, deltas, mode), values = nextValues(v, deltas, values, mode);
    store2(to + 7 * step, stride, values);
  }
  decodeRest(src, stride, n, mode, dst, i, i64x2.extract_lane(values, 1), i64x2.extract_lane(deltas, 1));
}

// Numbers from `i` on, behind the value and the delta of the one before.
function decodeRest(
  src: usize, stride: usize, n: usize, mode: i32, dst: usize, i: usize, last: i64, lastDelta: i64,
): void {
  for (; i < n; i++) {
    let v: u64 = 0;
    for (let k: usize = 0; k < 8; k++) v |= <u64>load<u8>(src + k * n + i) << (<u64>k << 3);
    const signed = <i64>(v >>> 1) ^ -(<i64>(v & 1));
    if (mode == 0) last = <i64>v;
    else if (mode == 4) last = signed;
    else if (mode == 1) last += signed;
    else if (mode == 2) {
      lastDelta += signed;
      last += lastDelta;
    } else last ^= <i64>v;
    store<i64>(dst + i * stride, last);
  }
}

/** Inverse of encodeWords. */
export function decodeWords(src: usize, stride: i32, n: i32, mode: i32, dst: usize): void {
  const size = <usize>n;
  if (stride != 8) decodeBlocks(src, <usize>stride, size, mode, dst);
  else if (mode == 0) decodeBlocks(src, 8, size, 0, dst);
  else if (mode == 1) decodeBlocks(src, 8, size, 1, dst);
  else if (mode == 2) decodeBlocks(src, 8, size, 2, dst);
  else if (mode == 3) decodeBlocks(src, 8, size, 3, dst);
  else decodeBlocks(src, 8, size, 4, dst);
}

// Steps that all filters share, on vectors: zigzag, running sums, and the transposition between 16 numbers and their byte planes.
//
// A transposition is a network of byte interleaves. Number the bytes of a block by the bits of (vector, place in the vector): an
// interleave of the two vectors that differ in one vector bit moves that bit to the end of the place, and the first bit of the
// place takes its position. Four rounds for values → planes, and for the way back as many as a value has bits of byte number:
// three for 8 bytes, two for 4.

/** The low halves of two vectors, byte by byte in turn. */
// @ts-ignore: decorator
@inline export function zipLow(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

/** The high halves of two vectors, byte by byte in turn. */
// @ts-ignore: decorator
@inline export function zipHigh(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/** Signed to unsigned, small magnitudes first: 0 −1 1 −2 … → 0 1 2 3 …. */
// @ts-ignore: decorator
@inline export function zigzag64(v: v128): v128 {
  return v128.xor(i64x2.shl(v, 1), i64x2.gt_s(i64x2.splat(0), v));
}

/** Inverse of zigzag64. */
// @ts-ignore: decorator
@inline export function unzigzag64(v: v128): v128 {
  return v128.xor(i64x2.shr_u(v, 1), i64x2.neg(v128.and(v, i64x2.splat(1))));
}

/** Signed to unsigned, small magnitudes first. */
// @ts-ignore: decorator
@inline export function zigzag32(v: v128): v128 {
  return v128.xor(i32x4.shl(v, 1), i32x4.shr_s(v, 31));
}

/** Inverse of zigzag32. */
// @ts-ignore: decorator
@inline export function unzigzag32(v: v128): v128 {
  return v128.xor(i32x4.shr_u(v, 1), i32x4.neg(v128.and(v, i32x4.splat(1))));
}

/** Running sums of two lanes behind the sum so far, which is the last lane of `carry`. */
// @ts-ignore: decorator
@inline export function sums64(v: v128, carry: v128): v128 {
  const own = i64x2.add(v, v128.shuffle<u64>(i64x2.splat(0), v, 0, 2));
  return i64x2.add(own, v128.shuffle<u64>(carry, carry, 1, 1));
}

/** Running XOR of two lanes behind the last lane of `carry`. */
// @ts-ignore: decorator
@inline export function xors64(v: v128, carry: v128): v128 {
  const own = v128.xor(v, v128.shuffle<u64>(i64x2.splat(0), v, 0, 2));
  return v128.xor(own, v128.shuffle<u64>(carry, carry, 1, 1));
}

/** Running sums of four lanes behind the last lane of `carry`. */
// @ts-ignore: decorator
@inline export function sums32(v: v128, carry: v128): v128 {
  const zero = i32x4.splat(0);
  const pairs = i32x4.add(v, v128.shuffle<u32>(zero, v, 0, 4, 5, 6));
  const own = i32x4.add(pairs, v128.shuffle<u32>(zero, pairs, 0, 1, 4, 5));
  return i32x4.add(own, v128.shuffle<u32>(carry, carry, 3, 3, 3, 3));
}

/** Two numbers of 8 bytes that lie `stride` bytes apart. Reads nothing else. */
// @ts-ignore: decorator
@inline export function load2(ptr: usize, stride: usize): v128 {
  return v128.load_lane<u64>(ptr + stride, v128.load64_zero(ptr), 1);
}

/** Writes 16 numbers of 8 bytes as one row of 16 bytes in each of 8 planes of n bytes. */
// @ts-ignore: decorator
@inline export function toPlanes8(
  v0: v128, v1: v128, v2: v128, v3: v128, v4: v128, v5: v128, v6: v128, v7: v128, dst: usize, n: usize,
): void {
  const a0 = zipLow(v0, v4), a4 = zipHigh(v0, v4), a1 = zipLow(v1, v5), a5 = zipHigh(v1, v5);
  const a2 = zipLow(v2, v6), a6 = zipHigh(v2, v6), a3 = zipLow(v3, v7), a7 = zipHigh(v3, v7);
  const b0 = zipLow(a0, a2), b2 = zipHigh(a0, a2), b1 = zipLow(a1, a3), b3 = zipHigh(a1, a3);
  const b4 = zipLow(a4, a6), b6 = zipHigh(a4, a6), b5 = zipLow(a5, a7), b7 = zipHigh(a5, a7);
  const c0 = zipLow(b0, b1), c1 = zipHigh(b0, b1), c2 = zipLow(b2, b3), c3 = zipHigh(b2, b3);
  const c4 = zipLow(b4, b5), c5 = zipHigh(b4, b5), c6 = zipLow(b6, b7), c7 = zipHigh(b6, b7);
  v128.store(dst, zipLow(c0, c4));
  v128.store(dst + n, zipHigh(c0, c4));
  v128.store(dst + 2 * n, zipLow(c1, c5));
  v128.store(dst + 3 * n, zipHigh(c1, c5));
  v128.store(dst + 4 * n, zipLow(c2, c6));
  v128.store(dst + 5 * n, zipHigh(c2, c6));
  v128.store(dst + 6 * n, zipLow(c3, c7));
  v128.store(dst + 7 * n, zipHigh(c3, c7));
}

/** Writes 16 numbers of 4 bytes as one row of 16 bytes in each of 4 planes of n bytes. */
// @ts-ignore: decorator
@inline export function toPlanes4(v0: v128, v1: v128, v2: v128, v3: v128, dst: usize, n: usize): void {
  const a0 = zipLow(v0, v2), a2 = zipHigh(v0, v2), a1 = zipLow(v1, v3), a3 = zipHigh(v1, v3);
  const b0 = zipLow(a0, a1), b1 = zipHigh(a0, a1), b2 = zipLow(a2, a3), b3 = zipHigh(a2, a3);
  const c0 = zipLow(b0, b2), c2 = zipHigh(b0, b2), c1 = zipLow(b1, b3), c3 = zipHigh(b1, b3);
  v128.store(dst, zipLow(c0, c1));
  v128.store(dst + n, zipHigh(c0, c1));
  v128.store(dst + 2 * n, zipLow(c2, c3));
  v128.store(dst + 3 * n, zipHigh(c2, c3));
}

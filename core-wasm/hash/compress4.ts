// BLAKE3's compression function on four inputs at a time: lane i of every vector belongs to input i. Message words are permuted
// in locals between rounds.

// @ts-ignore: decorator
@inline function add(a: v128, b: v128): v128 {
  return i32x4.add(a, b);
}
// @ts-ignore: decorator
@inline function add3(a: v128, b: v128, m: v128): v128 {
  return i32x4.add(i32x4.add(a, b), m);
}
// Rotations of x ^ y to the right.
// @ts-ignore: decorator
@inline function rot16(x: v128, y: v128): v128 {
  const z = v128.xor(x, y);
  return v128.shuffle<u8>(z, z, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
}
// @ts-ignore: decorator
@inline function rot12(x: v128, y: v128): v128 {
  const z = v128.xor(x, y);
  return v128.or(i32x4.shr_u(z, 12), i32x4.shl(z, 20));
}
// @ts-ignore: decorator
@inline function rot8(x: v128, y: v128): v128 {
  const z = v128.xor(x, y);
  return v128.shuffle<u8>(z, z, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12);
}
// @ts-ignore: decorator
@inline function rot7(x: v128, y: v128): v128 {
  const z = v128.xor(x, y);
  return v128.or(i32x4.shr_u(z, 7), i32x4.shl(z, 25));
}

// A 4 × 4 transposition of words: `evenN` and `oddN` of four rows are its columns 0 and 1 (low half) or 2 and 3 (high half).
// @ts-ignore: decorator
@inline function low(a: v128, b: v128): v128 {
  return v128.shuffle<u32>(a, b, 0, 4, 1, 5);
}
// @ts-ignore: decorator
@inline function high(a: v128, b: v128): v128 {
  return v128.shuffle<u32>(a, b, 2, 6, 3, 7);
}
// @ts-ignore: decorator
@inline function even(ab: v128, cd: v128): v128 {
  return v128.shuffle<u64>(ab, cd, 0, 2);
}
// @ts-ignore: decorator
@inline function odd(ab: v128, cd: v128): v128 {
  return v128.shuffle<u64>(ab, cd, 1, 3);
}
// @ts-ignore: decorator
@inline function lanes(a: i32, b: i32, c: i32, d: i32): v128 {
  return i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(a), 1, b), 2, c), 3, d);
}

/**
 * Hashes four inputs of `blocks` whole 64-byte blocks each into four 32-byte chaining values at out. Lane i has the counter
 * `counter + i · step`.
 */
export function hash4(
  in0: usize, in1: usize, in2: usize, in3: usize, blocks: i32, counter: u64, step: u64,
  flags: u32, startFlag: u32, endFlag: u32, out: usize,
): void {
  let h0 = i32x4.splat(0x6a09e667), h1 = i32x4.splat(0xbb67ae85), h2 = i32x4.splat(0x3c6ef372), h3 = i32x4.splat(0xa54ff53a);
  let h4 = i32x4.splat(0x510e527f), h5 = i32x4.splat(0x9b05688c), h6 = i32x4.splat(0x1f83d9ab), h7 = i32x4.splat(0x5be0cd19);
  const c1 = counter + step, c2 = c1 + step, c3 = c2 + step;
  const counterLow = lanes(<i32>counter, <i32>c1, <i32>c2, <i32>c3);
  const counterHigh = lanes(<i32>(counter >> 32), <i32>(c1 >> 32), <i32>(c2 >> 32), <i32>(c3 >> 32));
  for (let block: i32 = 0; block < blocks; block++) {
    const at = (<usize>block) << 6;
    let a = v128.load(in0 + at), b = v128.load(in1 + at), c = v128.load(in2 + at), d = v128.load(in3 + at);
    let ab = low(a, b), cd = low(c, d);
    let m0 = even(ab, cd), m1 = odd(ab, cd);
    ab = high(a, b), cd = high(c, d);
    let m2 = even(ab, cd), m3 = odd(ab, cd);
    a = v128.load(in0 + at, 16), b = v128.load(in1 + at, 16), c = v128.load(in2 + at, 16), d = v128.load(in3 + at, 16);
    ab = low(a, b), cd = low(c, d);
    let m4 = even(ab, cd), m5 = odd(ab, cd);
    ab = high(a, b), cd = high(c, d);
    let m6 = even(ab, cd), m7 = odd(ab, cd);
    a = v128.load(in0 + at, 32), b = v128.load(in1 + at, 32), c = v128.load(in2 + at, 32), d = v128.load(in3 + at, 32);
    ab = low(a, b), cd = low(c, d);
    let m8 = even(ab, cd), m9 = odd(ab, cd);
    ab = high(a, b), cd = high(c, d);
    let m10 = even(ab, cd), m11 = odd(ab, cd);
    a = v128.load(in0 + at, 48), b = v128.load(in1 + at, 48), c = v128.load(in2 + at, 48), d = v128.load(in3 + at, 48);
    ab = low(a, b), cd = low(c, d);
    let m12 = even(ab, cd), m13 = odd(ab, cd);
    ab = high(a, b), cd = high(c, d);
    let m14 = even(ab, cd), m15 = odd(ab, cd);
    let v0 = h0, v1 = h1, v2 = h2, v3 = h3, v4 = h4, v5 = h5, v6 = h6, v7 = h7;
    let v8 = i32x4.splat(0x6a09e667), v9 = i32x4.splat(0xbb67ae85), v10 = i32x4.splat(0x3c6ef372), v11 = i32x4.splat(0xa54ff53a);
    let v12 = counterLow, v13 = counterHigh, v14 = i32x4.splat(64);
    let v15 = i32x4.splat(flags | (block == 0 ? startFlag : 0) | (block == blocks - 1 ? endFlag : 0));
    for (let round: i32 = 0; round < 7; round++) {
      v0 = add3(v0, v4, m0), v12 = rot16(v12, v0), v8 = add(v8, v12), v4 = rot12(v4, v8);
      v1 = add3(v1, v5, m2), v13 = rot16(v13, v1), v9 = add(v9, v13), v5 = rot12(v5, v9);
      v2 = add3(v2, v6, m4), v14 = rot16(v14, v2), v10 = add(v10, v14), v6 = rot12(v6, v10);
      v3 = add3(v3, v7, m6), v15 = rot16(v15, v3), v11 = add(v11, v15), v7 = rot12(v7, v11);
      v0 = add3(v0, v4, m1), v12 = rot8(v12, v0), v8 = add(v8, v12), v4 = rot7(v4, v8);
      v1 = add3(v1, v5, m3), v13 = rot8(v13, v1), v9 = add(v9, v13), v5 = rot7(v5, v9);
      v2 = add3(v2, v6, m5), v14 = rot8(v14, v2), v10 = add(v10, v14), v6 = rot7(v6, v10);
      v3 = add3(v3, v7, m7), v15 = rot8(v15, v3), v11 = add(v11, v15), v7 = rot7(v7, v11);
      v0 = add3(v0, v5, m8), v15 = rot16(v15, v0), v10 = add(v10, v15), v5 = rot12(v5, v10);
      v1 = add3(v1, v6, m10), v12 = rot16(v12, v1), v11 = add(v11, v12), v6 = rot12(v6, v11);
      v2 = add3(v2, v7, m12), v13 = rot16(v13, v2), v8 = add(v8, v13), v7 = rot12(v7, v8);
      v3 = add3(v3, v4, m14), v14 = rot16(v14, v3), v9 = add(v9, v14), v4 = rot12(v4, v9);
      v0 = add3(v0, v5, m9), v15 = rot8(v15, v0), v10 = add(v10, v15), v5 = rot7(v5, v10);
      v1 = add3(v1, v6, m11), v12 = rot8(v12, v1), v11 = add(v11, v12), v6 = rot7(v6, v11);
      v2 = add3(v2, v7, m13), v13 = rot8(v13, v2), v8 = add(v8, v13), v7 = rot7(v7, v8);
      v3 = add3(v3, v4, m15), v14 = rot8(v14, v3), v9 = add(v9, v14), v4 = rot7(v4, v9);
      const p0 = m2, p1 = m6, p2 = m3, p3 = m10, p4 = m7, p5 = m0, p6 = m4, p7 = m13;
      const p8 = m1, p9 = m11, p10 = m12, p11 = m5, p12 = m9, p13 = m14, p14 = m15, p15 = m8;
      m0 = p0, m1 = p1, m2 = p2, m3 = p3, m4 = p4, m5 = p5, m6 = p6, m7 = p7;
      m8 = p8, m9 = p9, m10 = p10, m11 = p11, m12 = p12, m13 = p13, m14 = p14, m15 = p15;
    }
    h0 = v128.xor(v0, v8), h1 = v128.xor(v1, v9), h2 = v128.xor(v2, v10), h3 = v128.xor(v3, v11);
    h4 = v128.xor(v4, v12), h5 = v128.xor(v5, v13), h6 = v128.xor(v6, v14), h7 = v128.xor(v7, v15);
  }
  storeColumns(out, h0, h1, h2, h3);
  storeColumns(out + 16, h4, h5, h6, h7);
}

// Half a chaining value of each input, 32 bytes apart.
// @ts-ignore: decorator
@inline function storeColumns(out: usize, a: v128, b: v128, c: v128, d: v128): void {
  let ab = low(a, b), cd = low(c, d);
  v128.store(out, even(ab, cd), 0);
  v128.store(out, odd(ab, cd), 32);
  ab = high(a, b), cd = high(c, d);
  v128.store(out, even(ab, cd), 64);
  v128.store(out, odd(ab, cd), 96);
}

// BLAKE3's compression function on a single block, for what does not fill four lanes.

// @ts-ignore: decorator
@inline function rot(x: u32, n: i32): u32 {
  return (x >>> n) | (x << (32 - n));
}
// Rotations of x ^ y to the right.
// @ts-ignore: decorator
@inline function rot16(x: u32, y: u32): u32 {
  return rot(x ^ y, 16);
}
// @ts-ignore: decorator
@inline function rot12(x: u32, y: u32): u32 {
  return rot(x ^ y, 12);
}
// @ts-ignore: decorator
@inline function rot8(x: u32, y: u32): u32 {
  return rot(x ^ y, 8);
}
// @ts-ignore: decorator
@inline function rot7(x: u32, y: u32): u32 {
  return rot(x ^ y, 7);
}

/** Writes the initial chaining value. */
export function initial(cv: usize): void {
  store<u32>(cv, 0x6a09e667, 0);
  store<u32>(cv, 0xbb67ae85, 4);
  store<u32>(cv, 0x3c6ef372, 8);
  store<u32>(cv, 0xa54ff53a, 12);
  store<u32>(cv, 0x510e527f, 16);
  store<u32>(cv, 0x9b05688c, 20);
  store<u32>(cv, 0x1f83d9ab, 24);
  store<u32>(cv, 0x5be0cd19, 28);
}

/** Compresses one block of `length` significant bytes, zero padded to 64, into the chaining value at cv. */
export function compress(cv: usize, block: usize, length: u32, counter: u64, flags: u32): void {
  let m0 = load<u32>(block, 0), m1 = load<u32>(block, 4), m2 = load<u32>(block, 8), m3 = load<u32>(block, 12);
  let m4 = load<u32>(block, 16), m5 = load<u32>(block, 20), m6 = load<u32>(block, 24), m7 = load<u32>(block, 28);
  let m8 = load<u32>(block, 32), m9 = load<u32>(block, 36), m10 = load<u32>(block, 40), m11 = load<u32>(block, 44);
  let m12 = load<u32>(block, 48), m13 = load<u32>(block, 52), m14 = load<u32>(block, 56), m15 = load<u32>(block, 60);
  let v0 = load<u32>(cv, 0), v1 = load<u32>(cv, 4), v2 = load<u32>(cv, 8), v3 = load<u32>(cv, 12);
  let v4 = load<u32>(cv, 16), v5 = load<u32>(cv, 20), v6 = load<u32>(cv, 24), v7 = load<u32>(cv, 28);
  let v8: u32 = 0x6a09e667, v9: u32 = 0xbb67ae85, v10: u32 = 0x3c6ef372, v11: u32 = 0xa54ff53a;
  let v12 = <u32>counter, v13 = <u32>(counter >> 32), v14 = length, v15 = flags;
  for (let round: i32 = 0; round < 7; round++) {
    v0 = v0 + v4 + m0, v12 = rot16(v12, v0), v8 = v8 + v12, v4 = rot12(v4, v8);
    v1 = v1 + v5 + m2, v13 = rot16(v13, v1), v9 = v9 + v13, v5 = rot12(v5, v9);
    v2 = v2 + v6 + m4, v14 = rot16(v14, v2), v10 = v10 + v14, v6 = rot12(v6, v10);
    v3 = v3 + v7 + m6, v15 = rot16(v15, v3), v11 = v11 + v15, v7 = rot12(v7, v11);
    v0 = v0 + v4 + m1, v12 = rot8(v12, v0), v8 = v8 + v12, v4 = rot7(v4, v8);
    v1 = v1 + v5 + m3, v13 = rot8(v13, v1), v9 = v9 + v13, v5 = rot7(v5, v9);
    v2 = v2 + v6 + m5, v14 = rot8(v14, v2), v10 = v10 + v14, v6 = rot7(v6, v10);
    v3 = v3 + v7 + m7, v15 = rot8(v15, v3), v11 = v11 + v15, v7 = rot7(v7, v11);
    v0 = v0 + v5 + m8, v15 = rot16(v15, v0), v10 = v10 + v15, v5 = rot12(v5, v10);
    v1 = v1 + v6 + m10, v12 = rot16(v12, v1), v11 = v11 + v12, v6 = rot12(v6, v11);
    v2 = v2 + v7 + m12, v13 = rot16(v13, v2), v8 = v8 + v13, v7 = rot12(v7, v8);
    v3 = v3 + v4 + m14, v14 = rot16(v14, v3), v9 = v9 + v14, v4 = rot12(v4, v9);
    v0 = v0 + v5 + m9, v15 = rot8(v15, v0), v10 = v10 + v15, v5 = rot7(v5, v10);
    v1 = v1 + v6 + m11, v12 = rot8(v12, v1), v11 = v11 + v12, v6 = rot7(v6, v11);
    v2 = v2 + v7 + m13, v13 = rot8(v13, v2), v8 = v8 + v13, v7 = rot7(v7, v8);
    v3 = v3 + v4 + m15, v14 = rot8(v14, v3), v9 = v9 + v14, v4 = rot7(v4, v9);
    const p0 = m2, p1 = m6, p2 = m3, p3 = m10, p4 = m7, p5 = m0, p6 = m4, p7 = m13;
    const p8 = m1, p9 = m11, p10 = m12, p11 = m5, p12 = m9, p13 = m14, p14 = m15, p15 = m8;
    m0 = p0, m1 = p1, m2 = p2, m3 = p3, m4 = p4, m5 = p5, m6 = p6, m7 = p7;
    m8 = p8, m9 = p9, m10 = p10, m11 = p11, m12 = p12, m13 = p13, m14 = p14, m15 = p15;
  }
  store<u32>(cv, v0 ^ v8, 0);
  store<u32>(cv, v1 ^ v9, 4);
  store<u32>(cv, v2 ^ v10, 8);
  store<u32>(cv, v3 ^ v11, 12);
  store<u32>(cv, v4 ^ v12, 16);
  store<u32>(cv, v5 ^ v13, 20);
  store<u32>(cv, v6 ^ v14, 24);
  store<u32>(cv, v7 ^ v15, 28);
}

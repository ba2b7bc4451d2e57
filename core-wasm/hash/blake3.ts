// BLAKE3 (specification: https://github.com/BLAKE3-team/BLAKE3-specs). Four chunks or four parent nodes at a time, one per
// 32-bit lane; single blocks in scalar code. Words of the message are permuted in locals between rounds.

const CHUNK_START: u32 = 1;
const CHUNK_END: u32 = 2;
const PARENT: u32 = 4;
const ROOT: u32 = 8;
const CHUNK_BYTES: i32 = 1024;

// @ts-ignore: decorator
@inline
function rot16(x: v128): v128 {
  return v128.shuffle<u8>(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
}
// @ts-ignore: decorator
@inline
function rot8(x: v128): v128 {
  return v128.shuffle<u8>(x, x, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12);
}
// @ts-ignore: decorator
@inline
function rot12(x: v128): v128 {
  return v128.or(i32x4.shr_u(x, 12), i32x4.shl(x, 20));
}
// @ts-ignore: decorator
@inline
function rot7(x: v128): v128 {
  return v128.or(i32x4.shr_u(x, 7), i32x4.shl(x, 25));
}

/**
 * Hashes four inputs of `blocks` whole 64-byte blocks each into four 32-byte chaining values at out. Lane i has the counter
 * `counter + i · step`.
 */
function hash4(
  in0: usize, in1: usize, in2: usize, in3: usize, blocks: i32, counter: u64, step: u64,
  flags: u32, startFlag: u32, endFlag: u32, out: usize,
): void {
  let h0 = i32x4.splat(0x6a09e667);
  let h1 = i32x4.splat(0xbb67ae85);
  let h2 = i32x4.splat(0x3c6ef372);
  let h3 = i32x4.splat(0xa54ff53a);
  let h4 = i32x4.splat(0x510e527f);
  let h5 = i32x4.splat(0x9b05688c);
  let h6 = i32x4.splat(0x1f83d9ab);
  let h7 = i32x4.splat(0x5be0cd19);
  const c1 = counter + step;
  const c2 = c1 + step;
  const c3 = c2 + step;
  const counterLow = i32x4.replace_lane(
    i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(<i32>counter), 1, <i32>c1), 2, <i32>c2), 3, <i32>c3);
  const counterHigh = i32x4.replace_lane(
    i32x4.replace_lane(
      i32x4.replace_lane(i32x4.splat(<i32>(counter >> 32)), 1, <i32>(c1 >> 32)), 2, <i32>(c2 >> 32)),
    3, <i32>(c3 >> 32));
  for (let block: i32 = 0; block < blocks; block++) {
    const at = (<usize>block) << 6;
    let a: v128, b: v128, c: v128, d: v128, ab: v128, cd: v128;
    a = v128.load(in0 + at, 0);
    b = v128.load(in1 + at, 0);
    c = v128.load(in2 + at, 0);
    d = v128.load(in3 + at, 0);
    ab = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
    cd = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
    let m0 = v128.shuffle<u64>(ab, cd, 0, 2);
    let m1 = v128.shuffle<u64>(ab, cd, 1, 3);
    ab = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
    cd = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
    let m2 = v128.shuffle<u64>(ab, cd, 0, 2);
    let m3 = v128.shuffle<u64>(ab, cd, 1, 3);
    a = v128.load(in0 + at, 16);
    b = v128.load(in1 + at, 16);
    c = v128.load(in2 + at, 16);
    d = v128.load(in3 + at, 16);
    ab = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
    cd = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
    let m4 = v128.shuffle<u64>(ab, cd, 0, 2);
    let m5 = v128.shuffle<u64>(ab, cd, 1, 3);
    ab = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
    cd = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
    let m6 = v128.shuffle<u64>(ab, cd, 0, 2);
    let m7 = v128.shuffle<u64>(ab, cd, 1, 3);
    a = v128.load(in0 + at, 32);
    b = v128.load(in1 + at, 32);
    c = v128.load(in2 + at, 32);
    d = v128.load(in3 + at, 32);
    ab = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
    cd = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
    let m8 = v128.shuffle<u64>(ab, cd, 0, 2);
    let m9 = v128.shuffle<u64>(ab, cd, 1, 3);
    ab = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
    cd = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
    let m10 = v128.shuffle<u64>(ab, cd, 0, 2);
    let m11 = v128.shuffle<u64>(ab, cd, 1, 3);
    a = v128.load(in0 + at, 48);
    b = v128.load(in1 + at, 48);
    c = v128.load(in2 + at, 48);
    d = v128.load(in3 + at, 48);
    ab = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
    cd = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
    let m12 = v128.shuffle<u64>(ab, cd, 0, 2);
    let m13 = v128.shuffle<u64>(ab, cd, 1, 3);
    ab = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
    cd = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
    let m14 = v128.shuffle<u64>(ab, cd, 0, 2);
    let m15 = v128.shuffle<u64>(ab, cd, 1, 3);
    let v0 = h0;
    let v1 = h1;
    let v2 = h2;
    let v3 = h3;
    let v4 = h4;
    let v5 = h5;
    let v6 = h6;
    let v7 = h7;
    let v8 = i32x4.splat(0x6a09e667);
    let v9 = i32x4.splat(0xbb67ae85);
    let v10 = i32x4.splat(0x3c6ef372);
    let v11 = i32x4.splat(0xa54ff53a);
    let v12 = counterLow;
    let v13 = counterHigh;
    let v14 = i32x4.splat(64);
    let v15 = i32x4.splat(flags | (block == 0 ? startFlag : 0) | (block == blocks - 1 ? endFlag : 0));
    for (let round: i32 = 0; round < 7; round++) {
      v0 = i32x4.add(i32x4.add(v0, v4), m0);
      v12 = rot16(v128.xor(v12, v0));
      v8 = i32x4.add(v8, v12);
      v4 = rot12(v128.xor(v4, v8));
      v0 = i32x4.add(i32x4.add(v0, v4), m1);
      v12 = rot8(v128.xor(v12, v0));
      v8 = i32x4.add(v8, v12);
      v4 = rot7(v128.xor(v4, v8));
      v1 = i32x4.add(i32x4.add(v1, v5), m2);
      v13 = rot16(v128.xor(v13, v1));
      v9 = i32x4.add(v9, v13);
      v5 = rot12(v128.xor(v5, v9));
      v1 = i32x4.add(i32x4.add(v1, v5), m3);
      v13 = rot8(v128.xor(v13, v1));
      v9 = i32x4.add(v9, v13);
      v5 = rot7(v128.xor(v5, v9));
      v2 = i32x4.add(i32x4.add(v2, v6), m4);
      v14 = rot16(v128.xor(v14, v2));
      v10 = i32x4.add(v10, v14);
      v6 = rot12(v128.xor(v6, v10));
      v2 = i32x4.add(i32x4.add(v2, v6), m5);
      v14 = rot8(v128.xor(v14, v2));
      v10 = i32x4.add(v10, v14);
      v6 = rot7(v128.xor(v6, v10));
      v3 = i32x4.add(i32x4.add(v3, v7), m6);
      v15 = rot16(v128.xor(v15, v3));
      v11 = i32x4.add(v11, v15);
      v7 = rot12(v128.xor(v7, v11));
      v3 = i32x4.add(i32x4.add(v3, v7), m7);
      v15 = rot8(v128.xor(v15, v3));
      v11 = i32x4.add(v11, v15);
      v7 = rot7(v128.xor(v7, v11));
      v0 = i32x4.add(i32x4.add(v0, v5), m8);
      v15 = rot16(v128.xor(v15, v0));
      v10 = i32x4.add(v10, v15);
      v5 = rot12(v128.xor(v5, v10));
      v0 = i32x4.add(i32x4.add(v0, v5), m9);
      v15 = rot8(v128.xor(v15, v0));
      v10 = i32x4.add(v10, v15);
      v5 = rot7(v128.xor(v5, v10));
      v1 = i32x4.add(i32x4.add(v1, v6), m10);
      v12 = rot16(v128.xor(v12, v1));
      v11 = i32x4.add(v11, v12);
      v6 = rot12(v128.xor(v6, v11));
      v1 = i32x4.add(i32x4.add(v1, v6), m11);
      v12 = rot8(v128.xor(v12, v1));
      v11 = i32x4.add(v11, v12);
      v6 = rot7(v128.xor(v6, v11));
      v2 = i32x4.add(i32x4.add(v2, v7), m12);
      v13 = rot16(v128.xor(v13, v2));
      v8 = i32x4.add(v8, v13);
      v7 = rot12(v128.xor(v7, v8));
      v2 = i32x4.add(i32x4.add(v2, v7), m13);
      v13 = rot8(v128.xor(v13, v2));
      v8 = i32x4.add(v8, v13);
      v7 = rot7(v128.xor(v7, v8));
      v3 = i32x4.add(i32x4.add(v3, v4), m14);
      v14 = rot16(v128.xor(v14, v3));
      v9 = i32x4.add(v9, v14);
      v4 = rot12(v128.xor(v4, v9));
      v3 = i32x4.add(i32x4.add(v3, v4), m15);
      v14 = rot8(v128.xor(v14, v3));
      v9 = i32x4.add(v9, v14);
      v4 = rot7(v128.xor(v4, v9));
      const p0 = m2;
      const p1 = m6;
      const p2 = m3;
      const p3 = m10;
      const p4 = m7;
      const p5 = m0;
      const p6 = m4;
      const p7 = m13;
      const p8 = m1;
      const p9 = m11;
      const p10 = m12;
      const p11 = m5;
      const p12 = m9;
      const p13 = m14;
      const p14 = m15;
      const p15 = m8;
      m0 = p0;
      m1 = p1;
      m2 = p2;
      m3 = p3;
      m4 = p4;
      m5 = p5;
      m6 = p6;
      m7 = p7;
      m8 = p8;
      m9 = p9;
      m10 = p10;
      m11 = p11;
      m12 = p12;
      m13 = p13;
      m14 = p14;
      m15 = p15;
    }
    h0 = v128.xor(v0, v8);
    h1 = v128.xor(v1, v9);
    h2 = v128.xor(v2, v10);
    h3 = v128.xor(v3, v11);
    h4 = v128.xor(v4, v12);
    h5 = v128.xor(v5, v13);
    h6 = v128.xor(v6, v14);
    h7 = v128.xor(v7, v15);
  }
  let lo: v128, hi: v128;
  lo = v128.shuffle<u32>(h0, h1, 0, 4, 1, 5);
  hi = v128.shuffle<u32>(h2, h3, 0, 4, 1, 5);
  v128.store(out, v128.shuffle<u64>(lo, hi, 0, 2), 0);
  v128.store(out, v128.shuffle<u64>(lo, hi, 1, 3), 32);
  lo = v128.shuffle<u32>(h0, h1, 2, 6, 3, 7);
  hi = v128.shuffle<u32>(h2, h3, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<u64>(lo, hi, 0, 2), 64);
  v128.store(out, v128.shuffle<u64>(lo, hi, 1, 3), 96);
  lo = v128.shuffle<u32>(h4, h5, 0, 4, 1, 5);
  hi = v128.shuffle<u32>(h6, h7, 0, 4, 1, 5);
  v128.store(out, v128.shuffle<u64>(lo, hi, 0, 2), 16);
  v128.store(out, v128.shuffle<u64>(lo, hi, 1, 3), 48);
  lo = v128.shuffle<u32>(h4, h5, 2, 6, 3, 7);
  hi = v128.shuffle<u32>(h6, h7, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<u64>(lo, hi, 0, 2), 80);
  v128.store(out, v128.shuffle<u64>(lo, hi, 1, 3), 112);
}

/** Compresses one block of `length` significant bytes (zero padded to 64) into the chaining value at cv. */
function compress(cv: usize, block: usize, length: u32, counter: u64, flags: u32): void {
  let m0 = load<u32>(block, 0);
  let m1 = load<u32>(block, 4);
  let m2 = load<u32>(block, 8);
  let m3 = load<u32>(block, 12);
  let m4 = load<u32>(block, 16);
  let m5 = load<u32>(block, 20);
  let m6 = load<u32>(block, 24);
  let m7 = load<u32>(block, 28);
  let m8 = load<u32>(block, 32);
  let m9 = load<u32>(block, 36);
  let m10 = load<u32>(block, 40);
  let m11 = load<u32>(block, 44);
  let m12 = load<u32>(block, 48);
  let m13 = load<u32>(block, 52);
  let m14 = load<u32>(block, 56);
  let m15 = load<u32>(block, 60);
  let v0 = load<u32>(cv, 0);
  let v1 = load<u32>(cv, 4);
  let v2 = load<u32>(cv, 8);
  let v3 = load<u32>(cv, 12);
  let v4 = load<u32>(cv, 16);
  let v5 = load<u32>(cv, 20);
  let v6 = load<u32>(cv, 24);
  let v7 = load<u32>(cv, 28);
  let v8: u32 = 0x6a09e667;
  let v9: u32 = 0xbb67ae85;
  let v10: u32 = 0x3c6ef372;
  let v11: u32 = 0xa54ff53a;
  let v12 = <u32>counter;
  let v13 = <u32>(counter >> 32);
  let v14 = length;
  let v15 = flags;
  for (let round: i32 = 0; round < 7; round++) {
    v0 = v0 + v4 + m0;
    v12 = rotr(v12 ^ v0, 16);
    v8 = v8 + v12;
    v4 = rotr(v4 ^ v8, 12);
    v0 = v0 + v4 + m1;
    v12 = rotr(v12 ^ v0, 8);
    v8 = v8 + v12;
    v4 = rotr(v4 ^ v8, 7);
    v1 = v1 + v5 + m2;
    v13 = rotr(v13 ^ v1, 16);
    v9 = v9 + v13;
    v5 = rotr(v5 ^ v9, 12);
    v1 = v1 + v5 + m3;
    v13 = rotr(v13 ^ v1, 8);
    v9 = v9 + v13;
    v5 = rotr(v5 ^ v9, 7);
    v2 = v2 + v6 + m4;
    v14 = rotr(v14 ^ v2, 16);
    v10 = v10 + v14;
    v6 = rotr(v6 ^ v10, 12);
    v2 = v2 + v6 + m5;
    v14 = rotr(v14 ^ v2, 8);
    v10 = v10 + v14;
    v6 = rotr(v6 ^ v10, 7);
    v3 = v3 + v7 + m6;
    v15 = rotr(v15 ^ v3, 16);
    v11 = v11 + v15;
    v7 = rotr(v7 ^ v11, 12);
    v3 = v3 + v7 + m7;
    v15 = rotr(v15 ^ v3, 8);
    v11 = v11 + v15;
    v7 = rotr(v7 ^ v11, 7);
    v0 = v0 + v5 + m8;
    v15 = rotr(v15 ^ v0, 16);
    v10 = v10 + v15;
    v5 = rotr(v5 ^ v10, 12);
    v0 = v0 + v5 + m9;
    v15 = rotr(v15 ^ v0, 8);
    v10 = v10 + v15;
    v5 = rotr(v5 ^ v10, 7);
    v1 = v1 + v6 + m10;
    v12 = rotr(v12 ^ v1, 16);
    v11 = v11 + v12;
    v6 = rotr(v6 ^ v11, 12);
    v1 = v1 + v6 + m11;
    v12 = rotr(v12 ^ v1, 8);
    v11 = v11 + v12;
    v6 = rotr(v6 ^ v11, 7);
    v2 = v2 + v7 + m12;
    v13 = rotr(v13 ^ v2, 16);
    v8 = v8 + v13;
    v7 = rotr(v7 ^ v8, 12);
    v2 = v2 + v7 + m13;
    v13 = rotr(v13 ^ v2, 8);
    v8 = v8 + v13;
    v7 = rotr(v7 ^ v8, 7);
    v3 = v3 + v4 + m14;
    v14 = rotr(v14 ^ v3, 16);
    v9 = v9 + v14;
    v4 = rotr(v4 ^ v9, 12);
    v3 = v3 + v4 + m15;
    v14 = rotr(v14 ^ v3, 8);
    v9 = v9 + v14;
    v4 = rotr(v4 ^ v9, 7);
    const p0 = m2;
    const p1 = m6;
    const p2 = m3;
    const p3 = m10;
    const p4 = m7;
    const p5 = m0;
    const p6 = m4;
    const p7 = m13;
    const p8 = m1;
    const p9 = m11;
    const p10 = m12;
    const p11 = m5;
    const p12 = m9;
    const p13 = m14;
    const p14 = m15;
    const p15 = m8;
    m0 = p0;
    m1 = p1;
    m2 = p2;
    m3 = p3;
    m4 = p4;
    m5 = p5;
    m6 = p6;
    m7 = p7;
    m8 = p8;
    m9 = p9;
    m10 = p10;
    m11 = p11;
    m12 = p12;
    m13 = p13;
    m14 = p14;
    m15 = p15;
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

// @ts-ignore: decorator
@inline
function rotr(x: u32, n: i32): u32 {
  return (x >>> n) | (x << (32 - n));
}

function initial(cv: usize): void {
  store<u32>(cv, 0x6a09e667, 0);
  store<u32>(cv, 0xbb67ae85, 4);
  store<u32>(cv, 0x3c6ef372, 8);
  store<u32>(cv, 0xa54ff53a, 12);
  store<u32>(cv, 0x510e527f, 16);
  store<u32>(cv, 0x9b05688c, 20);
  store<u32>(cv, 0x1f83d9ab, 24);
  store<u32>(cv, 0x5be0cd19, 28);
}

/** Hashes one chunk of at most 1024 bytes. `pad`: 64 bytes of scratch. */
function hashChunk(input: usize, length: i32, counter: u64, rootFlag: u32, pad: usize, out: usize): void {
  initial(out);
  let at: i32 = 0;
  let flags = CHUNK_START;
  while (length - at > 64) {
    compress(out, input + <usize>at, 64, counter, flags);
    flags = 0;
    at += 64;
  }
  const rest = length - at;
  memory.fill(pad, 0, 64);
  memory.copy(pad, input + <usize>at, <usize>rest);
  compress(out, pad, <u32>rest, counter, flags | CHUNK_END | rootFlag);
}

/** Joins two chaining values that lie side by side at `pair` into out, which may be `pair`. `pad`: 64 bytes of scratch. */
export function blake3Parent(pair: usize, isRoot: i32, pad: usize, out: usize): void {
  memory.copy(pad, pair, 64);
  initial(out);
  compress(out, pad, 64, 0, PARENT | (isRoot ? ROOT : 0));
}

/**
 * Hash of the subtree over `length` bytes whose first chunk has the number `chunk`. With isRoot, the final hash of a whole
 * input. scratch: 64 + 32 · chunks bytes. out: 32 bytes.
 */
export function blake3Subtree(input: usize, length: i32, chunk: f64, isRoot: i32, scratch: usize, out: usize): void {
  const pad = scratch;
  const cvs = scratch + 64;
  const first = <u64>chunk;
  if (length <= CHUNK_BYTES) {
    hashChunk(input, length, first, isRoot ? ROOT : 0, pad, out);
    return;
  }
  const whole = length >> 10;
  let count: i32 = 0;
  while (count + 4 <= whole) {
    const at = input + ((<usize>count) << 10);
    hash4(at, at + 1024, at + 2048, at + 3072, 16, first + <u64>count, 1, 0, CHUNK_START, CHUNK_END,
      cvs + ((<usize>count) << 5));
    count += 4;
  }
  for (let at = count << 10; at < length; at += CHUNK_BYTES) {
    const size = min(length - at, CHUNK_BYTES);
    hashChunk(input + <usize>at, size, first + <u64>count, 0, pad, cvs + ((<usize>count) << 5));
    count++;
  }
  // Level by level: pairs become parents, an odd one out moves up as it is. The last pair is the root of this subtree.
  while (count > 2) {
    let next: i32 = 0;
    let i: i32 = 0;
    while (i + 8 <= count) {
      const at = cvs + ((<usize>i) << 5);
      hash4(at, at + 64, at + 128, at + 192, 1, 0, 0, PARENT, 0, 0, cvs + ((<usize>next) << 5));
      i += 8;
      next += 4;
    }
    for (; i + 2 <= count; i += 2) blake3Parent(cvs + ((<usize>i) << 5), 0, pad, cvs + ((<usize>(next++)) << 5));
    if (i < count) memory.copy(cvs + ((<usize>(next++)) << 5), cvs + ((<usize>i) << 5), 32);
    count = next;
  }
  blake3Parent(cvs, isRoot, pad, out);
}

// Random vectors from QuestDB's generator (xorshift128+), whose two int64 words live at `state` and are advanced.
// The same seeds give the same values as the reference for a query with one random column.

// @ts-ignore: decorator
@inline function nextLong(state: usize): i64 {
  let l1 = load<i64>(state);
  const l0 = load<i64>(state, 8);
  store<i64>(state, l0);
  l1 ^= l1 << 23;
  const s1 = l1 ^ l0 ^ (l1 >> 17) ^ (l0 >>> 26); // the first shift keeps the sign, as in the reference
  store<i64>(state, s1, 8);
  return s1 + l0;
}

// @ts-ignore: decorator
@inline function nextPositiveInt(state: usize): i32 {
  const v = <i32>nextLong(state);
  return v > 0 ? v : v == i32.MIN_VALUE ? i32.MAX_VALUE : -v;
}

// @ts-ignore: decorator
@inline function nextPositiveLong(state: usize): i64 {
  const v = nextLong(state);
  return v > 0 ? v : v == i64.MIN_VALUE ? i64.MAX_VALUE : -v;
}

// @ts-ignore: decorator
@inline function bits(state: usize, count: i32): i64 {
  return (nextLong(state) & 0xffffffffffff) >>> (48 - count);
}

/** Doubles in [0, 1). nullRate 0: never NULL and no extra draw; otherwise a draw decides, NULL if it is 1 modulo rate + 1. */
export function randomF64(state: usize, nullRate: i32, out: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    let v: f64 = NaN;
    if (nullRate < 0 || nextPositiveInt(state) % (nullRate + 1) != 1) {
      const high = bits(state, 26) << 27;
      v = <f64>(high + bits(state, 27)) * (1.0 / 9007199254740992.0);
    }
    store<f64>(out + (i << 3), v);
  }
}

/** FLOAT values in [0, 1): 24 random bits. */
export function randomF32(state: usize, nullRate: i32, out: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    let v: f32 = <f32>NaN;
    if (nullRate < 0 || nextPositiveInt(state) % (nullRate + 1) != 1) v = <f32>bits(state, 24) * (1.0 / 16777216.0);
    store<f32>(out + (i << 2), v);
  }
}

/**
 * int32 values. kind 0: any value; 1: low + positive draw % range with a NULL draw before; 2: boolean (top bit);
 * 3: index below range without a NULL draw; 4: character code 66 + draw % 25; 5: low + positive int64 draw % range.
 */
export function randomI32(kind: i32, state: usize, low: i32, range: i32, nullRate: i32, out: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    let v: i32;
    if (kind == 0) v = <i32>nextLong(state);
    else if (kind == 2) v = <i32>(nextLong(state) >>> 63);
    else if (kind == 3) v = nextPositiveInt(state) % range;
    else if (kind == 4) v = 66 + nextPositiveInt(state) % 25;
    else if (kind == 5) v = low + <i32>(nextPositiveLong(state) % <i64>range);
    else if (nextPositiveInt(state) % (nullRate + 1) == 1) v = i32.MIN_VALUE;
    else v = low + nextPositiveInt(state) % range;
    store<i32>(out + (i << 2), v);
  }
}

/** int64 values. kind 0: any value; 1: low + positive draw % range with a NULL draw before. */
export function randomI64(kind: i32, state: usize, low: i64, range: i64, nullRate: i32, out: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    let v: i64;
    if (kind == 0) v = nextLong(state);
    else if (nextPositiveInt(state) % (nullRate + 1) == 1) v = i64.MIN_VALUE;
    else v = low + nextPositiveLong(state) % range;
    store<i64>(out + (i << 3), v);
  }
}

// Picking rows: gathers by a u32 index, and merges of two sources by an index whose high bit names the source.

/** Set in a merge index when the row comes from the second source. */
const SECOND: u32 = 0x80000000;

/**
 * Merge order of two ascending i64 arrays; on ties the first goes first. Writes an + bn u32: rows of the first as they are,
 * rows of the second with the high bit set.
 */
export function mergeIndex(a: usize, an: i32, b: usize, bn: i32, dst: usize): void {
  let i: i32 = 0;
  let j: i32 = 0;
  let out = dst;
  while (i < an && j < bn) {
    if (load<i64>(b + ((<usize>j) << 3)) < load<i64>(a + ((<usize>i) << 3))) store<u32>(out, SECOND | <u32>(j++));
    else store<u32>(out, <u32>(i++));
    out += 4;
  }
  while (i < an) {
    store<u32>(out, <u32>(i++));
    out += 4;
  }
  while (j < bn) {
    store<u32>(out, SECOND | <u32>(j++));
    out += 4;
  }
}

/** Keys below base stay; others become map[key − base]; negative (NULL) keys stay. */
export function remapI32(src: usize, n: i32, base: i32, map: usize, dst: usize): void {
  for (let i: i32 = 0; i < n; i++) {
    const at = (<usize>i) << 2;
    const key = load<i32>(src + at);
    store<i32>(dst + at, key < base ? key : load<i32>(map + ((<usize>(key - base)) << 2)));
  }
}

/** The largest of n keys, or −1 if there is none or all are NULL. */
export function maxKeyI32(src: usize, n: i32): i32 {
  let max: i32 = -1;
  for (let i: i32 = 0; i < n; i++) {
    const key = load<i32>(src + ((<usize>i) << 2));
    if (key > max) max = key;
  }
  return max;
}

/** dst[i] = src[index[i]] for n values of 1 byte. */
export function gather1(src: usize, index: usize, n: i32, dst: usize): void {
  for (let i: i32 = 0; i < n; i++) {
    const row = load<u32>(index + ((<usize>i) << 2));
    store<u8>(dst + ((<usize>i) << 0), load<u8>(src + ((<usize>row) << 0)));
  }
}

/** dst[i] = the value of 1 byte that a merge index names, from a or b. */
export function mergeGather1(a: usize, b: usize, index: usize, n: i32, dst: usize): void {
  for (let i: i32 = 0; i < n; i++) {
    const entry = load<u32>(index + ((<usize>i) << 2));
    const row = (<usize>(entry & 0x7fffffff)) << 0;
    store<u8>(dst + ((<usize>i) << 0), load<u8>(((entry & SECOND) != 0 ? b : a) + row));
  }
}

/** dst[i] = src[index[i]] for n values of 2 bytes. */
export function gather2(src: usize, index: usize, n: i32, dst: usize): void {
  for (let i: i32 = 0; i < n; i++) {
    const row = load<u32>(index + ((<usize>i) << 2));
    store<u16>(dst + ((<usize>i) << 1), load<u16>(src + ((<usize>row) << 1)));
  }
}

/** dst[i] = the value of 2 bytes that a merge index names, from a or b. */
export function mergeGather2(a: usize, b: usize, index: usize, n: i32, dst: usize): void {
  for (let i: i32 = 0; i < n; i++) {
    const entry = load<u32>(index + ((<usize>i) << 2));
    const row = (<usize>(entry & 0x7fffffff)) << 1;
    store<u16>(dst + ((<usize>i) << 1), load<u16>(((entry & SECOND) != 0 ? b : a) + row));
  }
}

/** dst[i] = src[index[i]] for n values of 4 bytes. */
export function gather4(src: usize, index: usize, n: i32, dst: usize): void {
  for (let i: i32 = 0; i < n; i++) {
    const row = load<u32>(index + ((<usize>i) << 2));
    store<u32>(dst + ((<usize>i) << 2), load<u32>(src + ((<usize>row) << 2)));
  }
}

/** dst[i] = the value of 4 bytes that a merge index names, from a or b. */
export function mergeGather4(a: usize, b: usize, index: usize, n: i32, dst: usize): void {
  for (let i: i32 = 0; i < n; i++) {
    const entry = load<u32>(index + ((<usize>i) << 2));
    const row = (<usize>(entry & 0x7fffffff)) << 2;
    store<u32>(dst + ((<usize>i) << 2), load<u32>(((entry & SECOND) != 0 ? b : a) + row));
  }
}

/** dst[i] = src[index[i]] for n values of 8 bytes. */
export function gather8(src: usize, index: usize, n: i32, dst: usize): void {
  for (let i: i32 = 0; i < n; i++) {
    const row = load<u32>(index + ((<usize>i) << 2));
    store<u64>(dst + ((<usize>i) << 3), load<u64>(src + ((<usize>row) << 3)));
  }
}

/** dst[i] = the value of 8 bytes that a merge index names, from a or b. */
export function mergeGather8(a: usize, b: usize, index: usize, n: i32, dst: usize): void {
  for (let i: i32 = 0; i < n; i++) {
    const entry = load<u32>(index + ((<usize>i) << 2));
    const row = (<usize>(entry & 0x7fffffff)) << 3;
    store<u64>(dst + ((<usize>i) << 3), load<u64>(((entry & SECOND) != 0 ? b : a) + row));
  }
}

/** dst[i] = src[index[i]] for n values of 16 bytes. */
export function gather16(src: usize, index: usize, n: i32, dst: usize): void {
  for (let i: i32 = 0; i < n; i++) {
    const row = load<u32>(index + ((<usize>i) << 2));
    v128.store(dst + ((<usize>i) << 4), v128.load(src + ((<usize>row) << 4)));
  }
}

/** dst[i] = the value of 16 bytes that a merge index names, from a or b. */
export function mergeGather16(a: usize, b: usize, index: usize, n: i32, dst: usize): void {
  for (let i: i32 = 0; i < n; i++) {
    const entry = load<u32>(index + ((<usize>i) << 2));
    const row = (<usize>(entry & 0x7fffffff)) << 4;
    v128.store(dst + ((<usize>i) << 4), v128.load(((entry & SECOND) != 0 ? b : a) + row));
  }
}

/** dst[i] = src[index[i]] for n values of 32 bytes. */
export function gather32(src: usize, index: usize, n: i32, dst: usize): void {
  for (let i: i32 = 0; i < n; i++) {
    const from = src + ((<usize>load<u32>(index + ((<usize>i) << 2))) << 5);
    const to = dst + ((<usize>i) << 5);
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
  }
}

/** dst[i] = the value of 32 bytes that a merge index names, from a or b. */
export function mergeGather32(a: usize, b: usize, index: usize, n: i32, dst: usize): void {
  for (let i: i32 = 0; i < n; i++) {
    const entry = load<u32>(index + ((<usize>i) << 2));
    const from = ((entry & SECOND) != 0 ? b : a) + ((<usize>(entry & 0x7fffffff)) << 5);
    const to = dst + ((<usize>i) << 5);
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
  }
}

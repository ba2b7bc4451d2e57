// Comparing the key columns of two rows, in the order in which the reference server sorts rows of equal times.
//
// A description of the k key columns, 48 bytes each; side 0 has the rows of a batch, side 1 those of a partition:
//
//   @0 i32 kind   @4 i32 data of side 0   @8 i32 its heap    @16 f64 its heap offset
//                 @24 i32 data of side 1  @28 i32 its heap   @36 f64 its heap offset
//
// Kinds 1, 2, 4, 8, 16, 32: bytes of a value, compared as one signed little-endian integer, whatever the type; so −0.0 and 0.0
// differ and all NULLs are equal. Kind 64: bytes behind 16-byte entries, shorter first, then byte by byte. Kind 65: text,
// likewise by its UTF-16 form. NULL goes before all texts.

/** Bytes of a description. */
const KEY_BYTES: usize = 48;
const SIDE_BYTES: usize = 20;
const NULL_FLAG: u32 = 4;
const INLINED: u32 = 1;

// @ts-ignore: decorator
@inline
function entryLength(entry: usize): i32 {
  const header = load<u32>(entry);
  if (header & NULL_FLAG) return -1;
  return header & INLINED ? <i32>((header >> 4) & 15) : <i32>(header >> 4);
}

// @ts-ignore: decorator
@inline
function entryBytes(entry: usize, side: usize): usize {
  if (load<u32>(entry) & INLINED) return entry + 1;
  return <usize>load<u32>(side, 4) + <usize>((load<u64>(entry, 8) >> 16) - <u64>load<f64>(side, 12));
}

function compareBytes(a: usize, b: usize, n: i32): i32 {
  let i: i32 = 0;
  while (i + 8 <= n) {
    const x = load<u64>(a + <usize>i), y = load<u64>(b + <usize>i);
    if (x != y) return bswap<u64>(x) < bswap<u64>(y) ? -1 : 1;
    i += 8;
  }
  while (i < n) {
    const x = load<u8>(a + <usize>i), y = load<u8>(b + <usize>i);
    if (x != y) return x < y ? -1 : 1;
    i++;
  }
  return 0;
}

/** UTF-16 units of n bytes of UTF-8. */
function unitCount(ptr: usize, n: i32): i32 {
  let units: i32 = 0;
  for (let i: i32 = 0; i < n; i++) {
    const byte = load<u8>(ptr + <usize>i);
    if ((byte & 0xc0) != 0x80) units += byte >= 0xf0 ? 2 : 1;
  }
  return units;
}

// Code point at ptr; four bytes may be read where fewer are needed, so callers stay within a value of valid UTF-8.
function codePoint(ptr: usize): u32 {
  const first = <u32>load<u8>(ptr);
  if (first < 0x80) return first;
  const second = <u32>load<u8>(ptr, 1) & 0x3f;
  if (first < 0xe0) return ((first & 0x1f) << 6) | second;
  const third = <u32>load<u8>(ptr, 2) & 0x3f;
  if (first < 0xf0) return ((first & 0x0f) << 12) | (second << 6) | third;
  return ((first & 0x07) << 18) | (second << 12) | (third << 6) | (<u32>load<u8>(ptr, 3) & 0x3f);
}

// @ts-ignore: decorator
@inline
function swapped(unit: u32): u32 {
  return ((unit & 0xff) << 8) | (unit >> 8);
}

/** Compares two texts that differ: by units, then by the bytes of their little-endian UTF-16 form. */
function compareText(a: usize, an: i32, b: usize, bn: i32): i32 {
  const units = unitCount(a, an), otherUnits = unitCount(b, bn);
  if (units != otherUnits) return units < otherUnits ? -1 : 1;
  const end = a + <usize>an;
  while (a < end) {
    const x = codePoint(a), y = codePoint(b);
    if (x != y) {
      const left = x < 0x10000 ? x : 0xd7c0 + (x >> 10);
      const right = y < 0x10000 ? y : 0xd7c0 + (y >> 10);
      if (left != right) return swapped(left) < swapped(right) ? -1 : 1;
      return swapped(x & 0x3ff | 0xdc00) < swapped(y & 0x3ff | 0xdc00) ? -1 : 1;
    }
    const step: usize = x < 0x80 ? 1 : x < 0x800 ? 2 : x < 0x10000 ? 3 : 4;
    a += step;
    b += step;
  }
  return 0;
}

function compareEntries(kind: i32, sideA: usize, a: usize, sideB: usize, b: usize): i32 {
  const an = entryLength(a), bn = entryLength(b);
  if (an < 0 || bn < 0) return an == bn ? 0 : an < bn ? -1 : 1;
  const left = entryBytes(a, sideA), right = entryBytes(b, sideB);
  if (kind == 64) return an != bn ? (an < bn ? -1 : 1) : compareBytes(left, right, an);
  if (an == bn && compareBytes(left, right, an) == 0) return 0;
  return compareText(left, an, right, bn);
}

function compareWide(words: usize, a: usize, b: usize): i32 {
  let at = (words - 1) << 3;
  const x = load<i64>(a + at), y = load<i64>(b + at);
  if (x != y) return x < y ? -1 : 1;
  while (at > 0) {
    at -= 8;
    const u = load<u64>(a + at), v = load<u64>(b + at);
    if (u != v) return u < v ? -1 : 1;
  }
  return 0;
}

/** Compares the keys of row `a` of one side with those of row `b` of another: negative, 0 or positive. */
export function compareKeys(keys: usize, k: i32, aSide: i32, a: u32, bSide: i32, b: u32): i32 {
  for (let i: i32 = 0; i < k; i++) {
    const key = keys + <usize>i * KEY_BYTES;
    const kind = load<i32>(key);
    const sideA = key + 4 + <usize>aSide * SIDE_BYTES;
    const sideB = key + 4 + <usize>bSide * SIDE_BYTES;
    const dataA = <usize>load<u32>(sideA), dataB = <usize>load<u32>(sideB);
    let order: i32 = 0;
    if (kind == 4) {
      const x = load<i32>(dataA + ((<usize>a) << 2)), y = load<i32>(dataB + ((<usize>b) << 2));
      order = x == y ? 0 : x < y ? -1 : 1;
    } else if (kind == 8) {
      const x = load<i64>(dataA + ((<usize>a) << 3)), y = load<i64>(dataB + ((<usize>b) << 3));
      order = x == y ? 0 : x < y ? -1 : 1;
    } else if (kind == 1) {
      order = <i32>load<i8>(dataA + <usize>a) - <i32>load<i8>(dataB + <usize>b);
    } else if (kind == 2) {
      order = <i32>load<i16>(dataA + ((<usize>a) << 1)) - <i32>load<i16>(dataB + ((<usize>b) << 1));
    } else if (kind == 16) {
      order = compareWide(2, dataA + ((<usize>a) << 4), dataB + ((<usize>b) << 4));
    } else if (kind == 32) {
      order = compareWide(4, dataA + ((<usize>a) << 5), dataB + ((<usize>b) << 5));
    } else {
      order = compareEntries(kind, sideA, dataA + ((<usize>a) << 4), sideB, dataB + ((<usize>b) << 4));
    }
    if (order != 0) return order;
  }
  return 0;
}

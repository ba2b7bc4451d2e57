// Interning: values become dense ids 0, 1, 2 … in order of first appearance.
//
// Table of int64 values: `slots` holds mask + 1 entries of 4 bytes, id + 1; zero is an empty slot. `keys` is the array of
// values by id. Table of texts: `slots` holds 8-byte entries {hash u32, id + 1 u32},
// `keys` is an array of VARCHAR entries whose heap is `heap`.
// `state`: { count i32, heapEnd i32 }. A call stops before the table is more than half full, or the heap would overflow,
// and returns how many rows it did; the caller grows the table and goes on.

// @ts-ignore: decorator
@inline function hashI64(v: i64): u32 {
  const h = <u64>v * 0x9e3779b97f4a7c15;
  return <u32>(h >> 32) ^ <u32>h >> 15;
}

/** Interns n int64 values; ids go to `out` (int32). Returns the rows done. */
export function internI64(values: usize, n: i32, out: usize, slots: usize, mask: i32, keys: usize, state: usize): i32 {
  let count = load<i32>(state);
  const limit = (mask + 1) >> 1;
  let i: usize = 0;
  for (; i < <usize>n; i++) {
    const v = load<i64>(values + (i << 3));
    let at = <usize>(hashI64(v) & <u32>mask);
    let id: i32;
    while (true) {
      const slot = slots + (at << 2);
      id = load<i32>(slot) - 1;
      if (id < 0) {
        if (count >= limit) {
          store<i32>(state, count);
          return <i32>i;
        }
        id = count++;
        store<i32>(slot, id + 1);
        store<i64>(keys + ((<usize>id) << 3), v);
        break;
      }
      if (load<i64>(keys + ((<usize>id) << 3)) == v) break;
      at = (at + 1) & <usize>mask;
    }
    store<i32>(out + (i << 2), id);
  }
  store<i32>(state, count);
  return n;
}

/** Fills empty slots of a larger table from `count` values by id. */
export function rehashI64(keys: usize, count: i32, slots: usize, mask: i32): void {
  memory.fill(slots, 0, (<usize>mask + 1) << 2);
  for (let id: i32 = 0; id < count; id++) {
    const v = load<i64>(keys + ((<usize>id) << 3));
    let at = <usize>(hashI64(v) & <u32>mask);
    while (load<i32>(slots + (at << 2)) != 0) at = (at + 1) & <usize>mask;
    store<i32>(slots + (at << 2), id + 1);
  }
}

// @ts-ignore: decorator
@inline function lengthOf(entry: usize): i32 {
  const head = load<u32>(entry);
  return (head & 1) != 0 ? <i32>(head >> 4 & 15) : (head & 4) != 0 ? 0 : <i32>(head >> 4);
}

// @ts-ignore: decorator
@inline function mix(h: u64, v: u64): u64 {
  const m = (h ^ v) * 0x9e3779b97f4a7c15;
  return m ^ m >> 32;
}

// The bytes of a text as 8-byte words; the last word overlaps the one before, so that nothing behind the text is read.
function hashEntry(entry: usize, base: i64): u32 {
  const head = load<u8>(entry);
  if ((head & 4) != 0) return 0x5bd1e995;
  const length = <usize>lengthOf(entry);
  let p = (head & 1) != 0 ? entry + 1 : <usize>(base + <i64>(load<u64>(entry, 8) >>> 16));
  const end = p + length;
  let h: u64 = 0xcbf29ce484222325 ^ <u64>length;
  if (length >= 8) {
    for (; p + 8 < end; p += 8) h = mix(h, load<u64>(p));
    h = mix(h, load<u64>(end - 8));
  } else if (length >= 4) {
    h = mix(h, <u64>load<u32>(p) | <u64>load<u32>(end - 4) << 32);
  } else if (length > 0) {
    h = mix(h, <u64>load<u8>(p) | <u64>load<u8>(p + (length >> 1)) << 8 | <u64>load<u8>(end - 1) << 16);
  }
  return <u32>(mix(h, length) >> 16);
}

function sameEntry(a: usize, aBase: i64, b: usize, heap: usize): bool {
  const ha = load<u8>(a), hb = load<u8>(b);
  if (((ha ^ hb) & 5) != 0) return false;
  if ((ha & 4) != 0) return true;
  const length = lengthOf(a);
  if (length != lengthOf(b)) return false;
  let p: usize, q: usize;
  if ((ha & 1) != 0) {
    p = a + 1;
    q = b + 1;
  } else {
    p = <usize>(aBase + <i64>(load<u64>(a, 8) >>> 16));
    q = heap + <usize>(load<u64>(b, 8) >>> 16);
  }
  const n = <usize>length;
  if (n < 8) {
    for (let k: usize = 0; k < n; k++) if (load<u8>(p + k) != load<u8>(q + k)) return false;
    return true;
  }
  for (let k: usize = 0; k + 8 < n; k += 8) if (load<u64>(p + k) != load<u64>(q + k)) return false;
  return load<u64>(p + n - 8) == load<u64>(q + n - 8);
}

/** Interns n texts; ids go to `out`. Values of 10 bytes and more are copied to the keys' own heap. Returns the rows done. */
export function internVarchar(
  aux: usize, heap: usize, heapOffset: f64, n: i32, out: usize, slots: usize, mask: i32, keys: usize, keyHeap: usize,
  keyHeapSize: i32, state: usize,
): i32 {
  const base = <i64>heap - <i64>heapOffset;
  let count = load<i32>(state);
  let heapEnd = load<i32>(state, 4);
  const limit = (mask + 1) >> 1;
  let i: usize = 0;
  for (; i < <usize>n; i++) {
    const entry = aux + (i << 4);
    const hash = hashEntry(entry, base);
    let at = <usize>(hash & <u32>mask);
    let id: i32;
    while (true) {
      const slot = slots + (at << 3);
      id = load<i32>(slot, 4) - 1;
      if (id < 0) {
        const length = (load<u8>(entry) & 5) != 0 ? 0 : lengthOf(entry);
        if (count >= limit || heapEnd + length > keyHeapSize) {
          store<i32>(state, count);
          store<i32>(state, heapEnd, 4);
          return <i32>i;
        }
        id = count++;
        store<u32>(slot, hash);
        store<i32>(slot, id + 1, 4);
        const key = keys + ((<usize>id) << 4);
        v128.store(key, v128.load(entry));
        store<u16>(key, <u16>heapEnd, 10);
        store<u32>(key, <u32>heapEnd >> 16, 12);
        if (length > 0) {
          memory.copy(keyHeap + <usize>heapEnd, <usize>(base + <i64>(load<u64>(entry, 8) >>> 16)), <usize>length);
          heapEnd += length;
        }
        break;
      }
      if (load<u32>(slot) == hash && sameEntry(entry, base, keys + ((<usize>id) << 4), keyHeap)) break;
      at = (at + 1) & <usize>mask;
    }
    store<i32>(out + (i << 2), id);
  }
  store<i32>(state, count);
  store<i32>(state, heapEnd, 4);
  return n;
}

/** Fills empty slots of a larger table of texts. */
export function rehashVarchar(keys: usize, keyHeap: usize, count: i32, slots: usize, mask: i32): void {
  memory.fill(slots, 0, (<usize>mask + 1) << 3);
  for (let id: i32 = 0; id < count; id++) {
    const hash = hashEntry(keys + ((<usize>id) << 4), <i64>keyHeap);
    let at = <usize>(hash & <u32>mask);
    while (load<i32>(slots + (at << 3), 4) != 0) at = (at + 1) & <usize>mask;
    store<u32>(slots + (at << 3), hash);
    store<i32>(slots + (at << 3), id + 1, 4);
  }
}

/** out[i] (int64) = a[i] * 2^32 + b[i] of two id arrays. */
export function pairIds(a: usize, b: usize, out: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    store<i64>(out + (i << 3), (<i64>load<i32>(a + (i << 2)) << 32) | <i64>load<u32>(b + (i << 2)));
  }
}

/** Takes pairs apart again. */
export function unpairIds(pairs: usize, a: usize, b: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const p = load<i64>(pairs + (i << 3));
    store<i32>(a + (i << 2), <i32>(p >> 32));
    store<i32>(b + (i << 2), <i32>p);
  }
}

/** out[i] = keys[i] + 1 of dictionary keys, 0 for NULL. */
export function symbolIds(keys: usize, out: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const key = load<i32>(keys + (i << 2));
    store<i32>(out + (i << 2), key < 0 ? 0 : key + 1);
  }
}

/** Bits of doubles as int64 grouping keys: one NaN, one zero. */
export function doubleKeys(a: usize, out: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const v = load<f64>(a + (i << 3));
    const bits = v != v ? 0x7ff8000000000000 : v == 0 ? 0 : reinterpret<i64>(v);
    store<i64>(out + (i << 3), bits);
  }
}

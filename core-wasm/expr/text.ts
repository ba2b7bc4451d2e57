// Texts as QuestDB VARCHAR entries: 16 bytes each, flags in the low bits of the first byte (1 inlined, 2 ASCII, 4 NULL).
// Up to 9 bytes lie in the entry (from byte 1, length in the high half of byte 0); longer values have a 28-bit length
// in the first int32, their first 6 bytes at 4, and a 48-bit heap offset at 10. Heap offsets come as doubles: whole
// numbers below 2^53, so that no call from TypeScript needs a bigint.

// @ts-ignore: decorator
@inline function isNull(entry: usize): bool {
  return (load<u8>(entry) & 4) != 0;
}

// @ts-ignore: decorator
@inline function lengthOf(entry: usize): i32 {
  const head = load<u32>(entry);
  return (head & 1) != 0 ? <i32>(head >> 4 & 15) : (head & 4) != 0 ? 0 : <i32>(head >> 4);
}

// @ts-ignore: decorator
@inline function bytesOf(entry: usize, heapBase: i64): usize {
  if ((load<u8>(entry) & 1) != 0) return entry + 1;
  return <usize>(heapBase + <i64>(load<u64>(entry, 8) >>> 16));
}

// @ts-ignore: decorator
@inline function heapBaseOf(heap: usize, heapOffset: f64): i64 {
  return <i64>heap - <i64>heapOffset;
}

/** Order of two values byte by byte: negative, 0, positive. */
function compareBytes(a: usize, la: i32, b: usize, lb: i32): i32 {
  const n = <usize>min(la, lb);
  let i: usize = 0;
  for (; i + 8 <= n; i += 8) {
    const x = load<u64>(a + i), y = load<u64>(b + i);
    if (x != y) return bswap(x) < bswap(y) ? -1 : 1;
  }
  for (; i < n; i++) {
    const d = <i32>load<u8>(a + i) - <i32>load<u8>(b + i);
    if (d != 0) return d;
  }
  return la - lb;
}

/** out[i] = a[i] op b[i], op as in compareI32; NULL equals NULL and has no order. Strides are 16, or 0 for a constant. */
export function compareVarchar(
  op: i32, a: usize, sa: i32, aHeap: usize, aOffset: f64, b: usize, sb: i32, bHeap: usize, bOffset: f64, out: usize, n: i32,
): void {
  const aBase = heapBaseOf(aHeap, aOffset), bBase = heapBaseOf(bHeap, bOffset);
  for (let i: i32 = 0; i < n; i++) {
    const aNull = isNull(a), bNull = isNull(b);
    let r: bool;
    if (aNull || bNull) r = op == 1 ? aNull != bNull : (op == 0 || op == 3 || op == 5) && aNull && bNull;
    else if (op <= 1) {
      const length = lengthOf(a);
      const equal = length == lengthOf(b) && compareBytes(bytesOf(a, aBase), length, bytesOf(b, bBase), length) == 0;
      r = equal == (op == 0);
    } else {
      const d = compareBytes(bytesOf(a, aBase), lengthOf(a), bytesOf(b, bBase), lengthOf(b));
      r = op == 2 ? d < 0 : op == 3 ? d <= 0 : op == 4 ? d > 0 : d >= 0;
    }
    store<u8>(out + <usize>i, <u8>r);
    a += sa;
    b += sb;
  }
}

/** Bytes of all values together, wherever they lie: an upper bound for the heap of any concatenation of them. */
export function concatVarcharBytes(a: usize, stride: i32, n: i32): f64 {
  let total: f64 = 0;
  for (let i: i32 = 0; i < n; i++) {
    total += <f64>lengthOf(a);
    a += stride;
  }
  return total;
}

/** Writes an entry for `length` bytes whose place in the heap is `at`; they are moved out of the heap if they fit inline. */
// @ts-ignore: decorator
@inline function writeEntry(entry: usize, heap: usize, at: usize, length: i32, ascii: u32): usize {
  if (length <= 9) {
    store<u64>(entry, 0);
    store<u16>(entry, 0, 8);
    for (let k: usize = 0; k < <usize>length; k++) store<u8>(entry + 1 + k, load<u8>(heap + at + k));
    store<u8>(entry, <u8>((length << 4) | 1 | ascii));
    store<u16>(entry, <u16>at, 10);
    store<u32>(entry, <u32>(at >> 16), 12);
    return at;
  }
  store<u32>(entry, (<u32>length << 4) | ascii);
  store<u32>(entry, load<u32>(heap + at), 4);
  store<u16>(entry, load<u16>(heap + at, 4), 8);
  store<u16>(entry, <u16>at, 10);
  store<u32>(entry, <u32>(at >> 16), 12);
  return at + <usize>length;
}

/** out[i] = a[i] followed by b[i]; NULL counts as nothing. The heap needs the bytes of both. Returns the heap's end. */
export function concatVarchar(
  a: usize, sa: i32, aHeap: usize, aOffset: f64, b: usize, sb: i32, bHeap: usize, bOffset: f64, out: usize, heap: usize,
  n: i32,
): i32 {
  const aBase = heapBaseOf(aHeap, aOffset), bBase = heapBaseOf(bHeap, bOffset);
  let at: usize = 0;
  for (let i: i32 = 0; i < n; i++) {
    const la = lengthOf(a), lb = lengthOf(b);
    const ascii = (isNull(a) ? 2 : <u32>load<u8>(a) & 2) & (isNull(b) ? 2 : <u32>load<u8>(b) & 2);
    const to = heap + at;
    memory.copy(to, bytesOf(a, aBase), <usize>la);
    memory.copy(to + <usize>la, bytesOf(b, bBase), <usize>lb);
    at = writeEntry(out, heap, at, la + lb, ascii);
    a += sa;
    b += sb;
    out += 16;
  }
  return <i32>at;
}

/** Decimal texts of int64 (size 8) or int32 (size 4) values; NULL stays NULL. The heap needs 20 bytes a row. Returns its end. */
export function formatI64(size: i32, a: usize, out: usize, heap: usize, n: i32): i32 {
  let at: usize = 0;
  for (let i: i32 = 0; i < n; i++) {
    let v: i64;
    if (size == 8) v = load<i64>(a);
    else {
      const w = load<i32>(a);
      v = w == i32.MIN_VALUE ? i64.MIN_VALUE : <i64>w;
    }
    if (v == i64.MIN_VALUE) {
      store<u64>(out, 4);
      store<u16>(out, 0, 8);
      store<u16>(out, <u16>at, 10);
      store<u32>(out, <u32>(at >> 16), 12);
    } else {
      let m = <u64>(v < 0 ? -v : v);
      let digits: usize = v < 0 ? 2 : 1;
      for (let t = m; t >= 10; t /= 10) digits++;
      let p = heap + at + digits;
      do {
        const q = m / 10;
        store<u8>(--p, <u8>(48 + (m - q * 10)));
        m = q;
      } while (m != 0);
      if (v < 0) store<u8>(--p, 45);
      at = writeEntry(out, heap, at, <i32>digits, 2);
    }
    a += size;
    out += 16;
  }
  return <i32>at;
}

/** out[i] (int32) = number of UTF-16 units of a[i]; NULL gives -1. */
export function varcharLengths(a: usize, heap: usize, heapOffset: f64, out: usize, n: i32): void {
  const base = heapBaseOf(heap, heapOffset);
  for (let i: usize = 0; i < <usize>n; i++) {
    const entry = a + (i << 4);
    let units: i32 = -1;
    if (!isNull(entry)) {
      const length = lengthOf(entry);
      units = length;
      if ((load<u8>(entry) & 2) == 0) {
        const p = bytesOf(entry, base);
        units = 0;
        for (let k: usize = 0; k < <usize>length; k++) {
          const c = load<u8>(p + k);
          if ((c & 0xc0) != 0x80) units += c >= 0xf0 ? 2 : 1;
        }
      }
    }
    store<i32>(out + (i << 2), units);
  }
}

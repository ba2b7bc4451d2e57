// Boolean vectors (one byte per row, 0 or 1), row selection and gathering.

/** out[i] = a[i] & b[i]. */
export function booleanAnd(a: usize, b: usize, out: usize, n: i32): void {
  let i: usize = 0;
  const end = <usize>n;
  for (; i + 16 <= end; i += 16) v128.store(out + i, v128.and(v128.load(a + i), v128.load(b + i)));
  for (; i < end; i++) store<u8>(out + i, load<u8>(a + i) & load<u8>(b + i));
}

/** out[i] = a[i] | b[i]. */
export function booleanOr(a: usize, b: usize, out: usize, n: i32): void {
  let i: usize = 0;
  const end = <usize>n;
  for (; i + 16 <= end; i += 16) v128.store(out + i, v128.or(v128.load(a + i), v128.load(b + i)));
  for (; i < end; i++) store<u8>(out + i, load<u8>(a + i) | load<u8>(b + i));
}

/** out[i] = 1 - a[i]. */
export function booleanNot(a: usize, out: usize, n: i32): void {
  const one = i8x16.splat(1);
  let i: usize = 0;
  const end = <usize>n;
  for (; i + 16 <= end; i += 16) v128.store(out + i, v128.xor(v128.load(a + i), one));
  for (; i < end; i++) store<u8>(out + i, load<u8>(a + i) ^ 1);
}

/** Writes the indexes of the true rows to out (int32) and returns how many there are. out holds n + 16 entries. */
export function selectTrue(a: usize, out: usize, n: i32): i32 {
  const start = out;
  const end = <usize>n;
  const zero = i8x16.splat(0);
  let i: usize = 0;
  for (; i + 16 <= end; i += 16) {
    let bits = i8x16.bitmask(i8x16.ne(v128.load(a + i), zero));
    while (bits != 0) {
      store<i32>(out, <i32>i + ctz(bits));
      out += 4;
      bits &= bits - 1;
    }
  }
  for (; i < end; i++) {
    store<i32>(out, <i32>i);
    out += (<usize>load<u8>(a + i)) << 2;
  }
  return <i32>((out - start) >> 2);
}

/** Number of true rows. */
export function countTrue(a: usize, n: i32): i32 {
  let count: i32 = 0;
  let i: usize = 0;
  const end = <usize>n;
  for (; i + 8 <= end; i += 8) count += <i32>popcnt(load<u64>(a + i));
  for (; i < end; i++) count += <i32>load<u8>(a + i);
  return count;
}

// @ts-ignore: decorator
@inline function gather<T>(src: usize, idx: usize, out: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    store<T>(out + i * sizeof<T>(), load<T>(src + (<usize>load<u32>(idx + (i << 2))) * sizeof<T>()));
  }
}

/** out[i] = src[idx[i]] for values of `size` = 1, 2, 4, 8, 16 or 32 bytes. */
export function gatherRows(size: i32, src: usize, idx: usize, out: usize, n: i32): void {
  switch (size) {
    case 1: gather<u8>(src, idx, out, n); return;
    case 2: gather<u16>(src, idx, out, n); return;
    case 4: gather<u32>(src, idx, out, n); return;
    case 8: gather<u64>(src, idx, out, n); return;
    case 32:
      for (let i: usize = 0; i < <usize>n; i++) {
        const p = src + ((<usize>load<u32>(idx + (i << 2))) << 5);
        v128.store(out + (i << 5), v128.load(p));
        v128.store(out + (i << 5), v128.load(p, 16), 16);
      }
      return;
    default:
      for (let i: usize = 0; i < <usize>n; i++) {
        v128.store(out + (i << 4), v128.load(src + ((<usize>load<u32>(idx + (i << 2))) << 4)));
      }
  }
}

// @ts-ignore: decorator
@inline function blend<T>(mask: usize, a: usize, sa: i32, out: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    if (load<u8>(mask + i) != 0) store<T>(out + i * sizeof<T>(), load<T>(a + i * <usize>sa));
  }
}

/** Where mask[i] is true, out[i] = a[i]; sa is the stride of a in bytes, 0 for a constant. */
export function blendRows(size: i32, mask: usize, a: usize, sa: i32, out: usize, n: i32): void {
  switch (size) {
    case 1: blend<u8>(mask, a, sa, out, n); return;
    case 2: blend<u16>(mask, a, sa, out, n); return;
    case 4: blend<u32>(mask, a, sa, out, n); return;
    case 8: blend<u64>(mask, a, sa, out, n); return;
    case 32:
      for (let i: usize = 0; i < <usize>n; i++) {
        if (load<u8>(mask + i) == 0) continue;
        const p = a + i * <usize>sa;
        v128.store(out + (i << 5), v128.load(p));
        v128.store(out + (i << 5), v128.load(p, 16), 16);
      }
      return;
    default:
      for (let i: usize = 0; i < <usize>n; i++) {
        if (load<u8>(mask + i) != 0) v128.store(out + (i << 4), v128.load(a + i * <usize>sa));
      }
  }
}

/** Repeats the first value of `size` bytes n times. */
export function fillRows(size: i32, value: usize, out: usize, n: i32): void {
  switch (size) {
    case 1: memory.fill(out, load<u8>(value), <usize>n); return;
    case 2: for (let i: usize = 0; i < <usize>n; i++) store<u16>(out + (i << 1), load<u16>(value)); return;
    case 4: for (let i: usize = 0; i < <usize>n; i++) store<u32>(out + (i << 2), load<u32>(value)); return;
    case 8: for (let i: usize = 0; i < <usize>n; i++) store<u64>(out + (i << 3), load<u64>(value)); return;
    case 32: for (let i: usize = 0; i < <usize>n; i++) memory.copy(out + (i << 5), value, 32); return;
    default:
      for (let i: usize = 0; i < <usize>n; i++) v128.store(out + (i << 4), v128.load(value));
  }
}

/** out[i] = first + i * step over int64. */
export function sequenceI64(first: i64, step: i64, out: usize, n: i32): void {
  let v = first;
  for (let i: usize = 0; i < <usize>n; i++) {
    store<i64>(out + (i << 3), v);
    v += step;
  }
}

/** out[i] = first + i * step over int32. */
export function sequenceI32(first: i32, step: i32, out: usize, n: i32): void {
  let v = first;
  for (let i: usize = 0; i < <usize>n; i++) {
    store<i32>(out + (i << 2), v);
    v += step;
  }
}

// @ts-ignore: decorator
@inline function equal<T>(a: usize, sa: i32, b: usize, sb: i32, out: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    store<u8>(out + i, <u8>(load<T>(a + i * <usize>sa) == load<T>(b + i * <usize>sb)));
  }
}

/**
 * out[i] = a[i] and b[i] have the same bytes, for values of `size` = 1, 2, 4, 8, 16 or 32 bytes. Strides are in bytes, 0 for a
 * constant. NULL equals NULL, and comparing with a constant NULL is a test for NULL.
 */
export function equalRows(size: i32, a: usize, sa: i32, b: usize, sb: i32, out: usize, n: i32): void {
  switch (size) {
    case 1: equal<u8>(a, sa, b, sb, out, n); return;
    case 2: equal<u16>(a, sa, b, sb, out, n); return;
    case 4: equal<u32>(a, sa, b, sb, out, n); return;
    case 8: equal<u64>(a, sa, b, sb, out, n); return;
    default:
      for (let i: usize = 0; i < <usize>n; i++) {
        const p = a + i * <usize>sa, q = b + i * <usize>sb;
        let difference: u64 = 0;
        for (let k: usize = 0; k < <usize>size; k += 8) difference |= load<u64>(p + k) ^ load<u64>(q + k);
        store<u8>(out + i, <u8>(difference == 0));
      }
  }
}

/** out[i] (int64) = the 8-byte word at `a`, `a + stride`, … with the bits of `flip` inverted. */
export function takeWords(a: usize, stride: i32, flip: i64, out: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) store<i64>(out + (i << 3), load<i64>(a + i * <usize>stride) ^ flip);
}

/** The 8-byte words at `out`, `out + stride`, … = words[i]. */
export function putWords(words: usize, stride: i32, out: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) store<i64>(out + i * <usize>stride, load<i64>(words + (i << 3)));
}

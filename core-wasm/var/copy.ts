// Copying the bytes of a value. Values are short: a call of memory.copy costs more than the bytes of most.

/** From this many bytes on memory.copy is faster. */
const CALL_MIN: usize = 256;

/** Copies n ≥ 0 bytes between places that do not overlap. */
// @ts-ignore: decorator
@inline
export function copyValue(dst: usize, src: usize, n: usize): void {
  if (n >= CALL_MIN) {
    memory.copy(dst, src, n);
    return;
  }
  if (n >= 16) {
    const last = n - 16;
    for (let i: usize = 0; i < last; i += 16) v128.store(dst + i, v128.load(src + i));
    v128.store(dst + last, v128.load(src + last)); // over bytes that are there already
  } else if (n >= 8) {
    store<u64>(dst, load<u64>(src));
    store<u64>(dst + n - 8, load<u64>(src + n - 8));
  } else {
    for (let i: usize = 0; i < n; i++) store<u8>(dst + i, load<u8>(src + i));
  }
}

// Accumulators by group id: arrays with one element per group, updated by rows whose ids lie in an int32 array.
// Values come as int64 or double (narrower types are widened before). NULL rows are left out; infinities are NULL too.
// NULL int64 accumulators: of `min` and `max` hold NULL until a value arrives. double accumulators: NaN likewise.

// @ts-ignore: decorator
@inline function idAt(ids: usize, i: usize): usize {
  return <usize>load<u32>(ids + (i << 2));
}

/** counts[id] += 1. */
export function countBy(ids: usize, n: i32, counts: usize): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const p = counts + (idAt(ids, i) << 3);
    store<i64>(p, load<i64>(p) + 1);
  }
}

/** counts[id] += 1 - nulls[i]; `nulls` has one byte per row. */
export function countNotNullBy(nulls: usize, ids: usize, n: i32, counts: usize): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const p = counts + (idAt(ids, i) << 3);
    store<i64>(p, load<i64>(p) + 1 - <i64>load<u8>(nulls + i));
  }
}

/** Pairs at acc + 16·id: { sum f64, count i64 }. */
export function sumF64By(values: usize, ids: usize, n: i32, acc: usize): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const v = load<f64>(values + (i << 3));
    if (v - v == 0) {
      const p = acc + (idAt(ids, i) << 4);
      store<f64>(p, load<f64>(p) + v);
      store<i64>(p, load<i64>(p, 8) + 1, 8);
    }
  }
}

/** Pairs at acc + 16·id: { sum i64 (wrapping), count i64 }. */
export function sumI64By(values: usize, ids: usize, n: i32, acc: usize): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const v = load<i64>(values + (i << 3));
    if (v != i64.MIN_VALUE) {
      const p = acc + (idAt(ids, i) << 4);
      store<i64>(p, load<i64>(p) + v);
      store<i64>(p, load<i64>(p, 8) + 1, 8);
    }
  }
}

/** acc[id] = the lesser; NULL (smallest int64) counts as the largest. */
export function minI64By(values: usize, ids: usize, n: i32, acc: usize): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const v = load<i64>(values + (i << 3));
    const p = acc + (idAt(ids, i) << 3);
    if (<u64>((v ^ i64.MIN_VALUE) - 1) < <u64>((load<i64>(p) ^ i64.MIN_VALUE) - 1)) store<i64>(p, v);
  }
}

/** acc[id] = the greater. */
export function maxI64By(values: usize, ids: usize, n: i32, acc: usize): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const v = load<i64>(values + (i << 3));
    const p = acc + (idAt(ids, i) << 3);
    if (v > load<i64>(p)) store<i64>(p, v);
  }
}

/** acc[id] = the lesser; NaN only if nothing else came. */
export function minF64By(values: usize, ids: usize, n: i32, acc: usize): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const v = load<f64>(values + (i << 3));
    const p = acc + (idAt(ids, i) << 3);
    if (v - v == 0 && !(v >= load<f64>(p))) store<f64>(p, v);
  }
}

/** acc[id] = the greater; NaN only if nothing else came. */
export function maxF64By(values: usize, ids: usize, n: i32, acc: usize): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const v = load<f64>(values + (i << 3));
    const p = acc + (idAt(ids, i) << 3);
    if (v - v == 0 && !(v <= load<f64>(p))) store<f64>(p, v);
  }
}

/** Welford's running moments at acc + 24·id: { count f64, mean f64, sum of squared deviations f64 }. */
export function momentsF64By(values: usize, ids: usize, n: i32, acc: usize): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const v = load<f64>(values + (i << 3));
    if (v - v == 0) {
      const p = acc + idAt(ids, i) * 24;
      const count = load<f64>(p) + 1;
      const delta = v - load<f64>(p, 8);
      const mean = load<f64>(p, 8) + delta / count;
      store<f64>(p, count);
      store<f64>(p, mean, 8);
      store<f64>(p, load<f64>(p, 16) + delta * (v - mean), 16);
    }
  }
}

// @ts-ignore: decorator
@inline function keep<T>(last: bool, values: usize, nulls: usize, ids: usize, n: i32, acc: usize, seen: usize): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    if (nulls != 0 && load<u8>(nulls + i) != 0) continue;
    const id = idAt(ids, i);
    if (last || load<u8>(seen + id) == 0) store<T>(acc + id * sizeof<T>(), load<T>(values + i * sizeof<T>()));
    store<u8>(seen + id, 1);
  }
}

function keepWide(
  last: bool, size: usize, values: usize, nulls: usize, ids: usize, n: i32, acc: usize, seen: usize,
): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    if (nulls != 0 && load<u8>(nulls + i) != 0) continue;
    const id = idAt(ids, i);
    if (last || load<u8>(seen + id) == 0) memory.copy(acc + id * size, values + i * size, size);
    store<u8>(seen + id, 1);
  }
}

/**
 * acc[id] = the first (isLast 0) or last (1) value of 1, 2, 4, 8, 16 or 32 bytes; seen[id] = 1. Rows with nulls[i] != 0 are
 * left out; a null pointer keeps all.
 */
export function keepBy(
  isLast: i32, size: i32, values: usize, nulls: usize, ids: usize, n: i32, acc: usize, seen: usize,
): void {
  const last = isLast != 0;
  switch (size) {
    case 1: keep<u8>(last, values, nulls, ids, n, acc, seen); return;
    case 2: keep<u16>(last, values, nulls, ids, n, acc, seen); return;
    case 4: keep<u32>(last, values, nulls, ids, n, acc, seen); return;
    case 8: keep<u64>(last, values, nulls, ids, n, acc, seen); return;
    default: keepWide(last, <usize>size, values, nulls, ids, n, acc, seen);
  }
}

/** counts[group[i]] += 1 for every id that appears for the first time, the next new id being `next`. Returns the new next. */
export function countNewBy(ids: usize, groups: usize, n: i32, next: i32, counts: usize): i32 {
  for (let i: usize = 0; i < <usize>n; i++) {
    if (load<i32>(ids + (i << 2)) == next) {
      next++;
      const p = counts + (idAt(groups, i) << 3);
      store<i64>(p, load<i64>(p) + 1);
    }
  }
  return next;
}

/** seen[id] = 1. */
export function markBy(ids: usize, n: i32, seen: usize): void {
  for (let i: usize = 0; i < <usize>n; i++) store<u8>(seen + idAt(ids, i), 1);
}

// VARCHAR vectors: 16-byte aux entries and a UTF-8 heap, as QuestDB stores them.
//
//   inlined (≤ 9 bytes)  byte 0 = len << 4 | ascii << 1 | 1    bytes 1–9 value      bytes 10–15 heap offset
//   split   (≥ 10 bytes) i32    = len << 4 | ascii << 1        bytes 4–9 prefix     bytes 10–15 heap offset of the value
//   NULL                 i32    = 4                            bytes 4–9 zero       bytes 10–15 heap offset
//
// Offsets are 48 bits, relative to the start of the data file; of NULL and inlined values they tell the end of the data
// so far. `heap` points at the byte with offset `heapOffset`.

import { copyValue } from "./copy";

const INLINED: u32 = 1;
const NULL_FLAG: u32 = 4;
const SECOND: u32 = 0x80000000;

// @ts-ignore: decorator
@inline
function isSplit(header: u32): bool {
  return (header & (INLINED | NULL_FLAG)) == 0;
}

// @ts-ignore: decorator
@inline
function offsetOf(entry: usize): u64 {
  return load<u64>(entry, 8) >> 16;
}

// @ts-ignore: decorator
@inline
function putEntry(from: usize, to: usize, offset: u64): void {
  store<u64>(to, load<u64>(from));
  store<u64>(to, (load<u64>(from, 8) & 0xffff) | (offset << 16), 8);
}

/** Heap bytes that the n entries' split values take together. */
export function varcharHeapBytes(aux: usize, n: i32): f64 {
  let sum: u64 = 0;
  for (let i: i32 = 0; i < n; i++) {
    const header = load<u32>(aux + ((<usize>i) << 4));
    if (isSplit(header)) sum += <u64>(header >> 4);
  }
  return <f64>sum;
}

/** Heap offset of an entry. */
export function varcharOffset(entry: usize): f64 {
  return <f64>offsetOf(entry);
}

/** Heap offset behind an entry's value. */
export function varcharEnd(entry: usize): f64 {
  const header = load<u32>(entry);
  return <f64>(offsetOf(entry) + (isSplit(header) ? <u64>(header >> 4) : 0));
}

/** Copies n entries and their values, compacted, to dst with offsets from dstOffset; returns the heap bytes written. */
export function varcharCopy(
  aux: usize, heap: usize, heapOffset: f64, n: i32, dstAux: usize, dstHeap: usize, dstOffset: f64,
): i32 {
  const base = <u64>heapOffset;
  const start = <u64>dstOffset;
  let used: usize = 0;
  for (let i: i32 = 0; i < n; i++) {
    const from = aux + ((<usize>i) << 4);
    const header = load<u32>(from);
    putEntry(from, dstAux + ((<usize>i) << 4), start + <u64>used);
    if (isSplit(header)) {
      const length = <usize>(header >> 4);
      copyValue(dstHeap + used, heap + <usize>(offsetOf(from) - base), length);
      used += length;
    }
  }
  return <i32>used;
}

/** Heap bytes of the n entries that a u32 index picks. */
export function varcharGatherBytes(aux: usize, index: usize, n: i32): f64 {
  let sum: u64 = 0;
  for (let i: i32 = 0; i < n; i++) {
    const header = load<u32>(aux + ((<usize>load<u32>(index + ((<usize>i) << 2))) << 4));
    if (isSplit(header)) sum += <u64>(header >> 4);
  }
  return <f64>sum;
}

/** Copies the n entries that a u32 index picks, compacted; returns the heap bytes written. */
export function varcharGather(
  aux: usize, heap: usize, heapOffset: f64, index: usize, n: i32, dstAux: usize, dstHeap: usize, dstOffset: f64,
): i32 {
  const base = <u64>heapOffset;
  const start = <u64>dstOffset;
  let used: usize = 0;
  for (let i: i32 = 0; i < n; i++) {
    const from = aux + ((<usize>load<u32>(index + ((<usize>i) << 2))) << 4);
    const header = load<u32>(from);
    putEntry(from, dstAux + ((<usize>i) << 4), start + <u64>used);
    if (isSplit(header)) {
      const length = <usize>(header >> 4);
      copyValue(dstHeap + used, heap + <usize>(offsetOf(from) - base), length);
      used += length;
    }
  }
  return <i32>used;
}

/** Heap bytes of the n entries that a merge index names. */
export function varcharMergeBytes(auxA: usize, auxB: usize, index: usize, n: i32): f64 {
  let sum: u64 = 0;
  for (let i: i32 = 0; i < n; i++) {
    const pick = load<u32>(index + ((<usize>i) << 2));
    const header = load<u32>(((pick & SECOND) != 0 ? auxB : auxA) + ((<usize>(pick & 0x7fffffff)) << 4));
    if (isSplit(header)) sum += <u64>(header >> 4);
  }
  return <f64>sum;
}

/** Copies the n entries that a merge index names from two vectors, compacted; returns the heap bytes written. */
export function varcharMerge(
  auxA: usize, heapA: usize, offsetA: f64, auxB: usize, heapB: usize, offsetB: f64,
  index: usize, n: i32, dstAux: usize, dstHeap: usize, dstOffset: f64,
): i32 {
  const baseA = <u64>offsetA;
  const baseB = <u64>offsetB;
  const start = <u64>dstOffset;
  let used: usize = 0;
  for (let i: i32 = 0; i < n; i++) {
    const pick = load<u32>(index + ((<usize>i) << 2));
    const second = (pick & SECOND) != 0;
    const from = (second ? auxB : auxA) + ((<usize>(pick & 0x7fffffff)) << 4);
    const header = load<u32>(from);
    putEntry(from, dstAux + ((<usize>i) << 4), start + <u64>used);
    if (isSplit(header)) {
      const length = <usize>(header >> 4);
      const value = second ? heapB + <usize>(offsetOf(from) - baseB) : heapA + <usize>(offsetOf(from) - baseA);
      copyValue(dstHeap + used, value, length);
      used += length;
    }
  }
  return <i32>used;
}

/** Writes n NULL entries whose offset is dstOffset. */
export function varcharNulls(dstAux: usize, n: i32, dstOffset: f64): void {
  const high = <u64>dstOffset << 16;
  for (let i: i32 = 0; i < n; i++) {
    const to = dstAux + ((<usize>i) << 4);
    store<u64>(to, <u64>NULL_FLAG);
    store<u64>(to, high, 8);
  }
}

/**
 * Adds delta to the offsets of n entries, in place. Returns −1 if all is well, else the first row whose offset would leave its
 * 48 bits; entries before it are changed then.
 */
export function varcharRebase(aux: usize, n: i32, delta: f64): i32 {
  const add = <i64>delta;
  for (let i: i32 = 0; i < n; i++) {
    const word = aux + ((<usize>i) << 4) + 8;
    const offset = <i64>(load<u64>(word) >> 16) + add;
    if (<u64>offset >> 48) return i;
    store<u64>(word, (load<u64>(word) & 0xffff) | (<u64>offset << 16));
  }
  return -1;
}

/**
 * Checks n entries against the heap range [lo, hi): known flags, inlined length ≤ 9, split length ≥ 10, values inside the
 * range, offsets never going down. Returns −1 if all is well, else the first bad row.
 */
export function varcharValidate(aux: usize, n: i32, lo: f64, hi: f64): i32 {
  let last = <u64>lo;
  const end = <u64>hi;
  for (let i: i32 = 0; i < n; i++) {
    const entry = aux + ((<usize>i) << 4);
    const header = load<u32>(entry);
    const offset = offsetOf(entry);
    if (offset < last || offset > end) return i;
    if (header & NULL_FLAG) {
      if (header != NULL_FLAG) return i;
    } else if (header & INLINED) {
      if (((header >> 4) & 15) > 9) return i;
    } else {
      const length = header >> 4;
      if (length < 10 || offset + <u64>length > end) return i;
    }
    last = offset;
  }
  return -1;
}

/**
 * Writes the entry of a value whose bytes lie at `bytes`; a value of 10 bytes or more must lie, or come to lie, at `offset`
 * of the heap.
 */
export function varcharPut(entry: usize, bytes: usize, length: i32, offset: f64): void {
  let ascii: u32 = 2;
  for (let i: i32 = 0; i < length; i++) {
    if (load<u8>(bytes + <usize>i) >= 0x80) {
      ascii = 0;
      break;
    }
  }
  store<u64>(entry, 0);
  store<u64>(entry, <u64>offset << 16, 8);
  if (length <= 9) {
    store<u8>(entry, (<u32>length << 4) | ascii | INLINED);
    for (let i: i32 = 0; i < length; i++) store<u8>(entry + <usize>i, load<u8>(bytes + <usize>i), 1);
  } else {
    store<u32>(entry, (<u32>length << 4) | ascii);
    store<u32>(entry, load<u32>(bytes), 4);
    store<u16>(entry, load<u16>(bytes, 4), 8);
  }
}

// STRING, BINARY and ARRAY between their files and vectors of 16-byte entries and a heap (varchar.ts).
//
//   format −1  STRING   .i  (n + 1) × i64 offset     .d  i32 units (−1 NULL), UTF-16 units
//   format −2  BINARY   .i  (n + 1) × i64 offset     .d  i64 bytes (−1 NULL), bytes
//   format d   ARRAY    .i  n × { i64 offset (48 bits), i32 bytes (0 NULL), i32 0 }
//              .d  at a multiple of 4: d × i32 length, padding to a multiple of 8 of the file, f64 elements
//
// In a heap a STRING is UTF-8, a BINARY its bytes, an ARRAY its lengths, padding to a multiple of 8 of the value, elements.
// `data` points at the byte of .d with offset `dataOffset`.

import { varcharPut } from "./varchar";
import { copyValue } from "./copy";
import { putUtf16, putUtf8, utf16Bytes, utf8Units } from "./utf16";

const INLINED: u32 = 1;
const NULL_FLAG: u32 = 4;
const INLINE_BYTES_MAX: i32 = 9;
const VALUE_BYTES_MAX: i64 = 0x0fffffff;
const STRING: i32 = -1;
const BINARY: i32 = -2;
/** Bytes of a value whose place makes no sense. */
const BAD: i64 = -2;
/** Bytes of NULL. */
const NONE: i64 = -1;
const OFFSET_MASK: u64 = 0xffffffffffff;

// @ts-ignore: decorator
@inline
function align8(n: u64): u64 {
  return (n + 7) & ~(<u64>7);
}

/** Elements of an array with d lengths at `shape`; BAD if a length is negative or there are too many. */
function elements(shape: usize, d: i32): i64 {
  let count: i64 = 1;
  for (let i: i32 = 0; i < d; i++) {
    const length = <i64>load<i32>(shape + ((<usize>i) << 2));
    if (length < 0) return BAD;
    count *= length;
    if (count > VALUE_BYTES_MAX) return BAD;
  }
  return count;
}

/** Heap bytes of the value of row i, which lies inside [lo, hi) of the data file; NONE if it is NULL, BAD if it makes no sense. */
function valueBytes(format: i32, aux: usize, i: i32, data: usize, lo: u64, hi: u64): i64 {
  if (format > 0) {
    const entry = aux + ((<usize>i) << 4);
    const start = load<u64>(entry) & OFFSET_MASK;
    const size = <i64>load<i32>(entry, 8);
    if (size == 0) return NONE;
    const shapeBytes = <u64>format << 2;
    if (start < lo || start > hi || size < 0 || hi - start < <u64>size || <u64>size < shapeBytes) return BAD;
    const count = elements(data + <usize>(start - lo), format);
    if (count < 0) return BAD;
    const first = count == 0 ? start + shapeBytes : align8(start + shapeBytes);
    if (first + (<u64>count << 3) > start + <u64>size) return BAD;
    const bytes = <i64>align8(shapeBytes) + (count << 3);
    return bytes > VALUE_BYTES_MAX ? BAD : bytes;
  }
  const start = load<u64>(aux + ((<usize>i) << 3));
  const end = load<u64>(aux + ((<usize>i) << 3), 8);
  const prefix: u64 = format == STRING ? 4 : 8;
  if (start < lo || end > hi || start > end || end - start < prefix) return BAD;
  const at = data + <usize>(start - lo);
  const length = format == STRING ? <i64>load<i32>(at) : load<i64>(at);
  if (length == -1) return NONE;
  const room = <i64>(end - start - prefix);
  if (length < 0 || length > VALUE_BYTES_MAX) return BAD;
  if (format == BINARY) return length > room ? BAD : length;
  if (length << 1 > room) return BAD;
  const bytes = <i64>utf16Bytes(at + 4, <i32>length);
  return bytes > VALUE_BYTES_MAX ? BAD : bytes;
}

/**
 * Checks n rows of which the data lies in [dataOffset, dataEnd) and counts the heap bytes that they take at most; −1 − row for
 * the first row that makes no sense.
 */
export function storedHeapBytes(format: i32, aux: usize, n: i32, data: usize, dataOffset: f64, dataEnd: f64): f64 {
  const lo = <u64>dataOffset;
  const hi = <u64>dataEnd;
  let sum: i64 = 0;
  for (let i: i32 = 0; i < n; i++) {
    const bytes = valueBytes(format, aux, i, data, lo, hi);
    if (bytes == BAD) return <f64>(-1 - i);
    if (bytes > 0) sum += bytes;
  }
  return <f64>sum;
}

/** Copies `bytes` bytes. */
// @ts-ignore: decorator
@inline
function copyArray(from: usize, start: u64, d: i32, to: usize, bytes: usize): void {
  const shapeBytes = (<usize>d) << 2;
  const header = <usize>align8(<u64>shapeBytes);
  memory.copy(to, from, shapeBytes);
  if (header != shapeBytes) store<u32>(to + shapeBytes, 0);
  const skip = <usize>(align8(start + <u64>shapeBytes) - start);
  memory.copy(to + header, from + skip, bytes - header);
}

/**
 * Makes n entries and their heap of rows that {@link storedHeapBytes} has checked; the heap's first byte has offset 0. Returns the
 * heap bytes.
 */
export function storedDecode(
  format: i32, aux: usize, n: i32, data: usize, dataOffset: f64, dstAux: usize, dstHeap: usize,
): f64 {
  const lo = <u64>dataOffset;
  let used: usize = 0;
  for (let i: i32 = 0; i < n; i++) {
    const entry = dstAux + ((<usize>i) << 4);
    const value = dstHeap + used;
    let length: i32;
    if (format > 0) {
      const from = aux + ((<usize>i) << 4);
      const start = load<u64>(from) & OFFSET_MASK;
      if (load<i32>(from, 8) == 0) {
        putNull(entry, used);
        continue;
      }
      const at = data + <usize>(start - lo);
      length = <i32>(<i64>align8(<u64>format << 2) + (elements(at, format) << 3));
      copyArray(at, start, format, value, <usize>length);
    } else {
      const at = data + <usize>(load<u64>(aux + ((<usize>i) << 3)) - lo);
      const size = format == STRING ? <i64>load<i32>(at) : load<i64>(at);
      if (size < 0) {
        putNull(entry, used);
        continue;
      }
      if (format == STRING) {
        length = <i32>(putUtf8(at + 4, <i32>size, value) - value);
      } else {
        length = <i32>size;
        copyValue(value, at + 8, <usize>length);
      }
    }
    varcharPut(entry, value, length, <f64>used);
    if (length > INLINE_BYTES_MAX) used += <usize>length;
  }
  return <f64>used;
}

// @ts-ignore: decorator
@inline
function putNull(entry: usize, offset: usize): void {
  store<u64>(entry, <u64>NULL_FLAG);
  store<u64>(entry, <u64>offset << 16, 8);
}

// @ts-ignore: decorator
@inline
function entryBytes(entry: usize): i32 {
  const header = load<u32>(entry);
  if (header & NULL_FLAG) return -1;
  return <i32>((header & INLINED) != 0 ? (header >> 4) & 15 : header >> 4);
}

// @ts-ignore: decorator
@inline
function entryValue(entry: usize, heap: usize, base: u64): usize {
  return (load<u32>(entry) & INLINED) != 0 ? entry + 1 : heap + <usize>((load<u64>(entry, 8) >> 16) - base);
}

/** Bytes that a value takes in the data file from `at` on, NULL too; the end of an array is aligned. */
function fileBytes(format: i32, value: usize, length: i32, at: u64): u64 {
  if (format == STRING) return length < 0 ? 4 : 4 + (<u64>utf8Units(value, length) << 1);
  if (format == BINARY) return length < 0 ? 8 : 8 + <u64>length;
  if (length < 0) return 0;
  const shapeBytes = <u64>format << 2;
  const header = align8(shapeBytes);
  const rest = <u64>length - header;
  return align8(at + shapeBytes) - at + rest;
}

/** Bytes that n entries take in the data file from offset `dstOffset` on. */
export function storedDataBytes(format: i32, aux: usize, heap: usize, heapOffset: f64, n: i32, dstOffset: f64): f64 {
  const base = <u64>heapOffset;
  const start = <u64>dstOffset;
  let end = start;
  for (let i: i32 = 0; i < n; i++) {
    const entry = aux + ((<usize>i) << 4);
    end += fileBytes(format, entryValue(entry, heap, base), entryBytes(entry), end);
  }
  return <f64>(end - start);
}

/**
 * Writes n entries as the files have them: for STRING and BINARY n + 1 offsets, for ARRAY n pairs, and the data, whose first byte
 * has offset `dstOffset`. Returns the bytes of data.
 */
export function storedEncode(
  format: i32, aux: usize, heap: usize, heapOffset: f64, n: i32, dstAux: usize, dstData: usize, dstOffset: f64,
): f64 {
  const base = <u64>heapOffset;
  const start = <u64>dstOffset;
  let end = start;
  for (let i: i32 = 0; i < n; i++) {
    const entry = aux + ((<usize>i) << 4);
    const length = entryBytes(entry);
    const value = entryValue(entry, heap, base);
    const to = dstData + <usize>(end - start);
    if (format > 0) {
      const pair = dstAux + ((<usize>i) << 4);
      const bytes = fileBytes(format, value, length, end);
      store<u64>(pair, end);
      store<u64>(pair, bytes, 8);
      if (length >= 0) putArray(format, value, length, to, <usize>bytes);
      end += bytes;
      continue;
    }
    store<u64>(dstAux + ((<usize>i) << 3), end);
    if (format == STRING) {
      const last = length < 0 ? to + 4 : putUtf16(value, length, to + 4);
      store<i32>(to, length < 0 ? -1 : <i32>((last - to - 4) >> 1));
      end += <u64>(last - to);
    } else {
      store<i64>(to, <i64>length);
      if (length > 0) copyValue(to + 8, value, <usize>length);
      end += length < 0 ? 8 : 8 + <u64>length;
    }
  }
  if (format < 0) store<u64>(dstAux + ((<usize>n) << 3), end);
  return <f64>(end - start);
}

function putArray(d: i32, value: usize, length: i32, to: usize, bytes: usize): void {
  const shapeBytes = (<usize>d) << 2;
  const header = <usize>align8(<u64>shapeBytes);
  const rest = <usize>length - header;
  memory.fill(to + shapeBytes, 0, bytes - rest - shapeBytes);
  memory.copy(to, value, shapeBytes);
  memory.copy(to + bytes - rest, value + header, rest);
}

/**
 * What `core-wasm/expr/` exports. Pointers are byte addresses in the shared memory, `n` counts rows or bytes as named.
 *
 * @module
 */

/** Functions of `core-wasm/expr/`. */
export interface ExprKernels {
  /** out[i] = a[i] op b[i] over int32. */
  arithI32(op: number, a: number, sa: number, b: number, sb: number, out: number, n: number): void;
  /** out[i] = a[i] op b[i] over int64. */
  arithI64(op: number, a: number, sa: number, b: number, sb: number, out: number, n: number): void;
  /** out[i] = a[i] op b[i] over doubles; op is add, sub, mul, div or mod. */
  arithF64(op: number, a: number, sa: number, b: number, sb: number, out: number, n: number): void;
  /** Unary functions of doubles: 0 negate, 1 abs, 2 sqrt, 3 floor, 4 ceil, 5 round half away from zero... see TypeScript. */
  unaryF64(op: number, a: number, out: number, n: number): void;
  /** Unary functions of int64: 0 negate, 1 abs, 2 bitwise not. NULL stays NULL. */
  unaryI64(op: number, a: number, out: number, n: number): void;
  /** Unary functions of int32: 0 negate, 1 abs, 2 bitwise not. NULL stays NULL. */
  unaryI32(op: number, a: number, out: number, n: number): void;
  /** out[i] = a[i] & b[i]. */
  booleanAnd(a: number, b: number, out: number, n: number): void;
  /** out[i] = a[i] | b[i]. */
  booleanOr(a: number, b: number, out: number, n: number): void;
  /** out[i] = 1 - a[i]. */
  booleanNot(a: number, out: number, n: number): void;
  /** Writes the indexes of the true rows to out (int32) and returns how many there are. out holds n + 8 entries. */
  selectTrue(a: number, out: number, n: number): number;
  /** Number of true rows. */
  countTrue(a: number, n: number): number;
  /** out[i] = src[idx[i]] for values of `size` = 1, 2, 4, 8 or 16 bytes. */
  gatherRows(size: number, src: number, idx: number, out: number, n: number): void;
  /** Where mask[i] is true, out[i] = a[i]; sa is the stride of a in bytes, 0 for a constant. */
  blendRows(size: number, mask: number, a: number, sa: number, out: number, n: number): void;
  /** Repeats the first value of `size` bytes n times. */
  fillRows(size: number, value: number, out: number, n: number): void;
  /** out[i] (boolean) = a[i] and b[i] have the same bytes; `size` 1, 2, 4, 8, 16 or 32. */
  equalRows(
    size: number,
    a: number,
    sa: number,
    b: number,
    sb: number,
    out: number,
    n: number,
  ): void;
  /** out[i] (int64) = the word at a + i · stride, exclusive-or `flip`. */
  takeWords(a: number, stride: number, flip: bigint, out: number, n: number): void;
  /** The word at out + i · stride = words[i]. */
  putWords(words: number, stride: number, out: number, n: number): void;
  /** out[i] = first + i * step over int64. */
  sequenceI64(first: bigint, step: bigint, out: number, n: number): void;
  /** out[i] = first + i * step over int32. */
  sequenceI32(first: number, step: number, out: number, n: number): void;
  /** out[i] = a[i] op b[i] over int32. */
  compareI32(
    op: number,
    a: number,
    sa: number,
    b: number,
    sb: number,
    out: number,
    n: number,
  ): void;
  /** out[i] = a[i] op b[i] over int64. */
  compareI64(
    op: number,
    a: number,
    sa: number,
    b: number,
    sb: number,
    out: number,
    n: number,
  ): void;
  /** out[i] = a[i] op b[i] over doubles. */
  compareF64(
    op: number,
    a: number,
    sa: number,
    b: number,
    sb: number,
    out: number,
    n: number,
  ): void;
  /** out[i] = a[i] op b[i] over bytes; only equal and not equal mean something for booleans. */
  compareU8(op: number, a: number, sa: number, b: number, sb: number, out: number, n: number): void;
  /** out[i] = table[keys[i]] for keys of a dictionary; NULL keys give nullValue. */
  mapKeysU8(keys: number, table: number, nullValue: number, out: number, n: number): void;
  /** out[i] = table[keys[i]] of int32 values for keys of a dictionary; NULL keys give nullValue. */
  mapKeysI32(keys: number, table: number, nullValue: number, out: number, n: number): void;
  /** Integer to integer. */
  convertInteger(from: number, to: number, a: number, out: number, n: number): void;
  /** Integer to FLOAT or DOUBLE. */
  convertToReal(from: number, to: number, a: number, out: number, n: number): void;
  /** FLOAT or DOUBLE to integer: cut towards zero; NaN and values out of the target's range are NULL. */
  convertFromReal(from: number, to: number, a: number, out: number, n: number): void;
  /** FLOAT to DOUBLE and back. */
  convertReal(from: number, to: number, a: number, out: number, n: number): void;
  /** Any number to BOOLEAN: true unless zero; NULL is true for integers as in QuestDB, NaN too. */
  convertToBoolean(from: number, a: number, out: number, n: number): void;
  /** out[i] = 1 where the value is NULL. size 4 or 8 integers (kind 0), doubles (kind 1), floats (kind 2), varchar aux (kind 3). */
  isNullRows(kind: number, size: number, a: number, out: number, n: number): void;
  /** Doubles in [0, 1). nullRate 0: never NULL and no extra draw; otherwise a draw decides, NULL if it is 1 modulo rate + 1. */
  randomF64(state: number, nullRate: number, out: number, n: number): void;
  /** FLOAT values in [0, 1): 24 random bits. */
  randomF32(state: number, nullRate: number, out: number, n: number): void;
  /**
   * int32 values. kind 0: any value; 1: low + positive draw % range with a NULL draw before; 2: boolean (top bit);
   * 3: index below range without a NULL draw; 4: character code 66 + draw % 25; 5: low + positive int64 draw % range.
   */
  randomI32(
    kind: number,
    state: number,
    low: number,
    range: number,
    nullRate: number,
    out: number,
    n: number,
  ): void;
  /** int64 values. kind 0: any value; 1: low + positive draw % range with a NULL draw before. */
  randomI64(
    kind: number,
    state: number,
    low: bigint,
    range: bigint,
    nullRate: number,
    out: number,
    n: number,
  ): void;
  /** out[i] = a[i] op b[i], op as in compareI32; NULL equals NULL and has no order. Strides are 16, or 0 for a constant. */
  compareVarchar(
    op: number,
    a: number,
    sa: number,
    aHeap: number,
    aOffset: number,
    b: number,
    sb: number,
    bHeap: number,
    bOffset: number,
    out: number,
    n: number,
  ): void;
  /** Bytes of all values together, wherever they lie: an upper bound for the heap of any concatenation of them. */
  concatVarcharBytes(a: number, stride: number, n: number): number;
  /** out[i] = a[i] followed by b[i]; NULL counts as nothing. The heap needs the bytes of both. Returns the heap's end. */
  concatVarchar(
    a: number,
    sa: number,
    aHeap: number,
    aOffset: number,
    b: number,
    sb: number,
    bHeap: number,
    bOffset: number,
    out: number,
    heap: number,
    n: number,
  ): number;
  /** Decimal texts of int64 (size 8) or int32 (size 4) values; NULL stays NULL. The heap needs 20 bytes a row. Returns its end. */
  formatI64(size: number, a: number, out: number, heap: number, n: number): number;
  /** out[i] (int32) = number of UTF-16 units of a[i]; NULL gives -1. */
  varcharLengths(a: number, heap: number, heapOffset: number, out: number, n: number): void;
  /**
   * out[i] (int32) = a part of a[i]: 0 year, 1 month, 2 day, 3 hour, 4 minute, 5 second, 6 milliseconds, 7 microseconds,
   * 8 weekday from Monday = 1, 9 weekday from Sunday = 1, 10 day of year, 11 ISO week, 12 days in month, 13 leap year,
   * 14 quarter, 15 ISO year, 16 decade, 17 century, 18 millennium.
   */
  timestampPart(op: number, a: number, out: number, n: number): void;
  /** out[i] = the last multiple of stride (from origin) at or before a[i]. */
  floorI64(a: number, stride: bigint, origin: bigint, out: number, n: number): void;
  /** out[i] = start of the group of `months` calendar months (counted from year `baseYear`) that holds a[i]. */
  floorMonthsI64(a: number, months: number, baseYear: number, out: number, n: number): void;
  /** out[i] = a[i] plus months[i] calendar months; the day is cut to the month's length. sm: stride of months, 0 repeats. */
  addMonthsI64(a: number, months: number, sm: number, factor: number, out: number, n: number): void;
}

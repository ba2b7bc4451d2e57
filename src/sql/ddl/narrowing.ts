/**
 * Values that a narrower column cannot hold. An explicit cast may wrap or give NULL; an INSERT must not lose a value
 * silently, so the vectors it narrows are checked first.
 *
 * @module
 */
import { ColumnType, INT_NULL, typeTag } from "../../common/mod.ts";
import type { Vector, WasmMemory } from "../../wasm/mod.ts";
import { convertScalar } from "./implicit_conversion.ts";

/**
 * Checks the first `rowCount` values of a vector.
 *
 * @throws {SqlError} `inconvertible value: … [LONG -> INT]` for the first value out of range.
 */
export function checkNarrowing(
  vector: Vector,
  rowCount: number,
  target: { type: number; memory: WasmMemory },
): void {
  const { type, memory } = target;
  const row = findOverflow(vector, rowCount, target);
  if (row < 0) return;
  const isReal = typeTag(vector.type) === ColumnType.DOUBLE;
  const value = isReal
    ? memory.f64[(vector.data >> 3) + row]
    : memory.i64[(vector.data >> 3) + row];
  convertScalar(value, isReal ? ColumnType.DOUBLE : ColumnType.LONG, type);
}

/** Returns the first row whose value is out of the target's range, or −1. */
function findOverflow(
  vector: Vector,
  rowCount: number,
  { type, memory }: { type: number; memory: WasmMemory },
): number {
  const from = typeTag(vector.type), to = typeTag(type);
  const start = vector.data >> 3;
  if (from === ColumnType.DOUBLE) {
    const values = memory.f64.subarray(start, start + rowCount);
    if (to === ColumnType.INT) return findReal(values, 2 ** 31);
    return to === ColumnType.LONG ? findReal(values, 2 ** 63) : -1;
  }
  const isWide = from === ColumnType.LONG || from === ColumnType.DATE ||
    from === ColumnType.TIMESTAMP;
  if (!isWide || to !== ColumnType.INT) return -1;
  return findWide(memory.i32.subarray(2 * start, 2 * (start + rowCount)));
}

/** NaN and infinities are NULL, which fits everywhere. A fraction is cut, so −2³¹ − 0.5 still fits. */
function findReal(values: Float64Array, bound: number): number {
  for (let row = 0; row < values.length; row++) {
    const value = Math.trunc(values[row]);
    const isInside = value >= -bound && value < bound;
    if (!isInside && Number.isFinite(value)) return row;
  }
  return -1;
}

/** A 64-bit value fits 32 bits if its high word only extends the sign of the low one. */
function findWide(words: Int32Array): number {
  for (let index = 0; index < words.length; index += 2) {
    const low = words[index], high = words[index + 1];
    if (high === low >> 31) continue;
    const isNull = low === 0 && high === INT_NULL;
    if (!isNull) return index >> 1;
  }
  return -1;
}

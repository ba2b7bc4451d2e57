/**
 * Cuts the merge of committed and new rows so that a bounded part of both is in memory at a time. Cuts are the same for every
 * column by construction: rows of equal times are never torn apart in a way that would change their order.
 *
 * @module
 */
import type { WasmCore } from "../wasm/mod.ts";
import { CHUNK_HEAP_BYTES, CHUNK_ROWS } from "./column_writer.ts";

/** Committed rows `oldLo` … `oldHi` − 1 of a partition and new rows `newLo` … `newHi` − 1 of a source, merged with each other. */
export interface MergeRange {
  readonly oldLo: number;
  readonly oldHi: number;
  readonly newLo: number;
  readonly newHi: number;
}

/** What is merged. */
export interface MergeInput {
  readonly core: WasmCore;
  readonly oldRowCount: number;
  /** Designated timestamp of a committed row. */
  readonly timestampAt: (row: number) => bigint;
  /** Pointer to the source's ascending int64 timestamps. */
  readonly timestamps: number;
  readonly newLo: number;
  readonly newHi: number;
}

/** Plans a merge by rows. */
export function planMerge(input: MergeInput): MergeRange[] {
  const ranges: MergeRange[] = [];
  let newLo = input.newLo;
  for (let lo = 0; lo < input.oldRowCount; lo += CHUNK_ROWS) {
    const hi = Math.min(lo + CHUNK_ROWS, input.oldRowCount);
    const newHi = hi === input.oldRowCount ? input.newHi : newRowsBefore(input, hi, newLo);
    ranges.push({ oldLo: lo, oldHi: hi, newLo, newHi });
    newLo = newHi;
  }
  return ranges;
}

/**
 * Cuts a range further until its long values fit. A single committed row is left with all new rows around it: those are appended
 * around it rather than merged.
 */
export function splitByHeap(
  input: MergeInput,
  range: MergeRange,
  heapBytes: (range: MergeRange) => number,
): MergeRange[] {
  if (range.oldHi - range.oldLo <= 1 || heapBytes(range) <= CHUNK_HEAP_BYTES) return [range];
  const middle = Math.floor((range.oldLo + range.oldHi) / 2);
  const newMiddle = Math.min(newRowsBefore(input, middle, range.newLo), range.newHi);
  const left = { ...range, oldHi: middle, newHi: newMiddle };
  const right = { ...range, oldLo: middle, newLo: newMiddle };
  return [...splitByHeap(input, left, heapBytes), ...splitByHeap(input, right, heapBytes)];
}

/**
 * End of the new rows, from `newLo` on, that go before committed row `oldHi`'s predecessor or right at its side. New rows with the
 * predecessor's own time wait: committed rows with that time may go on behind the cut, and come first.
 */
function newRowsBefore(input: MergeInput, oldHi: number, newLo: number): number {
  const rest = input.timestamps + 8 * newLo;
  const time = input.timestampAt(oldHi - 1);
  return newLo + input.core.kernels.lowerBoundI64(rest, input.newHi - newLo, time);
}

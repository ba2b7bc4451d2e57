/**
 * Cuts the merge of committed and new rows into ranges, so that a bounded part of both is in memory at a time. The ranges are the
 * same for every column.
 *
 * @module
 */
import type { WasmCore } from "../wasm/mod.ts";

/** Committed rows of a range that are merged with new ones, about. */
export const MERGE_ROWS = 1 << 20;

/**
 * Committed rows `oldLo` … `oldHi` − 1 of a partition and new rows `newLo` … `newHi` − 1 of a source, merged with each other. Either may be
 * none: the others are taken as they are then.
 */
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
  /** First committed row whose timestamp is ≥ a value. */
  readonly lowerBound: (timestamp: bigint) => number;
  /** Pointer to the source's ascending int64 timestamps. */
  readonly timestamps: number;
  readonly newLo: number;
  readonly newHi: number;
}

/**
 * Plans a merge of new rows, at least one. With `isDeduplicated`, all rows of one time are in one range; without, committed rows go first
 * and a cut may lie between them and the new ones.
 */
export function planMerge(input: MergeInput, isDeduplicated: boolean): MergeRange[] {
  const { core, oldRowCount, timestamps, newLo, newHi } = input;
  const first = core.memory.i64[timestamps / 8 + newLo];
  const last = core.memory.i64[timestamps / 8 + newHi - 1];
  const mergeLo = input.lowerBound(isDeduplicated ? first : first + 1n);
  const mergeHi = input.lowerBound(last + 1n);
  const ranges: MergeRange[] = [];
  if (mergeLo > 0) ranges.push({ oldLo: 0, oldHi: mergeLo, newLo, newHi: newLo });
  let oldLo = mergeLo, start = newLo;
  do {
    let oldHi = Math.min(oldLo + MERGE_ROWS, mergeHi);
    let end = newHi;
    if (oldHi < mergeHi) {
      const time = input.timestampAt(oldHi - 1);
      if (isDeduplicated) oldHi = input.lowerBound(time + 1n);
      // Without keys, new rows of the last committed row's time wait: others with that time may follow, and come first.
      const bound = isDeduplicated ? time + 1n : time;
      end = start + core.kernels.lowerBoundI64(timestamps + 8 * start, newHi - start, bound);
    }
    ranges.push({ oldLo, oldHi, newLo: start, newHi: end });
    oldLo = oldHi;
    start = end;
  } while (oldLo < mergeHi || start < newHi);
  if (mergeHi < oldRowCount) {
    ranges.push({ oldLo: mergeHi, oldHi: oldRowCount, newLo: newHi, newHi });
  }
  return ranges;
}

/** Plans the replacement of the committed rows of a time range by new rows. */
export function planReplace(
  input: MergeInput,
  range: { lo: bigint; hi: bigint },
): MergeRange[] {
  const { oldRowCount, newLo, newHi } = input;
  const from = input.lowerBound(range.lo), to = input.lowerBound(range.hi);
  const ranges = [
    { oldLo: 0, oldHi: from, newLo, newHi: newLo },
    { oldLo: from, oldHi: from, newLo, newHi },
    { oldLo: to, oldHi: oldRowCount, newLo: newHi, newHi },
  ];
  return ranges.filter((one) => rowsOf(one) > 0);
}

/** Rows of a range before deduplication. */
export function rowsOf(range: MergeRange): number {
  return range.oldHi - range.oldLo + range.newHi - range.newLo;
}

/** Whether the rows of a range come from both sides. */
export function isMixed(range: MergeRange): boolean {
  return range.oldHi > range.oldLo && range.newHi > range.newLo;
}

/**
 * Which bytes of packs a restore fetches. A small pack, or one of which at least half is wanted, is read from end to end, which
 * also checks the pack's own hash; of others only the wanted slices are read, neighbours together.
 *
 * @module
 */
import type { DecodeJob } from "./slice_tasks.ts";

/** Bytes of one request, unless a slice alone is larger. */
export const RANGE_BYTES_MAX = 8_388_608;
/** A pack up to this size is always read whole. */
const WHOLE_BYTES_MAX = 1_048_576;
/** Unwanted bytes that are read along to save a request. */
const GAP_BYTES_MAX = 65_536;

/** A slice and where it goes. */
export interface WantedSlice {
  readonly pack: string;
  readonly packOffset: number;
  /** `offset` is set when the range is known. */
  readonly job: Omit<DecodeJob, "offset">;
}

/** One request to the store and the slices in it. */
export interface PackRange {
  readonly pack: string;
  readonly offset: number;
  readonly length: number;
  readonly jobs: readonly DecodeJob[];
  /** True if the ranges of this pack cover all of it. */
  readonly isWhole: boolean;
  /** True for the last range of a pack. */
  readonly isLast: boolean;
}

/**
 * Plans the requests; ranges of a pack follow each other in order.
 *
 * @param packBytes size of each pack, by hash.
 * @param isRest The wanted slices are what an interrupted restore has left: no pack is read whole for them.
 */
export function planRanges(
  wanted: readonly WantedSlice[],
  packBytes: ReadonlyMap<string, number>,
  isRest = false,
): PackRange[] {
  const byPack = new Map<string, WantedSlice[]>();
  for (const slice of wanted) {
    const list = byPack.get(slice.pack);
    if (list === undefined) byPack.set(slice.pack, [slice]);
    else list.push(slice);
  }
  const ranges: PackRange[] = [];
  for (const [pack, slices] of byPack) {
    slices.sort((a, b) => a.packOffset - b.packOffset);
    const size = packBytes.get(pack)!;
    const used = slices.reduce((sum, slice) => sum + slice.job.stored, 0);
    const isWhole = !isRest && (size <= WHOLE_BYTES_MAX || used * 2 >= size);
    ranges.push(...rangesOfPack(slices, { pack, size, isWhole }));
  }
  return ranges;
}

interface OpenRange {
  start: number;
  end: number;
  slices: WantedSlice[];
}

function rangesOfPack(
  slices: readonly WantedSlice[],
  facts: { readonly pack: string; readonly size: number; readonly isWhole: boolean },
): PackRange[] {
  const { pack, size, isWhole } = facts;
  const gapMax = isWhole ? Infinity : GAP_BYTES_MAX;
  const ranges: OpenRange[] = [];
  let open: OpenRange | null = isWhole ? { start: 0, end: 0, slices: [] } : null;
  for (const slice of slices) {
    const start = slice.packOffset, end = start + slice.job.stored;
    const isFull = open !== null && end - open.start > RANGE_BYTES_MAX && open.slices.length > 0;
    if (open === null || isFull || start - open.end > gapMax) {
      if (open !== null) ranges.push(open);
      open = { start: isWhole && open !== null ? open.end : start, end, slices: [] };
    }
    open.end = Math.max(open.end, end);
    open.slices.push(slice);
  }
  if (open !== null) ranges.push(open);
  if (isWhole) ranges.at(-1)!.end = size;
  return ranges.map((range, index) => ({
    pack,
    offset: range.start,
    length: range.end - range.start,
    jobs: range.slices.map((slice) => ({ ...slice.job, offset: slice.packOffset - range.start })),
    isWhole,
    isLast: index === ranges.length - 1,
  }));
}

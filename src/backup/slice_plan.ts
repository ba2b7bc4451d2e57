/**
 * Where a partition is cut into slices. Late rows must change few slices, appended rows only the last ones, and equal data
 * must always be cut alike; so the cuts depend on nothing but the partition unit and the rows' timestamps.
 *
 * ```
 * unit    cell      cells            rows of a DAY partition, one cell an hour
 * HOUR    5 min     12               |00|01|02|03|04|05|06|07|08|…
 * DAY     1 h       24               tree over the cells: a node of 2^k neighbours whose rows are
 * WEEK    4 h       42               ≤ MERGE_ROWS is one slice; else its halves are looked at; a
 * MONTH   1 day     28…31            single cell over SLICE_ROWS_MAX is cut every SLICE_ROWS_MAX rows
 * YEAR    1 week    53
 * NONE    –         1
 * ```
 *
 * Invariants:
 * 1. Slices cover [0, rowCount) without gap or overlap.
 * 2. Rows added to one cell change only the slices of that cell and of the tree nodes above it.
 * 3. A slice of one 8-byte column is 64 KiB … 1 MiB unless the data is sparser; the widest fixed type stays under 4 MiB.
 *
 * @module
 */
import { assert, PartitionBy, partitionCeil, partitionFloor } from "../common/mod.ts";

const MINUTE = 60_000_000n;
const HOUR = 60n * MINUTE;
const DAY = 24n * HOUR;

const CELL_MICROS: Readonly<Record<number, bigint>> = {
  [PartitionBy.HOUR]: 5n * MINUTE,
  [PartitionBy.DAY]: HOUR,
  [PartitionBy.WEEK]: 4n * HOUR,
  [PartitionBy.MONTH]: DAY,
  [PartitionBy.YEAR]: 7n * DAY,
};

/** Neighbouring cells with at most this many rows together share a slice: 64 KiB of an 8-byte column. */
export const MERGE_ROWS = 8192;
/** Most rows of a slice: 4 MiB of the widest fixed type (32 bytes), 1 MiB of an 8-byte one. */
export const SLICE_ROWS_MAX = 131_072;
/** Most bytes of a slice of variable-size data, unless one value alone is larger. */
export const SLICE_BYTES_MAX = 4_194_304;

/**
 * Returns the timestamps at which a partition's cells begin, without the first.
 *
 * @param unit A `PartitionBy` code.
 * @param partitionTimestamp Any timestamp inside the partition.
 * @param unitsPerMicro 1 for TIMESTAMP, 1000 for TIMESTAMP_NS: what the column counts in.
 */
export function cellBoundaries(
  unit: number,
  partitionTimestamp: bigint,
  unitsPerMicro = 1n,
): bigint[] {
  const cell = CELL_MICROS[unit];
  if (cell === undefined) return [];
  const micros = partitionTimestamp / unitsPerMicro;
  const floor = partitionFloor(unit, micros), end = partitionCeil(unit, micros);
  const boundaries = [];
  for (let start = floor + cell; start < end; start += cell) boundaries.push(start * unitsPerMicro);
  return boundaries;
}

/**
 * Returns the ascending row indexes at which a partition is cut, beginning with 0 and ending with the row count.
 *
 * @param cellStarts Row index at which each cell begins, without the first; ascending, at most `rowCount`.
 */
export function cutRows(cellStarts: readonly number[], rowCount: number): number[] {
  const starts = [0, ...cellStarts, rowCount];
  for (let i = 1; i < starts.length; i++) {
    assert(starts[i - 1] <= starts[i], "cells are ascending and end with the partition");
  }
  const cells = starts.length - 1;
  const cuts = [0];
  const visit = (first: number, count: number) => {
    const low = starts[Math.min(first, cells)], high = starts[Math.min(first + count, cells)];
    if (high === low) return;
    if (count === 1) {
      for (let row = low + SLICE_ROWS_MAX; row < high; row += SLICE_ROWS_MAX) cuts.push(row);
    } else if (high - low > MERGE_ROWS) {
      visit(first, count / 2);
      visit(first + count / 2, count / 2);
      return;
    }
    cuts.push(high);
  };
  visit(0, 2 ** Math.ceil(Math.log2(cells)));
  return cuts;
}

/**
 * Returns where the variable-size data of rows [rowLo, rowHi) is cut further: row indexes beginning with `rowLo` and ending
 * with `rowHi`, halving until a piece has at most {@linkcode SLICE_BYTES_MAX} bytes or one row.
 *
 * @param bytesOf Bytes of the data of rows [lo, hi).
 */
export function cutHeap(
  rowLo: number,
  rowHi: number,
  bytesOf: (lo: number, hi: number) => number,
): number[] {
  const cuts = [rowLo];
  const visit = (lo: number, hi: number) => {
    if (hi - lo > 1 && bytesOf(lo, hi) > SLICE_BYTES_MAX) {
      const middle = lo + 2 ** Math.ceil(Math.log2(hi - lo) - 1);
      visit(lo, middle);
      visit(middle, hi);
    } else cuts.push(hi);
  };
  if (rowHi > rowLo) visit(rowLo, rowHi);
  return cuts;
}

/** Returns where opaque bytes are cut: after a header, if there is one, and every {@linkcode SLICE_BYTES_MAX} bytes. */
export function cutBytes(byteSize: number, headerBytes = 0): number[] {
  const cuts = [0];
  if (headerBytes > 0 && headerBytes < byteSize) cuts.push(headerBytes);
  for (let at = cuts.at(-1)! + SLICE_BYTES_MAX; at < byteSize; at += SLICE_BYTES_MAX) cuts.push(at);
  if (byteSize > 0) cuts.push(byteSize);
  return cuts;
}

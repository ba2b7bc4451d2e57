import fc from "fast-check";
import {
  cellBoundaries,
  cutBytes,
  cutHeap,
  cutRows,
  MERGE_ROWS,
  SLICE_BYTES_MAX,
  SLICE_ROWS_MAX,
} from "../../src/backup/slice_plan.ts";
import { PartitionBy, partitionCeil, partitionFloor } from "../../src/common/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";

const DAY = 86_400_000_000n;

Deno.test("cellBoundaries lays the documented grid over each unit", () => {
  const at = 1_709_251_200_000_000n; // 2024-03-01, a Friday
  const counts: [number, number][] = [
    [PartitionBy.HOUR, 12],
    [PartitionBy.DAY, 24],
    [PartitionBy.WEEK, 42],
    [PartitionBy.MONTH, 31],
    [PartitionBy.YEAR, 53],
    [PartitionBy.NONE, 1],
  ];
  for (const [unit, cells] of counts) {
    const boundaries = cellBoundaries(unit, at + 5n);
    assertEquals(boundaries.length, cells - 1, `unit ${unit}`);
    for (const boundary of boundaries) {
      assert(boundary > partitionFloor(unit, at) && boundary < partitionCeil(unit, at));
    }
  }
  assertEquals(cellBoundaries(PartitionBy.DAY, -1n)[0], -DAY + 3_600_000_000n);
  assertEquals(cellBoundaries(PartitionBy.DAY, 1000n * DAY, 1000n)[1], 1000n * (DAY + DAY / 12n));
});

function isPartition(cuts: number[], low: number, high: number): boolean {
  return cuts[0] === low && (cuts.at(-1) === high || low === high) &&
    cuts.every((cut, i) => i === 0 || cut > cuts[i - 1]);
}

const cellRows = fc.array(
  fc.oneof(
    fc.constant(0),
    fc.integer({ min: 1, max: 3000 }),
    fc.integer({ min: 3000, max: 400_000 }),
  ),
  { minLength: 1, maxLength: 53 },
);

function startsOf(rows: number[]): { starts: number[]; count: number } {
  let at = 0;
  const starts = rows.map((count) => (at += count) - count);
  return { starts: starts.slice(1), count: at };
}

Deno.test("cutRows covers every row once with slices in bounds", () => {
  fc.assert(fc.property(cellRows, (rows) => {
    const { starts, count } = startsOf(rows);
    const cuts = cutRows(starts, count);
    assert(isPartition(cuts, 0, count));
    for (let i = 1; i < cuts.length; i++) assert(cuts[i] - cuts[i - 1] <= SLICE_ROWS_MAX);
  }));
});

Deno.test("cutRows keeps the slices of other cells when rows are added to one", () => {
  const rows = new Array(24).fill(50_000);
  const lengths = (cells: number[]) => {
    const { starts, count } = startsOf(cells);
    const cuts = cutRows(starts, count);
    return cuts.slice(1).map((cut, i) => cut - cuts[i]);
  };
  assertEquals(lengths(rows), rows);
  const late = [...rows];
  late[9] += 500;
  assertEquals(lengths(late), late);
});

Deno.test("cutRows merges sparse neighbours and cuts a dense cell", () => {
  assertEquals(cutRows(new Array(23).fill(0), MERGE_ROWS), [0, MERGE_ROWS]);
  assertEquals(cutRows([], 0), [0]);
  assertEquals(cutRows([1000, 2000, 3000], 4000), [0, 4000]);
  assertEquals(cutRows([], 300_000), [0, SLICE_ROWS_MAX, 2 * SLICE_ROWS_MAX, 300_000]);
});

Deno.test("cutHeap halves until pieces are small or single rows", () => {
  fc.assert(fc.property(
    fc.array(fc.integer({ min: 0, max: 3_000_000 }), { maxLength: 60 }),
    (sizes) => {
      const ends = [0];
      for (const size of sizes) ends.push(ends.at(-1)! + size);
      const bytes = (lo: number, hi: number) => ends[hi] - ends[lo];
      const cuts = cutHeap(0, sizes.length, bytes);
      assert(isPartition(cuts, 0, sizes.length));
      for (let i = 1; i < cuts.length; i++) {
        const isSmall = bytes(cuts[i - 1], cuts[i]) <= SLICE_BYTES_MAX;
        assert(isSmall || cuts[i] - cuts[i - 1] === 1);
      }
    },
  ));
});

Deno.test("cutBytes sets a header apart", () => {
  assertEquals(cutBytes(0), [0]);
  assertEquals(cutBytes(10), [0, 10]);
  assertEquals(cutBytes(100, 76), [0, 76, 100]);
  assertEquals(cutBytes(76, 76), [0, 76]);
  const cuts = cutBytes(2 * SLICE_BYTES_MAX + 1);
  assertEquals(cuts, [0, SLICE_BYTES_MAX, 2 * SLICE_BYTES_MAX, 2 * SLICE_BYTES_MAX + 1]);
});

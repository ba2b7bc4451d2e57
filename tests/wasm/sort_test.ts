import fc from "fast-check";
import { Arena, createCore } from "../../src/wasm/mod.ts";
import { assertEquals } from "../support/assert.ts";

const core = createCore();
const { memory, kernels } = core;
const anyLong = fc.oneof(fc.bigInt(-3n, 3n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n));

function longs(values: readonly bigint[], arena: Arena): number {
  const pointer = arena.alloc(8 * values.length);
  for (const [at, value] of values.entries()) memory.i64[pointer / 8 + at] = value;
  return pointer;
}
const readLongs = (
  pointer: number,
  n: number,
) => [...memory.i64.slice(pointer / 8, pointer / 8 + n)];
const compare = (a: bigint, b: bigint) => a < b ? -1 : a > b ? 1 : 0;

Deno.test("radixSortPairs() sorts by signed timestamp and keeps the order of ties", () => {
  fc.assert(fc.property(fc.array(anyLong, { maxLength: 400 }), (times) => {
    using arena = new Arena(memory);
    const n = times.length;
    const pairs = arena.alloc(16 * n), scratch = arena.alloc(16 * n + 8192);
    kernels.joinPairs(longs(times, arena), n, 0, pairs);
    kernels.radixSortPairs(pairs, scratch, n);
    const expected = times.map((time, row) => [time, BigInt(row)]).sort((a, b) =>
      compare(a[0], b[0]) || compare(a[1], b[1])
    );
    assertEquals(readLongs(pairs, 2 * n), expected.flat());
    assertEquals(kernels.isSortedPairs(pairs, n), 1);
  }));
});

Deno.test("isSortedPairs() and isSortedI64() agree with the model", () => {
  fc.assert(fc.property(fc.array(fc.bigInt(0n, 3n), { maxLength: 5 }), (times) => {
    using arena = new Arena(memory);
    const isSorted = Number(times.every((time, at) => at === 0 || times[at - 1] <= time));
    const pointer = longs(times, arena), pairs = arena.alloc(16 * times.length);
    kernels.joinPairs(pointer, times.length, 0, pairs);
    assertEquals([
      kernels.isSortedI64(pointer, times.length),
      kernels.isSortedPairs(pairs, times.length),
    ], [isSorted, isSorted]);
  }));
});

Deno.test("mergeIndex() and mergeGather() merge two sorted arrays, the first going first on ties", () => {
  const sorted = fc.array(anyLong, { maxLength: 100 }).map((values) => values.sort(compare));
  fc.assert(fc.property(sorted, sorted, (a, b) => {
    using arena = new Arena(memory);
    const n = a.length + b.length;
    const pa = longs(a, arena), pb = longs(b, arena);
    const index = arena.alloc(4 * n), merged = arena.alloc(8 * n), origin = arena.alloc(n);
    kernels.mergeIndex(pa, a.length, pb, b.length, index);
    kernels.mergeGather8(pa, pb, index, n, merged);
    assertEquals(readLongs(merged, n), [...a, ...b].sort(compare));
    const zeros = arena.alloc(a.length), ones = arena.alloc(b.length);
    memory.u8.fill(0, zeros, zeros + a.length);
    memory.u8.fill(1, ones, ones + b.length);
    kernels.mergeGather1(zeros, ones, index, n, origin);
    for (let i = 1; i < n; i++) {
      if (memory.i64[merged / 8 + i] !== memory.i64[merged / 8 + i - 1]) continue;
      assertEquals(memory.u8[origin + i - 1] <= memory.u8[origin + i], true);
    }
  }));
});

Deno.test("gather kernels of every width pick the rows of the index", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 16, maxLength: 320 }),
      fc.array(fc.nat(), { maxLength: 50 }),
      (bytes, picks) => {
        for (const size of [1, 2, 4, 8, 16] as const) {
          using arena = new Arena(memory);
          const rows = Math.floor(bytes.length / size);
          const src = arena.alloc(bytes.length),
            index = arena.alloc(4 * picks.length),
            dst = arena.alloc(size * picks.length);
          memory.u8.set(bytes, src);
          for (const [at, pick] of picks.entries()) memory.u32[index / 4 + at] = pick % rows;
          kernels[`gather${size}`](src, index, picks.length, dst);
          const expected = picks.flatMap((
            pick,
          ) => [...bytes.subarray((pick % rows) * size, (pick % rows + 1) * size)]);
          assertEquals([...memory.u8.slice(dst, dst + expected.length)], expected);
        }
      },
    ),
  );
});

Deno.test("lowerBoundI64() and upperBoundI64() find the edges of a value", () => {
  fc.assert(
    fc.property(
      fc.array(anyLong, { maxLength: 50 }).map((values) => values.sort(compare)),
      anyLong,
      (values, key) => {
        using arena = new Arena(memory);
        const pointer = longs(values, arena);
        assertEquals(
          kernels.lowerBoundI64(pointer, values.length, key),
          values.filter((value) => value < key).length,
        );
        assertEquals(
          kernels.upperBoundI64(pointer, values.length, key),
          values.filter((value) => value <= key).length,
        );
      },
    ),
  );
});

Deno.test("remapI32() maps keys from the base on and leaves the others and NULL", () => {
  using arena = new Arena(memory);
  const src = arena.alloc(20), map = arena.alloc(8);
  memory.i32.set([0, 1, 2, 3, -0x80000000], src / 4);
  memory.i32.set([70, 80], map / 4);
  kernels.remapI32(src, 5, 2, map, src);
  assertEquals([...memory.i32.slice(src / 4, src / 4 + 5)], [0, 1, 70, 80, -0x80000000]);
  assertEquals(kernels.maxKeyI32(src, 5), 80);
});

import fc from "fast-check";
import { Arena, createCore } from "../../src/wasm/mod.ts";
import { assertEquals } from "../support/assert.ts";

const { memory, kernels } = createCore();

Deno.test("sortPairs() sorts by time and keeps the order of equal times, whatever part of the rows is late", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ step: fc.integer({ min: 0, max: 3 }), late: fc.integer({ min: 0, max: 400 }) }),
        {
          maxLength: 300,
        },
      ),
      // One row in so many is late; 1: all are out of order.
      fc.constantFrom(1, 2, 5, 20, 1000),
      (rows, lateOneIn) => {
        using arena = new Arena(memory);
        let time = 1_704_067_200_000_000n;
        const times = rows.map(({ step, late }, i) => {
          time += BigInt(step);
          return i % lateOneIn === 0 ? time - BigInt(late) : time;
        });
        const pairs = arena.alloc(16 * rows.length);
        const scratch = arena.alloc(16 * rows.length + 8192);
        for (const [i, value] of times.entries()) {
          memory.i64[pairs / 8 + 2 * i] = value;
          memory.i64[pairs / 8 + 2 * i + 1] = BigInt(i + 7);
        }
        kernels.sortPairs(pairs, scratch, rows.length);
        const found = rows.map((_, i) => Number(memory.i64[pairs / 8 + 2 * i + 1]) - 7);
        const expected = times.map((_, i) => i).sort((a, b) =>
          times[a] < times[b] ? -1 : times[a] > times[b] ? 1 : a - b
        );
        assertEquals(found, expected);
        assertEquals(
          rows.map((_, i) => memory.i64[pairs / 8 + 2 * i]),
          expected.map((i) => times[i]),
        );
      },
    ),
    { numRuns: 300 },
  );
});

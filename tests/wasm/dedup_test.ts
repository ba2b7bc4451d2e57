import fc from "fast-check";
import { Arena, createCore } from "../../src/wasm/mod.ts";
import { KEY_DESCRIPTION_BYTES } from "../../src/wasm/kernels/dedup.ts";
import { assertEquals } from "../support/assert.ts";

const core = createCore();
const { memory, kernels } = core;

/** A description of one fixed-width key column; both sides. */
function describeKey(arena: Arena, kind: number, sides: readonly [number, number]): number {
  const pointer = arena.alloc(KEY_DESCRIPTION_BYTES);
  const view = new DataView(memory.memory.buffer, pointer, KEY_DESCRIPTION_BYTES);
  view.setInt32(0, kind, true);
  for (const [i, data] of sides.entries()) {
    view.setUint32(4 + 20 * i, data, true);
    view.setUint32(8 + 20 * i, 0, true);
    view.setFloat64(16 + 20 * i, 0, true);
  }
  return pointer;
}

function values(arena: Arena, numbers: readonly bigint[]): number {
  const pointer = arena.alloc(8 * numbers.length);
  for (const [i, value] of numbers.entries()) memory.i64[pointer / 8 + i] = value;
  return pointer;
}

const anyRows = fc.array(
  fc.tuple(fc.integer({ min: 0, max: 6 }).map(BigInt), fc.integer({ min: -2, max: 2 }).map(BigInt)),
  { maxLength: 60 },
).map((rows) => rows.sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0));

Deno.test("dedupBatch() leaves the last of equal rows, by time and key; runs of every length", () => {
  fc.assert(fc.property(anyRows, (rows) => {
    using arena = new Arena(memory);
    const times = values(arena, rows.map(([time]) => time));
    const data = values(arena, rows.map(([, key]) => key));
    const keys = describeKey(arena, 8, [data, data]);
    const out = arena.alloc(4 * rows.length), scratch = arena.alloc(4 * rows.length);
    const count = kernels.dedupBatch(times, rows.length, keys, 1, out, scratch);
    const last = new Map(rows.map((row, i) => [row.join(), i]));
    const expected = [...last.values()].sort((a, b) =>
      Number(rows[a][0] - rows[b][0]) || Number(rows[a][1] - rows[b][1])
    );
    assertEquals([...memory.u32.subarray(out / 4, out / 4 + count)], expected);
    const isTied = new Set(rows.map(([time]) => time)).size < rows.length;
    assertEquals(kernels.hasTiesI64(times, rows.length), Number(isTied));
  }));
});

Deno.test("dedupMerge() puts new rows in the places of those with their time and key, the others behind their time", () => {
  fc.assert(fc.property(anyRows, anyRows, (old, batch) => {
    using arena = new Arena(memory);
    const unique = [...new Map(batch.map((row) => [row.join(), row])).values()].sort((a, b) =>
      Number(a[0] - b[0]) || Number(a[1] - b[1])
    );
    const a = values(arena, old.map(([time]) => time));
    const b = values(arena, unique.map(([time]) => time));
    const keys = describeKey(arena, 8, [
      values(arena, unique.map(([, key]) => key)),
      values(arena, old.map(([, key]) => key)),
    ]);
    const index = arena.alloc(4 * (old.length + unique.length)), used = arena.alloc(unique.length);
    const count = kernels.dedupMerge(a, old.length, b, unique.length, keys, 1, index, used);
    const found = [...memory.u32.subarray(index / 4, index / 4 + count)]
      .map((entry) => entry >= 2 ** 31 ? `new ${entry - 2 ** 31}` : `old ${entry}`);
    const times = [...new Set([...old, ...unique].map(([time]) => time))].sort((x, y) =>
      Number(x - y)
    );
    const expected = times.flatMap((time) => {
      const places = new Set<number>();
      const kept = old.map((row, i) => ({ row, i })).filter(({ row }) => row[0] === time).map(
        ({ row, i }) => {
          const match = unique.findIndex((one) => one.join() === row.join());
          if (match >= 0) places.add(match);
          return match >= 0 ? `new ${match}` : `old ${i}`;
        },
      );
      const rest = unique.map((row, i) => ({ row, i }))
        .filter(({ row, i }) => row[0] === time && !places.has(i)).map(({ i }) => `new ${i}`);
      return [...kept, ...rest];
    });
    assertEquals(found, expected);
  }));
});

Deno.test("compareKeys() orders each width as a signed little-endian integer", () => {
  fc.assert(fc.property(
    fc.constantFrom(1, 2, 4, 8, 16, 32),
    fc.uint8Array({ minLength: 64, maxLength: 64 }),
    (width, bytes) => {
      using arena = new Arena(memory);
      const data = arena.alloc(64);
      memory.u8.set(bytes, data);
      const keys = describeKey(arena, width, [data, data]);
      const at = (row: number) => {
        let value = 0n;
        for (let i = width - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[width * row + i]);
        return BigInt.asIntN(8 * width, value);
      };
      const order = kernels.compareKeys(keys, 1, 0, 0, 1, 1);
      assertEquals(Math.sign(order), at(0) < at(1) ? -1 : at(0) > at(1) ? 1 : 0);
    },
  ));
});

Deno.test("an index is cut and rebased: rows of each source from its own first one on", () => {
  using arena = new Arena(memory);
  const SECOND = 2 ** 31;
  const index = arena.alloc(16), out = arena.alloc(16);
  memory.u32.set([7, SECOND + 3, 8, SECOND + 1], index / 4);
  kernels.indexBounds(index, 4, out);
  assertEquals([...memory.i32.subarray(out / 4, out / 4 + 4)], [7, 8, 1, 3]);
  kernels.indexBounds(index, 1, out);
  assertEquals([...memory.i32.subarray(out / 4, out / 4 + 4)], [7, 7, -1, -1]);
  kernels.rebaseIndex(index, 4, 7, 1, out);
  assertEquals([...memory.u32.subarray(out / 4, out / 4 + 4)], [0, SECOND + 2, 1, SECOND]);
});

import fc from "fast-check";
import { ColumnType, QuestError } from "../../src/common/mod.ts";
import {
  Arena,
  createCore,
  filterSlice,
  SLICE_FILTERS,
  unfilterSlice,
} from "../../src/wasm/mod.ts";
import { applyFilter } from "../../src/wasm/slice_filter.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

const core = createCore();

/** Words that filters trip over: both zeros, NaNs with payloads, sentinels, infinities, decimals. */
const TRICKY = [
  0n,
  0x8000000000000000n,
  0x7ff8000000000000n,
  0x7ff8000000000123n,
  0xfff0000000000001n,
  0x7ff0000000000000n,
  0xffffffffffffffffn,
  0x7fffffffffffffffn,
  0x3fb999999999999an, // 0.1
  0x4059000000000000n, // 100
  0x405edd2f1a9fbe77n, // 123.456
  1n,
];

const anyWords = fc.array(fc.oneof(fc.constantFrom(...TRICKY), fc.bigInt(0n, 2n ** 64n - 1n)), {
  maxLength: 300,
});

function load(
  words: readonly bigint[],
  tail: Uint8Array,
  arena: Arena,
): { pointer: number; byteSize: number } {
  const byteSize = 8 * words.length + tail.length;
  const pointer = arena.alloc(byteSize);
  for (const [at, word] of words.entries()) core.memory.i64[pointer / 8 + at] = word;
  core.memory.u8.set(tail, pointer + 8 * words.length);
  return { pointer, byteSize };
}

Deno.test("every slice filter gives every bit pattern back", () => {
  fc.assert(
    fc.property(
      anyWords,
      fc.uint8Array({ maxLength: 7 }),
      fc.constantFrom(...SLICE_FILTERS),
      (words, tail, filter) => {
        using arena = new Arena(core.memory);
        const slice = load(words, tail, arena);
        const filtered = arena.alloc(slice.byteSize), back = arena.alloc(slice.byteSize);
        if (!applyFilter(core, filter, { source: slice, target: filtered })) {
          assert(filter.startsWith("dec"), "only decimal filters may decline");
          return;
        }
        unfilterSlice(core, filter, {
          source: { pointer: filtered, byteSize: slice.byteSize },
          target: back,
        });
        assertEquals(
          core.memory.bytes(back, slice.byteSize),
          core.memory.bytes(slice.pointer, slice.byteSize),
        );
      },
    ),
    { numRuns: 2000 },
  );
});

Deno.test("filterSlice() chooses a filter that comes back, whatever the type and content", () => {
  const types = [
    ColumnType.DOUBLE,
    ColumnType.LONG,
    ColumnType.TIMESTAMP,
    ColumnType.INT,
    ColumnType.SYMBOL,
    ColumnType.VARCHAR,
    0,
  ];
  fc.assert(
    fc.property(anyWords, fc.constantFrom(...types), fc.boolean(), (words, type, isAux) => {
      using arena = new Arena(core.memory);
      const slice = load(words, new Uint8Array(0), arena);
      const result = filterSlice(core, { ...slice, type, isAux }, arena);
      if (result === null) return;
      const back = arena.alloc(slice.byteSize);
      unfilterSlice(core, result.filter, {
        source: { pointer: result.pointer, byteSize: slice.byteSize },
        target: back,
      });
      assertEquals(
        core.memory.bytes(back, slice.byteSize),
        core.memory.bytes(slice.pointer, slice.byteSize),
      );
    }),
    { numRuns: 500 },
  );
});

Deno.test("filterSlice() takes decimals for prices, and falls back when the sample lied", () => {
  using arena = new Arena(core.memory);
  const n = 20_000;
  const pointer = arena.alloc(8 * n);
  for (let i = 0; i < n; i++) {
    core.memory.f64[pointer / 8 + i] = Math.round(10_000 + 300 * Math.sin(i / 50)) / 100;
  }
  const content = { type: ColumnType.DOUBLE, isAux: false };
  assertEquals(filterSlice(core, { pointer, byteSize: 8 * n, ...content }, arena)!.filter, "dec2");
  core.memory.f64[pointer / 8 + n - 1] = Math.PI;
  const result = filterSlice(core, { pointer, byteSize: 8 * n, ...content }, arena)!;
  assertEquals(result.filter, "xor");
  const back = arena.alloc(8 * n);
  unfilterSlice(core, result.filter, {
    source: { pointer: result.pointer, byteSize: 8 * n },
    target: back,
  });
  assertEquals(core.memory.bytes(back, 8 * n), core.memory.bytes(pointer, 8 * n));
});

Deno.test("unfilterSlice() refuses an unknown filter", () => {
  assertThrows(
    () => unfilterSlice(core, "huffman", { source: { pointer: 64, byteSize: 0 }, target: 64 }),
    QuestError,
    "unknown slice filter",
  );
});

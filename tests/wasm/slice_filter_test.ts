import fc from "fast-check";
import { ColumnType, QuestError } from "../../src/common/mod.ts";
import {
  Arena,
  blake3,
  createCore,
  filterSlice,
  SLICE_FILTERS,
  unfilterSlice,
} from "../../src/wasm/mod.ts";
import { applyFilter } from "../../src/wasm/slice_filter.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { SeededRandom } from "../support/seeded_random.ts";

const core = createCore();
const hex = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** First 8 bytes of the BLAKE3 of what each filter makes of the same numbers. */
const STORED_FORMS: Readonly<Record<string, string>> = {
  word: "8abbb70f8f2acdab",
  delta: "144c3928abae925d",
  dod: "0d60788e2512a304",
  xor: "75421a2e134e9cf7",
  dec2: "94199318694d3b28",
  dec3: "d2247e054adeccd4",
  dec4: "1466806b8f6781ea",
  dec5: "76930c9e1ccb2ff8",
  fix2: "90cc91e0edd5e011",
  fix3: "59479f424562a7e4",
  fix4: "e1b281e2e6b1c6a8",
  fix5: "d2b11b9c154404c5",
  num2: "471121d505ece079",
  num3: "d0dd3ed0fcbb0373",
  num4: "ccd7f32f1a9fadf6",
  num5: "f2ae5fb1743c3418",
  int: "df58e142ce98de2d",
  idelta: "3311ff4a29434595",
  aux: "15c4ce3bc3e7a525",
};

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
          assert(/^(dec|fix|num)/.test(filter), "only decimal filters may decline");
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

Deno.test("filterSlice() takes decimals for prices, and none when one value is no decimal and nothing else helps", () => {
  using arena = new Arena(core.memory);
  const n = 20_000;
  const pointer = arena.alloc(8 * n);
  for (let i = 0; i < n; i++) {
    core.memory.f64[pointer / 8 + i] = Math.round(10_000 + 300 * Math.sin(i / 50)) / 100;
  }
  const content = { type: ColumnType.DOUBLE, isAux: false };
  assertEquals(filterSlice(core, { pointer, byteSize: 8 * n, ...content }, arena)!.filter, "dec2");
  core.memory.f64[pointer / 8 + n - 1] = Math.PI;
  // No other filter is as good as none here: raw, zstd finds the repeated doubles.
  assertEquals(filterSlice(core, { pointer, byteSize: 8 * n, ...content }, arena), null);
});

Deno.test("unfilterSlice() refuses an unknown filter", () => {
  assertThrows(
    () => unfilterSlice(core, "huffman", { source: { pointer: 64, byteSize: 0 }, target: 64 }),
    QuestError,
    "unknown slice filter",
  );
});

Deno.test("filterSlice() takes decimals without deltas where neighbours have nothing in common", () => {
  using arena = new Arena(core.memory);
  const random = new SeededRandom(5);
  const n = 20_000;
  const pointer = arena.alloc(8 * n);
  for (let i = 0; i < n; i++) core.memory.f64[pointer / 8 + i] = random.int(-5000, 5001) / 100;
  const slice = { pointer, byteSize: 8 * n, type: ColumnType.DOUBLE, isAux: false };
  assertEquals(filterSlice(core, slice, arena)!.filter, "fix2");
  for (let i = 0; i < n; i++) core.memory.f64[pointer / 8 + i] = random.int(1, 60_001) / 100;
  assertEquals(filterSlice(core, slice, arena)!.filter, "num2");
});

Deno.test("filterSlice() goes to more digits, then to other filters, when the sample does not tell all", () => {
  using arena = new Arena(core.memory);
  const n = 50_000;
  const pointer = arena.alloc(8 * n);
  for (let i = 0; i < n; i++) core.memory.f64[pointer / 8 + i] = Math.round(i / 7);
  const slice = { pointer, byteSize: 8 * n, type: ColumnType.DOUBLE, isAux: false };
  assertEquals(filterSlice(core, slice, arena)!.filter, "dec0");
  const unsampled = pointer / 8 + 3000; // between the first two places that the sample is taken from
  core.memory.f64[unsampled] = 428.75;
  assertEquals(filterSlice(core, slice, arena)!.filter, "dec2");
  core.memory.f64[unsampled] = -0;
  const { filter } = filterSlice(core, slice, arena)!;
  assert(["xor", "delta", "word"].includes(filter), filter);
});

Deno.test("filterSlice() looks at more than the beginning of a slice", () => {
  using arena = new Arena(core.memory);
  const random = new SeededRandom(6);
  const n = 40_000;
  const pointer = arena.alloc(8 * n);
  // The first tenth is constant, the rest ascends: its beginning would be best left alone.
  let value = 0n;
  for (let i = 0; i < n; i++) {
    if (i >= n / 10 + 200) value += BigInt(random.int(0, 200));
    core.memory.i64[pointer / 8 + i] = value;
  }
  const slice = { pointer, byteSize: 8 * n, type: ColumnType.LONG, isAux: false };
  assertEquals(filterSlice(core, slice, arena)!.filter, "delta");
});

Deno.test("filterSlice() leaves alone what no filter is made for", () => {
  using arena = new Arena(core.memory);
  const pointer = arena.alloc(64);
  for (const type of [ColumnType.BOOLEAN, ColumnType.UUID]) {
    assertEquals(filterSlice(core, { pointer, byteSize: 64, type, isAux: false }, arena), null);
  }
  const binaryAux = { pointer, byteSize: 64, type: ColumnType.BINARY, isAux: true };
  assertEquals(filterSlice(core, binaryAux, arena), null);
});

Deno.test("filters write the bytes they always wrote", () => {
  // A changed byte here would make stored backups unreadable.
  using arena = new Arena(core.memory);
  const n = 100;
  const pointer = arena.alloc(16 * n), target = arena.alloc(16 * n);
  for (let i = 0; i < n; i++) {
    core.memory.f64[pointer / 8 + 2 * i] = (i * i - 300) / 4;
    core.memory.f64[pointer / 8 + 2 * i + 1] = i / 2;
  }
  const byteSize = 16 * n;
  const hashes = Object.fromEntries(
    SLICE_FILTERS.filter((filter) =>
      applyFilter(core, filter, { source: { pointer, byteSize }, target })
    ).map((filter) => {
      applyFilter(core, filter, { source: { pointer, byteSize }, target });
      return [filter, hex(blake3(core, target, byteSize).subarray(0, 8))];
    }),
  );
  assertEquals(hashes, STORED_FORMS);
});

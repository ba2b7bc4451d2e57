import fc from "fast-check";
import { Arena, createCore } from "../../src/wasm/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";

const core = createCore();
const { memory, kernels } = core;
const anyTexts = fc.array(fc.option(fc.string({ unit: "grapheme", maxLength: 30 })), {
  minLength: 1,
  maxLength: 60,
});

interface Varchar {
  readonly aux: number;
  readonly heap: number;
  readonly offset: number;
}

function build(texts: readonly (string | null)[], offset: number, arena: Arena): Varchar {
  const encoder = new TextEncoder();
  const aux = arena.alloc(16 * texts.length),
    heap = arena.alloc(200 * texts.length),
    scratch = arena.alloc(400);
  let used = 0;
  for (const [row, text] of texts.entries()) {
    const entry = aux + 16 * row;
    if (text === null) {
      kernels.varcharNulls(entry, 1, offset + used);
      continue;
    }
    const bytes = encoder.encode(text);
    memory.u8.set(bytes, scratch);
    kernels.varcharPut(entry, scratch, bytes.length, offset + used);
    if (bytes.length > 9) {
      memory.u8.set(bytes, heap + used);
      used += bytes.length;
    }
  }
  return { aux, heap, offset };
}

function read(vector: Varchar, rows: number): (string | null)[] {
  return Array.from({ length: rows }, (_, row) => {
    const entry = vector.aux + 16 * row, header = memory.u32[entry / 4];
    if (header & 4) return null;
    const isInlined = (header & 1) === 1;
    const start = isInlined
      ? entry + 1
      : vector.heap + kernels.varcharOffset(entry) - vector.offset;
    const length = isInlined ? (header >> 4) & 15 : header >>> 4;
    const bytes = memory.u8.slice(start, start + length);
    assertEquals(
      (header & 2) !== 0,
      bytes.every((byte) => byte < 128),
      "the ASCII flag tells the truth",
    );
    return new TextDecoder().decode(bytes);
  });
}

Deno.test("varcharCopy(), varcharGather() and varcharMerge() keep values and rebase offsets beyond 2^40", () => {
  fc.assert(
    fc.property(
      anyTexts,
      anyTexts,
      fc.array(fc.nat(), { maxLength: 40 }),
      fc.constantFrom(0, 2 ** 40 + 5),
      (a, b, picks, base) => {
        using arena = new Arena(memory);
        const left = build(a, base, arena), right = build(b, 17, arena);
        const target = () => ({
          aux: arena.alloc(1 << 14),
          heap: arena.alloc(1 << 16),
          offset: 2 ** 41,
        });
        const copy = target();
        const copied = kernels.varcharCopy(
          left.aux,
          left.heap,
          base,
          a.length,
          copy.aux,
          copy.heap,
          copy.offset,
        );
        assertEquals(read(copy, a.length), a);
        assertEquals(copied, kernels.varcharHeapBytes(left.aux, a.length));
        assertEquals(kernels.varcharEnd(copy.aux + 16 * (a.length - 1)), copy.offset + copied);
        assertEquals(
          kernels.varcharValidate(copy.aux, a.length, copy.offset, copy.offset + copied),
          -1,
        );

        const index = arena.alloc(4 * (a.length + b.length + picks.length)), gathered = target();
        for (const [at, pick] of picks.entries()) memory.u32[index / 4 + at] = pick % a.length;
        kernels.varcharGather(
          left.aux,
          left.heap,
          base,
          index,
          picks.length,
          gathered.aux,
          gathered.heap,
          gathered.offset,
        );
        assertEquals(read(gathered, picks.length), picks.map((pick) => a[pick % a.length]));

        const merged = target(), n = a.length + b.length;
        for (let i = 0; i < n; i++) {
          memory.u32[index / 4 + i] = i < b.length ? 0x80000000 + i : i - b.length;
        }
        const bytes = kernels.varcharMerge(
          left.aux,
          left.heap,
          base,
          right.aux,
          right.heap,
          17,
          index,
          n,
          merged.aux,
          merged.heap,
          merged.offset,
        );
        assertEquals(read(merged, n), [...b, ...a]);
        assertEquals(bytes, kernels.varcharMergeBytes(left.aux, right.aux, index, n));
      },
    ),
  );
});

Deno.test("varcharValidate() finds entries that point outside, go back, or have impossible lengths", () => {
  using arena = new Arena(memory);
  const texts = ["a value of some length", null, "short", "another value of some length"];
  const corrupt: ((aux: number) => void)[] = [
    (aux) => memory.u32[(aux + 48) / 4] = 0, // never written
    (aux) => memory.u32[(aux + 48) / 4] = 0xfffffff0, // too long
    (aux) => memory.u32[(aux + 32) / 4] = (12 << 4) | 1, // inlined, 12 bytes
    (aux) => memory.u16[(aux + 58) / 2] = 0, // offset goes back
    (aux) => memory.u32[(aux + 60) / 4] = 9, // offset far outside
    (aux) => memory.u32[(aux + 16) / 4] = 0xc, // NULL with something else
  ];
  for (const [which, damage] of corrupt.entries()) {
    const vector = build(texts, 0, arena);
    const end = kernels.varcharEnd(vector.aux + 48);
    assertEquals(kernels.varcharValidate(vector.aux, texts.length, 0, end), -1);
    damage(vector.aux);
    assert(
      kernels.varcharValidate(vector.aux, texts.length, 0, end) >= 0,
      `damage ${which} is found`,
    );
  }
});

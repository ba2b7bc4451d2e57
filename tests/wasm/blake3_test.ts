import fc from "fast-check";
import { blake3 as hashWasm } from "hash-wasm";
import { blake3 as noble } from "@noble/hashes/blake3.js";
import { Arena, Blake3, blake3, createCore, type WasmCore } from "../../src/wasm/mod.ts";
import { assertEquals } from "../support/assert.ts";
import vectors from "./testdata/blake3_vectors.json" with { type: "json" };

const core = createCore();
const hex = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function oneShot(core: WasmCore, input: Uint8Array): string {
  using arena = new Arena(core.memory);
  const pointer = arena.alloc(input.length);
  core.memory.u8.set(input, pointer);
  return hex(blake3(core, pointer, input.length));
}

function streamed(core: WasmCore, input: Uint8Array, step: number): string {
  const hash = new Blake3(core);
  for (let at = 0; at < input.length; at += step) hash.update(input.subarray(at, at + step));
  return hex(hash.digest());
}

Deno.test("blake3() and Blake3 give the official test vectors", () => {
  for (const { length, hash } of vectors.cases) {
    const input = Uint8Array.from({ length }, (_, i) => i % 251);
    assertEquals(oneShot(core, input), hash, `length ${length}`);
    assertEquals(streamed(core, input, 1000), hash, `length ${length}, streamed`);
  }
  assertEquals(core.memory.liveBytes, 0);
});

Deno.test("blake3() agrees with two other implementations on random lengths and cuts", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 400_000 }),
      fc.integer({ min: 1, max: 100_000 }),
      async (length, step) => {
        const input = new Uint8Array(length);
        for (let i = 0; i < length; i++) input[i] = (i * 2_654_435_761) >>> 13;
        const expected = await hashWasm(input);
        assertEquals(oneShot(core, input), expected);
        assertEquals(streamed(core, input, step), expected);
        if (length < 20_000) assertEquals(hex(noble(input)), expected);
      },
    ),
    { numRuns: 40 },
  );
});

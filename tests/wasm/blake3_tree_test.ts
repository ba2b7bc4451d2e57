import { blake3 as hashWasmBlake3 } from "hash-wasm";
import {
  Blake3,
  blake3,
  BLAKE3_PART_BYTES,
  blake3Part,
  createCore,
  joinBlake3,
} from "../../src/wasm/mod.ts";
import { assertEquals, assertNotEquals, assertThrows } from "../support/assert.ts";
import { runSeed, SeededRandom } from "../support/seeded_random.ts";
import vectors from "./testdata/blake3_vectors.json" with { type: "json" };

const core = createCore();
const UNIT_BYTES = 65_536;

/** Every length that the official vectors have. */
const OFFICIAL_LENGTHS = [
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 63, 64, 65, 127, 128, 129, 1023, 1024, 1025, 2048, 2049, 3072],
  ...[3073, 4096, 4097, 5120, 5121, 6144, 6145, 7168, 7169, 8192, 8193, 16384, 31744, 102400],
];

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Hash of bytes that lie `shift` bytes behind an aligned address. */
function oneShot(bytes: Uint8Array, shift = 0): string {
  const pointer = core.memory.alloc(bytes.length + shift);
  try {
    core.memory.u8.set(bytes, pointer + shift);
    return hex(blake3(core, pointer + shift, bytes.length));
  } finally {
    core.memory.free(pointer);
  }
}

/** Hash of bytes that come in pieces whose lengths `next` gives. */
function inPieces(bytes: Uint8Array, next: () => number): string {
  using hash = new Blake3(core);
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(at + next(), bytes.length);
    hash.update(bytes.subarray(at, end));
    at = end;
  }
  return hex(hash.digest());
}

function randomBytes(random: SeededRandom, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.int(0, 256));
}

Deno.test("Blake3 gives the official vectors, all of them, however the input is cut", () => {
  assertEquals(vectors.cases.map(({ length }) => length), OFFICIAL_LENGTHS);
  for (const { length, hash } of vectors.cases) {
    const input = Uint8Array.from({ length }, (_, i) => i % 251);
    for (const piece of [1, 7, 64, 1000, 1024, 200_000]) {
      if (length > 10_000 && piece < 64) continue;
      assertEquals(inPieces(input, () => piece), hash, `length ${length}, pieces of ${piece}`);
    }
  }
});

Deno.test("blake3() hashes unaligned bytes around every power of two, where trees change shape", async () => {
  const seed = runSeed();
  const random = new SeededRandom(seed);
  for (let run = 0; run < 60; run++) {
    const length = Math.max(0, 2 ** random.int(0, 19) + random.int(-70, 70));
    const bytes = randomBytes(random, length);
    const expected = await hashWasmBlake3(bytes);
    const label = `SEED=${seed} length=${length}`;
    assertEquals(oneShot(bytes, random.int(0, 64)), expected, label);
    assertEquals(inPieces(bytes, () => random.int(1, 3 * UNIT_BYTES)), expected, label);
  }
});

Deno.test("Blake3 joins whole units into every shape of tree", async () => {
  const bytes = randomBytes(new SeededRandom(17), 9 * UNIT_BYTES + 1);
  for (let units = 1; units <= 9; units++) {
    for (const extra of [-1, 0, 1]) {
      const input = bytes.subarray(0, units * UNIT_BYTES + extra);
      const expected = await hashWasmBlake3(input);
      assertEquals(inPieces(input, () => 50_000), expected, `${units} units ${extra}`);
      assertEquals(oneShot(input), expected, `${units} units ${extra}`);
    }
  }
});

Deno.test("blake3Subtree() uses all 64 bits of the chunk number", () => {
  const { memory, kernels } = core;
  const length = 4096;
  const input = memory.alloc(length), scratch = memory.alloc(1024), out = memory.alloc(64);
  memory.bytes(input, length).fill(1);
  kernels.blake3Subtree(input, length, 0, 0, scratch, out);
  kernels.blake3Subtree(input, length, 2 ** 32, 0, scratch, out + 32); // its low half is the same
  assertNotEquals(hex(memory.bytes(out, 32)), hex(memory.bytes(out + 32, 32)));
  for (const pointer of [input, scratch, out]) memory.free(pointer);
});

Deno.test("Blake3 refuses use after digest() and gives its memory back", () => {
  const before = core.memory.liveBytes;
  const hash = new Blake3(core);
  hash.update(new Uint8Array(10));
  hash.digest();
  assertEquals(core.memory.liveBytes, before);
  assertThrows(() => hash.update(new Uint8Array(1)), Error, "the hash is not finished");
  assertThrows(() => hash.digest(), Error, "the hash is not finished");
  hash[Symbol.dispose]();
  assertEquals(core.memory.liveBytes, before);
});

Deno.test("blake3Part and joinBlake3 give the hash of the whole, for any number of parts", async () => {
  const whole = new Uint8Array(5 * BLAKE3_PART_BYTES + 77);
  for (let i = 0; i < whole.length; i++) whole[i] = (i * 2_654_435_761) >>> 13;
  const pointer = core.memory.alloc(BLAKE3_PART_BYTES);
  for (
    const length of [1, 2, 3, 4, 5].flatMap((
      n,
    ) => [n * BLAKE3_PART_BYTES + 77, (n + 1) * BLAKE3_PART_BYTES])
  ) {
    const bytes = whole.subarray(0, length);
    const parts: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += BLAKE3_PART_BYTES) {
      const part = bytes.subarray(at, at + BLAKE3_PART_BYTES);
      core.memory.u8.set(part, pointer);
      parts.push(blake3Part(core, { pointer, byteSize: part.length, index: parts.length }));
    }
    assertEquals(hex(joinBlake3(core, parts)), await hashWasmBlake3(bytes), `${length}`);
  }
  core.memory.free(pointer);
});

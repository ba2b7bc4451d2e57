import fc from "fast-check";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { ColumnType, RestoreError } from "../../src/common/mod.ts";
import { RealFileSystem } from "../../src/platform/mod.ts";
import { rebaseAux } from "../../src/backup/aux_rebase.ts";
import { decodeBytes } from "../../src/backup/slice_codec.ts";
import {
  BackupTask,
  backupTasks,
  compressManifest,
  type DecodeJob,
  type EncodedSlice,
  type EncodeJob,
} from "../../src/backup/slice_tasks.ts";
import type { Transferred } from "../../src/wasm/mod.ts";
import { isWholeFrame } from "../../src/backup/zstd_frame.ts";
import { FileKind } from "../../src/backup/table_manifest.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { core } from "../storage/table_fixture.ts";

const context = { core, fs: new RealFileSystem() };

function encode(jobs: EncodeJob[], level = 3): EncodedSlice[] {
  const result = backupTasks[BackupTask.ENCODE](context, { jobs, level }) as Transferred;
  return result.value as EncodedSlice[];
}

function job(content: Uint8Array, part: Partial<EncodeJob> = {}): EncodeJob {
  return {
    file: null,
    content,
    position: 0,
    bytes: content.length,
    kind: FileKind.FIXED,
    type: ColumnType.LONG,
    base: 0,
    overlays: [],
    known: [],
    ...part,
  };
}

function decodeJob(slice: EncodedSlice, file: string, part: Partial<DecodeJob>): DecodeJob {
  return {
    file,
    position: 0,
    offset: 0,
    stored: slice.stored!.length,
    raw: 0,
    codec: slice.codec,
    blake3: slice.blake3,
    kind: FileKind.FIXED,
    base: 0,
    ...part,
  };
}

const TYPES: [number, number][] = [
  [FileKind.FIXED, ColumnType.BOOLEAN],
  [FileKind.FIXED, ColumnType.SHORT],
  [FileKind.FIXED, ColumnType.INT],
  [FileKind.FIXED, ColumnType.LONG],
  [FileKind.FIXED, ColumnType.FLOAT],
  [FileKind.FIXED, ColumnType.DOUBLE],
  [FileKind.FIXED, ColumnType.TIMESTAMP],
  [FileKind.FIXED, ColumnType.SYMBOL],
  [FileKind.FIXED, ColumnType.UUID],
  [FileKind.FIXED, ColumnType.LONG256],
  [FileKind.VARCHAR_AUX, ColumnType.VARCHAR],
  [FileKind.ARRAY_AUX, ColumnType.ARRAY],
  [FileKind.OFFSET_AUX, ColumnType.STRING],
  [FileKind.HEAP, ColumnType.VARCHAR],
  [FileKind.RAW, 0],
];

/** Bytes as columns have them: noise, repeats, small integers, prices, and every awkward double. */
const content = fc.oneof(
  fc.uint8Array({ maxLength: 4000 }),
  fc.array(fc.integer({ min: -5, max: 500 }), { maxLength: 500 })
    .map((values) => new Uint8Array(BigInt64Array.from(values, BigInt).buffer)),
  fc.array(fc.integer({ min: 0, max: 100_000 }), { maxLength: 500 })
    .map((values) => new Uint8Array(Float64Array.from(values, (v) => v / 100).buffer)),
  fc.array(fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 5e-324, 1e308, 0.1, 1.25), {
    maxLength: 300,
  }).map((values) => new Uint8Array(Float64Array.from(values).buffer)),
  fc.array(fc.bigInt({ min: 0x7ff0000000000001n, max: 0x7fffffffffffffffn }), { maxLength: 100 })
    .map((values) => new Uint8Array(BigInt64Array.from(values).buffer)),
);

Deno.test("a slice of any type, bits and level comes back as it was", () => {
  using directory = new TempDir();
  let count = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...TYPES),
      content,
      fc.constantFrom(1, 5, 9),
      ([kind, type], bytes, level) => {
        const file = `${directory.path}/${count++}`;
        const [slice] = encode([job(bytes, { kind, type })], level);
        assert(slice.stored!.length <= bytes.length, "a slice never grows");
        const decode = decodeJob(slice, file, { raw: bytes.length, kind });
        backupTasks[BackupTask.DECODE](context, {
          jobs: [decode],
          buffer: slice.stored!,
          object: "pack",
          prefix: "",
        });
        assertEquals(Deno.readFileSync(file), bytes);
        Deno.removeSync(file);
        assertEquals(core.memory.liveBytes, 0, "no block of memory is left behind");
      },
    ),
    { numRuns: 400 },
  );
});

Deno.test("encode tells a known slice without encoding it", () => {
  const bytes = Uint8Array.from({ length: 800 }, (_, i) => i & 7);
  const [first] = encode([job(bytes)]);
  const [again, other] = encode([job(bytes, { known: ["x", first.blake3] }), job(bytes)]);
  assertEquals([again.stored, again.blake3], [null, first.blake3]);
  assert(other.stored !== null);
});

Deno.test("encode puts the part of an overlay that falls into the slice", () => {
  using directory = new TempDir();
  const file = `${directory.path}/log`;
  Deno.writeFileSync(file, new Uint8Array(20));
  const overlays = [{ position: 6, bytes: new Uint8Array([1, 2, 3, 4]) }];
  const part = { file, content: null, kind: FileKind.RAW, type: 0, overlays };
  const slices = encode([
    job(new Uint8Array(8), part),
    job(new Uint8Array(12), { ...part, position: 8 }),
  ]);
  const out = `${directory.path}/out`;
  const buffer = new Uint8Array([...slices[0].stored!, ...slices[1].stored!]);
  const jobs = [
    decodeJob(slices[0], out, { raw: 8, kind: FileKind.RAW }),
    decodeJob(slices[1], out, {
      raw: 12,
      kind: FileKind.RAW,
      position: 8,
      offset: slices[0].stored!.length,
    }),
  ];
  backupTasks[BackupTask.DECODE](context, { jobs, buffer, object: "pack", prefix: "" });
  const expected = new Uint8Array(20);
  expected.set([1, 2, 3, 4], 6);
  assertEquals(Deno.readFileSync(out), expected);
});

Deno.test("rebaseAux moves 48-bit and 64-bit offsets and nothing else", () => {
  const base = 0x1234_5678_9abc;
  for (const kind of [FileKind.VARCHAR_AUX, FileKind.ARRAY_AUX]) {
    const bytes = Uint8Array.from({ length: 64 }, (_, i) => i % 7);
    const before = bytes.slice();
    rebaseAux(bytes, kind, base);
    const view = new DataView(bytes.buffer), old = new DataView(before.buffer);
    for (let row = 0; row < 4; row++) {
      const at = row * 16;
      if (kind === FileKind.VARCHAR_AUX) {
        const offset = (v: DataView) => v.getBigUint64(at + 8, true) >> 16n;
        assertEquals(offset(view), offset(old) + BigInt(base));
        assertEquals(bytes.slice(at, at + 10), before.slice(at, at + 10));
      } else {
        const offset = (v: DataView) => v.getBigUint64(at, true) & 0xffff_ffff_ffffn;
        assertEquals(offset(view), offset(old) + BigInt(base));
        assertEquals(bytes.slice(at + 6, at + 16), before.slice(at + 6, at + 16));
      }
    }
    rebaseAux(bytes, kind, -base);
    assertEquals(bytes, before);
    assertThrows(() => rebaseAux(new Uint8Array(16), kind, -1), Error, "lie in its own data");
  }
});

Deno.test("rebaseAux moves 64-bit offsets", () => {
  const offsets = BigInt64Array.from({ length: 8 }, (_, i) => BigInt(i) * 1000n);
  const shifted = offsets.slice();
  rebaseAux(new Uint8Array(shifted.buffer), FileKind.OFFSET_AUX, 2 ** 40);
  assertEquals(shifted, offsets.map((value) => value + (1n << 40n)));
  assertThrows(() => rebaseAux(new Uint8Array(16), FileKind.OFFSET_AUX, -1), Error, "own data");
});

Deno.test("compressManifest gives one whole frame at any size", () => {
  for (let size = 0; size < 400_000; size += size < 300 ? 1 : 7919) {
    const text = Array.from({ length: size / 4 }, (_, i) => String(i * 7919 % 10_000)).join("");
    const bytes = new TextEncoder().encode(text);
    const frame = compressManifest(bytes);
    assert(isWholeFrame(frame), `${size} characters`);
    for (const length of [0, 4, 5, frame.length - 5, frame.length - 1]) {
      assert(!isWholeFrame(frame.subarray(0, length)), `cut to ${length}`);
    }
    assert(!isWholeFrame(new Uint8Array([...frame.subarray(0, 40), ...frame])), "two frames");
    assertEquals(new Uint8Array(zstdDecompressSync(frame)), bytes);
  }
});

Deno.test("decodeBytes refuses unknown codecs, wrong lengths, and bytes that are no frame", () => {
  const raw = new Uint8Array(1000).fill(5);
  const frame = new Uint8Array(zstdCompressSync(raw));
  const pointer = core.memory.alloc(1000);
  const decode = (stored: Uint8Array, codec: string, byteSize = 1000) =>
    decodeBytes(core, stored, { pointer, byteSize, codec });
  decode(frame, "zstd");
  assertEquals(core.memory.bytes(pointer, 1000).every((byte) => byte === 5), true);
  for (
    const codec of ["", "gzip", "zstd+", "rot13+zstd", "+zstd", "word+word+zstd", "x".repeat(99)]
  ) {
    assertThrows(() => decode(frame, codec), RestoreError, "unknown codec");
  }
  assertThrows(() => decode(raw.subarray(1), "raw"), RestoreError, "wrong length");
  assertThrows(() => decode(frame, "zstd", 999), Error);
  assertThrows(
    () => decode(new Uint8Array(zstdCompressSync(raw.subarray(1))), "zstd"),
    RestoreError,
  );
  assertThrows(() => decode(new Uint8Array([1, 2, 3]), "zstd"), Error);
  core.memory.free(pointer);
  assertEquals(core.memory.liveBytes, 0);
});

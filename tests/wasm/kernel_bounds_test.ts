import { createCore, WASM_MEMORY_BYTES } from "../../src/wasm/mod.ts";
import { assert, assertThrows } from "../support/assert.ts";

const { memory, kernels } = createCore();
const ROWS_MAX = 40;
const scratch = memory.alloc(65_536), other = memory.alloc(65_536);

/** Pointer to zeros that end where memory ends, so that reading or writing one byte too many traps. */
function atEnd(byteSize: number): number {
  const pointer = WASM_MEMORY_BYTES - byteSize;
  memory.u8.fill(0, pointer);
  return pointer;
}

Deno.test("an access behind the end of memory traps, so the other tests here can fail", () => {
  assertThrows(() => kernels.sumF64(atEnd(8), 2), WebAssembly.RuntimeError);
  assertThrows(() => kernels.encodeInts(atEnd(64), 17, 0, scratch), WebAssembly.RuntimeError);
});

Deno.test("filters neither read nor write behind their rows", () => {
  for (let n = 0; n <= ROWS_MAX; n++) {
    for (let mode = 0; mode <= 4; mode++) {
      kernels.encodeWords(atEnd(8 * n), 8, n, mode, scratch);
      kernels.encodeWords(scratch, 8, n, mode, atEnd(8 * n));
      kernels.decodeWords(atEnd(8 * n), 8, n, mode, scratch);
      kernels.decodeWords(scratch, 8, n, mode, atEnd(8 * n));
    }
    for (const mode of [0, 1]) {
      kernels.encodeWords(atEnd(16 * n) + 8, 16, n, mode, scratch);
      kernels.decodeWords(scratch, 16, n, mode, atEnd(16 * n) + 8);
      kernels.encodeInts(atEnd(4 * n), n, mode, scratch);
      kernels.encodeInts(scratch, n, mode, atEnd(4 * n));
      kernels.decodeInts(atEnd(4 * n), n, mode, scratch);
      kernels.decodeInts(scratch, n, mode, atEnd(4 * n));
    }
    assert(kernels.decimalToWords(atEnd(8 * n), n, 100, scratch) === 1);
    memory.u8.fill(0, scratch, scratch + 8 * n);
    kernels.decimalToWords(scratch, n, 100, atEnd(8 * n));
    kernels.wordsToDecimal(atEnd(8 * n), n, 100);
  }
});

Deno.test("scans read nothing behind their rows", () => {
  for (let n = 0; n <= ROWS_MAX; n++) {
    for (const name of ["count", "sum", "min", "max", "first", "last"] as const) {
      kernels[`${name}F64`](atEnd(8 * n), n);
      kernels[`${name}I64`](atEnd(8 * n), n);
      kernels[`${name}I32`](atEnd(4 * n), n);
    }
  }
});

Deno.test("BLAKE3 reads nothing behind its input, and writes 32 bytes", () => {
  for (const length of [0, 1, 63, 64, 65, 1023, 1024, 1025, 4095, 4096, 4097, 8191, 9000]) {
    kernels.blake3Subtree(atEnd(length), length, 0, 1, scratch, other);
    kernels.blake3Subtree(other, length, 0, 1, scratch, atEnd(32));
  }
  kernels.blake3Parent(atEnd(64), 0, scratch, other);
  const scratchBytes = 64 + 32 * 9;
  kernels.blake3Subtree(other, 9 * 1024, 0, 1, atEnd(scratchBytes), scratch);
});

Deno.test("sorting and gathering stay within their rows and scratch", () => {
  for (let n = 0; n <= ROWS_MAX; n++) {
    memory.u8.fill(0, other, other + 64 * n);
    for (let i = 0; i < n; i++) memory.i64[other / 8 + 2 * i] = BigInt((i * 7919) % 5000);
    kernels.radixSortPairs(other, atEnd(16 * n + 8192), n);
    kernels.radixSortPairs(atEnd(16 * n), scratch, n);
    kernels.isSortedPairs(atEnd(16 * n), n);
    kernels.splitPairs(atEnd(16 * n), n, 0, scratch, other);
    kernels.splitPairs(other, n, 0, scratch, atEnd(4 * n));
    kernels.joinPairs(atEnd(8 * n), n, 0, scratch);
    kernels.joinPairs(scratch, n, 0, atEnd(16 * n));
    kernels.mergeIndex(atEnd(8 * n), n, atEnd(8 * n), n, scratch);
    kernels.mergeIndex(scratch, n, scratch, n, atEnd(8 * n));
    kernels.remapI32(atEnd(4 * n), n, 1, scratch, scratch);
    kernels.maxKeyI32(atEnd(4 * n), n);
    if (n === 0) continue;
    memory.u32.fill(n - 1, scratch / 4, scratch / 4 + n);
    for (const size of [1, 2, 4, 8, 16, 32] as const) {
      kernels[`gather${size}`](atEnd(size * n), scratch, n, other);
      kernels[`gather${size}`](other, scratch, n, atEnd(size * n));
      kernels[`mergeGather${size}`](atEnd(size * n), other, scratch, n, other);
    }
  }
});

Deno.test("VARCHAR kernels stay within entries and heap", () => {
  const text = memory.alloc(64);
  memory.u8.fill(65, text, text + 64);
  for (let length = 0; length <= ROWS_MAX; length++) {
    const value = atEnd(length);
    memory.u8.fill(65, value);
    kernels.varcharPut(scratch, value, length, 0);
    kernels.varcharPut(atEnd(16), text, length, 0);
    const heap = atEnd(length);
    kernels.varcharCopy(scratch, heap, 0, 1, other, other + 1024, 7);
    memory.u32[(other + 512) / 4] = 0;
    kernels.varcharGather(scratch, heap, 0, other + 512, 1, other, other + 1024, 7);
    kernels.varcharCopy(scratch, text, 0, 1, other, atEnd(length > 9 ? length : 0), 7);
  }
  kernels.varcharNulls(atEnd(16 * 3), 3, 0);
  kernels.varcharHeapBytes(WASM_MEMORY_BYTES - 48, 3);
  kernels.varcharRebase(WASM_MEMORY_BYTES - 48, 3, 1);
  kernels.varcharValidate(WASM_MEMORY_BYTES - 48, 3, 0, 1);
  kernels.varcharEnd(WASM_MEMORY_BYTES - 16);
});

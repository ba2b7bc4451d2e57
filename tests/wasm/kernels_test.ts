import ts from "typescript";
import { INT_NULL, LONG_NULL } from "../../src/common/mod.ts";
import { Arena, createCore } from "../../src/wasm/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";

const core = createCore();
const { memory, kernels } = core;
const FAMILIES = ["change", "dedup", "expr", "filter", "group", "hash", "scan", "sort", "var"];

/** Functions that `src/wasm/kernels/<family>.ts` declares, with their number of parameters. */
function declared(family: string): [string, number][] {
  const path = new URL(`../../src/wasm/kernels/${family}.ts`, import.meta.url);
  const source = ts.createSourceFile(
    path.pathname,
    Deno.readTextFileSync(path),
    ts.ScriptTarget.Latest,
  );
  return source.statements.filter(ts.isInterfaceDeclaration).flatMap(({ members }) =>
    members.filter(ts.isMethodSignature).map((member) =>
      [member.name.getText(source), member.parameters.length] as [string, number]
    )
  );
}

Deno.test("the core exports exactly what the kernel interfaces declare, with as many parameters", () => {
  const folders = [...Deno.readDirSync(new URL("../../core-wasm/", import.meta.url))]
    .filter((entry) => entry.isDirectory).map((entry) => entry.name).sort();
  assertEquals(folders, FAMILIES);
  const byName = ([a]: [string, number], [b]: [string, number]) => a < b ? -1 : 1;
  const expected = FAMILIES.flatMap(declared).sort(byName);
  assert(expected.length > 0);
  const actual = Object.entries(kernels)
    .filter(([, value]) => typeof value === "function")
    .map(([name, value]) => [name, (value as () => void).length] as [string, number]);
  assertEquals(actual.sort(byName), expected);
});

Deno.test("the first and last scans find values among NULLs", () => {
  using arena = new Arena(memory);
  const pointer = arena.alloc(8 * 6);
  const check = (suffix: "F64" | "I64" | "I32", n: number, expected: [number, number]) =>
    assertEquals([kernels[`first${suffix}`](pointer, n), kernels[`last${suffix}`](pointer, n)], [
      ...expected,
    ]);
  memory.f64.set([NaN, NaN, 0, -1, NaN], pointer / 8);
  check("F64", 5, [2, 3]);
  check("F64", 2, [-1, -1]);
  memory.i64.set([LONG_NULL, 0n, LONG_NULL, 5n, LONG_NULL], pointer / 8);
  check("I64", 5, [1, 3]);
  check("I64", 1, [-1, -1]);
  memory.i32.set([INT_NULL, 1, 2, INT_NULL], pointer / 4);
  check("I32", 4, [1, 2]);
  check("I32", 0, [-1, -1]);
});

Deno.test("scans read no further than their rows, whatever is behind", () => {
  using arena = new Arena(memory);
  for (let n = 0; n <= 20; n++) {
    const pointer = arena.alloc(8 * (n + 4));
    memory.i64.fill(1n, pointer / 8, pointer / 8 + n).fill(
      -7n,
      pointer / 8 + n,
      pointer / 8 + n + 4,
    );
    const empty = n === 0;
    assertEquals(kernels.minI64(pointer, n), empty ? 2n ** 63n - 1n : 1n);
    assertEquals([kernels.countI64(pointer, n), kernels.sumI64(pointer, n)], [n, BigInt(n)]);
    memory.f64.fill(2, pointer / 8, pointer / 8 + n).fill(-7, pointer / 8 + n, pointer / 8 + n + 4);
    assertEquals([kernels.countF64(pointer, n), kernels.sumF64(pointer, n)], [n, 2 * n]);
    assertEquals(kernels.minF64(pointer, n), empty ? Infinity : 2);
    memory.i32.fill(3, pointer / 4, pointer / 4 + n).fill(-7, pointer / 4 + n, pointer / 4 + n + 4);
    assertEquals([kernels.countI32(pointer, n), kernels.sumI32(pointer, n)], [n, BigInt(3 * n)]);
    assertEquals(kernels.minI32(pointer, n), empty ? 0x7fffffff : 3);
  }
});

Deno.test("the extreme scans keep the largest and smallest numbers apart from NULL", () => {
  using arena = new Arena(memory);
  const n = 9, pointer = arena.alloc(8 * n);
  const max = 2n ** 63n - 1n;
  for (let at = 0; at < n; at++) {
    memory.i64.fill(LONG_NULL, pointer / 8, pointer / 8 + n)[pointer / 8 + at] = LONG_NULL + 1n;
    assertEquals(kernels.minI64(pointer, n), LONG_NULL + 1n);
    assertEquals(kernels.maxI64(pointer, n), LONG_NULL + 1n);
    memory.i64[pointer / 8 + at] = max;
    assertEquals([kernels.minI64(pointer, n), kernels.maxI64(pointer, n)], [max, max]);
    memory.i32.fill(INT_NULL, pointer / 4, pointer / 4 + n)[pointer / 4 + at] = INT_NULL + 1;
    assertEquals([kernels.minI32(pointer, n), kernels.maxI32(pointer, n)], [
      INT_NULL + 1,
      INT_NULL + 1,
    ]);
    memory.f64.fill(NaN, pointer / 8, pointer / 8 + n)[pointer / 8 + at] = -Infinity;
    assertEquals([kernels.minF64(pointer, n), kernels.maxF64(pointer, n)], [-Infinity, -Infinity]);
  }
});

Deno.test("gather32() and mergeGather32() move whole values", () => {
  using arena = new Arena(memory);
  const a = arena.alloc(96), b = arena.alloc(96), index = arena.alloc(16), dst = arena.alloc(128);
  for (let i = 0; i < 96; i++) [memory.u8[a + i], memory.u8[b + i]] = [i, 100 + i];
  const value = (base: number, row: number) =>
    Array.from({ length: 32 }, (_, i) => base + 32 * row + i);
  memory.u32.set([2, 0, 2, 1], index / 4);
  kernels.gather32(a, index, 4, dst);
  assertEquals([...memory.bytes(dst, 128)], [2, 0, 2, 1].flatMap((row) => value(0, row)));
  memory.u32.set([0x80000002, 1, 0, 0x80000000], index / 4);
  kernels.mergeGather32(a, b, index, 4, dst);
  assertEquals(
    [...memory.bytes(dst, 128)],
    [value(100, 2), value(0, 1), value(0, 0), value(100, 0)].flat(),
  );
});

Deno.test("varcharRebase() moves 48-bit offsets, and says which would not fit", () => {
  using arena = new Arena(memory);
  const n = 3, aux = arena.alloc(16 * n), text = arena.alloc(16);
  memory.u8.fill(0xe2, text, text + 16);
  const build = () => {
    kernels.varcharNulls(aux, 1, 5);
    kernels.varcharPut(aux + 16, text, 9, 5);
    kernels.varcharPut(aux + 32, text, 12, 2 ** 47);
  };
  const offsets = () => [0, 1, 2].map((row) => kernels.varcharOffset(aux + 16 * row));
  build();
  const before = memory.bytes(aux, 16 * n).slice();
  assertEquals(kernels.varcharRebase(aux, n, 2 ** 46 + 3), -1);
  assertEquals(offsets(), [2 ** 46 + 8, 2 ** 46 + 8, 2 ** 47 + 2 ** 46 + 3]);
  assertEquals(kernels.varcharRebase(aux, n, -(2 ** 46) - 3), -1);
  assertEquals(memory.bytes(aux, 16 * n).slice(), before);
  assertEquals(kernels.varcharRebase(aux, n, -6), 0);
  build();
  assertEquals(kernels.varcharRebase(aux, n, 2 ** 47), 2);
});

import fc from "fast-check";
import { Arena } from "../../src/wasm/mod.ts";
import { assertEquals } from "../support/assert.ts";
import { testCore } from "./exec_support.ts";

const INT_NULL = -0x80000000;
const LONG_NULL = -(2n ** 63n);
const core = testCore();
const { kernels, memory } = core;

/** Runs with an arena that is released afterwards. */
function withArena(run: (arena: Arena) => void): void {
  using arena = new Arena(memory);
  run(arena);
}

const ints = fc.oneof(fc.integer(), fc.constantFrom(INT_NULL, 0, -1, 1, 0x7fffffff));
const longs = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(LONG_NULL, 0n, -1n, 1n, 2n ** 63n - 1n),
  fc.bigInt({ min: -3n, max: 3n }),
);
const doubles = fc.oneof(
  fc.double(),
  fc.constantFrom(NaN, 0, -0, Infinity, -Infinity, 1, 1 + 1e-11, -1e308),
  fc.integer({ min: -3, max: 3 }),
);
const LENGTH = { minLength: 1, maxLength: 70 };

function putInts(arena: Arena, values: readonly number[]): number {
  const pointer = arena.alloc(4 * values.length);
  memory.i32.set(values, pointer >> 2);
  return pointer;
}
function putLongs(arena: Arena, values: readonly bigint[]): number {
  const pointer = arena.alloc(8 * values.length);
  memory.i64.set(values, pointer >> 3);
  return pointer;
}
function putDoubles(arena: Arena, values: readonly number[]): number {
  const pointer = arena.alloc(8 * values.length);
  memory.f64.set(values, pointer >> 3);
  return pointer;
}

/** The model of integer operators: NULL in, NULL out; results wrap. */
function integerModel(op: number, x: bigint, y: bigint, bits: 32 | 64): bigint {
  const missing = -(2n ** BigInt(bits - 1));
  if (x === missing || y === missing) return missing;
  const wrap = (value: bigint) => BigInt.asIntN(bits, value);
  switch (op) {
    case 0:
      return wrap(x + y);
    case 1:
      return wrap(x - y);
    case 2:
      return wrap(x * y);
    case 3:
      return y === 0n ? missing : wrap(x / y);
    case 4:
      return y === 0n ? missing : wrap(x % y);
    case 5:
      return x & y;
    case 6:
      return x | y;
    default:
      return x ^ y;
  }
}

Deno.test("arithI64 and arithI32 agree with a BigInt model", () => {
  fc.assert(fc.property(
    fc.array(fc.tuple(longs, longs), LENGTH),
    fc.integer({ min: 0, max: 7 }),
    fc.boolean(),
    (pairs, op, isConstant) =>
      withArena((arena) => {
        const n = pairs.length;
        const ys = pairs.map(([, y]) => isConstant ? pairs[0][1] : y);
        const a = putLongs(arena, pairs.map(([x]) => x)), b = putLongs(arena, ys);
        const out = arena.alloc(8 * n);
        kernels.arithI64(op, a, 8, b, isConstant ? 0 : 8, out, n);
        assertEquals(
          [...memory.i64.slice(out >> 3, (out >> 3) + n)],
          pairs.map(([x], i) => integerModel(op, x, ys[i], 64)),
        );
      }),
  ));
  fc.assert(fc.property(
    fc.array(fc.tuple(ints, ints), LENGTH),
    fc.integer({ min: 0, max: 7 }),
    (pairs, op) =>
      withArena((arena) => {
        const n = pairs.length;
        const a = putInts(arena, pairs.map(([x]) => x)),
          b = putInts(arena, pairs.map(([, y]) => y));
        const out = arena.alloc(4 * n);
        kernels.arithI32(op, a, 4, b, 4, out, n);
        assertEquals(
          [...memory.i32.slice(out >> 2, (out >> 2) + n)],
          pairs.map(([x, y]) => Number(integerModel(op, BigInt(x), BigInt(y), 32))),
        );
      }),
  ));
});

Deno.test("arithF64 follows IEEE 754, with NULL for quotients that are infinite and for a remainder by zero", () => {
  fc.assert(fc.property(
    fc.array(fc.tuple(doubles, doubles), LENGTH),
    fc.integer({ min: 0, max: 4 }),
    (pairs, op) =>
      withArena((arena) => {
        const n = pairs.length;
        const a = putDoubles(arena, pairs.map(([x]) => x));
        const b = putDoubles(arena, pairs.map(([, y]) => y));
        const out = arena.alloc(8 * n);
        kernels.arithF64(op, a, 8, b, 8, out, n);
        const finite = (value: number) => Number.isFinite(value) ? value : NaN;
        const model = (x: number, y: number) => [x + y, x - y, x * y, finite(x / y), x % y][op];
        assertEquals(
          [...memory.f64.slice(out >> 3, (out >> 3) + n)],
          pairs.map(([x, y]) => model(x, y)),
        );
      }),
  ));
});

/** The model of comparisons: NULL equals NULL and has no order. */
function compareModel(op: number, order: number | null, nulls: number): boolean {
  if (nulls === 2) return op === 0 || op === 3 || op === 5;
  if (nulls === 1) return op === 1;
  const d = order!;
  return [d === 0, d !== 0, d < 0, d <= 0, d > 0, d >= 0][op];
}

function longOrder(x: bigint, y: bigint): number {
  return x < y ? -1 : x > y ? 1 : 0;
}

Deno.test("compareI64 and compareI32 agree with a model, also against constants", () => {
  fc.assert(fc.property(
    fc.array(fc.tuple(longs, longs), LENGTH),
    fc.integer({ min: 0, max: 5 }),
    fc.boolean(),
    (pairs, op, isConstant) =>
      withArena((arena) => {
        const n = pairs.length;
        const ys = pairs.map(([, y]) => isConstant ? pairs[0][1] : y);
        const a = putLongs(arena, pairs.map(([x]) => x)), b = putLongs(arena, ys);
        const out = arena.alloc(n);
        kernels.compareI64(op, a, 8, b, isConstant ? 0 : 8, out, n);
        const nulls = (x: bigint, y: bigint) => Number(x === LONG_NULL) + Number(y === LONG_NULL);
        assertEquals(
          [...memory.u8.slice(out, out + n)],
          pairs.map(([x], i) => Number(compareModel(op, longOrder(x, ys[i]), nulls(x, ys[i])))),
        );
      }),
  ));
  fc.assert(fc.property(
    fc.array(ints, LENGTH),
    ints,
    fc.integer({ min: 0, max: 5 }),
    (xs, y, op) =>
      withArena((arena) => {
        const n = xs.length;
        const out = arena.alloc(n);
        kernels.compareI32(op, putInts(arena, xs), 4, putInts(arena, [y]), 0, out, n);
        const nulls = (x: number) => Number(x === INT_NULL) + Number(y === INT_NULL);
        assertEquals(
          [...memory.u8.slice(out, out + n)],
          xs.map((x) => Number(compareModel(op, Math.sign(x - y), nulls(x)))),
        );
      }),
  ));
});

Deno.test("compareF64 takes close doubles for equal and infinities for NULL, also against constants", () => {
  const isNull = (x: number) => !Number.isFinite(x);
  fc.assert(fc.property(
    fc.array(fc.tuple(doubles, doubles), LENGTH),
    fc.integer({ min: 0, max: 5 }),
    fc.boolean(),
    (pairs, op, isConstant) =>
      withArena((arena) => {
        const n = pairs.length;
        const ys = pairs.map(([, y]) => isConstant ? pairs[0][1] : y);
        const a = putDoubles(arena, pairs.map(([x]) => x)), b = putDoubles(arena, ys);
        const out = arena.alloc(n);
        kernels.compareF64(op, a, 8, b, isConstant ? 0 : 8, out, n);
        const order = (x: number, y: number) => Math.abs(x - y) < 1e-10 ? 0 : x < y ? -1 : 1;
        assertEquals(
          [...memory.u8.slice(out, out + n)],
          pairs.map(([x], i) =>
            Number(compareModel(op, order(x, ys[i]), Number(isNull(x)) + Number(isNull(ys[i]))))
          ),
        );
      }),
  ));
});

Deno.test("selectTrue, countTrue, gatherRows and blendRows agree with arrays", () => {
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.boolean(), longs, longs), LENGTH),
    (rows) =>
      withArena((arena) => {
        const n = rows.length;
        const mask = arena.alloc(n);
        for (const [i, [flag]] of rows.entries()) memory.u8[mask + i] = flag ? 1 : 0;
        const indexes = arena.alloc(4 * n + 64);
        const wanted = rows.flatMap(([flag], i) => flag ? [i] : []);
        const count = kernels.selectTrue(mask, indexes, n);
        assertEquals([...memory.i32.slice(indexes >> 2, (indexes >> 2) + count)], wanted);
        assertEquals(kernels.countTrue(mask, n), wanted.length);
        const values = putLongs(arena, rows.map(([, x]) => x));
        const out = arena.alloc(8 * n);
        kernels.gatherRows(8, values, indexes, out, count);
        assertEquals(
          [...memory.i64.slice(out >> 3, (out >> 3) + count)],
          wanted.map((i) => rows[i][1]),
        );
        const base = putLongs(arena, rows.map(([, , y]) => y));
        kernels.blendRows(8, mask, values, 8, base, n);
        assertEquals(
          [...memory.i64.slice(base >> 3, (base >> 3) + n)],
          rows.map(([flag, x, y]) => flag ? x : y),
        );
      }),
  ));
});

Deno.test("convertFromReal cuts towards zero and makes NULL of what does not fit", () => {
  fc.assert(fc.property(fc.array(doubles, LENGTH), (xs) =>
    withArena((arena) => {
      const n = xs.length;
      const a = putDoubles(arena, xs);
      const asLong = arena.alloc(8 * n), asInt = arena.alloc(4 * n);
      kernels.convertFromReal(7, 5, a, asLong, n);
      kernels.convertFromReal(7, 4, a, asInt, n);
      assertEquals(
        [...memory.i64.slice(asLong >> 3, (asLong >> 3) + n)],
        xs.map((x) => x > -(2 ** 63) && x < 2 ** 63 ? BigInt(Math.trunc(x)) : LONG_NULL),
      );
      assertEquals(
        [...memory.i32.slice(asInt >> 2, (asInt >> 2) + n)],
        xs.map((x) => Math.trunc(x) >= INT_NULL && x < 2 ** 31 ? Math.trunc(x) + 0 : INT_NULL),
      );
    })));
});

Deno.test("convertInteger widens NULL to NULL and narrows by wrapping", () => {
  withArena((arena) => {
    const wide = putLongs(arena, [LONG_NULL, 5_000_000_000n, -1n, 0n]);
    const out = arena.alloc(64);
    kernels.convertInteger(5, 4, wide, out, 4);
    assertEquals([...memory.i32.slice(out >> 2, (out >> 2) + 4)], [INT_NULL, 705_032_704, -1, 0]);
    kernels.convertInteger(4, 5, out, wide, 4);
    assertEquals([...memory.i64.slice(wide >> 3, (wide >> 3) + 4)], [
      LONG_NULL,
      705_032_704n,
      -1n,
      0n,
    ]);
  });
});

import fc from "fast-check";
import { ColumnType } from "../../src/common/mod.ts";
import { Arena, fixedVector } from "../../src/wasm/mod.ts";
import { LongKeyTable, TextKeyTable } from "../../src/sql/exec/key_table.ts";
import { sortRows } from "../../src/sql/exec/order.ts";
import { QUERY_MEMORY_BYTES_MAX, QueryMemory } from "../../src/sql/exec/query_memory.ts";
import { readVarchar, VarcharBuilder } from "../../src/sql/functions/mod.ts";
import { LimitError } from "../../src/common/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { testCore } from "./exec_support.ts";

const LONG_NULL = -(2n ** 63n);
const core = testCore();
const { kernels, memory } = core;
const longs = fc.oneof(
  fc.bigInt({ min: -4n, max: 4n }),
  fc.constantFrom(LONG_NULL, 2n ** 63n - 1n, 1n << 40n),
);
const doubles = fc.oneof(fc.integer({ min: -4, max: 4 }), fc.constantFrom(NaN, Infinity, 0.5, -0));

/** Dense ids in order of first appearance. */
function modelIds<T>(values: readonly T[]): number[] {
  const ids = new Map<T, number>();
  return values.map((value) => {
    if (!ids.has(value)) ids.set(value, ids.size);
    return ids.get(value)!;
  });
}

Deno.test("LongKeyTable gives dense ids across growth and batches", () => {
  const query = new QueryMemory(core);
  const table = new LongKeyTable(query);
  const values = Array.from(
    { length: 20_000 },
    (_, i) => BigInt((i * 7919) % 9_001) * 0x1_0000_0001n,
  );
  values[17] = LONG_NULL;
  const ids: number[] = [];
  using arena = new Arena(memory);
  const source = arena.alloc(8 * 5000), out = arena.alloc(4 * 5000);
  for (let low = 0; low < values.length; low += 5000) {
    memory.i64.set(values.slice(low, low + 5000), source >> 3);
    table.intern(source, 5000, out);
    ids.push(...memory.i32.slice(out >> 2, (out >> 2) + 5000));
  }
  assertEquals(ids, modelIds(values));
  const distinct = [...new Set(values)];
  assertEquals([...memory.i64.slice(table.keys >> 3, (table.keys >> 3) + table.count)], distinct);
  query.close();
});

Deno.test("TextKeyTable gives dense ids for short, long and NULL texts across growth", () => {
  const query = new QueryMemory(core);
  const table = new TextKeyTable(query);
  const values = Array.from({ length: 6_000 }, (_, i) => {
    if (i % 101 === 0) return null;
    return `${i % 2 === 0 ? "" : "a rather long prefix, so that texts are split "}${
      (i * 31) % 2_003
    }`;
  });
  const ids: number[] = [];
  for (let low = 0; low < values.length; low += 1000) {
    using arena = new Arena(memory);
    const builder = new VarcharBuilder(arena, 1000);
    for (const value of values.slice(low, low + 1000)) builder.append(value);
    const out = arena.alloc(4000);
    table.intern(builder.finish(ColumnType.VARCHAR), 1000, out);
    ids.push(...memory.i32.slice(out >> 2, (out >> 2) + 1000));
  }
  assertEquals(ids, modelIds(values));
  const texts = table.texts(ColumnType.VARCHAR);
  const distinct = Array.from({ length: table.count }, (_, id) => readVarchar(memory, texts, id));
  assertEquals(distinct, [...new Set(values)]);
  query.close();
});

interface Row {
  readonly id: number;
  readonly long: bigint;
  readonly double: number;
}

const rows = fc.array(
  fc.record({ id: fc.integer({ min: 0, max: 3 }), long: longs, double: doubles }),
  { minLength: 1, maxLength: 60 },
);

function place(arena: Arena, input: readonly Row[]) {
  const ids = arena.alloc(4 * input.length);
  const long = arena.alloc(8 * input.length), double = arena.alloc(8 * input.length);
  memory.i32.set(input.map((row) => row.id), ids >> 2);
  memory.i64.set(input.map((row) => row.long), long >> 3);
  memory.f64.set(input.map((row) => row.double), double >> 3);
  return { ids, long, double };
}

Deno.test("grouped accumulators agree with a model", () => {
  fc.assert(fc.property(rows, (input) => {
    using arena = new Arena(memory);
    const { ids, long, double } = place(arena, input);
    const n = input.length;
    const zeroed = (bytes: number) => {
      const pointer = arena.alloc(bytes);
      memory.u8.fill(0, pointer, pointer + bytes);
      return pointer;
    };
    const sums = zeroed(64), realSums = zeroed(64), counts = zeroed(32);
    const least = zeroed(32), greatest = zeroed(32), realLeast = zeroed(32);
    memory.i64.fill(LONG_NULL, least >> 3, (least >> 3) + 4);
    memory.i64.fill(LONG_NULL, greatest >> 3, (greatest >> 3) + 4);
    memory.f64.fill(NaN, realLeast >> 3, (realLeast >> 3) + 4);
    kernels.sumI64By(long, ids, n, sums);
    kernels.sumF64By(double, ids, n, realSums);
    kernels.countBy(ids, n, counts);
    kernels.minI64By(long, ids, n, least);
    kernels.maxI64By(long, ids, n, greatest);
    kernels.minF64By(double, ids, n, realLeast);
    for (let group = 0; group < 4; group++) {
      const own = input.filter((row) => row.id === group);
      const known = own.map((row) => row.long).filter((value) => value !== LONG_NULL);
      const reals = own.map((row) => row.double).filter(Number.isFinite);
      assertEquals(
        memory.i64[(sums >> 3) + 2 * group],
        BigInt.asIntN(64, known.reduce((a, b) => a + b, 0n)),
      );
      assertEquals(memory.i64[(sums >> 3) + 2 * group + 1], BigInt(known.length));
      assertEquals(
        memory.f64[(realSums >> 3) + 2 * group] + 0,
        reals.reduce((a, b) => a + b, 0) + 0,
      );
      assertEquals(memory.i64[(realSums >> 3) + 2 * group + 1], BigInt(reals.length));
      assertEquals(memory.i64[(counts >> 3) + group], BigInt(own.length));
      const sorted = known.toSorted((a, b) => (a < b ? -1 : 1));
      assertEquals(memory.i64[(least >> 3) + group], sorted[0] ?? LONG_NULL);
      assertEquals(memory.i64[(greatest >> 3) + group], sorted.at(-1) ?? LONG_NULL);
      assertEquals(
        memory.f64[(realLeast >> 3) + group] + 0,
        reals.length === 0 ? NaN : Math.min(...reals) + 0,
      );
    }
  }));
});

Deno.test("accumulators over a run of rows agree with those by group id", () => {
  fc.assert(fc.property(rows, (input) => {
    using arena = new Arena(memory);
    const one = input.map((row) => ({ ...row, id: 0 }));
    const { ids, long, double } = place(arena, one);
    const n = input.length;
    const [a, b] = [arena.alloc(128), arena.alloc(128)];
    for (const pointer of [a, b]) {
      memory.u8.fill(0, pointer, pointer + 128);
      memory.i64.fill(LONG_NULL, (pointer >> 3) + 4, (pointer >> 3) + 6);
      memory.f64.fill(NaN, (pointer >> 3) + 6, (pointer >> 3) + 8);
    }
    kernels.sumI64By(long, ids, n, a);
    kernels.sumF64By(double, ids, n, a + 16);
    kernels.minI64By(long, ids, n, a + 32);
    kernels.maxI64By(long, ids, n, a + 40);
    kernels.minF64By(double, ids, n, a + 48);
    kernels.maxF64By(double, ids, n, a + 56);
    kernels.sumI64Range(long, n, b);
    kernels.sumF64Range(double, n, b + 16);
    kernels.minI64Range(long, n, b + 32);
    kernels.maxI64Range(long, n, b + 40);
    kernels.minF64Range(double, n, b + 48);
    kernels.maxF64Range(double, n, b + 56);
    const read = (pointer: number) => ({
      longs: [...memory.i64.slice(pointer >> 3, (pointer >> 3) + 2)],
      counts: memory.i64[(pointer >> 3) + 3],
      sum: memory.f64[(pointer >> 3) + 2] + 0,
      extremes: [...memory.i64.slice((pointer >> 3) + 4, (pointer >> 3) + 6)],
      reals: [...memory.f64.slice((pointer >> 3) + 6, (pointer >> 3) + 8)].map((value) =>
        value + 0
      ),
    });
    assertEquals(read(b), read(a));
  }));
});

Deno.test("sortRows orders by several keys, NULL longs first, NULL doubles last, ties as they came", () => {
  fc.assert(fc.property(rows, fc.boolean(), fc.boolean(), (input, isFirstDown, isSecondDown) => {
    using arena = new Arena(memory);
    const query = new QueryMemory(core);
    const { long, double } = place(arena, input);
    const keys = [
      { vector: fixedVector(ColumnType.LONG, long), isDescending: isFirstDown },
      { vector: fixedVector(ColumnType.DOUBLE, double), isDescending: isSecondDown },
    ];
    const order = sortRows(query, keys, input.length);
    const rank = (value: number) => Number.isNaN(value) ? [1, 0] : [0, value];
    const compareReal = (a: number, b: number) => {
      const [x, y] = [rank(a), rank(b)];
      return x[0] - y[0] || (x[1] < y[1] ? -1 : x[1] > y[1] ? 1 : 0);
    };
    const wanted = input.map((_, i) => i).sort((i, k) => {
      const a = input[i], b = input[k];
      const first = a.long < b.long ? -1 : a.long > b.long ? 1 : 0;
      const second = compareReal(a.double, b.double);
      return (isFirstDown ? -first : first) || (isSecondDown ? -second : second) || i - k;
    });
    assertEquals([...memory.i32.slice(order >> 2, (order >> 2) + input.length)], wanted);
    query.close();
  }));
});

Deno.test("sortRows orders texts, NULL first", () => {
  using arena = new Arena(memory);
  const query = new QueryMemory(core);
  const values = ["b", null, "a long text that is split", "", "a", "b", null];
  const builder = new VarcharBuilder(arena, values.length);
  for (const value of values) builder.append(value);
  const vector = builder.finish(ColumnType.VARCHAR);
  const order = sortRows(query, [{ vector, isDescending: false }], values.length);
  assertEquals([...memory.i32.slice(order >> 2, (order >> 2) + values.length)], [
    1,
    6,
    3,
    4,
    2,
    0,
    5,
  ]);
  query.close();
});

Deno.test("QueryMemory refuses more than its limit and gives everything back", () => {
  const before = memory.liveBytes;
  const query = new QueryMemory(core);
  query.alloc(1000);
  const error = assertThrows(
    () => query.alloc(QUERY_MEMORY_BYTES_MAX),
    LimitError,
    "query memory limit exceeded",
  );
  assert(error.message.includes(`limit=${QUERY_MEMORY_BYTES_MAX}`));
  query.close();
  assertEquals(query.usedBytes, 0);
  assertEquals(memory.liveBytes, before);
});

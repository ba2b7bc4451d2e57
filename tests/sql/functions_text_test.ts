import fc from "fast-check";
import { ColumnType } from "../../src/common/mod.ts";
import { Arena, type Vector } from "../../src/wasm/mod.ts";
import {
  formatDouble,
  formatFloat,
  likePattern,
  readVarchar,
  VarcharBuilder,
} from "../../src/sql/functions/mod.ts";
import { assertEquals } from "../support/assert.ts";
import { testCore } from "./exec_support.ts";

const { kernels, memory } = testCore();
const encoder = new TextEncoder();
const texts = fc.oneof(
  fc.string({ maxLength: 24 }),
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.constantFrom("", "a", "exactly 9", "exactly 10", "long enough to be split", "юникод"),
);
const nullable = fc.option(texts, { nil: null });

function vectorOf(arena: Arena, values: readonly (string | null)[]): Vector {
  const builder = new VarcharBuilder(arena, values.length);
  for (const value of values) builder.append(value);
  return builder.finish(ColumnType.VARCHAR);
}

/** Lone surrogates have no UTF-8: what comes back is what an encoder makes of them. */
function wellFormed(text: string): string {
  return text.toWellFormed();
}

function readAll(vector: Vector, n: number): (string | null)[] {
  return Array.from({ length: n }, (_, row) => readVarchar(memory, vector, row));
}

Deno.test("VarcharBuilder gives back what was appended", () => {
  fc.assert(fc.property(fc.array(nullable, { minLength: 1, maxLength: 40 }), (values) => {
    using arena = new Arena(memory);
    const wanted = values.map((value) => value === null ? null : wellFormed(value));
    assertEquals(readAll(vectorOf(arena, values), values.length), wanted);
  }));
});

Deno.test("compareVarchar orders by bytes and equals NULL with NULL", () => {
  const order = (a: string, b: string) => {
    const x = encoder.encode(a), y = encoder.encode(b);
    for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return x[i] - y[i];
    return x.length - y.length;
  };
  fc.assert(fc.property(
    fc.array(fc.tuple(nullable, nullable), { minLength: 1, maxLength: 30 }),
    fc.integer({ min: 0, max: 5 }),
    (pairs, op) => {
      using arena = new Arena(memory);
      const a = vectorOf(arena, pairs.map(([x]) => x)),
        b = vectorOf(arena, pairs.map(([, y]) => y));
      const out = arena.alloc(pairs.length);
      kernels.compareVarchar(op, a.data, 16, a.heap, 0, b.data, 16, b.heap, 0, out, pairs.length);
      const model = ([x, y]: readonly [string | null, string | null]) => {
        if (x === null && y === null) return op === 0 || op === 3 || op === 5;
        if (x === null || y === null) return op === 1;
        const d = order(x, y);
        return [d === 0, d !== 0, d < 0, d <= 0, d > 0, d >= 0][op];
      };
      assertEquals(
        [...memory.u8.slice(out, out + pairs.length)],
        pairs.map((pair) => Number(model(pair))),
      );
    },
  ));
});

Deno.test("concatVarchar joins texts and takes NULL for nothing", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(nullable, nullable), { minLength: 1, maxLength: 30 }),
      (pairs) => {
        using arena = new Arena(memory);
        const n = pairs.length;
        const a = vectorOf(arena, pairs.map(([x]) => x)),
          b = vectorOf(arena, pairs.map(([, y]) => y));
        const bound = kernels.concatVarcharBytes(a.data, 16, n) +
          kernels.concatVarcharBytes(b.data, 16, n);
        const data = arena.alloc(16 * n), heap = arena.alloc(bound + 16);
        const heapBytes = kernels.concatVarchar(
          a.data,
          16,
          a.heap,
          0,
          b.data,
          16,
          b.heap,
          0,
          data,
          heap,
          n,
        );
        const joined: Vector = {
          type: ColumnType.VARCHAR,
          data,
          heap,
          heapBytes,
          heapOffset: 0,
          symbols: null,
        };
        assertEquals(
          readAll(joined, n),
          pairs.map(([x, y]) => wellFormed(x ?? "") + wellFormed(y ?? "")),
        );
        assertEquals(kernels.varcharValidate(data, n, 0, heapBytes), -1);
      },
    ),
  );
});

Deno.test("formatI64 prints every int64", () => {
  const longs = fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.constantFrom(0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 999_999_999n, 1_000_000_000n),
  );
  fc.assert(fc.property(fc.array(longs, { minLength: 1, maxLength: 30 }), (values) => {
    using arena = new Arena(memory);
    const n = values.length;
    const source = arena.alloc(8 * n), data = arena.alloc(16 * n), heap = arena.alloc(20 * n);
    memory.i64.set(values, source >> 3);
    const heapBytes = kernels.formatI64(8, source, data, heap, n);
    const vector: Vector = {
      type: ColumnType.VARCHAR,
      data,
      heap,
      heapBytes,
      heapOffset: 0,
      symbols: null,
    };
    assertEquals(
      readAll(vector, n),
      values.map((value) => value === -(2n ** 63n) ? null : String(value)),
    );
  }));
});

Deno.test("varcharLengths counts UTF-16 units", () => {
  fc.assert(fc.property(fc.array(nullable, { minLength: 1, maxLength: 30 }), (values) => {
    using arena = new Arena(memory);
    const vector = vectorOf(arena, values);
    const out = arena.alloc(4 * values.length);
    kernels.varcharLengths(vector.data, vector.heap, 0, out, values.length);
    assertEquals(
      [...memory.i32.slice(out >> 2, (out >> 2) + values.length)],
      values.map((value) => value === null ? -1 : wellFormed(value).length),
    );
  }));
});

Deno.test("formatDouble prints as Java does", () => {
  const cases: [number, string][] = [
    [0, "0.0"],
    [-0, "-0.0"],
    [1, "1.0"],
    [0.1 + 0.2, "0.30000000000000004"],
    [1e7, "1.0E7"],
    [1234567, "1234567.0"],
    [12345678, "1.2345678E7"],
    [0.001, "0.001"],
    [0.0001, "1.0E-4"],
    [-1.5e-10, "-1.5E-10"],
    [1e300, "1.0E300"],
    [2500049967.919, "2.500049967919E9"],
    [1e16, "1.0E16"],
    [1.25e-7, "1.25E-7"],
    [NaN, "NaN"],
    [-Infinity, "-Infinity"],
  ];
  for (const [value, text] of cases) assertEquals(formatDouble(value), text);
  assertEquals(formatFloat(Math.fround(123456789)), "1.23456792E8");
  assertEquals(formatFloat(Math.fround(0.1)), "0.1");
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
    assertEquals(Number(formatDouble(value)), value);
  }));
});

Deno.test("likePattern quotes everything but its wildcards", () => {
  const like = (text: string, pattern: string) => likePattern(pattern, false).test(text);
  assertEquals(like("a.c", "a.c"), true);
  assertEquals(like("abc", "a.c"), false);
  assertEquals(like("a_c", "a\\_c"), true);
  assertEquals(like("abc", "a\\_c"), false);
  assertEquals(like("(a|b)+?", "(_|_)+?"), true);
  assertEquals(like("line\nbreak", "line%"), true);
  assertEquals(likePattern("aB%", true).test("Abc"), true);
  fc.assert(fc.property(texts, (text) => {
    const quoted = text.replace(/[%_\\]/g, "\\$&");
    assertEquals(like(wellFormed(text), wellFormed(quoted)), true);
    assertEquals(like(wellFormed(text), "%"), true);
  }));
});

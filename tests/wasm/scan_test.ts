import fc from "fast-check";
import { INT_NULL, LONG_NULL } from "../../src/common/mod.ts";
import { Arena, createCore } from "../../src/wasm/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";

const { memory, kernels } = createCore();
const lengths = { maxLength: 70 };

Deno.test("the LONG scans leave NULL out and wrap", () => {
  const anyLong = fc.oneof(fc.constant(LONG_NULL), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n));
  fc.assert(fc.property(fc.array(anyLong, lengths), (values) => {
    using arena = new Arena(memory);
    const n = values.length, pointer = arena.alloc(8 * n);
    memory.i64.set(values, pointer / 8);
    const present = values.filter((value) => value !== LONG_NULL);
    assertEquals(kernels.countI64(pointer, n), present.length);
    assertEquals(
      kernels.sumI64(pointer, n),
      BigInt.asIntN(64, present.reduce((sum, value) => sum + value, 0n)),
    );
    assertEquals(
      kernels.minI64(pointer, n),
      present.reduce((a, b) => a < b ? a : b, 2n ** 63n - 1n),
    );
    assertEquals(kernels.maxI64(pointer, n), present.reduce((a, b) => a > b ? a : b, LONG_NULL));
  }));
});

Deno.test("the INT scans leave NULL out and sum as LONG", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constant(INT_NULL), fc.integer()), lengths), (values) => {
      using arena = new Arena(memory);
      const n = values.length, pointer = arena.alloc(4 * n);
      memory.i32.set(values, pointer / 4);
      const present = values.filter((value) => value !== INT_NULL);
      assertEquals(kernels.countI32(pointer, n), present.length);
      assertEquals(
        kernels.sumI32(pointer, n),
        present.reduce((sum, value) => sum + BigInt(value), 0n),
      );
      assertEquals(kernels.minI32(pointer, n), Math.min(0x7fffffff, ...present));
      assertEquals(kernels.maxI32(pointer, n), Math.max(INT_NULL, ...present));
    }),
  );
});

Deno.test("the DOUBLE scans leave NaN out", () => {
  const anyDouble = fc.oneof(
    fc.constant(NaN),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }),
  );
  fc.assert(fc.property(fc.array(anyDouble, lengths), (values) => {
    using arena = new Arena(memory);
    const n = values.length, pointer = arena.alloc(8 * n);
    memory.f64.set(values, pointer / 8);
    const present = values.filter((value) => !Number.isNaN(value));
    assertEquals(kernels.countF64(pointer, n), present.length);
    const sum = present.reduce((a, b) => a + b, 0);
    assert(
      Math.abs(kernels.sumF64(pointer, n) - sum) <= 1e-3,
      `${kernels.sumF64(pointer, n)} is about ${sum}`,
    );
    assert(kernels.minF64(pointer, n) === present.reduce((a, b) => Math.min(a, b), Infinity));
    assert(kernels.maxF64(pointer, n) === present.reduce((a, b) => Math.max(a, b), -Infinity));
  }));
});

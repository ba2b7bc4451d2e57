import { ColumnType, LONG_NULL, SqlError } from "../../src/common/mod.ts";
import { Arena, createCore, fixedVector } from "../../src/wasm/mod.ts";
import { checkNarrowing } from "../../src/sql/ddl/narrowing.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

const { memory } = createCore();

/** Checks LONG or DOUBLE values against a narrower type. */
function check(values: readonly (bigint | number)[], to: number): void {
  using arena = new Arena(memory);
  const data = arena.alloc(8 * values.length);
  const isReal = typeof values[0] === "number";
  for (const [i, value] of values.entries()) {
    if (isReal) memory.f64[(data >> 3) + i] = value as number;
    else memory.i64[(data >> 3) + i] = value as bigint;
  }
  const type = isReal ? ColumnType.DOUBLE : ColumnType.LONG;
  checkNarrowing(fixedVector(type, data), values.length, { type: to, memory });
}

function refusal(values: readonly (bigint | number)[], to: number): string {
  return assertThrows(() => check(values, to), SqlError).message;
}

Deno.test("checkNarrowing() passes whole numbers that fit, and NULL", () => {
  check([0n, -1n, 2147483647n, -2147483648n, LONG_NULL], ColumnType.INT);
  check([9223372036854775807n, LONG_NULL], ColumnType.LONG);
});

Deno.test("checkNarrowing() names the first whole number that does not fit", () => {
  assertEquals(
    refusal([1n, 2147483648n, 5000000000n], ColumnType.INT),
    "inconvertible value: 2147483648 [LONG -> INT]",
  );
  assertEquals(
    refusal([-2147483649n], ColumnType.INT),
    "inconvertible value: -2147483649 [LONG -> INT]",
  );
  // The low word is zero, as in NULL.
  assertEquals(
    refusal([1n << 32n], ColumnType.INT),
    "inconvertible value: 4294967296 [LONG -> INT]",
  );
});

Deno.test("checkNarrowing() cuts fractions before it judges, and takes NaN and infinities as NULL", () => {
  check([1.5, -2147483648.5, 2147483647.9, Number.NaN, Infinity, -Infinity], ColumnType.INT);
  check([9.2e18, -(2 ** 63), Number.NaN], ColumnType.LONG);
  assertEquals(
    refusal([1.5, 1e10], ColumnType.INT),
    "inconvertible value: 10000000000 [LONG -> INT]",
  );
  assertEquals(refusal([1e30], ColumnType.LONG), "inconvertible value: 1.0E30 [DOUBLE -> LONG]");
});

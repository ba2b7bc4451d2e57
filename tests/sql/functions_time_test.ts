import fc from "fast-check";
import { Arena } from "../../src/wasm/mod.ts";
import { floorToStride, nextStride, parseStride } from "../../src/sql/functions/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { testCore } from "./exec_support.ts";

const { kernels, memory } = testCore();
/** Years 1 to 9999. */
const millis = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_000 });
const DAY_MS = 86_400_000;

function isoWeek(date: Date): number {
  const weekday = date.getUTCDay() || 7;
  const thursday = new Date(Math.floor(date.getTime() / DAY_MS) * DAY_MS + (4 - weekday) * DAY_MS);
  const january = new Date(0);
  january.setUTCFullYear(thursday.getUTCFullYear(), 0, 1);
  return Math.floor((thursday.getTime() - january.getTime()) / DAY_MS / 7) + 1;
}

Deno.test("timestampPart agrees with Date from year 1 to 9999", () => {
  using arena = new Arena(memory);
  const a = arena.alloc(8), out = arena.alloc(4);
  const part = (code: number) => {
    kernels.timestampPart(code, a, out, 1);
    return memory.i32[out >> 2];
  };
  fc.assert(fc.property(millis, fc.integer({ min: 0, max: 999 }), (ms, micro) => {
    memory.i64[a >> 3] = BigInt(ms) * 1000n + BigInt(micro);
    const date = new Date(ms);
    const weekday = date.getUTCDay();
    const lastDay = new Date(0);
    lastDay.setUTCFullYear(date.getUTCFullYear(), date.getUTCMonth() + 1, 0);
    assertEquals(
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14].map(part),
      [
        date.getUTCFullYear(),
        date.getUTCMonth() + 1,
        date.getUTCDate(),
        date.getUTCHours(),
        date.getUTCMinutes(),
        date.getUTCSeconds(),
        date.getUTCMilliseconds(),
        micro,
        weekday || 7,
        weekday + 1,
        isoWeek(date),
        lastDay.getUTCDate(),
        Math.floor(date.getUTCMonth() / 3) + 1,
      ],
    );
  }));
  memory.i64[a >> 3] = -(2n ** 63n);
  assertEquals(part(0), -0x80000000);
});

Deno.test("floor kernels agree with floorToStride, and strides tile time", () => {
  using arena = new Arena(memory);
  const a = arena.alloc(8), out = arena.alloc(8);
  const strides = ["U", "100T", "s", "30m", "7h", "d", "3d", "w", "2w", "M", "3M", "7M", "y", "5y"];
  fc.assert(fc.property(millis, fc.constantFrom(...strides), (ms, text) => {
    const stride = parseStride(text)!;
    const micros = BigInt(ms) * 1000n + 7n;
    memory.i64[a >> 3] = micros;
    if (stride.kind === "months") kernels.floorMonthsI64(a, stride.months, 1970, out, 1);
    else kernels.floorI64(a, stride.micros, stride.origin, out, 1);
    const floor = floorToStride(stride, micros);
    assertEquals(memory.i64[out >> 3], floor);
    assert(floor <= micros && micros < nextStride(stride, floor));
    assertEquals(floorToStride(stride, floor), floor);
  }));
});

Deno.test("addMonthsI64 cuts the day to the month's length", () => {
  using arena = new Arena(memory);
  const a = arena.alloc(8), months = arena.alloc(4), out = arena.alloc(8);
  const add = (text: string, count: number) => {
    memory.i64[a >> 3] = BigInt(Date.parse(text)) * 1000n;
    memory.i32[months >> 2] = count;
    kernels.addMonthsI64(a, months, 0, 1, out, 1);
    return new Date(Number(memory.i64[out >> 3] / 1000n)).toISOString();
  };
  assertEquals(add("2024-01-31T10:00:00Z", 1), "2024-02-29T10:00:00.000Z");
  assertEquals(add("2023-01-31T10:00:00Z", 1), "2023-02-28T10:00:00.000Z");
  assertEquals(add("2024-03-31T00:00:00Z", -13), "2023-02-28T00:00:00.000Z");
  assertEquals(add("1969-12-15T23:59:59Z", 1), "1970-01-15T23:59:59.000Z");
});

Deno.test("parseStride refuses what is no stride", () => {
  for (const text of ["", "0h", "h1", "1x", "1.5h", "-1h", "1hh"]) {
    assertEquals(parseStride(text), null);
  }
});

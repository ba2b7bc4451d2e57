import { QuestError } from "../../src/common/mod.ts";
import { TimestampPattern } from "../../src/server/http/timestamp_pattern.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

function parse(pattern: string, text: string): string | null {
  const bytes = new TextEncoder().encode(`<${text}>`);
  const micros = new TimestampPattern(pattern).parse(bytes, 1, bytes.length - 1);
  if (Number.isNaN(micros)) return null;
  const millis = Math.floor(micros / 1000);
  return new Date(millis).toISOString().slice(0, -1) +
    String(micros - millis * 1000).padStart(3, "0");
}

// What the real QuestDB 9.3.4 made of the same pattern and text.
const RECORDED: readonly [string, string, string | null][] = [
  ["yyyy-MM-ddTHH:mm:ss.SSSUUUZ", "2024-01-01T00:00:00.000000Z", "2024-01-01T00:00:00.000000"],
  ["yyyy-MM-ddTHH:mm:ss.SSSUUUZ", "2024-01-01T00:00:00.123456+01:00", "2023-12-31T23:00:00.123456"],
  ["yyyy-MM-ddTHH:mm:ss.SSSUUUZ", "2024-01-01T00:00:00.000Z", null],
  ["yyyy-MM-ddTHH:mm:ss.SSSUUUZ", "2024-01-01", null],
  ["yyyy-MM-dd", "2024-01-02", "2024-01-02T00:00:00.000000"],
  ["yyyy-MM-dd", "2024-1-2", null],
  ["yyyy-MM-dd", "24-01-02", null],
  ["yyyy-MM-dd", "2024-01-02T", null],
  ["d/M/y", "1/2/2024", "2024-02-01T00:00:00.000000"],
  ["d/M/y", "01/02/24", "2024-02-01T00:00:00.000000"],
  ["dd/MM/yyyy HH:mm", "01/02/2024 10:20", "2024-02-01T10:20:00.000000"],
  ["yyyyMMdd HHmmss", "20240102 030405", "2024-01-02T03:04:05.000000"],
  ["yyyy-MM-dd HH:mm:ss.SSS z", "2024-01-02 03:04:05.678 UTC", "2024-01-02T03:04:05.678000"],
  ["yyyy-MM-dd HH:mm:ss.SSS z", "2024-01-02 03:04:05.678 +01:00", "2024-01-02T02:04:05.678000"],
  ["MMM d yyyy", "Jan 2 2024", "2024-01-02T00:00:00.000000"],
  [
    "yyyy-MM-ddTHH:mm:ss.SSSUUUNNNZ",
    "2024-01-02T03:04:05.123456789Z",
    "2024-01-02T03:04:05.123456",
  ],
  ["dd/MM/yyyy hh:mm a", "01/02/2024 10:20 PM", "2024-02-01T22:20:00.000000"],
  ["yyyy-MM-ddTHH:mm:ss.SSSUUU", "2024-01-02T03:04:05.1", null],
  ["yyyy-MM-ddTHH:mm:ss", "2024-01-02T03:04:05", "2024-01-02T03:04:05.000000"],
];

Deno.test("TimestampPattern reads times as the real server did", () => {
  for (const [pattern, text, expected] of RECORDED) {
    assertEquals(parse(pattern, text), expected, `${pattern}: ${text}`);
  }
});

Deno.test("TimestampPattern refuses days and times that do not exist", () => {
  for (
    const text of ["2023-02-29 00:00", "2024-13-01 00:00", "2024-01-00 00:00", "2024-01-01 24:00"]
  ) {
    assertEquals(parse("yyyy-MM-dd HH:mm", text), null, text);
  }
  assertEquals(parse("yyyy-MM-dd HH:mm", "2024-02-29 23:59"), "2024-02-29T23:59:00.000000");
  assertEquals(parse("hh:mm a", "13:00 PM"), null);
  assertEquals(parse("'at' yyyy", "at 2024"), "2024-01-01T00:00:00.000000");
});

Deno.test("TimestampPattern refuses empty and endless patterns", () => {
  for (const pattern of ["", "y".repeat(500)]) {
    assertThrows(() => new TimestampPattern(pattern), QuestError, "invalid timestamp pattern");
  }
  assert(new TimestampPattern("yyyy") instanceof TimestampPattern);
});

import { formatTimestampMicros, LONG_NULL, parseTimestampMicros } from "../../src/common/mod.ts";
import { assertEquals } from "../support/assert.ts";
import fc from "fast-check";

Deno.test("parseTimestampMicros() reads every prefix of an ISO timestamp", () => {
  const cases: [string, string][] = [
    ["2024", "2024-01-01T00:00:00.000000Z"],
    ["2024-03", "2024-03-01T00:00:00.000000Z"],
    ["2024-03-05", "2024-03-05T00:00:00.000000Z"],
    ["2024-03-05T07", "2024-03-05T07:00:00.000000Z"],
    ["2024-03-05T07:08", "2024-03-05T07:08:00.000000Z"],
    ["2024-03-05 07:08:09", "2024-03-05T07:08:09.000000Z"],
    ["2024-03-05T07:08:09.5Z", "2024-03-05T07:08:09.500000Z"],
    ["2024-03-05T07:08:09.123456789Z", "2024-03-05T07:08:09.123456Z"],
    ["2024-03-05T07:08:09+02:00", "2024-03-05T05:08:09.000000Z"],
    ["2024-03-05T07:08:09-0130", "2024-03-05T08:38:09.000000Z"],
    ["1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"],
  ];
  for (const [text, expected] of cases) {
    assertEquals(formatTimestampMicros(parseTimestampMicros(text)!), expected, text);
  }
});

Deno.test("parseTimestampMicros() refuses what is no timestamp", () => {
  for (
    const text of [
      "",
      "abc",
      "2024-13",
      "2024-02-30",
      "2024-01-01T24",
      "2024-01-01T00:60",
      "24-01-01",
      "2024-1-1",
    ]
  ) {
    assertEquals(parseTimestampMicros(text), null, text);
  }
});

Deno.test("formatTimestampMicros() and parseTimestampMicros() are inverse over years 0 to 9999", () => {
  fc.assert(fc.property(fc.bigInt(-62_135_596_800_000_000n, 253_402_300_799_999_999n), (micros) => {
    assertEquals(parseTimestampMicros(formatTimestampMicros(micros)), micros);
  }));
});

Deno.test("formatTimestampMicros() fills up years before 0 in front of their sign, as QuestDB does", () => {
  assertEquals(formatTimestampMicros(-84_900_000_000_000_000n), "0-721-08-17T02:40:00.000000Z");
  assertEquals(formatTimestampMicros(-62_200_000_000_000_000n), "000-2-12-17T14:13:20.000000Z");
  assertEquals(formatTimestampMicros(-99_990_000_000_000_000n), "-1199-06-11T08:00:00.000000Z");
});

Deno.test("formatTimestampMicros() gives an empty text for NULL", () => {
  assertEquals(formatTimestampMicros(LONG_NULL), "");
});

import fc from "fast-check";
import { ByteWriter } from "../../src/server/http/byte_writer.ts";
import { formatDouble } from "../../src/sql/mod.ts";
import { assertEquals } from "../support/assert.ts";

function written(write: (buffer: ByteWriter) => void): string {
  const buffer = new ByteWriter(1); // so small that every write has to make room
  write(buffer);
  return new TextDecoder().decode(buffer.take());
}

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("ByteWriter.double() prints as the real server did", () => {
  const doubles: [number, string][] = [
    [0.1 + 0.2, "0.30000000000000004"],
    [1e7, "1.0E7"],
    [9999999, "9999999.0"],
    [1e-3, "0.001"],
    [0.00099, "9.9E-4"],
    [123456789012, "1.23456789012E11"],
    [1e23, "1.0E23"],
    [5e-324, "5.0E-324"],
    [1.7976931348623157e308, "1.7976931348623157E308"],
    [2.2250738585072014e-308, "2.2250738585072014E-308"],
    [0.002, "0.002"],
    [1234567.125, "1234567.125"],
    [12345678.9, "1.23456789E7"],
    [100, "100.0"],
    [9007199254740993, "9.007199254740992E15"],
    [1e-300, "1.0E-300"],
    [-1e-5, "-1.0E-5"],
    [-0, "-0.0"],
    [0, "0.0"],
    [86401700.09700003, "8.640170009700003E7"],
  ];
  for (const [value, text] of doubles) assertEquals(written((b) => b.double(value)), text);
});

Deno.test("ByteWriter.double() writes what formatDouble() says, on its short cut and beside it", () => {
  const decimals = fc.tuple(fc.integer(), fc.nat(7)).map(([digits, places]) =>
    digits / 10 ** places
  );
  const doubles = fc.oneof(decimals, fc.double({ noNaN: true, noDefaultInfinity: true }));
  fc.assert(
    fc.property(
      doubles,
      (value) => assertEquals(written((b) => b.double(value)), formatDouble(value)),
    ),
    { numRuns: 5000 },
  );
});

Deno.test("ByteWriter.integer() writes every safe integer", () => {
  const whole = fc.oneof(
    fc.maxSafeInteger(),
    fc.integer(),
    fc.constantFrom(0, -0, 9, 10, 999_999_999, 1_000_000_000, 1_000_000_001, -1_000_000_000),
  );
  fc.assert(
    fc.property(whole, (value) => assertEquals(written((b) => b.integer(value)), String(value))),
    { numRuns: 2000 },
  );
});

Deno.test("ByteWriter.jsonText() escapes as JSON.stringify() does", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const bytes = encode(text);
    assertEquals(written((b) => b.jsonText(bytes, 0, bytes.length)), JSON.stringify(text));
  }));
});

Deno.test("ByteWriter.csvText() doubles quotes and escapes control characters, as QuestDB does", () => {
  const bytes = encode('a"b\\c/d\te\n\b\f\u007f€🎉\u0000z');
  assertEquals(
    written((b) => b.csvText(bytes, 0, bytes.length)),
    '"a""b\\\\c/d\\te\\n\\b\\f\u007f€🎉\\u0000z"',
  );
});

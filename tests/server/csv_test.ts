import fc from "fast-check";
import { LimitError } from "../../src/common/mod.ts";
import {
  CsvLineReader,
  FIELDS_MAX,
  fieldText,
  LINE_BYTES_MAX,
} from "../../src/server/http/csv_lines.ts";
import {
  parseDouble,
  parseInt32,
  parseLong,
  parseTimestamp,
} from "../../src/server/http/field_values.ts";
import { parseTimestampMicros } from "../../src/common/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** Reads a document in pieces of `step` bytes. */
function read(text: string, step: number, delimiter = ","): string[][] {
  const bytes = encode(text), rows: string[][] = [];
  const reader = new CsvLineReader(delimiter.charCodeAt(0));
  const collect = (line: Parameters<Parameters<CsvLineReader["finish"]>[0]>[0]) => {
    rows.push(Array.from({ length: line.fieldCount }, (_, field) => fieldText(line, field)));
  };
  for (let at = 0; at < bytes.length; at += step) {
    reader.push(bytes.subarray(at, at + step), collect);
  }
  reader.finish(collect);
  return rows;
}

Deno.test("CsvLineReader reads quotes, doubled quotes, CRLF, empty fields and a last line without end", () => {
  const text = 'a,b,c\r\n1,"x, ""y""\nz",\n,,\n\n"",2,"end"';
  const expected = [["a", "b", "c"], ["1", 'x, "y"\nz', ""], ["", "", ""], ["", "2", "end"]];
  for (const step of [1, 2, 3, 7, 1000]) assertEquals(read(text, step), expected, `step ${step}`);
});

Deno.test("CsvLineReader gives back what was written, however the bytes are cut", () => {
  const field = fc.string({
    unit: fc.constantFrom("a", "é", ",", '"', "\n", " ", "0", "🐎"),
    maxLength: 8,
  });
  const rows = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { maxLength: 8 });
  fc.assert(fc.property(rows, fc.integer({ min: 1, max: 20 }), (values, step) => {
    const text = values.map((row) =>
      row.map((value) => `"${value.replaceAll('"', '""')}"`).join(",")
    ).join("\n");
    assertEquals(read(text, step), values);
  }));
});

Deno.test("CsvLineReader limits lines and fields", () => {
  const reader = new CsvLineReader(44);
  assertThrows(
    () => reader.push(new Uint8Array(LINE_BYTES_MAX + 1).fill(65), () => {}),
    LimitError,
    "line is too long",
  );
  const many = new CsvLineReader(44);
  assertThrows(
    () => many.push(encode(",".repeat(FIELDS_MAX) + "\n"), () => {}),
    LimitError,
    "too many fields",
  );
});

Deno.test("parseLong() agrees with BigInt and refuses what is none", () => {
  const halves = { low: 0, high: 0 };
  const value = () => (BigInt(halves.high) << 32n) + BigInt(halves.low);
  fc.assert(fc.property(fc.bigInt(-(2n ** 63n) + 1n, 2n ** 63n - 1n), (expected) => {
    const bytes = encode(`x${expected}y`);
    assert(parseLong(bytes, 1, bytes.length - 1, halves));
    assertEquals(value(), expected);
  }));
  for (
    const text of [
      "",
      "-",
      "1.5",
      "1e3",
      "12a",
      "9223372036854775808",
      "-9223372036854775809",
      "1__0",
      "1".repeat(30),
      "1".repeat(1000),
    ]
  ) {
    assertEquals(parseLong(encode(text), 0, text.length, halves), false, text);
  }
});

Deno.test("parseLong() takes groups of digits and a suffix, as QuestDB", () => {
  const halves = { low: 0, high: 0 };
  for (const [text, value] of [["1_000", 1000n], ["12L", 12n], ["+7", 7n]] as const) {
    assert(parseLong(encode(text), 0, text.length, halves));
    assertEquals((BigInt(halves.high) << 32n) + BigInt(halves.low), value);
  }
});

Deno.test("parseInt32() takes int32 and nothing else", () => {
  const parse = (text: string) => parseInt32(encode(text), 0, encode(text).length);
  for (const value of [0, 1, -1, 2147483647, -2147483648]) {
    assertEquals(parse(String(value)), value);
  }
  assertEquals(parse("1_0"), 10);
  assertEquals(parse("+1"), 1);
  for (const text of ["", "-", "2147483648", "1.0", "1L", " 1", "9".repeat(500)]) {
    assert(Number.isNaN(parse(text)), text);
  }
});

Deno.test("parseDouble() is exactly Number() for decimal texts", () => {
  const texts = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.tuple(fc.integer(), fc.nat(999_999)).map(([a, b]) => `${a}.${String(b).padStart(6, "0")}`),
  );
  fc.assert(
    fc.property(
      texts,
      (text) => assert(Object.is(parseDouble(encode(text), 0, text.length), Number(text)), text),
    ),
  );
  for (const text of ["", ".", "-", "abc", "1,5", "0x10", "1e", "infinity", "1e400", "1e-400"]) {
    assertEquals(parseDouble(encode(text), 0, text.length), undefined, text);
  }
  // What the real server took for a double, too.
  const others: [string, number][] = [["NaN", NaN], ["-Infinity", -Infinity], [" 1.5 ", 1.5], [
    "1f",
    1,
  ]];
  for (const [text, value] of others) {
    assert(Object.is(parseDouble(encode(text), 0, text.length), value), text);
  }
});

Deno.test("parseTimestamp() agrees with parseTimestampMicros()", () => {
  const halves = { low: 0, high: 0 };
  const check = (text: string) => {
    const expected = parseTimestampMicros(text);
    assertEquals(
      parseTimestamp(encode(text), 0, encode(text).length, halves),
      expected !== null,
      text,
    );
    if (expected !== null) {
      assertEquals((BigInt(halves.high) << 32n) + BigInt(halves.low), expected, text);
    }
  };
  const date = fc.date({
    min: new Date("0001-01-01T00:00:00Z"),
    max: new Date("9999-12-31T23:59:59Z"),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(
      date,
      fc.constantFrom("Z", "", "123Z", "+01:00"),
      (moment, tail) => check(moment.toISOString().slice(0, -1) + tail),
    ),
  );
  for (
    const text of [
      "2024-02-29T00:00:00",
      "2023-02-29T00:00:00",
      "2024-13-01T00:00:00",
      "2024-01-01 24:00:00",
      "2024-01-01T00:00:00x",
    ]
  ) {
    check(text);
  }
});

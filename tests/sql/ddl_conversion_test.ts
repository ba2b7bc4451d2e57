import { ColumnType, SqlError } from "../../src/common/mod.ts";
import { convertScalar, isInsertable } from "../../src/sql/ddl/implicit_conversion.ts";
import { findSuspectTimestamp, timestampFault } from "../../src/sql/ddl/insert_target.ts";
import { literalValue } from "../../src/sql/ddl/literal_value.ts";
import { expressionToken } from "../../src/sql/ddl/expression_token.ts";
import { isValidTableName } from "../../src/sql/ddl/table_name.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { parseExpression } from "./render.ts";

const { BOOLEAN, CHAR, DATE, DOUBLE, INT, LONG, NULL, STRING, SYMBOL, TIMESTAMP, VARCHAR } =
  ColumnType;

Deno.test("literalValue() types constants as QuestDB does", () => {
  const cases: [string, number, unknown][] = [
    ["1", INT, 1],
    ["-1", INT, -1],
    ["2147483647", INT, 2147483647],
    ["1_000", INT, 1000],
    ["2147483648", LONG, 2147483648n],
    ["-2147483648", LONG, -2147483648n],
    ["5L", LONG, 5n],
    ["9223372036854775807", LONG, 9223372036854775807n],
    ["9223372036854775808", DOUBLE, 9223372036854775808],
    ["1.5", DOUBLE, 1.5],
    [".5", DOUBLE, 0.5],
    ["1.", DOUBLE, 1],
    ["1e5", DOUBLE, 100000],
    ["-0.0", DOUBLE, -0],
    ["'a'", CHAR, "a"],
    ["'ab'", STRING, "ab"],
    ["''", STRING, ""],
    ["true", BOOLEAN, true],
    ["null", NULL, null],
    ["NaN", NULL, null],
  ];
  for (const [text, type, value] of cases) {
    assertEquals(literalValue(parseExpression(text)), { type, value } as never, text);
  }
  for (
    const text of ["1 + 1", "now()", "0xff", "1.5f", "1x", "-'a'", "-x", "99999999999999999999L"]
  ) {
    assertEquals(literalValue(parseExpression(text)), null, text);
  }
});

Deno.test("isInsertable() knows which types INSERT converts", () => {
  assertEquals(
    [LONG, DOUBLE, TIMESTAMP, DATE, CHAR, STRING, NULL].map((t) => isInsertable(t, INT)),
    [
      true,
      true,
      true,
      true,
      true,
      true,
      true,
    ],
  );
  assertEquals([BOOLEAN, SYMBOL].map((t) => isInsertable(t, INT)), [false, false]);
  assertEquals([INT, STRING, NULL, BOOLEAN].map((t) => isInsertable(t, BOOLEAN)), [
    false,
    false,
    true,
    true,
  ]);
  assertEquals([INT, DOUBLE, STRING, BOOLEAN].map((t) => isInsertable(t, TIMESTAMP)), [
    true,
    false,
    true,
    false,
  ]);
  assertEquals([INT, CHAR, VARCHAR].map((t) => isInsertable(t, SYMBOL)), [false, true, true]);
  assertEquals([INT, SYMBOL, CHAR].map((t) => isInsertable(t, VARCHAR)), [false, true, true]);
});

Deno.test("convertScalar() converts what fits", () => {
  const cases: [unknown, number, number, unknown][] = [
    ["12", STRING, INT, 12],
    ["1_000", STRING, INT, 1000],
    ["+7", STRING, INT, 7],
    ["7", CHAR, LONG, 7n],
    ["5L", STRING, LONG, 5n],
    [-1.9, DOUBLE, INT, -1],
    [2147483647.5, DOUBLE, INT, 2147483647],
    [-2147483648n, LONG, INT, null],
    [Number.NaN, DOUBLE, LONG, null],
    [1704067200000000n, TIMESTAMP, DOUBLE, 1704067200000000],
    [" 1.5", STRING, DOUBLE, 1.5],
    ["Infinity", STRING, DOUBLE, Infinity],
    ["NaN", STRING, DOUBLE, null],
    ["2024", STRING, TIMESTAMP, 1704067200000000n],
    [1704067200000n, DATE, TIMESTAMP, 1704067200000000n],
    [5, INT, TIMESTAMP, 5n],
    [null, NULL, BOOLEAN, false],
    [null, NULL, INT, null],
    ["", STRING, VARCHAR, ""],
    ["x", CHAR, SYMBOL, "x"],
  ];
  for (const [value, from, to, expected] of cases) {
    assertEquals(convertScalar(value as never, from, to), expected as never, `${value} -> ${to}`);
  }
});

Deno.test("convertScalar() refuses what does not fit in QuestDB's words", () => {
  const cases: [unknown, number, number, string][] = [
    ["abc", STRING, INT, "inconvertible value: `abc` [STRING -> INT]"],
    ["a", CHAR, INT, "inconvertible value: a [CHAR -> INT]"],
    ["", STRING, INT, "inconvertible value: `` [STRING -> INT]"],
    [" 12", STRING, INT, "inconvertible value: ` 12` [STRING -> INT]"],
    ["1.5", STRING, INT, "inconvertible value: `1.5` [STRING -> INT]"],
    ["3000000000", STRING, INT, "inconvertible value: `3000000000` [STRING -> INT]"],
    [3000000000n, LONG, INT, "inconvertible value: 3000000000 [LONG -> INT]"],
    [1e10, DOUBLE, INT, "inconvertible value: 10000000000 [LONG -> INT]"],
    [1e30, DOUBLE, LONG, "inconvertible value: 1.0E30 [DOUBLE -> LONG]"],
    [9.3e18, DOUBLE, LONG, "inconvertible value: 9.3E18 [DOUBLE -> LONG]"],
    [-(2 ** 63), DOUBLE, LONG, "inconvertible value: -9.223372036854776E18 [DOUBLE -> LONG]"],
    ["1.5f", STRING, DOUBLE, "inconvertible value: `1.5f` [STRING -> DOUBLE]"],
    ["2024-02-30", STRING, TIMESTAMP, "inconvertible value: `2024-02-30` [STRING -> TIMESTAMP]"],
    [" 2024", STRING, TIMESTAMP, "inconvertible value: ` 2024` [STRING -> TIMESTAMP]"],
  ];
  for (const [value, from, to, message] of cases) {
    const error = assertThrows(() => convertScalar(value as never, from, to), SqlError);
    assertEquals([error.message, error.position], [message, 0]);
  }
});

Deno.test("timestampFault() keeps designated timestamps between 1970 and 9999", () => {
  assertEquals(timestampFault(0n), null);
  assertEquals(timestampFault(253402300799999999n), null);
  assertEquals(timestampFault(null), "designated timestamp column cannot be NULL");
  assertEquals(timestampFault(-1n), "designated timestamp before 1970-01-01 is not allowed");
  assertEquals(
    timestampFault(253402300800000000n),
    "designated timestamp beyond 9999-12-31 is not allowed",
  );
});

Deno.test("findSuspectTimestamp() finds every value out of range by its high word", () => {
  const find = (values: bigint[]) =>
    findSuspectTimestamp(new Int32Array(new BigInt64Array(values).buffer), values.length);
  assertEquals(find([0n, 1704067200000000n]), -1);
  assertEquals(find([0n, -1n]), 1);
  assertEquals(find([-(1n << 63n)]), 0);
  assertEquals(find([1n, 2n, 253402300800000000n]), 2);
});

Deno.test("expressionToken() is what QuestDB quotes in type errors", () => {
  const tokens = [
    "'abc'",
    "1L",
    "now()",
    "-1",
    "1+1",
    "a||b",
    "case when 1=1 then 5 end",
    "x::int",
  ];
  assertEquals(tokens.map((text) => expressionToken(parseExpression(text))), [
    "'abc'",
    "1L",
    "now",
    "-",
    "+",
    "concat",
    "case",
    "cast",
  ]);
});

Deno.test("isValidTableName() follows QuestDB's rules", () => {
  for (const name of ["t", "a b", "a.b.c", "имя", "a-b", "sys.x"]) {
    assertEquals(isValidTableName(name, 127), true, name);
  }
  for (
    const name of [
      "",
      " ",
      " a",
      "a ",
      ".a",
      "a.",
      "a..b",
      "a?b",
      "a%b",
      "a/b",
      "a\\b",
      "a'b",
      "a\u0001",
    ]
  ) {
    assertEquals(isValidTableName(name, 127), false, name);
  }
  assertEquals(isValidTableName("x".repeat(128), 127), false);
});

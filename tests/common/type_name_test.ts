import {
  arrayType,
  ColumnType,
  decimalType,
  fixedSize,
  geohashType,
  isStoredType,
  typeFromName,
  typeName,
  UnsupportedTypeError,
} from "../../src/common/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";

Deno.test("typeFromName() reads what typeName() writes, for every type and parameter", () => {
  const codes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 18, 19, 24, 25, 26];
  codes.push(ColumnType.TIMESTAMP_NS);
  for (let bits = 1; bits <= 60; bits++) codes.push(geohashType(bits));
  for (let dimensions = 1; dimensions <= 32; dimensions++) codes.push(arrayType(dimensions));
  for (let precision = 1; precision <= 76; precision++) {
    for (const scale of [0, 1, precision]) codes.push(decimalType(precision, scale));
  }
  for (const code of codes) {
    assertEquals(typeFromName(typeName(code)), code, typeName(code));
    assertEquals(typeFromName(typeName(code).toLowerCase()), code);
    assertEquals(typeName(-code), typeName(code));
    assert(isStoredType(code) && isStoredType(-code), typeName(code));
  }
});

Deno.test("type codes have QuestDB's names, bits and widths", () => {
  const types: [name: string, code: number, bytes: number][] = [
    ["GEOHASH(1c)", 14 | (5 << 8) | (1 << 16), 1],
    ["GEOHASH(7b)", 14 | (7 << 8) | (1 << 16), 1],
    ["GEOHASH(8b)", 15 | (8 << 8) | (1 << 16), 2],
    ["GEOHASH(6c)", 16 | (30 << 8) | (1 << 16), 4],
    ["GEOHASH(12c)", 17 | (60 << 8) | (1 << 16), 8],
    ["DOUBLE[]", 27 | (10 << 8), 0],
    ["DOUBLE[][]", 27 | (10 << 8) | (1 << 14), 0],
    ["DECIMAL(2,1)", 28 | (2 << 8) | (1 << 18), 1],
    ["DECIMAL(18,4)", 31 | (18 << 8) | (4 << 18), 8],
    ["DECIMAL(76,20)", 33 | (76 << 8) | (20 << 18), 32],
    ["TIMESTAMP_NS", 8 | (1 << 18), 8],
    ["IPv4", 25, 4],
    ["UUID", 19, 16],
    ["LONG256", 13, 32],
  ];
  for (const [name, code, bytes] of types) {
    assertEquals([typeName(code), typeFromName(name), fixedSize(code)], [name, code, bytes]);
  }
});

Deno.test("isStoredType() refuses what no column has", () => {
  const bad = [0, 20, 39, 41, 99, 6 | (1 << 8), 27, 14 | (61 << 8), 17 | (3 << 8), 28 | (40 << 8)];
  for (const code of bad) assert(!isStoredType(code), String(code));
  for (
    const name of [
      "GEOHASH(0c)",
      "GEOHASH(13c)",
      "DECIMAL(77,0)",
      "DECIMAL(5,6)",
      "INT[]",
      "NULL",
      "x",
    ]
  ) {
    assertEquals(typeFromName(name), undefined, name);
  }
  const { message } = new UnsupportedTypeError("c", 41);
  assert(message.includes("column=c") && message.includes("NULL"), message);
});

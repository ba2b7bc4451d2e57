import {
  parseTimestampMicros,
  PartitionBy,
  partitionCeil,
  partitionDirName,
  partitionFloor,
} from "../../src/common/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import fc from "fast-check";

const at = (text: string) => parseTimestampMicros(text)!;

Deno.test("partitionDirName() names whole partitions by unit", () => {
  const moment = at("2024-03-01T13:00");
  const name = (unit: number) => partitionDirName(unit, partitionFloor(unit, moment));
  assertEquals(name(PartitionBy.HOUR), "2024-03-01T13");
  assertEquals(name(PartitionBy.DAY), "2024-03-01");
  assertEquals(name(PartitionBy.WEEK), "2024-W09");
  assertEquals(name(PartitionBy.MONTH), "2024-03");
  assertEquals(name(PartitionBy.YEAR), "2024");
  assertEquals(name(PartitionBy.NONE), "default");
});

Deno.test("partitionDirName() uses the ISO week year around new year", () => {
  const name = (text: string) =>
    partitionDirName(PartitionBy.WEEK, partitionFloor(PartitionBy.WEEK, at(text)));
  assertEquals(name("2023-01-01"), "2022-W52");
  assertEquals(name("2024-12-31"), "2025-W01");
  assertEquals(name("2020-12-31"), "2020-W53");
});

Deno.test("partitionDirName() names split partitions at full resolution", () => {
  assertEquals(
    partitionDirName(PartitionBy.DAY, at("2024-01-05T13:30:05.000123Z")),
    "2024-01-05T133005-000123",
  );
  assertEquals(partitionDirName(PartitionBy.DAY, at("2024-01-05T13:00:00Z")), "2024-01-05T13");
  assertEquals(
    partitionDirName(PartitionBy.DAY, at("2024-09-07T00:00:00.500001Z")),
    "2024-09-07T000000-500001",
  );
  assertEquals(partitionDirName(PartitionBy.MONTH, at("2024-01-05")), "2024-01-05");
});

Deno.test("partitionFloor() and partitionCeil() bracket every timestamp", () => {
  const units = [
    PartitionBy.HOUR,
    PartitionBy.DAY,
    PartitionBy.WEEK,
    PartitionBy.MONTH,
    PartitionBy.YEAR,
  ];
  fc.assert(fc.property(
    fc.bigInt(at("0001-01-01"), at("9998-12-31")),
    fc.constantFrom(...units),
    (micros, unit) => {
      const floor = partitionFloor(unit, micros), ceil = partitionCeil(unit, micros);
      assert(floor <= micros && micros < ceil, `${floor} <= ${micros} < ${ceil}`);
      assertEquals(partitionFloor(unit, ceil - 1n), floor);
      assertEquals(partitionFloor(unit, ceil), ceil);
    },
  ));
});

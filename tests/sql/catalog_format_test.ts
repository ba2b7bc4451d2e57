import { formatByteSize } from "../../src/sql/catalog/byte_size.ts";
import { describeTtl } from "../../src/sql/catalog/ttl.ts";
import { assertEquals } from "../support/assert.ts";

Deno.test("formatByteSize() prints as QuestDB does", () => {
  assertEquals([0, 576, 12864, 262144, 50331648, 2 ** 31].map(formatByteSize), [
    "0.0 B",
    "576.0 B",
    "12.6 KiB",
    "256.0 KiB",
    "48.0 MiB",
    "2.0 GiB",
  ]);
});

Deno.test("describeTtl() takes the largest unit that divides", () => {
  const text = (ttl: number) => `${describeTtl(ttl).value} ${describeTtl(ttl).unit}`;
  assertEquals([0, 2, 24, 72, 168, 336, -1, -12, -18].map(text), [
    "0 HOUR",
    "2 HOUR",
    "1 DAY",
    "3 DAY",
    "1 WEEK",
    "2 WEEK",
    "1 MONTH",
    "1 YEAR",
    "18 MONTH",
  ]);
});

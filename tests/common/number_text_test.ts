import { assertEquals } from "../support/assert.ts";
import { formatFloat } from "../../src/common/mod.ts";

Deno.test("formatFloat takes the even digit halfway between two, as QuestDB 9.3.4 shows", () => {
  const texts: readonly (readonly [number, string])[] = [
    [157.265625, "157.26562"],
    [-481.203125, "-481.20312"],
    [1239.828125, "1239.8281"],
    [-1045.65625, "-1045.6562"],
    [1064.90625, "1064.9062"],
    [129.796875, "129.79688"],
    [0.1, "0.1"],
    [1 / 3, "0.33333334"],
    [1e10, "1.0E10"],
    [3.4e38, "3.4E38"],
    [-0, "-0.0"],
    [5.5, "5.5"],
    [1.5e-5, "1.5E-5"],
  ];
  for (const [value, text] of texts) assertEquals(formatFloat(Math.fround(value)), text);
});

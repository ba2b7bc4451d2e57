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

Deno.test("formatFloat gives the digits of Java 17 where they are not the fewest", () => {
  // Answers of QuestDB 9.3.4, and of java.lang.Float.toString where a FLOAT cannot be written as a literal.
  const texts: readonly (readonly [number, string])[] = [
    [2147483647, "2.14748365E9"],
    [1535146123, "1.53514611E9"],
    [1724537950000000, "1.72453795E15"],
    [1684073310000000000, "1.68407331E18"],
    [2 ** 83, "9.6714065E24"],
    [2 ** -126, "1.17549435E-38"],
    [2 ** -149, "1.4E-45"],
    [16777216, "1.6777216E7"],
    [3.4028235e38, "3.4028235E38"],
    [9999999, "9999999.0"],
    [1e7, "1.0E7"],
    [0.001, "0.001"],
    [9.999e-4, "9.999E-4"],
  ];
  for (const [value, text] of texts) {
    assertEquals(formatFloat(Math.fround(value)), text);
    assertEquals(formatFloat(-Math.fround(value)), `-${text}`);
  }
});

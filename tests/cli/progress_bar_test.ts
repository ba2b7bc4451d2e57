import { formatBytes, ProgressBar } from "../../src/cli/progress_bar.ts";
import { formatTable } from "../../src/cli/text_table.ts";
import { assertEquals } from "../support/assert.ts";

Deno.test("ProgressBar paints one line over, ends it, and repeats nothing", () => {
  let text = "";
  {
    using bar = new ProgressBar("restore", (part) => text += part);
    bar.showBytes(0, 2000);
    bar.showBytes(1500, 2000);
    bar.showBytes(1500, 2000);
    bar.showPercent(100);
  }
  assertEquals(text.split("\r"), [
    "",
    `restore  [${".".repeat(24)}]    0 %  0 B of 2.0 kB`,
    `restore  [${"#".repeat(18)}${".".repeat(6)}]   75 %  1.5 kB of 2.0 kB`,
    `restore  [${"#".repeat(24)}]  100 %${" ".repeat(18)}\n`,
  ]);
});

Deno.test("ProgressBar shows nothing where there is no terminal", () => {
  using bar = new ProgressBar("restore", null);
  bar.showBytes(1, 2);
});

Deno.test("formatBytes and formatTable lay out for people", () => {
  assertEquals([999, 1000, 1_234_567, 5e15].map(formatBytes), [
    "999 B",
    "1.0 kB",
    "1.2 MB",
    "5000.0 TB",
  ]);
  assertEquals(
    formatTable([["name", "count"], ["a", 5], ["bcdef", 123456]]),
    "name    count\na           5\nbcdef  123456\n",
  );
});

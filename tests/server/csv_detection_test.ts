/**
 * CSV detection compared with what a real QuestDB 9.3.4 answered to the same documents: delimiter, header, names and types.
 */
import { QuestError, typeName } from "../../src/common/mod.ts";
import { columnName, detectShape } from "../../src/server/http/csv_sample.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import recorded from "./testdata/questdb_csv_detection.json" with { type: "json" };

interface Recorded {
  readonly csv: string;
  readonly parameters?: { readonly forceHeader?: string; readonly delimiter?: string };
  readonly answer: {
    readonly status?: string;
    readonly header?: boolean;
    readonly columns?: readonly (readonly [string, string, number])[];
  };
}

/** Documents on which this server differs on purpose. */
const DIFFERENT = new Set([
  // QuestDB cuts at the space: dates with times in semicolon files would fall apart.
  "1;2 3\n4;5 6\n",
]);

function detect({ csv, parameters = {} }: Pick<Recorded, "csv" | "parameters">) {
  return detectShape(new TextEncoder().encode(csv), {
    tableName: "T",
    delimiter: parameters.delimiter ?? null,
    forceHeader: parameters.forceHeader === "true",
    timestamp: null,
    isWhole: true,
  });
}

Deno.test("detectShape() answers as the real server did", () => {
  const failures: string[] = [];
  for (const entry of recorded as unknown as Recorded[]) {
    if (DIFFERENT.has(entry.csv)) continue;
    const { status, header, columns } = entry.answer;
    let actual: unknown, expected: unknown;
    if (status !== undefined) {
      expected = status;
      try {
        const shape = detect(entry);
        actual = shape.names;
      } catch (error) {
        if (!(error instanceof QuestError)) throw error;
        actual = error.message;
      }
    } else {
      const shape = detect(entry);
      actual = [
        shape.hasHeader,
        shape.names.map((name, i) => [name, typeName(shape.probes[i].type)]),
      ];
      expected = [header, columns!.map(([name, type]) => [name, type])];
    }
    if (JSON.stringify(actual) !== JSON.stringify(expected)) {
      failures.push(
        `${JSON.stringify(entry.csv.slice(0, 80))}: ${JSON.stringify(actual)}, ` +
          `the real server: ${JSON.stringify(expected)}`,
      );
    }
  }
  assertEquals(failures, []);
});

Deno.test("detectShape() takes a document without any delimiter as one column", () => {
  const shape = detect({ csv: "name\nbob\nalexander\n", parameters: { forceHeader: "true" } });
  assertEquals(shape.names, ["name"]);
  assertEquals(shape.probes.map((probe) => typeName(probe.type)), ["VARCHAR"]);
});

Deno.test("detectShape() refuses lines that do not agree on a delimiter", () => {
  assertThrows(() => detect({ csv: "a,b\n1,2,3,4\nx\n" }), QuestError, "min deviation is too high");
});

Deno.test("columnName() drops what a column name cannot have", () => {
  assertEquals(columnName("1st (big) value"), "_1stBigValue");
  assertEquals(columnName("..."), "");
});

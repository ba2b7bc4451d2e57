/**
 * Queries with the answers that QuestDB 9.3.5 gave: names, types, values, error texts and positions.
 *
 * A floor per group stands for what is not built yet (arrays, decimals, geohashes, UUIDs, windows …); it only ever goes up.
 *
 * @module
 */
import { formatTimestampMicros, SqlError, typeName } from "../../src/common/mod.ts";
import { formatDateMillis, type ScalarValue, valueReader } from "../../src/sql/functions/mod.ts";
import { assert } from "../support/assert.ts";
import golden from "../golden/sql_exec.json" with { type: "json" };
import { EngineFixture } from "./engine_fixture.ts";

interface Recorded {
  readonly group: string;
  readonly sql: string;
  readonly columns?: string[];
  readonly timestamp?: number;
  readonly rows?: unknown[][];
  readonly error?: string;
  readonly position?: number;
  readonly ddl?: boolean;
}

/** Queries answered exactly like the reference, at least, by group. */
const FLOORS: Readonly<Record<string, number>> = {
  fixtures: 4,
  version: 9,
  "types.literals": 4,
  aggregates: 24,
  sampleby: 20,
  lateston: 7,
  case_cond: 3,
  strings: 7,
  dates: 9,
  intervals: 19,
  filters: 16,
  orderlimit: 12,
  setops_cte: 6,
  expr: 214,
  "misc.select": 6,
};

/** 2026-05-28: behind all recorded rows. */
const NOW = 1_780_000_000_000_000n;

/** A value as /exec's JSON has it. */
function jsonValue(value: ScalarValue, type: string): unknown {
  if (type === "TIMESTAMP" && value !== null) return formatTimestampMicros(value as bigint);
  if (type === "DATE" && value !== null) return formatDateMillis(value as bigint);
  if (type === "CHAR" && value === null) return "";
  return typeof value === "bigint" ? Number(value) : value;
}

async function answer(fixture: EngineFixture, sql: string): Promise<Recorded> {
  try {
    const result = await fixture.sql.execute(sql, { ...fixture.context(), now: NOW });
    if (result.kind !== "rows") return { group: "", sql, ddl: true };
    const { cursor } = result;
    const types = cursor.columns.map((column) => typeName(column.type));
    const rows: unknown[][] = [];
    try {
      for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
        const readers = batch.vectors.map((vector) =>
          valueReader(fixture.engine.core.memory, vector)
        );
        for (let row = 0; row < batch.rowCount; row++) {
          rows.push(readers.map((read, i) => jsonValue(read(row), types[i])));
        }
      }
    } finally {
      cursor.close();
    }
    const columns = cursor.columns.map((column, i) => `${column.name} ${types[i]}`);
    return { group: "", sql, columns, timestamp: cursor.timestampIndex, rows };
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return { group: "", sql, error: error.message, position: error.position };
  }
}

/** Rows in an order of their own, unless the query asks for one. */
function comparable(recorded: Recorded, sql: string): string {
  const { columns, timestamp, error, position, ddl } = recorded;
  const rows = recorded.rows?.map((row) => JSON.stringify(row));
  if (!/order by|sample by/i.test(sql)) rows?.sort();
  return JSON.stringify({ columns, timestamp, rows, error, position, ddl });
}

Deno.test("planQuery answers recorded queries like the reference", async () => {
  await using fixture = await EngineFixture.open();
  const passed: Record<string, number> = {};
  const failures: string[] = [];
  for (const expected of golden as Recorded[]) {
    const actual = await answer(fixture, expected.sql);
    for (const token of fixture.engine.tables()) await fixture.engine.waitApplied(token);
    const isEqual = comparable(actual, expected.sql) === comparable(expected, expected.sql);
    passed[expected.group] = (passed[expected.group] ?? 0) + (isEqual ? 1 : 0);
    if (!isEqual) {
      failures.push(
        `${expected.group}: ${expected.sql}\n  got  ${comparable(actual, expected.sql)}\n  want ${
          comparable(expected, expected.sql)
        }`,
      );
    }
  }
  if (Deno.env.get("SHOW_FAILURES") !== undefined) console.log(failures.join("\n"), passed);
  for (const [group, floor] of Object.entries(FLOORS)) {
    assert(
      (passed[group] ?? 0) >= floor,
      `${group}: ${passed[group]} of ${floor}\n${
        failures.filter((f) => f.startsWith(group)).join("\n")
      }`,
    );
  }
});

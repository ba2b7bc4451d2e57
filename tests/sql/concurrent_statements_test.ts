import { assertEquals } from "../support/assert.ts";
import { EngineFixture } from "./engine_fixture.ts";

/** Runs a statement and, where it first gives up control between batches, starts others beside it. */
async function runBeside(
  fixture: EngineFixture,
  sql: string,
  others: readonly string[],
): Promise<void> {
  const started: Promise<unknown>[] = [];
  const context = {
    ...fixture.context(),
    yieldIfDue: async () => {
      if (started.length === 0) {
        for (const other of others) started.push(fixture.sql.execute(other, fixture.context()));
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    },
  };
  await fixture.sql.execute(sql, context);
  assertEquals(started.length, others.length);
  await Promise.all(started);
}

const TABLE = "(ts timestamp, x long) timestamp(ts) partition by day";
const ROWS = "select timestamp_sequence('2024-01-01', 1000000L) ts, x from long_sequence(100000)";

for (const mode of ["wal", "bypass wal"]) {
  Deno.test(`TRUNCATE waits for an INSERT SELECT in flight: ${mode}`, async () => {
    await using fixture = await EngineFixture.open();
    await fixture.run(`create table t ${TABLE} ${mode}`);
    await runBeside(fixture, `insert into t ${ROWS}`, ["truncate table t"]);
    assertEquals((await fixture.query("select count() from t")).rows, [[0n]]);
  });

  Deno.test(`ALTER and UPDATE wait for an INSERT SELECT in flight: ${mode}`, async () => {
    await using fixture = await EngineFixture.open();
    await fixture.run(`create table t ${TABLE} ${mode}`);
    await runBeside(fixture, `insert atomic into t ${ROWS}`, [
      "alter table t add column y int",
      "update t set x = 0 where x <= 10",
      "alter table t drop column x",
    ]);
    assertEquals((await fixture.query("select count(), sum(y) from t")).rows, [[100_000n, null]]);
  });
}

Deno.test("nobody writes into a table that CREATE TABLE AS still fills", async () => {
  await using fixture = await EngineFixture.open();
  await runBeside(
    fixture,
    `create table t as (${ROWS}) timestamp(ts) partition by day`,
    ["insert into t values ('2030-01-01', -1)"],
  );
  const { rows } = await fixture.query("select count(), min(x), max(ts) from t");
  assertEquals(rows, [[100_001n, -1n, "2030-01-01T00:00:00.000000Z"]]);
});

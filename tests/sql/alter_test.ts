import { SqlError } from "../../src/common/mod.ts";
import { parseStatement } from "../../src/sql/parser/mod.ts";
import { parsePartitionName } from "../../src/sql/ddl/partition_name.ts";
import { assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import { EngineFixture } from "./engine_fixture.ts";

Deno.test("parsePartitionName() reads days, hours, weeks, months, years and split partitions", async () => {
  await using fixture = await EngineFixture.open();
  const cases: [string, string, string][] = [
    ["HOUR", "2024-01-05T10", "2024-01-05T10:00:00Z"],
    ["DAY", "2024-01-05", "2024-01-05T00:00:00Z"],
    ["DAY", "2024-01-05T120000-000001", "2024-01-05T12:00:00.000001Z"],
    ["WEEK", "2024-W01", "2024-01-01T00:00:00Z"],
    ["WEEK", "2020-W53-7", "2021-01-03T00:00:00Z"],
    ["MONTH", "2024-02", "2024-02-01T00:00:00Z"],
    ["YEAR", "2024", "2024-01-01T00:00:00Z"],
  ];
  for (const [unit, name, expected] of cases) {
    const table = `t_${unit.toLowerCase()}`;
    await fixture.run(
      `create table if not exists ${table} (ts timestamp) timestamp(ts) partition by ${unit} bypass wal`,
    );
    const metadata = fixture.engine.metadata(fixture.engine.findTable(table)!);
    const micros = parsePartitionName({ text: name, position: 7 }, metadata);
    const [date, fraction = "0"] = expected.slice(0, -1).split(".");
    assertEquals(
      micros,
      BigInt(Date.parse(`${date}Z`)) * 1000n + BigInt(fraction.padEnd(6, "0")),
      name,
    );
    assertThrows(() => parsePartitionName({ text: "x", position: 7 }, metadata), SqlError);
  }
});

Deno.test("an error of syntax in ALTER waits for what stands before it", async () => {
  await using fixture = await EngineFixture.open();
  const statement = parseStatement("alter table t add column v int int");
  assertEquals(statement.kind === "alterTable" && statement.error?.message, "',' expected");
  const fails = async (sql: string) => {
    const error = await assertRejects(() => fixture.run(sql), SqlError);
    return [error.position, error.message];
  };
  const sql = "alter table t add column v int int";
  assertEquals(await fails(sql), [12, "table does not exist [table=t]"]);
  await fixture.run("create table t (v int)");
  assertEquals(await fails(sql), [25, "column 'v' already exists"]);
  await fixture.run("alter table t drop column v");
  assertEquals(await fails(sql), [31, "',' expected"]);
});

Deno.test("REINDEX makes the indexes anew, with and without WAL", async () => {
  await using fixture = await EngineFixture.open();
  for (const [name, mode] of [["w", "wal"], ["n", "bypass wal"]]) {
    await fixture.run(
      `create table ${name} (ts timestamp, k symbol index capacity 64, s symbol) timestamp(ts) partition by day ${mode}`,
    );
    await fixture.run(`insert into ${name} values (0, 'a', 'x'), (1, 'b', 'x'), (2, 'a', 'x')`);
    await fixture.run(`reindex table ${name} lock exclusive`);
    await fixture.run(`reindex table ${name} column k partition '1970-01-01' lock exclusive`);
    const columns = await fixture.query(`show columns from ${name}`);
    assertEquals(columns.rows[1].slice(0, 4), ["k", "SYMBOL", true, 64]);
    assertEquals((await fixture.query(`select count() from ${name} where k = 'a'`)).rows, [[2n]]);
    const wrong = `reindex table ${name} column s lock exclusive`;
    const error = await assertRejects(() => fixture.run(wrong), SqlError);
    assertEquals(error.message, "cannot find index for column [column=s]");
    await fixture.run(`vacuum table ${name}`);
  }
});

Deno.test("FORCE DROP PARTITION repairs a suspended table without its WAL", async () => {
  await using fixture = await EngineFixture.open();
  await fixture.run("create table t (ts timestamp, v double) timestamp(ts) partition by day wal");
  await fixture.run("insert into t values ('2024-01-01', 1), ('2024-01-02', 2)");
  await fixture.run("update t set v = 'abc'");
  const token = fixture.engine.findTable("t")!;
  await assertRejects(() => fixture.engine.waitApplied(token), Error, "inconvertible value");
  await fixture.run("alter table t force drop partition list '2024-01-01'");
  await fixture.run("alter table t resume wal from txn 3");
  assertEquals((await fixture.query("select v from t")).rows, [[2]]);
});

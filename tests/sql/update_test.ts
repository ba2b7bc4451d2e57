import { ColumnType, SqlError } from "../../src/common/mod.ts";
import { createCore } from "../../src/wasm/mod.ts";
import { RealFileSystem } from "../../src/platform/mod.ts";
import { TableWriter } from "../../src/storage/mod.ts";
import { sqlEventExecutor } from "../../src/sql/mod.ts";
import { SqlCommand, type SqlEvent } from "../../src/wal/mod.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { EngineFixture } from "./engine_fixture.ts";

const TABLE = "(ts timestamp, k symbol, v double, s varchar, i int) timestamp(ts) partition by day";
const ROWS = "select timestamp_sequence('2024-01-01', 60000000L), 'k' || (x % 3), x * 0.5, " +
  "'a text that is not inlined ' || x, x::int from long_sequence(40000)";

for (const mode of ["wal", "bypass wal"]) {
  Deno.test(`UPDATE changes the rows that fit, of every partition, and no other: ${mode}`, async () => {
    await using fixture = await EngineFixture.open();
    await fixture.run(`create table t ${TABLE} ${mode}`);
    await fixture.run(`insert into t ${ROWS}`);
    await fixture.run("update t set v = -i, s = 'new ' || i where k = 'k1' and i > 1000");
    const { rows } = await fixture.query(
      "select count(), sum(v), min(i) from t where s like 'new %' and k = 'k1' and v = -i",
    );
    const changed = Array.from({ length: 40_000 }, (_, x) => x + 1)
      .filter((x) => x % 3 === 1 && x > 1000);
    const sum = changed.reduce((total, x) => total - x, 0);
    assertEquals(rows, [[BigInt(changed.length), sum, changed[0]]]);
    const others = await fixture.query(
      "select count() from t where v = i * 0.5 and s = 'a text that is not inlined ' || i",
    );
    assertEquals(others.rows, [[BigInt(40_000 - changed.length)]]);
  });

  Deno.test(`UPDATE sets symbols, old, new and NULL, and swaps columns: ${mode}`, async () => {
    await using fixture = await EngineFixture.open();
    await fixture.run(`create table t ${TABLE} ${mode}`);
    await fixture.run("alter table t add column k2 symbol index");
    await fixture.run(
      "insert into t (ts, k, k2, i) values (0, 'a', 'x', 1), (1, 'b', 'y', 2), (2, null, null, 3)",
    );
    await fixture.run("update t set k = k2, k2 = k");
    assertEquals((await fixture.query("select k, k2 from t")).rows, [
      ["x", "a"],
      ["y", "b"],
      [null, null],
    ]);
    await fixture.run("update t set k2 = 'fresh' where i >= 2");
    await fixture.run("update t set k = null where i = 1");
    assertEquals((await fixture.query("select k, k2 from t where k2 = 'fresh'")).rows, [
      ["y", "fresh"],
      [null, "fresh"],
    ]);
    assertEquals((await fixture.query("select i from t where k = null")).rows, [[1], [3]]);
  });
}

Deno.test("UPDATE with a value that cannot be converted changes nothing: an error without WAL, suspension with", async () => {
  await using fixture = await EngineFixture.open();
  for (const [name, mode] of [["w", "wal"], ["n", "bypass wal"]]) {
    await fixture.run(`create table ${name} ${TABLE} ${mode}`);
    await fixture.run(`insert into ${name} (ts, i) values (0, 1)`);
  }
  const error = await assertRejects(() => fixture.run("update n set v = 'abc'"), SqlError);
  assertEquals(error.message, "inconvertible value: `abc` [STRING -> DOUBLE]");
  await fixture.run("update w set v = 'abc'");
  const token = fixture.engine.findTable("w")!;
  await assertRejects(() => fixture.engine.waitApplied(token), Error, "inconvertible value");
  assert(fixture.engine.walStatus(token).isSuspended);
  await fixture.run("alter table w resume wal from txn 3");
  assertEquals((await fixture.query("select v, i from w")).rows, [[null, 1]]);
});

/** An UPDATE as it lies in the WAL. */
function updateEvent(text: string, bindVariables: SqlEvent["bindVariables"]): SqlEvent {
  return {
    kind: "sql",
    commandType: SqlCommand.UPDATE,
    text,
    randomSeeds: [1n, 2n],
    bindVariables,
  };
}

const bytesOf = (write: (view: DataView) => void, size: number) => {
  const bytes = new Uint8Array(size);
  write(new DataView(bytes.buffer));
  return bytes;
};

Deno.test("a statement of the WAL runs without an engine, with bind variables and its own random seeds", async () => {
  await using fixture = await EngineFixture.open();
  await fixture.run(`create table t ${TABLE} bypass wal`);
  await fixture.run("insert into t (ts, i) values (0, 1), (1, 2), (2, 3)");
  const token = fixture.engine.findTable("t")!;
  const tableDir = fixture.engine.tableDir(token);
  const core = createCore(), fs = new RealFileSystem();
  const indexed = [
    { type: ColumnType.INT, bytes: bytesOf((view) => view.setInt32(0, 2, true), 4) },
    {
      type: ColumnType.VARCHAR,
      bytes: bytesOf((view) => {
        view.setInt32(0, 0x8000_0003 | 0, true);
        [0x61, 0x62, 0x63].forEach((byte, i) => view.setUint8(4 + i, byte));
      }, 7),
    },
  ];
  const named = [{
    name: ":x",
    value: { type: ColumnType.DOUBLE, bytes: bytesOf((view) => view.setFloat64(0, 2.5, true), 8) },
  }];
  const options = { seqTxn: 0, commitMicros: 5n, sync: false };
  using writer = TableWriter.open({ fs, core, tableDir });
  const event = updateEvent("update t set s = $2, k = 'sym' where i >= $1", { indexed, named });
  await sqlEventExecutor.execute({ core, fs }, writer, { event, ...options });
  const none = { indexed: [], named: [] };
  // A column that is gone by now is passed over, an unknown variable, too.
  for (
    const sql of ["update t set gone = 1", "update t set i = $1", "alter table t set ttl 5 days"]
  ) {
    await sqlEventExecutor.execute({ core, fs }, writer, {
      event: updateEvent(sql, none),
      ...options,
    });
  }
  assertEquals(writer.metadata.ttlHoursOrMonths, 120);
  await fixture.engine.writeTable(token, () => {});
  assertEquals((await fixture.query("select i, s, k from t")).rows, [
    [1, null, null],
    [2, "abc", "sym"],
    [3, "abc", "sym"],
  ]);
});

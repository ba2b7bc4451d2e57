/** DDL and DML against a real engine in a temporary directory. */
import { SqlError } from "../../src/common/mod.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { EngineFixture } from "./engine_fixture.ts";

const CREATE =
  "CREATE TABLE t (ts TIMESTAMP, b BOOLEAN, i INT, l LONG, d DOUBLE, s SYMBOL, v VARCHAR, " +
  "t2 TIMESTAMP) TIMESTAMP(ts) PARTITION BY DAY WAL";

async function fails(fixture: EngineFixture, sql: string): Promise<[string, number]> {
  const error = await assertRejects(() => fixture.run(sql), SqlError);
  return [error.message, error.position];
}

Deno.test("CREATE TABLE makes a table that SHOW CREATE TABLE tells back", async () => {
  await using fixture = await EngineFixture.open();
  await fixture.run(CREATE);
  const { rows } = await fixture.query("SHOW CREATE TABLE t");
  assertEquals(rows, [[
    "CREATE TABLE 't' ( \n\tts TIMESTAMP,\n\tb BOOLEAN,\n\ti INT,\n\tl LONG,\n\td DOUBLE,\n\ts SYMBOL,\n" +
    "\tv VARCHAR,\n\tt2 TIMESTAMP\n) timestamp(ts) PARTITION BY DAY;",
  ]]);
});

Deno.test("CREATE TABLE keeps symbol options and parameters", async () => {
  await using fixture = await EngineFixture.open();
  await fixture.run(
    "create table 'my table' (s symbol capacity 500 nocache, q symbol, ts timestamp) timestamp(ts) " +
      "partition by hour with maxUncommittedRows=1000, o3MaxLag=10s",
  );
  assertEquals((await fixture.query("table_columns('my table')")).rows, [
    ["s", "SYMBOL", false, 256, false, 512, 0, false, false],
    ["q", "SYMBOL", false, 256, true, 256, 0, false, false],
    ["ts", "TIMESTAMP", false, 0, false, 0, 0, true, false],
  ]);
  const { rows } = await fixture.query(
    "SELECT table_name, partitionBy, walEnabled, maxUncommittedRows, o3MaxLag FROM tables()",
  );
  assertEquals(rows, [["my table", "HOUR", true, 1000, 10_000_000n]]);
});

Deno.test("CREATE TABLE refuses taken and bad names, unless IF NOT EXISTS", async () => {
  await using fixture = await EngineFixture.open();
  await fixture.run(CREATE);
  assertEquals(await fails(fixture, CREATE), ["table already exists", 13]);
  assertEquals(await fails(fixture, "create table T (x int)"), ["table already exists", 13]);
  await fixture.run("create table if not exists t (x int)");
  await fixture.run("create table if not exists t as (select nope)");
  for (const name of [".a", "a.", " a", "a?b", ""]) {
    assertEquals(await fails(fixture, `create table "${name}" (ts timestamp)`), [
      `Could not create table, invalid table name [table=${name}]`,
      13,
    ]);
  }
});

Deno.test("CREATE TABLE keeps every clause", async () => {
  await using fixture = await EngineFixture.open();
  const texts = [
    "CREATE TABLE 'a' ( \n\tu UUID,\n\ts SYMBOL NOCACHE INDEX CAPACITY 512\n);",
    "CREATE TABLE 'b' ( \n\tts TIMESTAMP\n) timestamp(ts) PARTITION BY NONE BYPASS WAL;",
    "CREATE TABLE 'c' ( \n\tts TIMESTAMP_NS,\n\tk SYMBOL\n) timestamp(ts) PARTITION BY WEEK TTL 2 WEEKS" +
    "\nDEDUP UPSERT KEYS(ts,k);",
    "CREATE TABLE 'd' ( \n\tts TIMESTAMP,\n\tg GEOHASH(5c),\n\td DECIMAL(10,2),\n\ta DOUBLE[][]\n) timestamp(ts) " +
    "PARTITION BY HOUR TTL 1 DAY BYPASS WAL;",
  ];
  for (const text of texts) {
    await fixture.run(text);
    const name = /'(.)'/.exec(text)![1];
    assertEquals((await fixture.query(`SHOW CREATE TABLE ${name}`)).rows, [[text]]);
  }
});

Deno.test("CREATE TABLE LIKE copies columns and clauses, not rows", async () => {
  await using fixture = await EngineFixture.open();
  await fixture.run(CREATE);
  await fixture.run("INSERT INTO t (ts, i) VALUES (1, 2)");
  await fixture.run("create table u (like t)");
  const [original, copy] = [
    await fixture.query("SHOW CREATE TABLE t"),
    await fixture.query("SHOW CREATE TABLE u"),
  ];
  assertEquals(copy.rows[0][0], String(original.rows[0][0]).replace("'t'", "'u'"));
  assertEquals((await fixture.query("select count() from u")).rows, [[0n]]);
  assertEquals(await fails(fixture, "create table w (like nope)"), [
    "table does not exist [table=nope]",
    21,
  ]);
});

Deno.test("CREATE TABLE AS fills the table, casts columns, and keeps the timestamp", async () => {
  await using fixture = await EngineFixture.open();
  await fixture.run(
    "create table a as (select x, x * 2 y, timestamp_sequence('2024-01-01', 3600000000L) ts " +
      "from long_sequence(48)), cast(x as int) timestamp(ts) partition by day",
  );
  assertEquals((await fixture.query("select count(), min(x), max(y) from a")).rows, [[
    48n,
    1,
    96n,
  ]]);
  const types = (await fixture.query("show columns from a")).rows.map((row) => row[1]);
  assertEquals(types, ["INT", "LONG", "TIMESTAMP"]);
});

Deno.test("CREATE TABLE AS that fails leaves no table", async () => {
  await using fixture = await EngineFixture.open();
  assertEquals(
    await fails(
      fixture,
      "create table a as (select null::timestamp ts, x from long_sequence(3)) timestamp(ts) partition by day",
    ),
    ["designated timestamp column cannot be NULL", 0],
  );
  const wrong: [string, string, number][] = [
    [
      "(select x ts from long_sequence(1)) timestamp(ts)",
      "TIMESTAMP column expected [actual=LONG]",
      64,
    ],
    [
      "(select x from long_sequence(1)) timestamp(ts)",
      "designated timestamp column doesn't exist [name=ts]",
      61,
    ],
    [
      "(select x from long_sequence(1)), cast(y as int)",
      "CAST column doesn't exist [column=y]",
      57,
    ],
    [
      "(select x from long_sequence(1)), cast(x as boolean)",
      "unsupported cast [column=x, from=LONG, to=BOOLEAN]",
      57,
    ],
  ];
  for (const [rest, message, position] of wrong) {
    assertEquals(await fails(fixture, `create table a as ${rest}`), [message, position], rest);
  }
  assertEquals((await fixture.query("all_tables()")).rows, []);
});

Deno.test("INSERT VALUES converts constants to the column types", async () => {
  await using fixture = await EngineFixture.open();
  await fixture.run(CREATE);
  assertEquals(
    await fixture.run(
      "INSERT INTO t VALUES ('2024-01-01T10:00:00.123456Z', true, '12', '5L', '1.25', 'a', 'x', 7), " +
        "(1704067200000000, null, null, null, null, null, null, null), " +
        "('2024-01-02', 1 = 1, 1 + 1, 2.9, 5, 'sym' || 1, 'a text that is not inlined', '2024')",
    ),
    3,
  );
  assertEquals((await fixture.query("SELECT * FROM t")).rows, [
    ["2024-01-01T00:00:00.000000Z", false, null, null, null, null, null, null],
    [
      "2024-01-01T10:00:00.123456Z",
      true,
      12,
      5n,
      1.25,
      "a",
      "x",
      "1970-01-01T00:00:00.000007Z",
    ],
    [
      "2024-01-02T00:00:00.000000Z",
      true,
      2,
      2n,
      5,
      "sym1",
      "a text that is not inlined",
      "2024-01-01T00:00:00.000000Z",
    ],
  ]);
});

Deno.test("INSERT VALUES takes columns in any order and fills the others with NULL", async () => {
  await using fixture = await EngineFixture.open();
  await fixture.run(CREATE);
  await fixture.run("INSERT INTO t (v, TS) VALUES ('x', now()), ('', 0)");
  assertEquals((await fixture.query("SELECT ts, v, i FROM t")).rows, [
    ["1970-01-01T00:00:00.000000Z", "", null],
    ["2023-11-14T22:13:20.000000Z", "x", null],
  ]);
});

Deno.test("INSERT VALUES fails in QuestDB's words and inserts nothing", async () => {
  await using fixture = await EngineFixture.open();
  await fixture.run(CREATE);
  const cases: [string, string, number][] = [
    [
      "(ts, i) values (1, 2, 3)",
      "row value count does not match column count [expected=2, actual=3, tuple=1]",
      37,
    ],
    [
      "(ts, i) values (1, 2), (3)",
      "row value count does not match column count [expected=2, actual=1, tuple=2]",
      39,
    ],
    ["(ts, nope) values (1, 2)", "Invalid column: nope", 19],
    ["(i) values (1)", "insert statement must populate timestamp", 0],
    ["(ts, i) values (1, 1), (null, 2)", "designated timestamp column cannot be NULL", 38],
    ["(ts, i) values (1, 1), (-5, 2)", "designated timestamp before 1970-01-01 is not allowed", 38],
    ["(ts, i) values (1, true)", "inconvertible types: BOOLEAN -> INT [from=true, to=i]", 33],
    ["(ts, s) values (1, 1+1)", "inconvertible types: INT -> SYMBOL [from=+, to=s]", 34],
    ["(ts, v) values (1, now())", "inconvertible types: TIMESTAMP -> VARCHAR [from=now, to=v]", 33],
    ["(ts, i) values (1, 1), (2, 'abc')", "inconvertible value: `abc` [STRING -> INT]", 0],
    ["(ts, i) values (1, 'a')", "inconvertible value: a [CHAR -> INT]", 0],
    ["(ts, i) values (1, 3000000000)", "inconvertible value: 3000000000 [LONG -> INT]", 0],
    ["(ts, t2) values (1, 'x1')", "inconvertible value: `x1` [STRING -> TIMESTAMP]", 0],
    [
      "(ts, i) values ('2024', 1), ('xy', 2)",
      "inconvertible value: `xy` [STRING -> TIMESTAMP] tuple: 1",
      0,
    ],
  ];
  for (const [rest, message, position] of cases) {
    assertEquals(await fails(fixture, `insert into t ${rest}`), [message, position], rest);
  }
  assertEquals(await fails(fixture, "insert into nope values (1)"), [
    "table does not exist [table=nope]",
    12,
  ]);
  assertEquals((await fixture.query("select count() from t")).rows, [[0n]]);
});

Deno.test("INSERT SELECT streams rows in batches and converts types", async () => {
  await using fixture = await EngineFixture.open();
  await fixture.run(CREATE);
  const count = await fixture.run(
    "INSERT BATCH 20000 INTO t (l, i, d, s, v, ts) SELECT x, x, x, 'S' || (x % 7), 'row number ' || x, " +
      "timestamp_sequence('2024-01-01', 1000000L) FROM long_sequence(100000)",
  );
  assertEquals(count, 100_000);
  assertEquals(
    (await fixture.query("SELECT count(), sum(l), sum(d), max(i), count_distinct(s) FROM t")).rows,
    [[100_000n, 5_000_050_000n, 5_000_050_000, 100_000, 7n]],
  );
  assertEquals((await fixture.query("SELECT v, s FROM t WHERE l = 54321")).rows, [
    ["row number 54321", `S${54321 % 7}`],
  ]);
  const { rows } = await fixture.query("SELECT sequencerTxn FROM wal_tables()");
  assert((rows[0][0] as bigint) >= 4n, "several commits");
});

Deno.test("INSERT SELECT from the table itself copies what was there at its start", async () => {
  await using fixture = await EngineFixture.open();
  await fixture.run(CREATE);
  await fixture.run("INSERT INTO t (ts, i) VALUES (1, 1), (2, 2)");
  await fixture.query("select count() from t");
  assertEquals(await fixture.run("INSERT INTO t SELECT * FROM t"), 2);
  assertEquals((await fixture.query("select count() from t")).rows, [[4n]]);
});

Deno.test("INSERT SELECT fails in QuestDB's words", async () => {
  await using fixture = await EngineFixture.open();
  await fixture.run(CREATE);
  const cases: [string, string, number][] = [
    ["(ts, i) select 1", "column count mismatch", 12],
    ["(ts, i) select x, x from long_sequence(2)", "expected timestamp column but type is LONG", 12],
    ["(i) select x from long_sequence(2)", "select clause must provide timestamp column", 12],
    ["(nope, ts) select 1, now()", "Invalid column: nope", 15],
    ["select now() a, true b", "not enough columns selected", 14],
    ["(ts, i) select null::timestamp, 1", "designated timestamp column cannot be NULL", 0],
    [
      "(ts, i) select '1960-01-01'::timestamp, 1",
      "designated timestamp before 1970-01-01 is not allowed",
      0,
    ],
    ["(ts, i) select now(), 3000000000", "inconvertible value: 3000000000 [LONG -> INT]", 0],
    ["(ts, i) select now(), true", "inconvertible types: BOOLEAN -> INT [from=true, to=b]", 19],
  ];
  for (const [rest, message, position] of cases) {
    assertEquals(await fails(fixture, `insert into t ${rest}`), [message, position], rest);
  }
  assertEquals((await fixture.query("select count() from t")).rows, [[0n]]);
});

Deno.test("concurrent INSERTs into one table do not mix", async () => {
  await using fixture = await EngineFixture.open();
  await fixture.run(CREATE);
  const insert = (i: number) =>
    i % 2 === 0
      ? fixture.run(
        `INSERT INTO t (ts, i) SELECT timestamp_sequence('2024-01-0${
          i + 1
        }', 1L), x FROM long_sequence(50000)`,
      )
      : fixture.run(`INSERT INTO t (ts, i) VALUES ('2024-01-0${i + 1}', ${i})`);
  const failing = assertRejects(
    () =>
      fixture.run("INSERT INTO t (ts, i) SELECT now(), x * 1000000000 FROM long_sequence(50000)"),
    SqlError,
  );
  await Promise.all([failing, ...Array.from({ length: 6 }, (_, i) => insert(i))]);
  assertEquals((await fixture.query("select count() from t")).rows, [[150_003n]]);
});

Deno.test("DROP TABLE and TRUNCATE TABLE", async () => {
  await using fixture = await EngineFixture.open();
  await fixture.run(CREATE);
  await fixture.run("INSERT INTO t (ts, i) VALUES (1, 1), (2, 2)");
  await fixture.run("TRUNCATE TABLE t");
  assertEquals((await fixture.query("select count() from t")).rows, [[0n]]);
  assertEquals(await fails(fixture, "truncate table t, nope"), [
    "table does not exist [table=nope]",
    18,
  ]);
  await fixture.run("truncate table if exists nope, t");
  await fixture.run("DROP TABLE T");
  assertEquals(await fails(fixture, "DROP TABLE t"), ["table does not exist [table=t]", 11]);
  await fixture.run("DROP TABLE IF EXISTS t");
  await fixture.run(CREATE);
  assertEquals((await fixture.query("select count() from t")).rows, [[0n]]);
  await fixture.run("DROP ALL TABLES");
  assertEquals((await fixture.query("show tables")).rows, []);
});

Deno.test("statements that change nothing here are accepted", async () => {
  await using fixture = await EngineFixture.open();
  for (const sql of ["BEGIN", "COMMIT", "ROLLBACK", "SET x = 1", "DISCARD ALL"]) {
    assertEquals((await fixture.sql.execute(sql, fixture.context())).kind, "ddl");
  }
});

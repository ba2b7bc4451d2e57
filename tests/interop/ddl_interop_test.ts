/**
 * Statements about columns, partitions, TTL and TRUNCATE that both servers must answer alike, with the same tables and files behind them.
 */
import { assert, assertEquals } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { Servers } from "./histories/batch.ts";
import { ByteReport, compareTableFiles } from "./histories/byte_comparison.ts";
import { replaySteps } from "./histories/history.ts";

const HOURS = "SELECT timestamp_sequence('2024-01-01T00:00:00.000000Z', 600000000L), x";

interface Case {
  readonly name: string;
  /** Statements over tables whose names begin with `t_`; see `Step.sql` of the histories. */
  readonly steps: readonly string[];
}

const CASES: readonly Case[] = [
  {
    name:
      "SET TTL drops partitions at once, UPDATE and INSERT do, ATTACH and the rest of ALTER do not",
    steps: ["WAL", "BYPASS WAL"].flatMap((wal) => {
      const table = wal === "WAL" ? "t_w" : "t_b";
      const alter = `ALTER TABLE ${table}`;
      return [
        `CREATE TABLE ${table} (ts TIMESTAMP, v INT) TIMESTAMP(ts) PARTITION BY HOUR ${wal}`,
        `INSERT INTO ${table} ${HOURS} FROM long_sequence(60)`,
        `${alter} DETACH PARTITION LIST '2024-01-01T00', '2024-01-01T01'`,
        `attachable:${table}:2024-01-01T00`,
        `attachable:${table}:2024-01-01T01`,
        `${alter} SET TTL 3 HOURS`,
        `compare`,
        `${alter} ATTACH PARTITION LIST '2024-01-01T00'`,
        `${alter} ADD COLUMN c INT`,
        `${alter} SQUASH PARTITIONS`,
        `UPDATE ${table} SET v = 2 WHERE v = 700`,
        `compare`,
        `UPDATE ${table} SET v = 2 WHERE v = 60`,
        `compare`,
        `${alter} ATTACH PARTITION LIST '2024-01-01T01'`,
        `compare`,
        `INSERT INTO ${table} (ts) VALUES ('2024-01-01T10:30')`,
      ];
    }),
  },
  {
    name: "TTL 0 is no multiple of months and years, and one of every other unit",
    steps: ["HOUR", "DAY", "WEEK", "MONTH", "YEAR"].flatMap((unit) => [
      `CREATE TABLE t_${unit} (ts TIMESTAMP) TIMESTAMP(ts) PARTITION BY ${unit} WAL`,
      ...["HOURS", "DAYS", "WEEKS", "MONTHS", "YEARS"].flatMap((ttl) => [
        `ALTER TABLE t_${unit} SET TTL 0 ${ttl}`,
        `CREATE TABLE t_${unit}_${ttl} (ts TIMESTAMP) TIMESTAMP(ts) PARTITION BY ${unit} TTL 0 ${ttl} WAL`,
      ]),
      `ALTER TABLE t_${unit} SET TTL 0h`,
    ]),
  },
  {
    name: "DROP, DETACH and ATTACH PARTITION name the start of a partition that is not there",
    steps: ["HOUR", "WEEK", "MONTH", "YEAR"].flatMap((unit) => [
      `CREATE TABLE t_${unit} (ts TIMESTAMP) TIMESTAMP(ts) PARTITION BY ${unit} BYPASS WAL`,
      `INSERT INTO t_${unit} VALUES ('2023-01-03'), ('2025-01-20')`,
      ...["DROP", "DETACH", "ATTACH"].map((verb) =>
        `ALTER TABLE t_${unit} ${verb} PARTITION LIST '2024-02-11T05:20'`
      ),
    ]),
  },
  {
    name: "table_partitions() shows detached partitions before attachable ones",
    steps: [
      "CREATE TABLE t_p (ts TIMESTAMP, v INT) TIMESTAMP(ts) PARTITION BY HOUR WAL",
      `INSERT INTO t_p ${HOURS} FROM long_sequence(60)`,
      "ALTER TABLE t_p DETACH PARTITION LIST '2024-01-01T03', '2024-01-01T01', '2024-01-01T02', '2024-01-01T05'",
      "attachable:t_p:2024-01-01T03",
      "attachable:t_p:2024-01-01T01",
    ],
  },
  {
    name: "a column whose type changes again and again keeps its place",
    steps: ["WAL", "BYPASS WAL"].flatMap((wal) => {
      const table = wal === "WAL" ? "t_w" : "t_b";
      return [
        `CREATE TABLE ${table} (a INT, ts TIMESTAMP, v INT) TIMESTAMP(ts) PARTITION BY HOUR ${wal}`,
        `INSERT INTO ${table} VALUES (1, '2024-01-01', 2), (3, '2024-01-01T02:00', 4)`,
        `ALTER TABLE ${table} ALTER COLUMN a TYPE LONG`,
        `ALTER TABLE ${table} ALTER COLUMN a TYPE INT`,
        `ALTER TABLE ${table} RENAME COLUMN a TO b`,
        `ALTER TABLE ${table} ALTER COLUMN b TYPE STRING`,
      ];
    }),
  },
  {
    name: "the versions of structure and columns are written apart once they have differed",
    steps: [
      "CREATE TABLE t_a (ts TIMESTAMP, v INT) TIMESTAMP(ts) PARTITION BY DAY WAL",
      "ALTER TABLE t_a SET PARAM maxUncommittedRows = 100",
      "ALTER TABLE t_a ADD COLUMN c INT",
      "RENAME TABLE t_a TO t_b",
      "ALTER TABLE t_b ADD COLUMN d INT",
      "CREATE TABLE t_c (ts TIMESTAMP, v INT) TIMESTAMP(ts) PARTITION BY DAY WAL",
      "RENAME TABLE t_c TO t_d",
      "ALTER TABLE t_d SET TTL 2 DAYS",
    ],
  },
  {
    name: "a table without partitions is altered before it has rows",
    steps: [
      "CREATE TABLE t_n (a INT, ts TIMESTAMP, s SYMBOL) TIMESTAMP(ts)",
      "ALTER TABLE t_n RENAME COLUMN a TO b",
      "ALTER TABLE t_n RENAME COLUMN s TO t",
      "ALTER TABLE t_n ADD COLUMN c LONG",
      "ALTER TABLE t_n ALTER COLUMN b TYPE STRING",
      "CREATE TABLE t_m (a INT, ts TIMESTAMP) TIMESTAMP(ts)",
      "ALTER TABLE t_m RENAME COLUMN a TO b",
      "INSERT INTO t_m VALUES (1, '2024-01-01'), (2, '2024-01-02')",
    ],
  },
  {
    name:
      "TRUNCATE without WAL empties symbol tables unless told to keep them, and does nothing to an empty table",
    steps: ["DAY WAL", "DAY BYPASS WAL", "NONE"].flatMap((partitions, index) => {
      const table = `t_${index}`;
      const rows = "('2024-01-01', 'd', 1), ('2024-01-02', 'b', 2), ('2024-01-02', null, 2)";
      return [
        `CREATE TABLE ${table} (ts TIMESTAMP, s SYMBOL, v INT) TIMESTAMP(ts) PARTITION BY ${partitions}`,
        `TRUNCATE TABLE ${table}`,
        `INSERT INTO ${table} VALUES ('2024-01-01', 'a', 1), ('2024-01-02', 'b', 2)`,
        `ALTER TABLE ${table} ADD COLUMN t SYMBOL CAPACITY 16`,
        `TRUNCATE TABLE ${table} KEEP SYMBOL MAPS`,
        `INSERT INTO ${table} (ts, s, v) VALUES ${rows}`,
        `ALTER TABLE ${table} RENAME COLUMN s TO u`,
        `TRUNCATE TABLE ${table}`,
        `TRUNCATE TABLE ${table}`,
        `INSERT INTO ${table} (ts, u, v) VALUES ${rows}`,
        `INSERT INTO ${table} (ts, t) VALUES ('2024-01-03', 'x'), ('2024-01-04', 'y')`,
      ];
    }),
  },
  {
    name: "partitions that are dropped together count as transactions",
    steps: ["WAL", "BYPASS WAL"].flatMap((wal, index) => {
      const table = `t_${index}`;
      return [
        `CREATE TABLE ${table} (ts TIMESTAMP, v INT) TIMESTAMP(ts) PARTITION BY HOUR ${wal}`,
        `INSERT INTO ${table} ${HOURS} FROM long_sequence(60)`,
        `ALTER TABLE ${table} DROP PARTITION WHERE ts < '2024-01-01T02:00'`,
        `INSERT INTO ${table} VALUES ('2024-01-01', 1), ('2024-01-01T03:30', 2)`,
        `ALTER TABLE ${table} DROP PARTITION WHERE ts < '2024-01-01T05:00'`,
        `UPDATE ${table} SET v = 5 WHERE ts < '2024-01-01T06:20'`,
        `ALTER TABLE ${table} DROP PARTITION LIST '2024-01-01T06', '2024-01-01T09'`,
        `INSERT INTO ${table} VALUES ('2024-01-01', 1), ('2024-01-01T07:30', 2)`,
        `ALTER TABLE ${table} SET TTL 2 HOURS`,
        `INSERT INTO ${table} VALUES ('2024-01-01T08:30', 1)`,
      ];
    }),
  },
  {
    name:
      "a merge leaves the column top where rows with values come before it; a deleted column starts at 0",
    steps: ["WAL", "BYPASS WAL"].flatMap((wal, index) => {
      const table = `t_${index}`;
      const insert = (columns: string, ...hours: string[]) =>
        `INSERT INTO ${table} (ts, ${columns}) VALUES ${
          hours.map((hour, row) =>
            `('2024-01-0${hour}:00', ${columns.split(",").map(() => `'${row}'`)})`
          )
        }`;
      return [
        `CREATE TABLE ${table} (ts TIMESTAMP, v INT) TIMESTAMP(ts) PARTITION BY DAY ${wal}`,
        insert("v", "1T01", "2T01", "2T03"),
        `ALTER TABLE ${table} ADD COLUMN s SYMBOL INDEX CAPACITY 4`,
        `ALTER TABLE ${table} ADD COLUMN t VARCHAR`,
        `ALTER TABLE ${table} ADD COLUMN u STRING`,
        insert("s, t, u", "2T04", "2T06", "2T08"),
        insert("s, t, u", "2T05", "2T07", "1T03", "1T05"),
        insert("s, t, u", "1T04"),
        `compare`,
        insert("s, t, u", "2T02"),
        `compare`,
        `ALTER TABLE ${table} ADD COLUMN w INT`,
        `ALTER TABLE ${table} DROP COLUMN w`,
        insert("v", "1T02", "2T00", "2T09", "3T00"),
      ];
    }),
  },
];

Deno.test("ALTER TABLE answers and leaves files as QuestDB does", async (test) => {
  using referenceRoot = new TempDir();
  using ourRoot = new TempDir();
  const report = new ByteReport();
  {
    await using servers = await Servers.start(referenceRoot.path, ourRoot.path);
    const { pair } = servers;
    for (const [index, { name, steps }] of CASES.entries()) {
      await test.step(name, async () => {
        assertEquals(await replaySteps(pair, steps, { from: "t_", to: `d${index}_` }), null);
      });
    }
    const rows = await pair.reference.query("SELECT table_name FROM tables()");
    const directories = await Promise.all(
      rows.map(([table]) => String(table)).filter((table) => /^d\d/.test(table)).map((table) =>
        Promise.all([pair.reference.directoryOf(table), pair.ours.directoryOf(table)])
      ),
    );
    await servers.close(() =>
      Promise.resolve(() => {
        for (const [expected, actual] of directories) {
          report.merge(compareTableFiles(expected, actual));
        }
      })
    );
  }
  await test.step("the files are equal", () => {
    assert(report.counts.get("_meta")!.compared > CASES.length);
    assertEquals(report.unequal, []);
  });
});

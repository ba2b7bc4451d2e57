/**
 * Partitions detached, attached and joined by the real QuestDB and by TableWriter, and tables without partitions or rows.
 */
import { ColumnType } from "../../../src/common/mod.ts";
import {
  type AlterOperation,
  AlterRefusedError,
  readCommittedState,
  TableWriter,
} from "../../../src/storage/mod.ts";
import { assert, assertEquals, assertThrows } from "../../support/assert.ts";
import { type QuestDbServer, startQuestDb } from "../../support/questdb_server.ts";
import { TempDir } from "../../support/temp_dir.ts";
import {
  change,
  contextOf,
  csv,
  describeTable,
  fs,
  prepare,
  type Scenario,
  SPLITTING,
} from "./oracle_fixture.ts";

const DAY = 86_400_000_000n;
const START = 1_704_067_200_000_000n;
const SECOND_DAY = { kind: "detachPartitions", timestamps: [START + DAY] } as const;
const ATTACH = { kind: "attachPartitions", timestamps: [START + DAY] } as const;

function setup(table: string): string[] {
  return [
    `create table ${table} (ts timestamp, i int, s symbol index, s2 symbol, v varchar, st string) timestamp(ts) ` +
    "partition by day bypass wal",
    `insert into ${table} select timestamp_sequence('2024-01-01', 6000000000L), x::int, rnd_symbol('a','b',null), ` +
    "'s'||(x%3), 'a text longer than nine '||x, 'st'||x from long_sequence(60)",
    `update ${table} set i = 5 where i = 20`,
  ];
}

/** What happens between detaching and attaching. */
const BETWEEN: Readonly<Record<string, readonly { sql: string; operation: AlterOperation }[]>> = {
  nothing: [],
  added: [{
    sql: "alter table # add column n int",
    operation: { kind: "addColumn", column: { name: "n", type: ColumnType.INT } },
  }],
  dropped: [{
    sql: "alter table # drop column i",
    operation: { kind: "dropColumn", name: "i" },
  }],
  indexed: [{
    sql: "alter table # alter column s2 add index capacity 16",
    operation: { kind: "addIndex", name: "s2", blockCapacity: 16 },
  }],
  settings: [{
    sql: "alter table # set param maxUncommittedRows = 5",
    operation: { kind: "setMaxUncommittedRows", rows: 5 },
  }],
};

/** The directory's own copies stay with QuestDB; the directory is named alike. */
function comparable(description: Record<string, unknown>): Record<string, unknown> {
  const { txn, ...rest } = description;
  const { partitionTableVersion: _version, ...record } = txn as Record<string, unknown>;
  return { ...rest, txn: record };
}

function makeAttachable(root: string, table: string): void {
  const directory = `${root}/db/${table}/2024-01-02`;
  Deno.renameSync(`${directory}.detached`, `${directory}.attachable`);
}

Deno.test("TableWriter.alter() detaches and attaches partitions as QuestDB does", async () => {
  using questDb = new TempDir();
  using ours = new TempDir();
  const roots = { questDb: questDb.path, ours: ours.path };
  const tables = Object.keys(BETWEEN);
  const scenarios = tables.map((table): Scenario => ({
    table,
    setup: setup(table),
    changes: [{
      sql: `alter table ${table} detach partition list '2024-01-02'`,
      operation: SECOND_DAY,
    }],
  }));
  await prepare(roots, scenarios);
  for (const scenario of scenarios) {
    change(roots, scenario);
    const { table } = scenario;
    assertEquals(
      comparable(describeTable(ours.path, table)),
      comparable(describeTable(questDb.path, table)),
      table,
    );
    const listing = (root: string) =>
      fs.readDir(`${root}/db/${table}/2024-01-02.detached`).map((one) => one.name);
    assertEquals(listing(ours.path), listing(questDb.path), table);
    makeAttachable(ours.path, table);
    makeAttachable(questDb.path, table);
  }
  const expected = new Map<string, string>();
  {
    await using server = await startQuestDb({ root: roots.questDb });
    for (const table of tables) {
      for (const { sql } of BETWEEN[table]) await server.exec(sql.replace("#", table));
      await server.exec(`alter table ${table} attach partition list '2024-01-02'`);
      expected.set(table, await csv(server, table));
    }
  }
  for (const table of tables) {
    const changes = [...BETWEEN[table], { sql: "", operation: ATTACH }];
    change(roots, { table, setup: [], changes });
    if (table === "indexed") continue; // QuestDB leaves the partition without the index
    assertEquals(
      comparable(describeTable(ours.path, table)),
      comparable(describeTable(questDb.path, table)),
      table,
    );
    assertEquals(fs.stat(`${ours.path}/db/${table}/2024-01-02.attachable`), null);
  }
  await using server = await startQuestDb({ root: roots.ours });
  for (const table of tables) assertEquals(await csv(server, table), expected.get(table), table);
});

Deno.test("TableWriter.alter() refuses partitions in QuestDB's words", async () => {
  using questDb = new TempDir();
  using ours = new TempDir();
  const roots = { questDb: questDb.path, ours: ours.path };
  await prepare(roots, [{ table: "t", setup: setup("t"), changes: [] }]);
  const cases: { sql: string; operation: AlterOperation }[] = [];
  const add = (what: string, kind: "drop" | "detach" | "attach", day: number) => {
    const timestamps = [START + BigInt(day - 1) * DAY];
    const sql = `alter table t ${what} partition list '2024-01-${String(day).padStart(2, "0")}'`;
    const operation: AlterOperation = kind === "drop"
      ? { kind: "dropPartitions", timestamps, isForced: false }
      : { kind: kind === "detach" ? "detachPartitions" : "attachPartitions", timestamps };
    cases.push({ sql, operation });
  };
  add("drop", "drop", 9);
  add("detach", "detach", 9);
  add("detach", "detach", 5);
  add("attach", "attach", 5);
  add("attach", "attach", 9);
  await using server = await startQuestDb({ root: roots.questDb });
  using writer = TableWriter.open(contextOf(ours.path, "t"));
  for (const { sql, operation } of cases) {
    const message = await server.exec(sql).then(() => "", (error) => String(error.message));
    const expected = message.slice(0, message.lastIndexOf(" [position="));
    assert(expected.length > 0, sql);
    const alter = () => writer.alter(operation, { seqTxn: 0, sync: false });
    assertEquals(assertThrows(alter, AlterRefusedError).message, expected);
  }
});

Deno.test("TableWriter.alter() joins split partitions so that QuestDB reads the same rows and goes on", async () => {
  using questDb = new TempDir();
  using ours = new TempDir();
  const roots = { questDb: questDb.path, ours: ours.path };
  const insert = (from: string, rows: number, step: number, columns = "") =>
    `insert into t(ts, i, s, v${
      columns && ", n"
    }) select timestamp_sequence('${from}', ${step}L), x::int, ` +
    `rnd_symbol('a','b',null), 'a text longer than nine '||x ${columns} from long_sequence(${rows})`;
  await prepare(roots, [{
    table: "t",
    setup: [
      "create table t (ts timestamp, i int, s symbol index, v varchar) timestamp(ts) partition by day bypass wal",
      insert("2024-01-01", 4000, 60_000_000),
      "alter table t add column n long",
      insert("2024-01-02T20:00:00", 20, 1_000_001, ", x"),
      insert("2024-01-03T17:30:00", 20, 1_000_001, ", x"),
      insert("2024-01-03T16:10:00", 20, 1_000_001, ", x"),
    ],
    changes: [],
  }]);
  const context = contextOf(ours.path, "t");
  const before = readCommittedState(fs, context.tableDir).txn;
  assert(before.partitions.length > 3);
  using writer = TableWriter.open(context);
  writer.alter({ kind: "squashPartitions" }, { seqTxn: 0, sync: false });
  assertEquals(writer.txn.partitions.length, 3);
  const more = [
    insert("2024-01-03T20:00:00", 10, 1_000_000, ", x"),
    "alter table t squash partitions",
  ];
  const rows = async (server: QuestDbServer) => {
    for (const sql of more) await server.exec(sql);
    return await csv(server, "t") + await server.exp("select count() from t where s = 'a'");
  };
  await using questDbServer = await startQuestDb({ root: roots.questDb, config: SPLITTING });
  await using oursServer = await startQuestDb({ root: roots.ours, config: SPLITTING });
  const first = await csv(questDbServer, "t");
  assertEquals(await csv(oursServer, "t"), first);
  assertEquals(
    (await rows(oursServer)).split("\n").length,
    (await rows(questDbServer)).split("\n").length,
  );
});

/** Changes that every table takes. */
function changesOf(t: string): Scenario["changes"] {
  return [
    {
      sql: `alter table ${t} add column n long`,
      operation: { kind: "addColumn", column: { name: "n", type: ColumnType.LONG } },
    },
    {
      sql: `alter table ${t} add column sy symbol index`,
      operation: {
        kind: "addColumn",
        column: { name: "sy", type: ColumnType.SYMBOL, isIndexed: true },
      },
    },
    {
      sql: `alter table ${t} rename column i to j`,
      operation: { kind: "renameColumn", from: "i", to: "j" },
    },
    {
      sql: `alter table ${t} alter column n type int`,
      operation: { kind: "changeColumnType", name: "n", type: ColumnType.INT },
    },
    { sql: `alter table ${t} drop column s`, operation: { kind: "dropColumn", name: "s" } },
    {
      sql: `alter table ${t} alter column sy drop index`,
      operation: { kind: "dropIndex", name: "sy" },
    },
  ];
}

Deno.test("TableWriter.alter() changes tables without partitions or rows as QuestDB does", async () => {
  using questDb = new TempDir();
  using ours = new TempDir();
  const roots = { questDb: questDb.path, ours: ours.path };
  const none = "create table none (ts timestamp, i int, s symbol, v varchar) timestamp(ts)";
  const scenarios: Scenario[] = [
    {
      table: "none",
      setup: [
        none,
        "insert into none select x::timestamp, x::int, 's'||x, 'a text of some length '||x from long_sequence(9)",
      ],
      changes: [...changesOf("none"), {
        sql: "alter table none drop column ts",
        operation: { kind: "dropColumn", name: "ts" },
      }],
    },
    {
      table: "empty",
      setup: [
        "create table empty (ts timestamp, i int, s symbol, v varchar) timestamp(ts) partition by month bypass wal",
      ],
      changes: changesOf("empty"),
    },
  ];
  await prepare(roots, scenarios);
  const expected: string[] = [];
  const rows = async (server: QuestDbServer) => [
    await server.exec("insert into none(j, sy, n) values (7, 'x', 8)").then(() =>
      csv(server, "none")
    ),
    await server.exec("insert into empty(ts, j, sy, n) values (5, 7, 'x', 8)").then(() =>
      csv(server, "empty")
    ),
  ];
  for (const scenario of scenarios) {
    change(roots, scenario);
    assertEquals(
      comparable(describeTable(ours.path, scenario.table)),
      comparable(describeTable(questDb.path, scenario.table)),
      scenario.table,
    );
  }
  {
    await using server = await startQuestDb({ root: roots.questDb });
    expected.push(...await rows(server));
  }
  await using server = await startQuestDb({ root: roots.ours });
  assertEquals(await rows(server), expected);
});

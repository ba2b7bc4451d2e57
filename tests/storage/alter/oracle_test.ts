/**
 * Each operation done by the real QuestDB and by TableWriter on copies of the same table: the files are compared, then QuestDB opens what
 * TableWriter has altered.
 */
import { ColumnType } from "../../../src/common/mod.ts";
import { readCommittedState } from "../../../src/storage/mod.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { startQuestDb } from "../../support/questdb_server.ts";
import { TempDir } from "../../support/temp_dir.ts";
import {
  type Change,
  change,
  csv,
  describeTable,
  fs,
  prepare,
  type Scenario,
  SPLITTING,
} from "./oracle_fixture.ts";

const DAY = 86_400_000_000n;
const START = 1_704_067_200_000_000n;

/** Days with rows, columns added on the way, splits, updated columns, NULLs of every kind. */
function setup(t: string): string[] {
  const values = (from: string, rows: number, step: number) =>
    `insert into ${t}(ts,i,l,d,b,s,s2,v,st,u,ip,g) select timestamp_sequence('${from}', ${step}L), ` +
    `case when x%7=0 then null else (x%100)::int end, x*1000, case when x%5=0 then null else x/4.0 end, ` +
    `x%2=0, case when x%4=0 then null else 'sym'||(x%9) end, 'other'||(x%3), ` +
    `case when x%6=0 then null else 'a value longer than nine '||x end, ` +
    `case when x%3=0 then null else 'st'||x end, ` +
    `'11111111-2222-3333-4444-55555555'||(1000+x%1000), '10.0.0.'||(x%250), ##s2 ` +
    `from long_sequence(${rows})`;
  const insert = (from: string, rows: number, step: number) =>
    values(from, rows, step).replace("##s2", "null");
  return [
    `create table ${t} (ts timestamp, i int, l long, d double, b boolean, s symbol index, s2 symbol capacity 4 nocache, ` +
    `v varchar, st string, u uuid, ip ipv4, g geohash(4c)) timestamp(ts) partition by day bypass wal`,
    insert("2024-01-01", 2000, 120_000_000),
    `alter table ${t} add column n int`,
    `alter table ${t} add column ns symbol index`,
    `alter table ${t} add column nv varchar`,
    `insert into ${t}(ts,i,s,n,ns,nv) select timestamp_sequence('2024-01-03T20:00:00', 120000000L), x::int, 'new'||(x%4), ` +
    `x::int, case when x%3=0 then null else 'ns'||(x%5) end, 'another long value '||x from long_sequence(1200)`,
    `update ${t} set i = 7, v = 'updated to something long', s = 'upd' where l % 50000 = 0`,
    insert("2024-01-05T11:30:00", 5, 1_000_001),
    insert("2024-01-05T11:40:00", 5, 1_000_001),
  ];
}

const one = (
  table: string,
  sql: string,
  operation: Change["operation"],
): Scenario => ({
  table,
  setup: setup(table),
  changes: [{ sql: sql.replace("#", table), operation }],
});

const SCENARIOS: Scenario[] = [
  one("add_long", "alter table # add column x long", {
    kind: "addColumn",
    column: { name: "x", type: ColumnType.LONG },
  }),
  one("add_string", "alter table # add column x string", {
    kind: "addColumn",
    column: { name: "x", type: ColumnType.STRING },
  }),
  one("add_symbol", "alter table # add column x symbol capacity 500 nocache index capacity 60", {
    kind: "addColumn",
    column: {
      name: "x",
      type: ColumnType.SYMBOL,
      symbolCapacity: 500,
      isSymbolCached: false,
      isIndexed: true,
      indexBlockCapacity: 60,
    },
  }),
  one("drop_int", "alter table # drop column i", { kind: "dropColumn", name: "i" }),
  one("drop_symbol", "alter table # drop column s", { kind: "dropColumn", name: "s" }),
  ...["i", "v", "st", "s", "s2", "n", "ns", "ts"].map((name) =>
    one(`rename_${name}`, `alter table # rename column ${name} to renamed`, {
      kind: "renameColumn",
      from: name,
      to: "renamed",
    })
  ),
  one("drop_index", "alter table # alter column s drop index", { kind: "dropIndex", name: "s" }),
  one("drop_index_top", "alter table # alter column ns drop index", {
    kind: "dropIndex",
    name: "ns",
  }),
  one("add_index", "alter table # alter column s2 add index capacity 30", {
    kind: "addIndex",
    name: "s2",
    blockCapacity: 30,
  }),
  one("capacity", "alter table # alter column s symbol capacity 2000", {
    kind: "changeSymbolCapacity",
    name: "s",
    capacity: 2000,
  }),
  one("cache", "alter table # alter column s2 cache", {
    kind: "setSymbolCache",
    name: "s2",
    isCached: true,
  }),
  one("ttl", "alter table # set ttl 4 weeks", { kind: "setTtl", hoursOrMonths: 4 * 7 * 24 }),
  one("ttl_months", "alter table # set ttl 3 months", { kind: "setTtl", hoursOrMonths: -3 }),
  one("uncommitted", "alter table # set param maxUncommittedRows = 77", {
    kind: "setMaxUncommittedRows",
    rows: 77,
  }),
  one("lag", "alter table # set param o3MaxLag = 7s", {
    kind: "setO3MaxLag",
    micros: 7_000_000n,
  }),
  one("drop_first", "alter table # drop partition list '2024-01-01'", {
    kind: "dropPartitions",
    timestamps: [START],
    isForced: false,
  }),
  one("drop_middle", "alter table # drop partition list '2024-01-03'", {
    kind: "dropPartitions",
    timestamps: [START + 2n * DAY],
    isForced: false,
  }),
  one("drop_last", "alter table # drop partition list '2024-01-05'", {
    kind: "dropPartitions",
    timestamps: [START + 4n * DAY],
    isForced: false,
  }),
  one("force_drop", "alter table # force drop partition list '2024-01-02'", {
    kind: "dropPartitions",
    timestamps: [START + DAY],
    isForced: true,
  }),
  one("to_long", "alter table # alter column i type long", {
    kind: "changeColumnType",
    name: "i",
    type: ColumnType.LONG,
  }),
  one("to_symbol", "alter table # alter column v type symbol capacity 300 index capacity 20", {
    kind: "changeColumnType",
    name: "v",
    type: ColumnType.SYMBOL,
    symbolCapacity: 300,
    isIndexed: true,
    indexBlockCapacity: 20,
  }),
  one("top_to_symbol", "alter table # alter column nv type symbol", {
    kind: "changeColumnType",
    name: "nv",
    type: ColumnType.SYMBOL,
  }),
  one("symbol_to_varchar", "alter table # alter column ns type varchar", {
    kind: "changeColumnType",
    name: "ns",
    type: ColumnType.VARCHAR,
  }),
];

/** What differs on purpose: QuestDB counts removals of entries one by one. */
function comparable(description: Record<string, unknown>): Record<string, unknown> {
  const { txn, ...rest } = description;
  const { partitionTableVersion: _version, ...record } = txn as Record<string, unknown>;
  return { ...rest, txn: record };
}

Deno.test("TableWriter.alter() leaves the files that QuestDB leaves, and QuestDB goes on with them", async () => {
  using questDb = new TempDir();
  using ours = new TempDir();
  const roots = { questDb: questDb.path, ours: ours.path };
  await prepare(roots, SCENARIOS);
  const { txn } = readCommittedState(fs, `${ours.path}/db/${SCENARIOS[0].table}`);
  assert(new Set(txn.partitions.map((one) => one.timestamp / DAY)).size < txn.partitions.length);
  for (const scenario of SCENARIOS) {
    change(roots, scenario);
    assertEquals(
      comparable(describeTable(roots.ours, scenario.table)),
      comparable(describeTable(roots.questDb, scenario.table)),
      scenario.table,
    );
  }
  const expected = new Map<string, string>();
  const more = async (server: Parameters<typeof csv>[0], table: string) => {
    await server.exec(`insert into ${table}(ts) values ('2024-01-07T00:00:00')`).catch(() =>
      server.exec(`insert into ${table}(renamed) values ('2024-01-07T00:00:00')`)
    );
    return csv(server, table);
  };
  {
    await using server = await startQuestDb({ root: roots.questDb, config: SPLITTING });
    for (const { table } of SCENARIOS) {
      expected.set(table, await csv(server, table) + await more(server, table));
    }
  }
  await using server = await startQuestDb({ root: roots.ours, config: SPLITTING });
  for (const { table } of SCENARIOS) {
    assertEquals(await csv(server, table) + await more(server, table), expected.get(table), table);
  }
});

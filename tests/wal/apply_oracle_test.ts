/**
 * WALs that the real QuestDB has written are applied by it and by this project; it then reads both tables. Also: rows that apply has put
 * into partitions with an index are found by it.
 */
import { RealFileSystem } from "../../src/platform/mod.ts";
import { applyWal, TxnLog } from "../../src/wal/mod.ts";
import { createCore } from "../../src/wasm/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { startQuestDb } from "../support/questdb_server.ts";
import { TempDir } from "../support/temp_dir.ts";

const T0 = "'2024-01-01T00:00:00Z'", T1 = "'2024-01-01T00:00:01Z'", T2 = "'2024-01-02T00:00:00Z'";
/** Key type and values; repeated ones meet. */
const KEY_TYPES: readonly (readonly [string, readonly string[]])[] = [
  ["BOOLEAN", ["true", "false"]],
  ["BYTE", ["3", "-1", "0"]],
  ["SHORT", ["3", "-1", "0"]],
  ["CHAR", ["'z'", "'a'", "null"]],
  ["INT", ["3", "-1", "null"]],
  ["LONG", ["3", "-1", "null"]],
  ["DATE", ["'2024-01-02'", "'1960-01-01'", "null"]],
  ["TIMESTAMP", ["'2024-01-02'", "'1960-01-01'", "null"]],
  ["TIMESTAMP_NS", ["'2024-01-02'", "'1960-01-01'", "null"]],
  ["FLOAT", ["3.5", "-0.0", "0.0", "-1.0", "-2.0", "null"]],
  ["DOUBLE", ["3.5", "-0.0", "0.0", "-1.0", "-2.0", "null"]],
  ["STRING", ["''", "'b'", "'ab'", "'Ā'", "'ÿ'", "'🚀'", "'ａｂ'", "null"]],
  ["VARCHAR", ["''", "'b'", "'ab'", "'Ā'", "'ÿ'", "'a long text, not inlined'", "null"]],
  ["SYMBOL", ["'b'", "'a'", "null"]],
  ["LONG256", ["'0x02'", "'0x80000000000000000000000000000000'", "null"]],
  ["UUID", [
    "'80000000-0000-0000-0000-000000000000'",
    "'10000000-0000-0000-8000-000000000000'",
    "'10000000-0000-0000-0000-000000000001'",
    "null",
  ]],
  ["IPv4", ["'200.0.0.1'", "'1.0.0.1'", "null"]],
  ["GEOHASH(1c)", ["#z", "#0", "null"]],
  ["GEOHASH(3c)", ["#zzz", "#000", "null"]],
  ["GEOHASH(5c)", ["#zzzzz", "#00000", "null"]],
  ["GEOHASH(12c)", ["#zzzzzzzzzzzz", "#000000000000", "null"]],
  ["DECIMAL(2,1)", ["1.5m", "-1.5m", "null"]],
  ["DECIMAL(4,1)", ["1.5m", "-1.5m", "null"]],
  ["DECIMAL(9,1)", ["1.5m", "-1.5m", "null"]],
  ["DECIMAL(18,1)", ["1.5m", "-1.5m", "null"]],
  ["DECIMAL(38,1)", ["1.5m", "-1.5m", "null"]],
  ["DECIMAL(76,1)", ["1.5m", "-1.5m", "null"]],
];

/** Statements that make a table of one key type: duplicates within a transaction, between transactions, over partitions. */
function keyTable(name: string, type: string, values: readonly string[]): string[] {
  const rows = (times: readonly string[], from: number, order: readonly string[]) =>
    times.flatMap((time, t) =>
      order.map((value, i) => `(${time}, ${value}, ${from + 100 * t + i})`)
    );
  const insert = (list: string[]) => `insert into ${name} values ${list.join(", ")}`;
  return [
    `create table ${name} (ts timestamp, k ${type}, v int) timestamp(ts) partition by day wal dedup upsert keys(ts, k)`,
    insert(rows([T1], 0, [...values, values[0]])),
    insert(rows([T1, T0], 1000, [...values].reverse())),
    insert(rows([T2, T0], 2000, values.slice(1))),
  ];
}

/** Tables without deduplication, with what else travels through a WAL. */
const OTHER_TABLES: readonly string[] = [
  `create table late (ts timestamp, s symbol index capacity 4, t varchar, x long) timestamp(ts) partition by hour wal`,
  `insert into late select ('2024-01-01'::timestamp + x * 1000000L), 's' || (x % 7), 'text number ' || x, x from long_sequence(9000)`,
  `insert into late select ('2024-01-01'::timestamp + x * 3333333L), 's' || (x % 11), null, -x from long_sequence(2000)`,
  `alter table late add column added double`,
  `insert into late select ('2023-12-31T23:00:00'::timestamp + x * 7777777L), null, 'again', x, x / 2.0 from long_sequence(700)`,
  `alter table late rename column t to renamed`,
  `insert into late (ts, renamed) values ('2024-01-01T00:00:01', 'after the rename')`,
  `alter table late drop column x`,
  `insert into late (ts, s, added) values ('2024-01-01T00:00:00', 's3', 1.5), ('2025-01-01', 'new', 2.5)`,
  `create table keyed (ts timestamp, v int) timestamp(ts) partition by day wal`,
  `insert into keyed values (${T0}, 1), (${T0}, 2), (${T1}, 3)`,
  `alter table keyed add column k symbol`,
  `alter table keyed dedup enable upsert keys(ts, k)`,
  `insert into keyed values (${T0}, 4, null), (${T0}, 5, 'a'), (${T1}, 6, 'a'), (${T0}, 7, 'a')`,
  `alter table keyed dedup disable`,
  `insert into keyed values (${T0}, 8, 'a')`,
  `create table emptied (ts timestamp, s symbol) timestamp(ts) partition by day wal`,
  `insert into emptied values (${T0}, 'gone'), (${T2}, 'gone too')`,
  `truncate table emptied`,
  `insert into emptied values (${T1}, 'stays'), (${T0}, 'gone')`,
  `create table nanos (ts timestamp_ns, x int) timestamp(ts) partition by day wal dedup upsert keys(ts)`,
  `insert into nanos values ('2024-01-01T00:00:00.000000001Z', 1), ('2024-01-02T00:00:00.5Z', 2)`,
  `insert into nanos values ('2024-01-01T00:00:00.000000001Z', 3), ('2023-12-31T23:59:59.999999999Z', 4)`,
];

/** Applies everything that the WALs of a root's tables hold. */
async function applyAll(dbRoot: string): Promise<void> {
  const fs = new RealFileSystem(), core = createCore();
  for (const entry of fs.readDir(dbRoot)) {
    const tableDir = `${dbRoot}/${entry.name}`;
    if (!entry.isDirectory || fs.stat(`${tableDir}/txn_seq`) === null) continue;
    using log = TxnLog.open(fs, tableDir, "read");
    const targetTxn = log.lastTxn;
    const args = { tableDir, targetTxn, rowsMax: 1000, txnsMax: 2, isSynced: false };
    for (let applied = -1; applied < targetTxn;) {
      let result = await applyWal({ fs, core }, args);
      if (result.needsSync !== null) { // behind it is something that only a synced table takes
        result = await applyWal({ fs, core }, { ...args, isSynced: true, ...result.needsSync });
      }
      assertEquals(result.blockedReason, null, tableDir);
      applied = result.appliedTxn;
    }
  }
  assertEquals(core.memory.liveBytes, 0, "no block of memory is left behind");
}

Deno.test("applyWal() makes of QuestDB's WALs what QuestDB makes of them: keys of every type, structure, truncation", async () => {
  using directory = new TempDir();
  const theirs = `${directory.path}/theirs`, ours = `${directory.path}/ours`;
  const config = ["cairo.wal.apply.enabled=false"];
  const names = ["late", "keyed", "emptied", "nanos", ...KEY_TYPES.map((_, i) => `key${i}`)];
  {
    await using server = await startQuestDb({ root: theirs, config });
    const tables = KEY_TYPES.flatMap(([type, values], i) => keyTable(`key${i}`, type, values));
    for (const sql of [...OTHER_TABLES, ...tables]) await server.exec(sql);
  }
  const copy = await new Deno.Command("cp", { args: ["-r", theirs, ours] }).output();
  assertEquals(copy.success, true);
  await applyAll(`${ours}/db`);
  const answers = async (root: string) => {
    await using server = await startQuestDb({ root });
    await server.drainWal();
    const texts = new Map<string, string>();
    for (const name of names) {
      // Which transactions are applied together tells the order of rows with equal times and different keys.
      const isKeyed = name.startsWith("key");
      texts.set(name, await server.exp(isKeyed ? `${name} order by ts, k, v` : name));
    }
    texts.set(
      "index",
      await server.exp(
        "select s, count(), sum(added) from late where s in ('s3', 's5', null) order by s",
      ),
    );
    texts.set("count", await server.exp("select count() from late where s = 's3'"));
    return texts;
  };
  const expected = await answers(theirs), found = await answers(ours);
  for (const [name, text] of expected) {
    assert(text.startsWith('"') && text.split("\n").length > 2, `${name} has rows: ${text}`);
    assertEquals(found.get(name), text, name);
  }
});

/** Roots of the real QuestDB, with views, a materialized view, Parquet partitions, are backed up and restored with all they have. */
import { openEngine } from "../support/engine_fixture.ts";
import { engineService } from "../backup/engine_service.ts";
import { backUp, openStore, restore } from "../backup/test_database.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { startQuestDb } from "../support/questdb_server.ts";
import { TempDir } from "../support/temp_dir.ts";

const SAMPLE =
  new URL("../../../shared/golden/questdb-root-sample.tar.gz", import.meta.url).pathname;
/** What a backup carries as it is, without looking into it. */
const CARRIED = [
  "_preferences~store",
  "_tab_index.d",
  "_upgrade.d",
  "trades_1h~10/_mv",
  "trades_1h~10/_mv.s",
  "trades_1h~10/txn_seq/_mv",
  "btc~11/_view",
  "btc~11/_meta",
  "btc~11/_txn",
  "btc~11/_name",
  "btc~11/txn_seq/_view",
  "btc~11/txn_seq/_txnlog",
  "btc~11/txn_seq/_meta",
];

Deno.test("a backup of QuestDB's root brings back views, materialized views, registry and preferences", async () => {
  using directory = new TempDir();
  const source = `${directory.path}/questdb-root-sample/root`,
    target = `${directory.path}/restored`;
  const { success } = await new Deno.Command("tar", { args: ["xzf", SAMPLE, "-C", directory.path] })
    .output();
  assert(success);
  Deno.writeFileSync(`${source}/db/_preferences~store`, crypto.getRandomValues(new Uint8Array(99)));
  Deno.removeSync(`${source}/.checkpoint`, { recursive: true });
  const store = openStore(directory.path);
  let tokens;
  {
    await using engine = await openEngine(source);
    tokens = engine.tables();
    const service = engineService(engine, source, store);
    await backUp(service);
    const [first] = service.list();
    await backUp(service);
    const second = service.list()[1];
    const read = [first, second].map(({ bytesRead }) => bytesRead);
    assert(read[0] > 300_000 && read[1] < 20_000, `what is unchanged is not read: ${read}`);
    const checked = await service.validate({
      timestamp: null,
      level: "decode",
      signal: new AbortController().signal,
    });
    assertEquals(checked.filter(({ error }) => error !== null), []);
    assert(checked.some(({ table }) => table === "btc"));
  }
  await restore(target, store, { lines: [""] });
  for (const path of CARRIED) {
    const [before, after] = [source, target].map((root) => Deno.readFileSync(`${root}/db/${path}`));
    assertEquals(after, before, path);
  }
  await using engine = await openEngine(target);
  assertEquals(engine.tables(), tokens);
  assertEquals(tokens.filter(({ type }) => type === 3).map(({ name }) => name), ["btc"]);
  assertEquals(tokens.filter(({ type }) => type === 2).map(({ name }) => name), ["trades_1h"]);
});

Deno.test("partitions that QuestDB has converted to Parquet are backed up as they are, and QuestDB goes on with them", async () => {
  using directory = new TempDir();
  const source = `${directory.path}/root`, target = `${directory.path}/restored`;
  const insert = (name: string, day: number, rows: number) =>
    `INSERT INTO ${name} SELECT dateadd('s', cast(x AS INT), '2024-01-0${day}'), x * ${day}, ` +
    `'s' || (x % 7), 'text ' || x FROM long_sequence(${rows})`;
  const summary = (name: string) =>
    `SELECT timestamp_floor('d', ts) d, count(), sum(n), count_distinct(s), sum(length(v)) FROM ${name} ORDER BY d`;
  const parquet = (name: string) =>
    `SELECT name FROM table_partitions('${name}') WHERE isParquet ORDER BY name`;
  const read = async (root: string, changes: readonly string[] = []) => {
    await using questDb = await startQuestDb({ root });
    for (const sql of changes) {
      await questDb.exec(sql);
      await questDb.drainWal();
    }
    return [
      (await questDb.exec(summary("p"))).dataset,
      (await questDb.exec(parquet("p"))).dataset,
      (await questDb.exec("SELECT * FROM p WHERE s = 's3'")).dataset,
    ];
  };
  const before = await read(source, [
    "CREATE TABLE p (ts TIMESTAMP, n LONG, s SYMBOL, v VARCHAR) TIMESTAMP(ts) PARTITION BY DAY WAL",
    ...[1, 2, 3].map((day) => insert("p", day, 5000)),
    "ALTER TABLE p CONVERT PARTITION TO PARQUET LIST '2024-01-01', '2024-01-02'",
  ]);
  assertEquals(before[1], [["2024-01-01"], ["2024-01-02"]]);
  const store = openStore(directory.path);
  {
    await using engine = await openEngine(source);
    const service = engineService(engine, source, store);
    await backUp(service);
    const checked = await service.validate({
      timestamp: null,
      level: "decode",
      signal: new AbortController().signal,
    });
    assertEquals(checked.filter(({ error }) => error !== null), []);
  }
  await restore(target, store, { lines: [""] });
  assertEquals(await read(target), before);
  const [after] = await read(target, [insert("p", 1, 10), insert("p", 4, 10)]);
  assertEquals(after!.map((row) => row[1]), [5010, 5000, 5000, 10]);
});

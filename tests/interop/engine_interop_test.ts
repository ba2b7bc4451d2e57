/**
 * The engine and the real QuestDB on each other's roots, below SQL: applied and un-applied WAL in both directions.
 */
import { assert, assertEquals } from "../support/assert.ts";
import { allTypesTable, commitRows, openEngine, tableRows } from "../support/engine_fixture.ts";
import { type QuestDbServer, startQuestDb } from "../support/questdb_server.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import type { CellValue, Row } from "../support/table_rows.ts";
import { TempDir } from "../support/temp_dir.ts";
import { formatTimestampMicros, PartitionBy } from "../../src/common/mod.ts";
import type { Engine, TableToken } from "../../src/engine/mod.ts";

const START = 1_704_067_200_000_000n;
const DAY = 86_400_000_000n;
const COLUMNS = "ts, flag, count, total, price, sym, note";
const NO_APPLY = ["cairo.wal.apply.enabled=false"];

function randomRows(random: SeededRandom, count: number, spanMicros: number): Row[] {
  return Array.from({ length: count }, () => {
    const some = <T>(value: T): T | null => random.next() < 0.1 ? null : value;
    return [
      START + BigInt(Math.floor(random.next() * spanMicros)),
      random.next() < 0.5,
      some(random.int(-1e6, 1e6)),
      some(BigInt(random.int(-1e9, 1e9)) * 1000n),
      some(random.int(-1e6, 1e6) / 64),
      some(`sym${random.int(0, 200)}`), // fewer than their table holds: growth would change _meta too
      some("žluťoučký kůň 🐎 and more".slice(0, 2 * random.int(0, 12))),
    ];
  });
}

/** Rows as QuestDB's JSON shows them. */
function asJson(rows: readonly (readonly CellValue[])[]): unknown[][] {
  return rows.map((row) => [
    formatTimestampMicros(row[0] as bigint),
    ...row.slice(1).map((value) => typeof value === "bigint" ? Number(value) : value),
  ]);
}

async function questRows(server: QuestDbServer, table: string): Promise<unknown[][]> {
  return (await server.exec(`SELECT ${COLUMNS} FROM ${table}`)).dataset!;
}

/** Puts the table's committed state back, so that the WAL behind it is pending again. */
async function unapplied(
  engine: Engine,
  token: TableToken,
  commit: () => void,
): Promise<() => void> {
  await engine.waitApplied(token);
  const path = `${engine.tableDir(token)}/_txn`;
  const saved = Deno.readFileSync(path);
  // Never closed, so that no partition version of this state is removed.
  engine.acquireReader(token);
  commit();
  return () => Deno.writeFileSync(path, saved);
}

Deno.test("QuestDB opens a root of Engine, applies its pending WAL, shows the same rows and goes on", async () => {
  using root = new TempDir();
  const random = new SeededRandom(7);
  const expected = new Map<string, unknown[][]>();
  {
    const engine = await openEngine(root.path, { config: { walSegmentRolloverRowCount: 700 } });
    const units = [
      PartitionBy.HOUR,
      PartitionBy.DAY,
      PartitionBy.WEEK,
      PartitionBy.MONTH,
      PartitionBy.YEAR,
    ];
    for (const unit of units) {
      const token = engine.createTable(allTypesTable(`t${unit}`, { partitionBy: unit }));
      for (let i = 0; i < 8; i++) {
        commitRows(
          engine,
          token,
          randomRows(random, 250, 30 * 86_400e6),
          i % 2 ? "symbol" : "varchar",
        );
        if (i % 3 === 0) await engine.waitApplied(token);
      }
    }
    const emptied = engine.createTable(allTypesTable("emptied"));
    commitRows(engine, emptied, randomRows(random, 100, 1e9));
    engine.truncateTable(emptied);
    commitRows(engine, emptied, randomRows(random, 50, 1e9));
    const dropped = engine.createTable(allTypesTable("dropped"));
    commitRows(engine, dropped, randomRows(random, 10, 1e9));
    engine.dropTable(dropped);
    engine.createTable(allTypesTable("untouched"));
    const pending = engine.createTable(allTypesTable("pending"));
    commitRows(engine, pending, randomRows(random, 100, 86_400e6));
    const restore = await unapplied(engine, pending, () => {
      for (let i = 0; i < 5; i++) {
        commitRows(engine, pending, randomRows(random, 300, 2 * 86_400e6));
      }
    });
    for (const token of engine.tables()) {
      await engine.waitApplied(token);
      expected.set(token.name, asJson(tableRows(engine, token)));
    }
    await engine.close();
    restore();
  }
  {
    await using server = await startQuestDb({ root: root.path });
    await server.drainWal();
    for (const [name, rows] of expected) assertEquals(await questRows(server, name), rows, name);
    const { dataset } = await server.exec("SELECT name, suspended FROM wal_tables() ORDER BY name");
    assertEquals(dataset, [...expected.keys()].sort().map((name) => [name, false]));
    for (const name of expected.keys()) {
      await server.exec(
        `INSERT INTO ${name} VALUES ('2024-01-02T03:04:05.000006Z', true, 1, 2, 0.5, 'from questdb', 'a note')`,
      );
    }
    await server.drainWal();
    for (const name of expected.keys()) expected.set(name, await questRows(server, name));
  }
  await using engine = await openEngine(root.path);
  for (const [name, rows] of expected) {
    const token = engine.findTable(name)!;
    await engine.waitApplied(token);
    assertEquals(asJson(tableRows(engine, token)), rows, name);
  }
});

const QUESTDB_TABLE =
  "CREATE TABLE t (ts TIMESTAMP, flag BOOLEAN, count INT, total LONG, price DOUBLE, sym SYMBOL, " +
  "note VARCHAR) TIMESTAMP(ts) PARTITION BY DAY WAL";

function questInsert(start: string, stepMicros: number, tag: string): string {
  return `INSERT INTO t SELECT timestamp_sequence('${start}', ${stepMicros}L), x % 2 = 0, x::INT, x * 1000, x / 4.0, ` +
    `CASE WHEN x % 7 = 0 THEN NULL ELSE concat('${tag}', x % 13)::SYMBOL END, ` +
    `CASE WHEN x % 5 = 0 THEN NULL ELSE concat('${tag} ', x, ' long enough') END FROM long_sequence(3000)`;
}

Deno.test("Engine opens a root of QuestDB with pending WAL, and both show the same rows afterwards", async () => {
  using root = new TempDir();
  {
    await using server = await startQuestDb({ root: root.path });
    await server.exec(QUESTDB_TABLE);
    await server.exec(questInsert("2024-01-01", 60_000_000, "a"));
    await server.exec(
      "CREATE TABLE changed (ts TIMESTAMP, v LONG) TIMESTAMP(ts) PARTITION BY DAY WAL",
    );
    await server.exec("INSERT INTO changed VALUES ('2024-01-01', 1)");
    await server.exec(
      "CREATE TABLE plain (ts TIMESTAMP, s SYMBOL) TIMESTAMP(ts) PARTITION BY DAY BYPASS WAL",
    );
    await server.exec("INSERT INTO plain VALUES ('2024-01-01', 'x')");
    await server.drainWal();
  }
  {
    await using server = await startQuestDb({ root: root.path, config: NO_APPLY });
    await server.exec(questInsert("2024-01-02T00:00:30", -7_000_000, "b"));
    await server.exec(questInsert("2024-01-05", 1_000_000, "c"));
    await server.exec("ALTER TABLE changed ADD COLUMN w INT");
    await server.exec("INSERT INTO changed VALUES ('2024-01-02', 2, 3)");
  }
  let rows: unknown[][];
  {
    await using engine = await openEngine(root.path);
    const token = engine.findTable("t")!;
    assert(engine.walStatus(token).lagTxnCount > 0, "there is something to apply");
    await engine.waitApplied(token);
    commitRows(engine, token, [[START + 5n, true, 1, 2n, 0.25, "a3", "from the engine"]]);
    await engine.waitApplied(token);
    rows = asJson(tableRows(engine, token));
    assertEquals(rows.length, 9001);
    const changed = engine.findTable("changed")!;
    await engine.waitApplied(changed);
    assertEquals(tableRows(engine, changed), [[START, 1n, null], [START + DAY, 2n, 3]]);
    assertEquals(tableRows(engine, engine.findTable("plain")!), [[START, "x"]]);
  }
  await using server = await startQuestDb({ root: root.path });
  await server.drainWal();
  assertEquals(await questRows(server, "t"), rows);
  const { dataset } = await server.exec("SELECT v, w FROM changed");
  assertEquals(dataset, [[1, null], [2, 3]]);
});

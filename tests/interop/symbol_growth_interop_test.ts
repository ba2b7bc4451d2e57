/**
 * Symbol tables that grow, here and in the real QuestDB: the same transactions, versions, capacities and file names for the same statements, and
 * each goes on with what the other has made.
 */
import { ColumnType } from "../../src/common/mod.ts";
import type { Engine } from "../../src/engine/mod.ts";
import { RealFileSystem } from "../../src/platform/mod.ts";
import { SqlEngine, sqlEventExecutor } from "../../src/sql/mod.ts";
import { readCommittedState } from "../../src/storage/mod.ts";
import { walTasks } from "../../src/wal/mod.ts";
import { InlineTaskRunner } from "../../src/wasm/mod.ts";
import { assertEquals } from "../support/assert.ts";
import { openEngine, tableRows, testCore } from "../support/engine_fixture.ts";
import { type QuestDbServer, startQuestDb } from "../support/questdb_server.ts";
import { TempDir } from "../support/temp_dir.ts";

const fs = new RealFileSystem();
const KINDS = ["WAL", "BYPASS WAL"];

/** Rows `from` to `to`, each with a symbol of its own in both columns. */
function insert(from: number, to: number): string {
  return `INSERT INTO t (ts, s, n, z) SELECT ((x + ${from - 1}) * 1000000)::TIMESTAMP, ` +
    `('v' || (x + ${from - 1}))::SYMBOL, (x + ${from - 1})::INT, ('w' || (x % 40))::SYMBOL ` +
    `FROM long_sequence(${to - from + 1})`;
}

const HISTORY: readonly string[] = [
  insert(1, 12),
  insert(13, 13),
  insert(14, 25),
  insert(26, 26),
  insert(27, 300),
  insert(301, 301),
  "ALTER TABLE t ALTER COLUMN s SYMBOL CAPACITY 16",
  "ALTER TABLE t ADD COLUMN q SYMBOL CAPACITY 4",
  "UPDATE t SET n = 0 WHERE n = 1000",
  "UPDATE t SET n = 0 WHERE n = 7",
  "UPDATE t SET q = s WHERE n < 9",
  "INSERT INTO t (ts) VALUES (400000000)",
  "ALTER TABLE t SET TTL 1 DAY",
  insert(500, 510),
];

/** What growth has a part in, of a table's committed state. */
function stateOf(tableDir: string): unknown {
  const { metadata, txn, versions } = readCommittedState(fs, tableDir);
  return {
    metadataVersion: metadata.metadataVersion,
    capacities: metadata.columns.map(({ name, type, symbolCapacity }) =>
      type === ColumnType.SYMBOL ? [name, symbolCapacity] : [name]
    ),
    txn: txn.txn,
    seqTxn: txn.seqTxn,
    structureVersion: txn.structureVersion,
    symbolCounts: txn.symbolCounts,
    versions: versions.version,
    entries: versions.entries,
  };
}

async function openOurs(root: string): Promise<Engine> {
  const tasks = new InlineTaskRunner({ core: testCore(), fs }, walTasks(sqlEventExecutor));
  return await openEngine(root, { tasks });
}

async function runOurs(engine: Engine, text: string): Promise<void> {
  const result = await new SqlEngine(engine, { fs }).execute(text, {
    signal: new AbortController().signal,
    now: 1_700_000_000_000_000n,
    yieldIfDue: () => Promise.resolve(),
  });
  if (result.kind === "rows") result.cursor.close();
  const token = engine.findTable("t")!;
  if (token.isWal) await engine.waitApplied(token);
}

async function directoryOf(server: QuestDbServer, root: string): Promise<string> {
  const { dataset } = await server.exec(
    "SELECT directoryName FROM tables() WHERE table_name = 't'",
  );
  return `${root}/db/${dataset![0][0]}`;
}

for (const kind of KINDS) {
  Deno.test(`symbol tables grow as in QuestDB, transaction by transaction, and the two go on with each other's: ${kind}`, async () => {
    const create = "CREATE TABLE t (ts TIMESTAMP, s SYMBOL CAPACITY 16, n INT, " +
      `z SYMBOL CAPACITY 16 INDEX) TIMESTAMP(ts) PARTITION BY DAY ${kind}`;
    using theirRoot = new TempDir();
    using ourRoot = new TempDir();
    let ours: string;
    {
      await using server = await startQuestDb({ root: theirRoot.path });
      await using engine = await openOurs(ourRoot.path);
      await server.exec(create);
      await runOurs(engine, create);
      const theirs = await directoryOf(server, theirRoot.path);
      ours = engine.tableDir(engine.findTable("t")!);
      for (const sql of HISTORY) {
        await server.exec(sql);
        await server.drainWal();
        await runOurs(engine, sql);
        assertEquals(stateOf(ours), stateOf(theirs), sql);
      }
    }
    const more = insert(601, 900);
    {
      await using server = await startQuestDb({ root: ourRoot.path });
      await server.exec(more);
      await server.drainWal();
      const { dataset } = await server.exec(
        "SELECT count(), count_distinct(s) FROM t WHERE n >= 601 AND s = 'v' || n",
      );
      assertEquals(dataset, [[300, 300]]);
    }
    await using engine = await openOurs(theirRoot.path);
    await runOurs(engine, more);
    const rows = tableRows(engine, engine.findTable("t")!).slice(-300);
    assertEquals(rows.map((row) => row[1]), Array.from({ length: 300 }, (_, i) => `v${601 + i}`));
    const tableDir = engine.tableDir(engine.findTable("t")!);
    assertEquals(stateOf(ours), stateOf(tableDir), "with what the other has made");
  });
}

import { PartitionBy } from "../../src/common/mod.ts";
import { assertEquals } from "../support/assert.ts";
import { allTypesTable, commitRows, openEngine, tableRows } from "../support/engine_fixture.ts";
import { startQuestDb } from "../support/questdb_server.ts";
import type { Row } from "../support/table_rows.ts";
import { TempDir } from "../support/temp_dir.ts";
import { engineService } from "../backup/engine_service.ts";
import { backUp, openStore, restore } from "../backup/test_database.ts";
import { fillEveryType, LATE_ROWS, ROWS } from "./every_type.ts";

const START = 1_704_067_200_000_000n;
const QUERY =
  "SELECT count(), count_distinct(sym), sum(total), sum(price), sum(length(note)), min(ts), max(ts) FROM ";

function rows(salt: number): Row[] {
  return Array.from({ length: 1000 }, (_, i) => [
    START + BigInt((i * 7919 + salt) % 1000) * 300_000_000n,
    i % 2 === 0,
    i,
    BigInt(i * salt),
    i / 4,
    i % 9 === 0 ? null : `s${(i + salt) % 13}`,
    i % 7 === 0 ? null : `text number ${i}`,
  ]);
}

Deno.test("the real QuestDB opens a restored root, applies its WAL, and this engine opens it after that", async () => {
  using directory = new TempDir();
  const store = openStore(directory.path);
  {
    await using engine = await openEngine(`${directory.path}/root`);
    const service = engineService(engine, `${directory.path}/root`, store);
    for (const name of ["applied", "pending"]) {
      const token = engine.createTable(allTypesTable(name, { partitionBy: PartitionBy.DAY }));
      for (let salt = 0; salt < 5; salt++) commitRows(engine, token, rows(salt));
      if (name === "applied") await engine.waitApplied(token);
    }
    await backUp(service); // pinned before anything of the second table is applied
  }
  const restored = `${directory.path}/restored`;
  await restore(restored, store, { lines: [""] });
  {
    await using questDb = await startQuestDb({ root: restored });
    await questDb.drainWal();
    const answers = [];
    for (const name of ["applied", "pending"]) {
      answers.push((await questDb.exec(QUERY + name)).dataset);
    }
    assertEquals(answers[0], answers[1], "both tables hold the same rows");
    assertEquals(answers[0]![0].slice(0, 3), [5000, 13, 4_995_000]);
    const expected = [0, 1, 2, 3, 4].flatMap(rows).filter((row) => row[5] === "s3").length;
    const found = await questDb.exec("SELECT count() FROM pending WHERE sym = 's3'");
    assertEquals(found.dataset, [[expected]]);
    await questDb.exec("INSERT INTO pending VALUES ('2024-01-09', true, 1, 2, 3, 'later', 'row')");
    await questDb.drainWal();
  }
  await using engine = await openEngine(restored);
  for (const [name, count] of [["applied", 5000], ["pending", 5001]] as const) {
    const token = engine.findTable(name)!;
    await engine.waitApplied(token);
    assertEquals(tableRows(engine, token).length, count);
  }
});

/** What the real server answers about `t`: all rows, and counts through the index. */
async function answers(root: string, change: readonly string[] = []): Promise<unknown[]> {
  await using questDb = await startQuestDb({ root });
  for (const sql of change) await questDb.exec(sql);
  await questDb.drainWal();
  const found: unknown[] = [(await questDb.exec("SHOW CREATE TABLE t")).dataset];
  for (const symbol of ["x", "y", "žluť", "w"]) {
    found.push(
      (await questDb.exec(`SELECT count(), sum(l) FROM t WHERE sx = '${symbol}'`)).dataset,
    );
  }
  found.push((await questDb.exec("SELECT * FROM t")).dataset);
  return found;
}

Deno.test("the real QuestDB reads every type from restored backups, whole and incremental, as it wrote it", async () => {
  using directory = new TempDir();
  const root = `${directory.path}/root`;
  const store = openStore(directory.path);
  const backUpAndRestore = async (target: string) => {
    {
      await using engine = await openEngine(root);
      await backUp(engineService(engine, root, store));
    }
    await restore(target, store, { lines: [""] });
  };
  await fillEveryType(root, "TIMESTAMP_NS");
  const written = await answers(root);
  assertEquals((written.at(-1) as unknown[]).length, ROWS + LATE_ROWS);
  await backUpAndRestore(`${directory.path}/first`);
  const changed = await answers(root, [
    "ALTER TABLE t ADD COLUMN late INT",
    "INSERT INTO t (ts, late, sx) VALUES ('2024-01-02T12:00:00', 7, 'new')",
  ]);
  await backUpAndRestore(`${directory.path}/second`);
  assertEquals(await answers(`${directory.path}/first`), written);
  assertEquals(await answers(`${directory.path}/second`), changed);
});

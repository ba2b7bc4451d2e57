/**
 * A table with split partitions, made here, in the real QuestDB: read, written, squashed, and read here again.
 */
import { assertEquals } from "../support/assert.ts";
import { allTypesTable, commitRows, openEngine, tableRows } from "../support/engine_fixture.ts";
import { startQuestDb } from "../support/questdb_server.ts";
import type { CellValue } from "../support/table_rows.ts";
import { TempDir } from "../support/temp_dir.ts";

const START = 1_704_067_200_000_000n;
const MINUTE = 60_000_000n;

function rows(from: number, to: number, note: string): CellValue[][] {
  return Array.from({ length: to - from }, (_, i) => [
    START + BigInt(from + i) * MINUTE,
    (from + i) % 2 === 0,
    from + i,
    BigInt(from + i),
    (from + i) / 4,
    `s${(from + i) % 7}`,
    `${note} ${from + i}`,
  ]);
}

Deno.test("QuestDB reads, writes and squashes a partition that was split here, and it is read here again", async () => {
  using root = new TempDir();
  const config = { o3PartitionSplitMinBytes: 1024 };
  const first = rows(0, 1000, "first"), late = rows(900, 902, "late");
  const expected = [
    ...first.slice(0, 901),
    late[0],
    first[901],
    late[1],
    ...first.slice(902),
  ];
  let ours: CellValue[][];
  {
    await using engine = await openEngine(root.path, { config });
    const token = engine.createTable(allTypesTable("t"));
    for (const added of [first, late]) {
      commitRows(engine, token, added);
      await engine.waitApplied(token);
    }
    using reader = engine.acquireReader(token);
    assertEquals(reader.partitions.length, 2, "the partition is split");
    ours = tableRows(engine, token);
    assertEquals(ours, expected);
  }
  {
    await using server = await startQuestDb({ root: root.path });
    const read = async () =>
      (await server.exec("SELECT count, sym, note FROM t")).dataset as unknown[][];
    assertEquals(await read(), expected.map((row) => [row[2], row[5], row[6]]));
    await server.exec(
      "INSERT INTO t (ts, count, note) VALUES ('2024-01-01T23:00:00Z', -1, 'theirs')",
    );
    await server.exec("ALTER TABLE t SQUASH PARTITIONS");
    await server.drainWal();
    assertEquals((await read()).length, 1003);
  }
  await using engine = await openEngine(root.path, { config });
  const token = engine.findTable("t")!;
  {
    using reader = engine.acquireReader(token);
    assertEquals(reader.partitions.length, 1, "QuestDB has squashed the partition");
  }
  const all = tableRows(engine, token);
  assertEquals(all.slice(0, 1002), expected);
  assertEquals([all[1002][2], all[1002][6]], [-1, "theirs"]);
  commitRows(engine, token, rows(1400, 1410, "on"));
  await engine.waitApplied(token);
  assertEquals(tableRows(engine, token).slice(1003), rows(1400, 1410, "on"));
});

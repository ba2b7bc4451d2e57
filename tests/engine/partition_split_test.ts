import type { CellValue } from "../support/table_rows.ts";
import { assertEquals } from "../support/assert.ts";
import { batchOf } from "../support/table_rows.ts";
import { allTypesTable, openEngine, tableRows } from "../support/engine_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { Arena } from "../../src/wasm/mod.ts";

const START = 1_704_067_200_000_000n;
const MINUTE = 60_000_000n;

function rows(from: number, to: number): CellValue[][] {
  return Array.from({ length: to - from }, (_, i) => [
    START + BigInt(from + i) * MINUTE,
    true,
    from + i,
    null,
    null,
    "s",
    `row ${from + i}`,
  ]);
}

for (const isWalEnabled of [true, false]) {
  for (const [size, parts] of [[1024, 2], [50 << 20, 1]]) {
    Deno.test(`Engine splits a partition by its configuration: WAL ${isWalEnabled}, ${size} bytes`, async () => {
      using root = new TempDir();
      const config = { o3PartitionSplitMinBytes: size };
      await using engine = await openEngine(root.path, { config });
      const token = engine.createTable({ ...allTypesTable("t"), isWalEnabled });
      const commit = async (added: CellValue[][]) => {
        const writer = engine.rowWriter(token);
        using arena = new Arena(engine.core.memory);
        const { metadata } = writer;
        writer.append(batchOf(engine.core, arena, { metadata, rows: added, symbolsAs: "varchar" }));
        writer.commit();
        if (isWalEnabled) await engine.waitApplied(token);
      };
      await commit(rows(0, 1000));
      await commit(rows(900, 901));
      {
        using reader = engine.acquireReader(token);
        assertEquals(reader.partitions.length, parts);
      }
      const counts = tableRows(engine, token).map((row) => row[2]);
      const expected = [...rows(0, 901), ...rows(900, 1000)].map((row) => row[2]);
      assertEquals(counts, expected);
    });
  }
}

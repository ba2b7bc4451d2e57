import { ColumnType, PartitionBy, typeName } from "../../src/common/mod.ts";
import { Arena, fixedVector } from "../../src/wasm/mod.ts";
import { assertEquals } from "../support/assert.ts";
import { openEngine, testCore } from "../support/engine_fixture.ts";
import { runSeed, SeededRandom } from "../support/seeded_random.ts";
import { TempDir } from "../support/temp_dir.ts";
import {
  type Cell,
  cellText,
  cellVector,
  randomCell,
  TYPES,
  vectorTexts,
} from "../support/typed_cells.ts";

const START = 1_704_067_200_000_000n;

Deno.test("a WAL holds every type through batches, rollbacks, new segments and runs of transactions", async () => {
  const random = new SeededRandom(runSeed());
  const core = testCore();
  using root = new TempDir();
  await using engine = await openEngine(root.path, {
    config: { walSegmentRolloverRowCount: 300 },
  });
  const token = engine.createTable({
    name: "t",
    columns: [
      { name: "ts", type: ColumnType.TIMESTAMP },
      ...TYPES.map((type, i) => ({ name: `c${i}`, type })),
    ],
    timestampIndex: 0,
    partitionBy: PartitionBy.DAY,
    isWalEnabled: true,
    maxUncommittedRows: 500_000,
    o3MaxLagMicros: 0n,
    ttlHoursOrMonths: 0,
  });
  const model: { ts: bigint; cells: Cell[] }[] = [];
  const writer = engine.walWriter(token);
  for (let transaction = 0; transaction < 25; transaction++) {
    const rows: typeof model = [];
    for (let batch = random.int(1, 4); batch > 0; batch--) {
      using arena = new Arena(core.memory);
      const rowCount = random.int(1, 60);
      const hasNulls = random.next() < 0.3;
      const added = Array.from({ length: rowCount }, () => ({
        ts: START + BigInt(random.int(0, 200_000)) * 1_000_000n,
        cells: TYPES.map((type, i) => hasNulls && i % 2 === 0 ? null : randomCell(random, type)),
      }));
      const ts = arena.alloc(8 * rowCount);
      for (const [row, one] of added.entries()) core.memory.i64[ts / 8 + row] = one.ts;
      const columns = TYPES.map((type, i) =>
        hasNulls && i % 2 === 0
          ? null
          : cellVector(core, arena, { type, cells: added.map(({ cells }) => cells[i]) })
      );
      writer.append({ rowCount, columns: [fixedVector(ColumnType.TIMESTAMP, ts), ...columns] });
      rows.push(...added);
    }
    if (random.next() < 0.3) {
      writer.rollback();
      continue;
    }
    writer.commit();
    model.push(...rows);
    if (random.next() < 0.3) await engine.waitApplied(token);
  }
  await engine.waitApplied(token);
  assertEquals(engine.walStatus(token).isSuspended, false);
  model.sort((a, b) => a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0);
  using reader = engine.acquireReader(token);
  assertEquals(reader.rowCount, model.length);
  let first = 0;
  for (const [index, { rowCount }] of reader.partitions.entries()) {
    for (const [i, type] of TYPES.entries()) {
      using arena = new Arena(core.memory);
      const vector = reader.readColumn(index, i + 1, { rowLo: 0, rowHi: rowCount }, arena);
      const wanted = model.slice(first, first + rowCount).map(({ cells }) =>
        cellText(type, cells[i])
      );
      assertEquals(vectorTexts(core, vector, rowCount), wanted, typeName(type));
    }
    first += rowCount;
  }
});

import { ColumnType, PartitionBy, typeName } from "../../src/common/mod.ts";
import type { Engine } from "../../src/engine/mod.ts";
import { partitionIndexFiles, PartitionIndexReader } from "../../src/storage/mod.ts";
import { RealFileSystem } from "../../src/platform/mod.ts";
import { Arena, fixedVector } from "../../src/wasm/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { openEngine, testCore } from "../support/engine_fixture.ts";
import { runSeed, SeededRandom } from "../support/seeded_random.ts";
import { TempDir } from "../support/temp_dir.ts";
import { cellVector, randomCell, TYPES, vectorTexts } from "../support/typed_cells.ts";
import { engineService } from "./engine_service.ts";
import { backUp, openStore, restore } from "./test_database.ts";

const fs = new RealFileSystem();
const START = 1_704_067_200_000_000n;
const SYMBOL_INDEX = TYPES.length + 1;

/** Commits rows of every type from an hour on; the last column is an indexed SYMBOL. */
async function commit(engine: Engine, random: SeededRandom, hour: number): Promise<void> {
  const token = engine.findTable("t")!;
  const core = testCore();
  using arena = new Arena(core.memory);
  const rowCount = random.int(100, 400);
  const ts = arena.alloc(8 * rowCount);
  for (let row = 0; row < rowCount; row++) {
    core.memory.i64[ts / 8 + row] = (START + BigInt(hour * 3600 + random.int(0, 36_000)) *
        1_000_000n) * 1000n;
  }
  const cells = (type: number) => Array.from({ length: rowCount }, () => randomCell(random, type));
  const texts = Array.from(
    { length: rowCount },
    () => random.next() < 0.2 ? null : new TextEncoder().encode(`symbol ${random.int(0, 9)}`),
  );
  const writer = engine.walWriter(token);
  writer.append({
    rowCount,
    columns: [
      fixedVector(ColumnType.TIMESTAMP_NS, ts),
      ...TYPES.map((type) => cellVector(core, arena, { type, cells: cells(type) })),
      cellVector(core, arena, { type: ColumnType.VARCHAR, cells: texts }),
    ],
  });
  writer.commit();
  await engine.waitApplied(token);
}

/** Every value of the table as text, by column. */
function contents(engine: Engine): string[][] {
  const core = testCore();
  using reader = engine.acquireReader(engine.findTable("t")!);
  return reader.metadata.columns.map(({ writerIndex }) =>
    reader.partitions.flatMap(({ rowCount }, index) => {
      using arena = new Arena(core.memory);
      const vector = reader.readColumn(index, writerIndex, { rowLo: 0, rowHi: rowCount }, arena);
      return vectorTexts(core, vector, rowCount);
    })
  );
}

/** Compares the indexes of the last column with its keys. */
function checkIndexes(engine: Engine): void {
  const core = testCore();
  using reader = engine.acquireReader(engine.findTable("t")!);
  const column = reader.metadata.columns[SYMBOL_INDEX];
  assert(column.isIndexed, "the last column has an index");
  for (const [index, { rowCount, dirName }] of reader.partitions.entries()) {
    using arena = new Arena(core.memory);
    const { data } = reader.readColumn(index, SYMBOL_INDEX, { rowLo: 0, rowHi: rowCount }, arena);
    const keys = [...core.memory.i32.subarray(data / 4, data / 4 + rowCount)];
    const directory = `${reader.tableDir}/${dirName}`;
    using rows = PartitionIndexReader.open(fs, partitionIndexFiles(directory, column, -1));
    for (const key of new Set(keys)) {
      const wanted = keys.flatMap((held, row) => held === key ? [row] : []);
      assertEquals([...rows.rowsOf(key, 0, rowCount)], wanted);
    }
  }
}

Deno.test("a backup brings back every type, whole and incremental, with its indexes", async () => {
  const random = new SeededRandom(runSeed());
  using store = new TempDir();
  using root = new TempDir();
  using target = new TempDir();
  const objects = openStore(store.path);
  let expected: string[][];
  {
    await using engine = await openEngine(root.path);
    engine.createTable({
      name: "t",
      columns: [
        { name: "ts", type: ColumnType.TIMESTAMP_NS },
        ...TYPES.map((type, i) => ({ name: `c${i}`, type })),
        { name: "sym", type: ColumnType.SYMBOL, isIndexed: true, indexBlockCapacity: 4 },
      ],
      timestampIndex: 0,
      partitionBy: PartitionBy.DAY,
      isWalEnabled: true,
      maxUncommittedRows: 500_000,
      o3MaxLagMicros: 0n,
      ttlHoursOrMonths: 0,
    });
    const service = engineService(engine, root.path, objects, { hasPartitionHashes: true });
    await commit(engine, random, 0);
    await commit(engine, random, 30);
    await backUp(service);
    await commit(engine, random, 20); // between the others
    await commit(engine, random, 50);
    checkIndexes(engine);
    await backUp(service);
    expected = contents(engine);
  }
  await restore(target.path, objects, { lines: [] });
  await using engine = await openEngine(target.path);
  const actual = contents(engine);
  for (const [i, column] of expected.entries()) {
    assertEquals(actual[i], column, i === 0 || i > TYPES.length ? "" : typeName(TYPES[i - 1]));
  }
  checkIndexes(engine);
  await commit(engine, random, 40); // and it goes on
  checkIndexes(engine);
});

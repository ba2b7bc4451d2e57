import { assert, assertEquals } from "../support/assert.ts";
import { allTypesTable, openEngine } from "../support/engine_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { ColumnType, PartitionBy } from "../../src/common/mod.ts";
import type { Engine, TableToken } from "../../src/engine/mod.ts";
import { Arena, fixedVector, type Vector } from "../../src/wasm/mod.ts";
import { varcharVector } from "../support/table_rows.ts";

/** How large; the default keeps the suite quick, 1 is what the limits promise. */
const SCALE = Number(Deno.env.get("LIMITS_SCALE") ?? 0.1);
const START = 1_704_067_200_000_000n;
const HOUR = 3_600_000_000n;

function timestamps(engine: Engine, arena: Arena, count: number, step: bigint): Vector {
  const { memory } = engine.core;
  const data = arena.alloc(8 * count);
  for (let i = 0; i < count; i++) memory.i64[data / 8 + i] = START + BigInt(i) * step;
  return fixedVector(ColumnType.TIMESTAMP, data);
}

function longs(engine: Engine, arena: Arena, count: number): Vector {
  const { memory } = engine.core;
  const data = arena.alloc(8 * count);
  for (let i = 0; i < count; i++) memory.i64[data / 8 + i] = BigInt(i);
  return fixedVector(ColumnType.LONG, data);
}

function sumOfLongs(engine: Engine, token: TableToken, column: number): number {
  using reader = engine.acquireReader(token);
  let sum = 0;
  for (const [index, partition] of reader.partitions.entries()) {
    using arena = new Arena(engine.core.memory);
    const range = { rowLo: 0, rowHi: partition.rowCount };
    const { data } = reader.readColumn(index, column, range, arena);
    for (let i = 0; i < partition.rowCount; i++) {
      sum += Number(engine.core.memory.i64[data / 8 + i]);
    }
  }
  return sum;
}

Deno.test("a table of 10 000 partitions is written, read, altered and tidied", async () => {
  using root = new TempDir();
  const count = 10_000 * SCALE;
  await using engine = await openEngine(root.path, { config: { applyBatchRowsMax: 2000 } });
  const token = engine.createTable({
    ...allTypesTable("t", { partitionBy: PartitionBy.HOUR }),
    columns: [{ name: "ts", type: ColumnType.TIMESTAMP }, { name: "v", type: ColumnType.LONG }],
  });
  using arena = new Arena(engine.core.memory);
  const writer = engine.walWriter(token);
  writer.append({
    rowCount: count,
    columns: [timestamps(engine, arena, count, HOUR), longs(engine, arena, count)],
  });
  writer.commit();
  await engine.waitApplied(token);
  const column = { name: "x", type: ColumnType.LONG };
  await engine.alterTable(token, { kind: "addColumn", column });
  await engine.alterTable(token, { kind: "dropColumn", name: "x" });
  await engine.waitApplied(token);
  await engine.purge();
  assertEquals(sumOfLongs(engine, token, 1), (count * (count - 1)) / 2);
  using reader = engine.acquireReader(token);
  assertEquals(reader.partitions.length, count);
});

Deno.test("a table of 1 000 columns is written, read and altered", async () => {
  using root = new TempDir();
  const count = 1000 * SCALE;
  await using engine = await openEngine(root.path);
  const token = engine.createTable({
    ...allTypesTable("t"),
    columns: [
      { name: "ts", type: ColumnType.TIMESTAMP },
      ...Array.from({ length: count }, (_, i) => ({ name: `c${i}`, type: ColumnType.LONG })),
    ],
  });
  const rows = 100;
  const commit = () => {
    using arena = new Arena(engine.core.memory);
    const values = longs(engine, arena, rows);
    const writer = engine.walWriter(token);
    const ts = timestamps(engine, arena, rows, HOUR);
    const columns = writer.metadata.columns.map((_, i) => i === 0 ? ts : values);
    writer.append({ rowCount: rows, columns });
    writer.commit();
  };
  commit();
  const column = { name: "more", type: ColumnType.LONG };
  await engine.alterTable(token, { kind: "addColumn", column });
  commit();
  await engine.waitApplied(token);
  const sum = rows * (rows - 1);
  assertEquals(sumOfLongs(engine, token, 1), sum);
  assertEquals(sumOfLongs(engine, token, count), sum);
});

Deno.test("a column of 1 000 000 symbols is written, reopened and written again", async () => {
  using root = new TempDir();
  const count = 1_000_000 * SCALE, batch = 50_000;
  const commit = (engine: Engine, token: TableToken, from: number) => {
    using arena = new Arena(engine.core.memory);
    const texts = Array.from({ length: batch }, (_, i) => `symbol ${from + i}`);
    const writer = engine.walWriter(token);
    writer.append({
      rowCount: batch,
      columns: [timestamps(engine, arena, batch, 1n), varcharVector(engine.core, arena, texts)],
    });
    return writer.commit();
  };
  {
    await using engine = await openEngine(root.path);
    const token = engine.createTable({
      ...allTypesTable("t"),
      columns: [
        { name: "ts", type: ColumnType.TIMESTAMP },
        { name: "s", type: ColumnType.SYMBOL, symbolCapacity: 2 ** 20 },
      ],
    });
    for (let from = 0; from < count; from += batch) commit(engine, token, from);
    await engine.waitApplied(token);
  }
  await using engine = await openEngine(root.path);
  const token = engine.findTable("t")!;
  commit(engine, token, count - batch / 2);
  await engine.waitApplied(token);
  using reader = engine.acquireReader(token);
  assertEquals(reader.symbolTable(1).count, count + batch / 2);
  assert(reader.rowCount === count + batch);
});

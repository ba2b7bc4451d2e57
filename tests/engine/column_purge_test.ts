import { assert, assertEquals } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { allTypesTable, commitRows, openEngine, tableRows } from "../support/engine_fixture.ts";
import { batchOf, readRows, type Row } from "../support/table_rows.ts";
import { ColumnType } from "../../src/common/mod.ts";
import type { Engine, TableToken } from "../../src/engine/mod.ts";
import { RealFileSystem } from "../../src/platform/mod.ts";
import { Arena } from "../../src/wasm/mod.ts";

const START = 1_704_067_200_000_000n;
const DAY = 86_400_000_000n;
const fs = new RealFileSystem();

function row(i: number): Row {
  return [START + BigInt(i) * DAY, true, i, BigInt(i), i / 2, `s${i % 3}`, `text ${i}`];
}

function filesOf(engine: Engine, token: TableToken, column: string): string[] {
  const tableDir = engine.tableDir(token);
  const pattern = new RegExp(`^${column}\\.[a-z](\\.\\d+)?$`);
  const own = fs.readDir(tableDir).filter((one) => !one.isDirectory).map((one) => one.name);
  const inPartitions = fs.readDir(tableDir).filter((one) => /^\d{4}-/.test(one.name))
    .flatMap((dir) => fs.readDir(`${tableDir}/${dir.name}`).map((one) => one.name));
  return [...own, ...inPartitions].filter((name) => pattern.test(name)).sort();
}

Deno.test("Engine.purge removes files of dropped, renamed and converted columns when no older reader is left", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path);
  const token = engine.createTable(allTypesTable("t"));
  commitRows(engine, token, [row(0), row(1), row(2)]);
  await engine.waitApplied(token);
  const reader = engine.acquireReader(token);
  await engine.alterTable(token, { kind: "dropColumn", name: "note" });
  await engine.alterTable(token, { kind: "dropColumn", name: "sym" });
  await engine.alterTable(token, { kind: "renameColumn", from: "price", to: "cost" });
  await engine.alterTable(token, {
    kind: "changeColumnType",
    name: "total",
    type: ColumnType.DOUBLE,
  });
  await engine.waitApplied(token);
  await engine.purge();
  assertEquals(filesOf(engine, token, "price").length, 3, "a reader may still open them");
  assert(filesOf(engine, token, "sym").length > 0);
  assertEquals(reader.rowCount, 3);
  assertEquals(readRows(engine.core, reader), [row(0), row(1), row(2)]);
  reader.close();
  await engine.purge();
  for (const column of ["note", "sym", "price"]) {
    assertEquals(filesOf(engine, token, column), [], column);
  }
  assertEquals(filesOf(engine, token, "cost").length, 3);
  assertEquals(filesOf(engine, token, "total").length, 3, "the old type's files are gone");
  assertEquals(
    tableRows(engine, token).map((one) => [one[2], one[4], one.at(-1)]),
    [[0, 0, 0], [1, 0.5, 1], [2, 1, 2]],
  );
});

Deno.test("Engine.purge leaves files alone while a checkpoint holds them", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path);
  const token = engine.createTable(allTypesTable("t"));
  commitRows(engine, token, [row(0)]);
  await engine.waitApplied(token);
  const pin = engine.pinAll();
  await engine.alterTable(token, { kind: "dropColumn", name: "note" });
  await engine.waitApplied(token);
  await engine.purge();
  assert(filesOf(engine, token, "note").length > 0);
  pin.release();
  await engine.purge();
  assertEquals(filesOf(engine, token, "note"), []);
});

Deno.test("Engine.purge leaves alone what an open transaction of a table without WAL has written", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path, { config: { maxUncommittedRows: 2 } });
  const definition = { ...allTypesTable("t"), isWalEnabled: false, maxUncommittedRows: 2 };
  const token = engine.createTable(definition);
  const writer = engine.rowWriter(token);
  using arena = new Arena(engine.core.memory);
  const append = (...rows: Row[]) =>
    writer.append(batchOf(engine.core, arena, { metadata: writer.metadata, rows }));
  append(row(0), row(1), row(2), row(3));
  writer.commit();
  append(row(1), row(2), row(3), row(4)); // merged into new versions of the partitions
  await engine.purge();
  writer.commit();
  await engine.purge();
  assertEquals(tableRows(engine, token).length, 8);
});

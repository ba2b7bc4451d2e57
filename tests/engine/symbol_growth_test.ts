/**
 * Growing symbol tables under an engine: WAL writers, readers and purging around the change of files, and its settings.
 */
import { ColumnType } from "../../src/common/mod.ts";
import type { Engine, TableToken } from "../../src/engine/mod.ts";
import { RealFileSystem } from "../../src/platform/mod.ts";
import { readCommittedState } from "../../src/storage/mod.ts";
import { Arena } from "../../src/wasm/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { allTypesTable, openEngine, tableRows } from "../support/engine_fixture.ts";
import { batchOf, readRows, type Row } from "../support/table_rows.ts";
import { TempDir } from "../support/temp_dir.ts";

const START = 1_704_067_200_000_000n;
const fs = new RealFileSystem();

/** Rows whose symbols are new but for every third, which is one of the first. */
function rows(from: number, to: number): Row[] {
  return Array.from({ length: to - from }, (_, offset) => {
    const i = from + offset;
    const symbol = i % 3 === 2 ? `s${i % 5}` : `s${i}`;
    return [START + BigInt(i) * 60_000_000n, true, i, null, null, symbol, `row ${i}`];
  });
}

function create(engine: Engine, isWalEnabled: boolean): TableToken {
  const definition = allTypesTable("t");
  const columns = definition.columns.map((column) =>
    column.type === ColumnType.SYMBOL ? { ...column, symbolCapacity: 4 } : column
  );
  return engine.createTable({ ...definition, columns, isWalEnabled });
}

async function commit(
  engine: Engine,
  token: TableToken,
  added: readonly Row[],
  symbolsAs: "varchar" | "symbol" = "varchar",
): Promise<void> {
  const writer = engine.rowWriter(token);
  using arena = new Arena(engine.core.memory);
  const { metadata } = writer;
  writer.append(batchOf(engine.core, arena, { metadata, rows: added, symbolsAs }));
  writer.commit();
  if (token.isWal) await engine.waitApplied(token);
}

function capacity(engine: Engine, token: TableToken): number {
  using reader = engine.acquireReader(token);
  const [column] = reader.metadata.columns.filter(({ type }) => type === ColumnType.SYMBOL);
  const [known] = engine.metadata(token).columns.filter(({ type }) => type === ColumnType.SYMBOL);
  assertEquals(known.symbolCapacity, column.symbolCapacity, "the engine knows");
  return column.symbolCapacity;
}

function symbolFilesOf(engine: Engine, token: TableToken): string[] {
  return fs.readDir(engine.tableDir(token)).map(({ name }) => name)
    .filter((name) => /^sym\.[ockv](\.\d+)?$/.test(name)).sort();
}

for (const isWal of [true, false]) {
  Deno.test(`Engine grows symbol tables behind the writer's back: its keys, old readers and a new start stay right; WAL ${isWal}`, async () => {
    using root = new TempDir();
    {
      await using engine = await openEngine(root.path);
      const token = create(engine, isWal);
      await commit(engine, token, rows(0, 3));
      assertEquals(capacity(engine, token), 4);
      const old = engine.acquireReader(token);
      const before = symbolFilesOf(engine, token);
      await commit(engine, token, rows(3, 10), "symbol");
      assertEquals(capacity(engine, token), 8);
      await commit(engine, token, rows(10, 200));
      assertEquals(capacity(engine, token), 128);
      await commit(engine, token, rows(200, 220), "symbol");
      assertEquals(tableRows(engine, token), rows(0, 220));

      await engine.purge();
      assert(
        before.every((name) => symbolFilesOf(engine, token).includes(name)),
        "a reader uses them",
      );
      assertEquals(readRows(engine.core, old), rows(0, 3));
      old.close();
      await engine.purge();
      const { versions, metadata } = readCommittedState(fs, engine.tableDir(token));
      const { writerIndex } = metadata.columns.find(({ name }) => name === "sym")!;
      const nameTxn = versions.symbolNameTxn(writerIndex);
      assertEquals(
        symbolFilesOf(engine, token),
        ["c", "k", "o", "v"].map((extension) => `sym.${extension}.${nameTxn}`),
      );
      assertEquals(tableRows(engine, token), rows(0, 220));
    }
    await using engine = await openEngine(root.path);
    const token = engine.findTable("t")!;
    await commit(engine, token, rows(220, 300), "symbol");
    assertEquals(tableRows(engine, token), rows(0, 300));
    assertEquals(capacity(engine, token), 256);
  });

  Deno.test(`Engine leaves symbol capacities alone by its configuration, and follows its threshold; WAL ${isWal}`, async () => {
    for (
      const [config, expected] of [
        [{ isSymbolCapacityScaled: false }, 4],
        [{ symbolCapacityThreshold: 100 }, 4],
        [{ symbolCapacityThreshold: 0.1 }, 16],
      ] as const
    ) {
      using root = new TempDir();
      await using engine = await openEngine(root.path, { config });
      const token = create(engine, isWal);
      await commit(engine, token, rows(0, 30));
      assertEquals(capacity(engine, token), expected, JSON.stringify(config));
      assertEquals(tableRows(engine, token), rows(0, 30));
    }
  });
}

Deno.test("Engine grows symbol tables while the WAL writer has rows that are not committed", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path);
  const token = create(engine, true);
  await commit(engine, token, rows(0, 3));
  const writer = engine.walWriter(token);
  using arena = new Arena(engine.core.memory);
  const append = (added: Row[]) =>
    writer.append(batchOf(engine.core, arena, { metadata: writer.metadata, rows: added }));
  append(rows(3, 12));
  writer.commit();
  append(rows(12, 20));
  await engine.waitApplied(token);
  assertEquals(capacity(engine, token), 8);
  await engine.purge();
  append(rows(20, 40));
  writer.commit();
  await engine.waitApplied(token);
  assertEquals(tableRows(engine, token), rows(0, 40));
  assertEquals(capacity(engine, token), 16);
});

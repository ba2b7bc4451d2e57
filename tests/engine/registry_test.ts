import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { allTypesTable, commitRows, openEngine, tableRows } from "../support/engine_fixture.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { batchOf } from "../support/table_rows.ts";
import { QuestError, StorageError, TableError } from "../../src/common/mod.ts";
import {
  FaultFileSystem,
  InjectedError,
  RealFileSystem,
  SimulatedFileSystem,
} from "../../src/platform/mod.ts";
import { ByteBuilder } from "../../src/wal/mod.ts";
import { Arena } from "../../src/wasm/mod.ts";
import { TableRegistry } from "../../src/engine/table_registry.ts";
import type { TableToken } from "../../src/engine/mod.ts";

const fs = new RealFileSystem();

function token(id: number, name = `t${id}`): TableToken {
  return { name, dirName: `${name}~${id}`, id, isWal: true, type: 1 };
}

function addDirectory(root: string, of: TableToken): void {
  fs.mkdir(`${root}/${of.dirName}`);
  using _file = fs.open(`${root}/${of.dirName}/_txn`, "create");
}

function registryFiles(root: string): string[] {
  return fs.readDir(root).map((entry) => entry.name).filter((name) => name.startsWith("tables.d."));
}

Deno.test("TableRegistry replays adds and removes", () => {
  using root = new TempDir();
  {
    using registry = TableRegistry.open(fs, root.path);
    assertEquals(registry.isComplete, false);
    for (const id of [1, 2, 3]) {
      addDirectory(root.path, token(id));
      registry.add(token(id));
    }
    registry.remove(token(2));
    assertEquals(registry.entries().map((entry) => entry.id), [1, 3]);
  }
  using registry = TableRegistry.open(fs, root.path);
  assertEquals(registry.isComplete, true);
  assertEquals(registry.entries(), [
    { name: "t1", dirName: "t1~1", id: 1, kind: 1 },
    { name: "t3", dirName: "t3~3", id: 3, kind: 1 },
  ]);
  assert(registry.isRemoved("t2~2"));
});

Deno.test("TableRegistry writes itself anew when too much of it is dead, and keeps pending drops", () => {
  using root = new TempDir();
  {
    using registry = TableRegistry.open(fs, root.path);
    for (let id = 1; id <= 40; id++) {
      addDirectory(root.path, token(id));
      registry.add(token(id));
      if (id % 2 === 0) registry.remove(token(id));
    }
  }
  fs.removeTree(`${root.path}/t4~4`);
  {
    using registry = TableRegistry.open(fs, root.path);
    assertEquals(registryFiles(root.path), ["tables.d.1"]);
    assertEquals(registry.entries().length, 20);
    registry.add(token(41));
    addDirectory(root.path, token(41));
  }
  using registry = TableRegistry.open(fs, root.path);
  assertEquals(registry.entries().length, 21);
  assert(registry.isRemoved("t2~2"));
  assert(!registry.isRemoved("t4~4"));
});

Deno.test("TableRegistry leaves out an entry whose directory is not there", () => {
  using root = new TempDir();
  {
    using registry = TableRegistry.open(fs, root.path);
    registry.add(token(1));
  }
  using registry = TableRegistry.open(fs, root.path);
  assertEquals(registry.entries(), []);
});

Deno.test("TableRegistry ignores what lies behind the append offset", () => {
  using root = new TempDir();
  addDirectory(root.path, token(1));
  {
    using registry = TableRegistry.open(fs, root.path);
    registry.add(token(1));
  }
  const path = `${root.path}/tables.d.0`;
  {
    using file = fs.open(path, "readWrite");
    file.write(new Uint8Array(100).fill(0x77), file.size());
  }
  using registry = TableRegistry.open(fs, root.path);
  assertEquals(registry.entries().length, 1);
  addDirectory(root.path, token(2));
  registry.add(token(2));
  using again = TableRegistry.open(fs, root.path);
  assertEquals(again.entries().length, 2);
});

Deno.test("TableRegistry.open refuses a corrupt file, naming it", () => {
  const damage: [number, number[], string][] = [
    [0, [0xff, 0xff], "append offset is past the end"],
    [0, [20], "file is too short"],
    [8, [7], "unknown operation"],
    [12, [0xff, 0xff, 0xff, 0x7f], "invalid length of table name"],
    [36, [99], "unknown table kind"],
  ];
  for (const [offset, bytes, message] of damage) {
    using root = new TempDir();
    addDirectory(root.path, token(1));
    {
      using registry = TableRegistry.open(fs, root.path);
      registry.add(token(1));
    }
    const path = `${root.path}/tables.d.0`;
    {
      using file = fs.open(path, "readWrite");
      file.write(new Uint8Array(bytes), offset);
    }
    const error = assertThrows(() => TableRegistry.open(fs, root.path), StorageError, message);
    assertEquals(error.file, path);
  }
});

Deno.test("TableRegistry.open refuses two entries for one name", () => {
  using root = new TempDir();
  {
    using registry = TableRegistry.open(fs, root.path);
    registry.add(token(1, "same"));
    registry.add(token(2, "SAME"));
  }
  assertThrows(
    () => TableRegistry.open(fs, root.path),
    StorageError,
    "two entries claim one table",
  );
});

Deno.test("Engine.open creates the files of a new root and keeps its identity", async () => {
  using root = new TempDir();
  let dataId: string;
  {
    await using engine = await openEngine(root.path);
    dataId = engine.dataId;
  }
  assertEquals(fs.readDir(`${root.path}/db`).map((entry) => entry.name), [
    ".data_id",
    "_tab_index.d",
    "_upgrade.d",
    "tables.d.0",
    "tables.d.lock",
  ]);
  await using engine = await openEngine(root.path);
  assertEquals(engine.dataId, dataId);
});

Deno.test("Engine.open refuses a root of another storage version", async () => {
  using root = new TempDir();
  {
    await using _engine = await openEngine(root.path);
  }
  {
    using file = fs.open(`${root.path}/db/_upgrade.d`, "readWrite");
    file.write(new ByteBuilder().i32(427).bytes(), 0);
  }
  await assertRejects(() => openEngine(root.path), StorageError, "storage version");
});

Deno.test("Engine never gives out a table id twice, even if its counter is lost", async () => {
  using root = new TempDir();
  {
    await using engine = await openEngine(root.path);
    engine.createTable(allTypesTable("a"));
    const b = engine.createTable(allTypesTable("b"));
    engine.dropTable(b);
  }
  fs.remove(`${root.path}/db/_tab_index.d`);
  await using engine = await openEngine(root.path);
  assertEquals(engine.createTable(allTypesTable("c")).id, 2);
  assertEquals(engine.createTable(allTypesTable("d")).id, 3);
});

Deno.test("Engine drops a table at once and its files when the last reader closes", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path);
  const first = engine.createTable(allTypesTable("t"));
  commitRows(engine, first, [[1n, true, 1, 1n, 1, "a", "x"]]);
  await engine.waitApplied(first);
  const reader = engine.acquireReader(first);
  engine.dropTable(first);
  assertEquals(engine.findTable("t"), null);
  assertThrows(() => engine.acquireReader(first), TableError, "table does not exist");
  const second = engine.createTable(allTypesTable("t"));
  assertEquals(tableRows(engine, second), []);
  await engine.purge();
  assert(fs.stat(engine.tableDir(first)) !== null);
  reader.close();
  await engine.purge();
  assertEquals(fs.stat(engine.tableDir(first)), null);
});

Deno.test("Engine.open finishes a drop that was cut off after the sequencer's record", async () => {
  using root = new TempDir();
  {
    await using engine = await openEngine(root.path);
    const table = engine.createTable(allTypesTable("t"));
    engine.createTable(allTypesTable("u"));
    commitRows(engine, table, [[1n, true, 1, 1n, 1, "a", "x"]]);
    const { Sequencer } = await import("../../src/wal/mod.ts");
    using sequencer = Sequencer.open(fs, engine.tableDir(table));
    sequencer.drop(1n);
  }
  await using engine = await openEngine(root.path);
  assertEquals(engine.tables().map((table) => table.name), ["u"]);
  await engine.purge();
  assertEquals(fs.stat(`${root.path}/db/t~1`), null);
});

Deno.test("Engine.open removes what a cut-off CREATE left, and adopts a table whose registry was lost", async () => {
  using root = new TempDir();
  {
    await using engine = await openEngine(root.path);
    const table = engine.createTable(allTypesTable("t"));
    commitRows(engine, table, [[1n, true, 1, 1n, 1, "a", "x"]]);
    engine.createTable(allTypesTable("empty"));
  }
  const db = `${root.path}/db`;
  {
    // As if the process had died before the registry entry of "empty".
    using registry = TableRegistry.open(fs, db);
    const [{ name, dirName, id, kind }] = registry.entries().filter(({ id }) => id === 1);
    fs.remove(`${db}/tables.d.0`);
    using fresh = TableRegistry.open(fs, db);
    fresh.add({ name, dirName, id, isWal: true, type: kind });
  }
  {
    await using engine = await openEngine(root.path);
    assertEquals(engine.tables().map((table) => table.name), ["t"]);
    assertEquals(fs.stat(`${db}/empty~2`), null);
  }
  fs.remove(`${db}/tables.d.0`);
  for (let i = 0; i < 2; i++) {
    await using engine = await openEngine(root.path);
    const [table] = engine.tables();
    assertEquals(table, { name: "t", dirName: "t~1", id: 1, isWal: true, type: 1 });
    assertEquals(tableRows(engine, table).length, 1);
  }
});

Deno.test("Engine.open lists a table that lost its _txn as broken, and lets it be dropped; one whose directory is gone is left out", async () => {
  using root = new TempDir();
  const tokens: TableToken[] = [];
  {
    await using engine = await openEngine(root.path);
    for (const name of ["lost", "gone", "whole"]) {
      tokens.push(engine.createTable(allTypesTable(name)));
    }
  }
  const [lost, gone] = tokens.map(({ dirName }) => `${root.path}/db/${dirName}`);
  Deno.removeSync(`${lost}/_txn`);
  Deno.removeSync(gone, { recursive: true });
  for (let start = 0; start < 2; start++) {
    await using engine = await openEngine(root.path);
    assertEquals(engine.tables().map(({ name }) => name), ["lost", "whole"]);
    assertThrows(() => engine.acquireReader(engine.findTable("lost")!), StorageError, "_txn");
    assertThrows(() => engine.createTable(allTypesTable("lost")), TableError, "already exists");
    assert(fs.stat(`${lost}/_meta`) !== null, "its files are there");
  }
  await using engine = await openEngine(root.path);
  engine.dropTable(engine.findTable("lost")!);
  assertEquals(fs.stat(lost), null);
  for (const name of ["lost", "gone"]) engine.createTable(allTypesTable(name));
});

Deno.test("a DROP of a table without WAL has happened or not after a power loss at any change, and its name is free then", async () => {
  const random = new SeededRandom(7);
  const found = { there: 0, gone: 0 };
  for (let n = 1, isDone = false; !isDone; n++) {
    const disk = new SimulatedFileSystem();
    disk.mkdir("/data");
    disk.syncDir("/");
    const machine = new FaultFileSystem(disk);
    const definition = { ...allTypesTable("t"), isWalEnabled: false };
    const engine = await openEngine("/data", { fs: machine });
    const token = engine.createTable(definition);
    const writer = engine.rowWriter(token);
    using arena = new Arena(engine.core.memory);
    const rows = [[1_704_067_200_000_000n, true, 1, 2n, 0.5, "s", "text"]];
    writer.append(batchOf(engine.core, arena, { metadata: writer.metadata, rows }));
    writer.commit();
    const before = machine.changeCount;
    machine.stopAt(n, random.pick(["none", "partial", "applied"] as const));
    let isAcknowledged = false;
    try {
      engine.dropTable(token);
      isAcknowledged = true;
      isDone = machine.changeCount < before + n;
    } catch (error) {
      assert(error instanceof QuestError || error instanceof InjectedError, String(error));
    }
    await Promise.allSettled([engine.close()]);
    disk.crash(random);
    await using again = await openEngine("/data", { fs: disk });
    const left = again.findTable("t");
    assert(left === null || !isAcknowledged, `change ${n}: it came back`);
    found[left === null ? "gone" : "there"]++;
    if (left === null) again.createTable(definition);
    else assertEquals(tableRows(again, left), rows, `change ${n}`);
  }
  assert(found.there > 0 && found.gone > 2, JSON.stringify(found));
});

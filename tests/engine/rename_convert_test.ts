import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { allTypesTable, commitRows, openEngine, tableRows } from "../support/engine_fixture.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { batchOf, type Row } from "../support/table_rows.ts";
import { ColumnType, PartitionBy, QuestError, TableError, WalError } from "../../src/common/mod.ts";
import type { Engine, TableToken } from "../../src/engine/mod.ts";
import {
  FaultFileSystem,
  InjectedError,
  RealFileSystem,
  SimulatedFileSystem,
} from "../../src/platform/mod.ts";
import { readTableMetadata, readTableName } from "../../src/storage/mod.ts";
import { Arena } from "../../src/wasm/mod.ts";

const START = 1_704_067_200_000_000n;
const fs = new RealFileSystem();

function row(i: number): Row {
  return [START + BigInt(i), true, i, BigInt(i), i / 2, `s${i % 3}`, `text ${i}`];
}

function insert(engine: Engine, token: TableToken, rows: readonly Row[]): number {
  const writer = engine.rowWriter(token);
  using arena = new Arena(engine.core.memory);
  writer.append(batchOf(engine.core, arena, { metadata: writer.metadata, rows }));
  return writer.commit();
}

function directTable(name: string) {
  return { ...allTypesTable(name), isWalEnabled: false };
}

Deno.test("Engine.renameTable keeps rows and directory of a WAL table, now and after a restart", async () => {
  using root = new TempDir();
  let dirName: string;
  {
    await using engine = await openEngine(root.path);
    const token = engine.createTable(allTypesTable("a"));
    engine.createTable(allTypesTable("taken"));
    ({ dirName } = token);
    commitRows(engine, token, [row(0)]);
    await assertRejects(() => engine.renameTable(token, "TAKEN"), TableError, "already exists");
    await assertRejects(() => engine.renameTable(token, "a/b"), TableError, "invalid table name");
    const renamed = await engine.renameTable(token, "b c");
    assertEquals([renamed.name, renamed.dirName], ["b c", dirName]);
    assertThrows(() => engine.walWriter(token), TableError, "does not exist");
    assertEquals(engine.findTable("a"), null);
    commitRows(engine, renamed, [row(1)]);
    await engine.waitApplied(renamed);
    assertEquals(tableRows(engine, renamed), [row(0), row(1)]);
    assertEquals(readTableName(fs, engine.tableDir(renamed)), "b c");
    engine.createTable(allTypesTable("a"));
  }
  await using engine = await openEngine(root.path);
  assertEquals(engine.tables().map(({ name }) => name), ["a", "b c", "taken"]);
  assertEquals(engine.findTable("B C")!.dirName, dirName);
  assertEquals(tableRows(engine, engine.findTable("b c")!), [row(0), row(1)]);
});

Deno.test("a rename has happened or not after a power loss at any change, and the table has one name", async () => {
  const random = new SeededRandom(5);
  const found = { old: 0, new: 0 };
  for (let n = 1, isDone = false; !isDone; n++) {
    const disk = new SimulatedFileSystem();
    disk.mkdir("/data");
    disk.syncDir("/");
    const machine = new FaultFileSystem(disk);
    const engine = await openEngine("/data", { fs: machine });
    const token = engine.createTable(allTypesTable("old"));
    commitRows(engine, token, [row(0)]);
    await engine.waitApplied(token);
    await engine.sync();
    const before = machine.changeCount;
    machine.stopAt(n, random.pick(["none", "partial", "applied"] as const));
    let isAcknowledged = false;
    try {
      await engine.renameTable(token, "new");
      isAcknowledged = true;
      isDone = machine.changeCount < before + n;
    } catch (error) {
      assert(error instanceof QuestError || error instanceof InjectedError, String(error));
    }
    await Promise.allSettled([engine.close()]);
    disk.crash(random);
    await using again = await openEngine("/data", { fs: disk });
    const tables = again.tables();
    assertEquals(tables.length, 1, `change ${n}: ${tables.map(({ name }) => name)}`);
    if (isAcknowledged) assertEquals(tables[0].name, "new", `change ${n}`);
    found[tables[0].name as "old" | "new"]++;
    await again.waitApplied(tables[0]);
    commitRows(again, tables[0], [row(1)]);
    await again.waitApplied(tables[0]);
    assertEquals(tableRows(again, tables[0]), [row(0), row(1)], `change ${n}`);
  }
  assert(found.old > 0 && found.new > 0, JSON.stringify(found));
});

Deno.test("Engine.renameTable moves the directory of a table without WAL, unless somebody reads it", async () => {
  using root = new TempDir();
  {
    await using engine = await openEngine(root.path);
    const token = engine.createTable(directTable("a"));
    assertEquals(insert(engine, token, [row(0), row(1)]), 0);
    {
      using _reader = engine.acquireReader(token);
      await assertRejects(
        () => engine.renameTable(token, "b"),
        TableError,
        "could not lock 'a' [reason='busyReader']",
      );
    }
    const renamed = await engine.renameTable(token, "b");
    assertEquals(renamed.dirName, "b");
    insert(engine, renamed, [row(2)]);
    assertEquals(tableRows(engine, renamed), [row(0), row(1), row(2)]);
  }
  await using engine = await openEngine(root.path);
  assertEquals(engine.tables().map(({ name, dirName }) => [name, dirName]), [["b", "b"]]);
  assertEquals(tableRows(engine, engine.findTable("b")!), [row(0), row(1), row(2)]);
});

Deno.test("Engine.alterTable changes a table without WAL at once", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path);
  const token = engine.createTable(directTable("t"));
  insert(engine, token, [row(0)]);
  const column = { name: "extra", type: ColumnType.LONG };
  assertEquals(await engine.alterTable(token, { kind: "addColumn", column }), 0);
  insert(engine, token, [[...row(1), 9n]]);
  assertEquals(tableRows(engine, token), [[...row(0), null], [...row(1), 9n]]);
  assertEquals(engine.metadata(token).liveColumns.at(-1)!.name, "extra");
  await assertRejects(() => engine.alterTable(token, { kind: "addColumn", column }), TableError);
  insert(engine, token, [[...row(2), 10n]]);
  assertEquals(tableRows(engine, token).length, 3);
  assertEquals(engine.truncateTable(token), 0);
  assertEquals(tableRows(engine, token), []);
});

Deno.test("a change of a table without WAL is there or not after a power loss at any change", async () => {
  const random = new SeededRandom(3);
  const found = { with: 0, without: 0 };
  for (let n = 1, isDone = false; !isDone; n++) {
    const disk = new SimulatedFileSystem();
    disk.mkdir("/data");
    disk.syncDir("/");
    const machine = new FaultFileSystem(disk);
    const engine = await openEngine("/data", { fs: machine });
    const token = engine.createTable(directTable("t"));
    insert(engine, token, [row(0)]);
    const before = machine.changeCount;
    machine.stopAt(n, random.pick(["none", "partial", "applied"] as const));
    const column = { name: "extra", type: ColumnType.LONG };
    let isAcknowledged = false;
    try {
      await engine.alterTable(token, { kind: "addColumn", column });
      isAcknowledged = true;
      isDone = machine.changeCount < before + n;
    } catch (error) {
      const isExpected = error instanceof QuestError || error instanceof InjectedError;
      assert(isExpected || error instanceof SuppressedError, String(error));
    }
    await Promise.allSettled([engine.close()]);
    disk.crash(random);
    await using again = await openEngine("/data", { fs: disk });
    const [table] = again.tables();
    assertEquals([table.name, table.isWal, table.id], ["t", false, token.id], `change ${n}`);
    const isThere = again.metadata(table).liveColumns.at(-1)!.name === "extra";
    assert(isThere || !isAcknowledged, `change ${n}`);
    isThere ? found.with++ : found.without++;
    const more = isThere ? [1n] : [];
    insert(again, table, [[...row(1), ...more]]);
    assertEquals(tableRows(again, table)[1], [...row(1), ...more], `change ${n}`);
    assertEquals(tableRows(again, table).length, 2, `change ${n}`);
  }
  assert(found.with > 0 && found.without > 0, JSON.stringify(found));
});

Deno.test("Engine.setWalEnabled converts at the next start, both ways, keeping rows, name and id", async () => {
  using root = new TempDir();
  let direct: TableToken, wal: TableToken;
  {
    await using engine = await openEngine(root.path);
    direct = engine.createTable(directTable("direct"));
    insert(engine, direct, [row(0)]);
    const column = { name: "extra", type: ColumnType.LONG };
    await engine.alterTable(direct, { kind: "addColumn", column });
    insert(engine, direct, [[...row(1), 1n]]);
    wal = engine.createTable(allTypesTable("wal"));
    await engine.alterTable(wal, { kind: "addColumn", column });
    commitRows(engine, wal, [[...row(0), 5n]]);
    engine.setWalEnabled(direct, true);
    engine.setWalEnabled(wal, false);
    const none = { ...directTable("none"), partitionBy: PartitionBy.NONE };
    assertThrows(
      () => engine.setWalEnabled(engine.createTable(none), true),
      TableError,
      "Cannot convert non-partitioned table",
    );
    assertEquals(engine.findTable("direct")!.isWal, false, "not yet");
  }
  for (let start = 0; start < 2; start++) {
    await using engine = await openEngine(root.path);
    const newWal = engine.findTable("direct")!, newDirect = engine.findTable("wal")!;
    assertEquals([newWal.isWal, newWal.dirName, newWal.id], [true, direct.dirName, direct.id]);
    assertEquals([newDirect.isWal, newDirect.dirName, newDirect.id], [false, wal.dirName, wal.id]);
    if (start === 0) {
      assertEquals(commitRows(engine, newWal, [[...row(2), 2n]]), 1);
      await engine.alterTable(newWal, { kind: "dropColumn", name: "note" });
      insert(engine, newDirect, [[...row(1), 6n]]);
      await engine.waitApplied(newWal);
      assertEquals(fs.stat(`${engine.tableDir(newDirect)}/txn_seq`), null);
    }
    assertEquals(tableRows(engine, newWal).map((one) => [one[2], one[7]]), [
      [0, null],
      [1, 1n],
      [2, 2n],
    ]);
    assertEquals(tableRows(engine, newDirect).map((one) => [one[2], one[7]]), [[0, 5n], [1, 6n]]);
    assertEquals(readTableMetadata(fs, engine.tableDir(newWal)).isWalEnabled, true);
  }
});

Deno.test("a table that has not applied its WAL keeps it", async () => {
  using root = new TempDir();
  let tableDir: string;
  {
    await using engine = await openEngine(root.path);
    const token = engine.createTable(allTypesTable("t"));
    tableDir = engine.tableDir(token);
    commitRows(engine, token, [row(0)]);
    await engine.waitApplied(token);
    commitRows(engine, token, [row(1)]);
    // As if its second transaction could not be applied.
    for (const { name } of fs.readDir(`${tableDir}/wal1/0`)) {
      if (name === "price.d") Deno.truncateSync(`${tableDir}/wal1/0/${name}`, 8);
    }
    await assertRejects(() => engine.waitApplied(token), WalError, "suspended");
    engine.setWalEnabled(token, false);
  }
  await using engine = await openEngine(root.path);
  assertEquals(engine.findTable("t")!.isWal, true);
  assert(fs.stat(`${tableDir}/wal1/0/_event`) !== null);
  assert(fs.stat(`${tableDir}/_convert`) !== null, "the next start tries again");
});

Deno.test("converting goes on after a power loss at any change, and loses nothing", async () => {
  const random = new SeededRandom(21);
  for (const isWal of [true, false]) {
    for (let n = 1, isDone = false; !isDone; n++) {
      const disk = new SimulatedFileSystem();
      disk.mkdir("/data");
      disk.syncDir("/");
      {
        await using engine = await openEngine("/data", { fs: disk });
        const token = engine.createTable({ ...allTypesTable("t"), isWalEnabled: !isWal });
        insert(engine, token, [row(0), row(1)]);
        await engine.waitApplied(token);
        engine.setWalEnabled(token, isWal);
      }
      const machine = new FaultFileSystem(disk);
      machine.stopAt(n, random.pick(["none", "partial", "applied"] as const));
      const opening = openEngine("/data", { fs: machine });
      const [outcome] = await Promise.allSettled([opening]);
      isDone = machine.changeCount < n;
      if (outcome.status === "fulfilled") await Promise.allSettled([outcome.value.close()]);
      disk.crash(random);
      await using engine = await openEngine("/data", { fs: disk });
      const token = engine.findTable("t");
      const label = `${isWal ? "to WAL" : "to none"}, change ${n}`;
      assert(token !== null, label);
      assertEquals(token.isWal, isWal, label);
      insert(engine, token, [row(2)]);
      await engine.waitApplied(token);
      assertEquals(tableRows(engine, token), [row(0), row(1), row(2)], label);
    }
  }
});

Deno.test("Engine.resumeWal goes on behind the transactions that are given up", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path);
  const token = engine.createTable(allTypesTable("t"));
  commitRows(engine, token, [row(0)]);
  await engine.waitApplied(token);
  commitRows(engine, token, [row(1)]);
  Deno.truncateSync(`${engine.tableDir(token)}/wal1/0/price.d`, 8);
  await assertRejects(() => engine.waitApplied(token), WalError, "suspended");
  const [suspended] = engine.walTables();
  assertEquals([suspended.isSuspended, suspended.writerTxn, suspended.sequencerTxn], [true, 1, 2]);
  assert(suspended.errorMessage.includes("price.d"), suspended.errorMessage);
  await engine.resumeWal(token);
  await assertRejects(() => engine.waitApplied(token), WalError, "suspended");
  await assertRejects(
    () => engine.resumeWal(token, 4),
    WalError,
    "resume txn is higher than next available transaction [resumeFromTxn=4, nextTxn=3]",
  );
  await engine.resumeWal(token, 3);
  commitRows(engine, token, [row(2)]);
  await engine.waitApplied(token);
  assertEquals(engine.walTables()[0].isSuspended, false);
  assertEquals(tableRows(engine, token), [row(0), row(2)]);
  await engine.resumeWal(token, 1);
  assertEquals(engine.walStatus(token).writerTxn, 3, "applied transactions are not taken back");
});

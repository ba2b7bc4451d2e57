/**
 * Changes of a table that are asked for while somebody else is at it: an open transaction, another change, a sync, the end of the engine.
 */
import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import { SlowDisk } from "../support/slow_disk.ts";
import { TempDir } from "../support/temp_dir.ts";
import {
  allTypesTable,
  commitRows,
  openEngine,
  tableRows,
  testCore,
} from "../support/engine_fixture.ts";
import { batchOf, type Row } from "../support/table_rows.ts";
import { ColumnType, QuestError, TableError, WalError } from "../../src/common/mod.ts";
import type { Engine, TableToken } from "../../src/engine/mod.ts";
import { FaultFileSystem, RealFileSystem, SimulatedFileSystem } from "../../src/platform/mod.ts";
import { type AlterOperation, TableWriter } from "../../src/storage/mod.ts";
import { type RowWriter, walTasks } from "../../src/wal/mod.ts";
import { Arena, InlineTaskRunner, type TaskRunner } from "../../src/wasm/mod.ts";

const START = 1_704_067_200_000_000n;
const DAY_MICROS = 86_400_000_000n;
const ADD_EXTRA: AlterOperation = {
  kind: "addColumn",
  column: { name: "extra", type: ColumnType.LONG },
};

function row(i: number): Row {
  return [START + BigInt(i), true, i, BigInt(i), i / 2, `s${i % 3}`, `text ${i}`];
}

function append(engine: Engine, token: TableToken, rows: readonly Row[]): RowWriter {
  const writer = engine.rowWriter(token);
  using arena = new Arena(engine.core.memory);
  writer.append(batchOf(engine.core, arena, { metadata: writer.metadata, rows }));
  return writer;
}

function insert(engine: Engine, token: TableToken, rows: readonly Row[]): void {
  append(engine, token, rows).commit();
}

const directTable = (name: string) => ({ ...allTypesTable(name), isWalEnabled: false });

function names(engine: Engine): string[] {
  return engine.tables().map((token) => token.name);
}

Deno.test("a change that waits for a transaction when the engine is closed does not happen", async () => {
  using root = new TempDir();
  const engine = await openEngine(root.path);
  const tokens = ["t", "u"].map((name) => engine.createTable(allTypesTable(name)));
  for (const token of tokens) append(engine, token, [row(0)]);
  const changes = [
    ...tokens.map((token) => engine.alterTable(token, ADD_EXTRA)),
    engine.renameTable(tokens[0], "other"),
    engine.updateTable(tokens[1], "UPDATE u SET count = 1"),
  ].map((change) => assertRejects(() => change, QuestError));
  await engine.close();
  await Promise.all(changes);
  await using again = await openEngine(root.path);
  assertEquals(names(again), ["t", "u"]);
  for (const token of again.tables()) assertEquals(again.walStatus(token).sequencerTxn, 0);
});

Deno.test("of two RENAMEs that wait for the same transaction one happens, and the other tells that the table is gone", async () => {
  using root = new TempDir();
  {
    await using engine = await openEngine(root.path);
    const token = engine.createTable(allTypesTable("t"));
    const writer = append(engine, token, [row(0)]);
    const renamed = engine.renameTable(token, "first");
    const second = engine.renameTable(token, "second");
    const altered = engine.alterTable(token, ADD_EXTRA);
    writer.commit();
    assertEquals((await renamed).name, "first");
    await assertRejects(() => second, TableError, "table does not exist [table=t]");
    await assertRejects(() => altered, TableError, "table does not exist [table=t]");
    assertEquals(names(engine), ["first"]);
    engine.createTable(allTypesTable("second")); // the name is free again
  }
  await using engine = await openEngine(root.path);
  assertEquals(names(engine), ["first", "second"]);
  assertEquals(tableRows(engine, engine.findTable("first")!), [row(0)]);
});

Deno.test("a table cannot be dropped, and come back, between the two steps of its RENAME", async () => {
  using root = new TempDir();
  {
    await using engine = await openEngine(root.path);
    const token = engine.createTable(allTypesTable("t"));
    commitRows(engine, token, [row(0)]);
    const renamed = engine.renameTable(token, "other");
    assertThrows(() => engine.dropTable(token), TableError, "table does not exist [table=t]");
    engine.dropTable(await renamed);
    assertEquals(names(engine), []);
  }
  await using engine = await openEngine(root.path);
  assertEquals(names(engine), []);
});

Deno.test("a table without WAL takes no change but rows while a transaction is open in it, and keeps the transaction whole", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path);
  const token = engine.createTable({ ...directTable("t"), maxUncommittedRows: 2 });
  const writer = append(engine, token, [row(0), row(1), row(2)]); // in the files, not committed
  const busy = "could not lock 't' [reason='insert']";
  await assertRejects(() => engine.alterTable(token, ADD_EXTRA), TableError, busy);
  await assertRejects(() => engine.renameTable(token, "other"), TableError, busy);
  assertThrows(() => engine.dropTable(token), TableError, busy);
  assertThrows(() => engine.truncateTable(token), TableError, "there is an active query");
  append(engine, token, [row(3)]);
  writer.commit();
  assertEquals(tableRows(engine, token), [row(0), row(1), row(2), row(3)]);
  await engine.alterTable(token, ADD_EXTRA);
});

Deno.test("a statement whose transaction the close of the engine has rolled back is not acknowledged, with and without WAL", async () => {
  using root = new TempDir();
  {
    const engine = await openEngine(root.path);
    const direct = append(engine, engine.createTable(directTable("d")), [row(0)]);
    const wal = append(engine, engine.createTable(allTypesTable("w")), [row(0)]);
    const closing = engine.close();
    for (const writer of [direct, wal]) {
      assertThrows(() => writer.commit(), QuestError, "closed for writing");
    }
    await closing;
    for (const writer of [direct, wal]) {
      const columns = allTypesTable("").columns.map(() => null);
      assertThrows(() => writer.append({ rowCount: 1, columns }), QuestError, "closed for writing");
    }
  }
  await using engine = await openEngine(root.path);
  for (const token of engine.tables()) assertEquals(tableRows(engine, token), []);
});

Deno.test("a RENAME during a sync leaves the sync and the transactions behind it alone", async () => {
  const disk = new SlowDisk();
  disk.mkdir("/data");
  disk.syncDir("/");
  const config = { backgroundSyncIntervalMillis: 1_000_000 };
  const engine = await openEngine("/data", { fs: disk, config, bootId: "first" });
  const token = engine.createTable(allTypesTable("t"));
  commitRows(engine, token, [row(0)]);
  await engine.waitApplied(token);
  commitRows(engine, token, [row(1)]);
  const letGo = disk.hold();
  const waits = new Promise<void>((resolve) => disk.onWait = resolve);
  const synced = engine.sync();
  await waits;
  const renamed = await engine.renameTable(token, "other");
  letGo();
  await synced;
  commitRows(engine, renamed, [row(2)]);
  await engine.sync();
  await engine.waitApplied(renamed);
  assertEquals(tableRows(engine, renamed), [row(0), row(1), row(2)]);
  await engine.close();
});

Deno.test("a DROP that failed can be asked for again, with and without WAL", async () => {
  for (const isWalEnabled of [true, false]) {
    const disk = new SimulatedFileSystem();
    disk.mkdir("/data");
    const faults = new FaultFileSystem(disk);
    await using engine = await openEngine("/data", { fs: faults });
    const token = engine.createTable({ ...allTypesTable("t"), isWalEnabled });
    insert(engine, token, [row(0)]);
    await engine.waitApplied(token);
    faults.failWhen(({ operation, path }) =>
      isWalEnabled
        ? operation === "syncData" && path.includes("tables.d.")
        : operation === "syncDir" && path === engine.tableDir(token)
    );
    assertThrows(() => engine.dropTable(token), Error);
    faults.clear();
    engine.dropTable(token);
    assertEquals(names(engine), []);
    assertEquals(disk.stat(`/data/db/${token.dirName}`), null);
  }
});

Deno.test("a DROP is done when it is durable; files that cannot be removed go later", async () => {
  const disk = new SimulatedFileSystem();
  disk.mkdir("/data");
  const faults = new FaultFileSystem(disk);
  await using engine = await openEngine("/data", { fs: faults });
  const token = engine.createTable(allTypesTable("t"));
  commitRows(engine, token, [row(0)]);
  await engine.waitApplied(token);
  faults.failWhen(({ operation, path }) =>
    operation === "removeTree" && path === engine.tableDir(token)
  );
  engine.dropTable(token);
  assertEquals(names(engine), []);
  faults.clear();
  await engine.purge();
  assertEquals(disk.stat(`/data/db/${token.dirName}`), null);
});

Deno.test("a WAL whose data could not be made durable takes no more transactions, so that none is acknowledged without a bound", async () => {
  const disk = new SimulatedFileSystem();
  disk.mkdir("/data");
  const faults = new FaultFileSystem(disk);
  const config = { backgroundSyncIntervalMillis: 1_000_000 };
  const engine = await openEngine("/data", { fs: faults, config, bootId: "first" });
  const token = engine.createTable(allTypesTable("t")),
    other = engine.createTable(allTypesTable("u"));
  commitRows(engine, token, [row(0)]);
  faults.failWhen((call) => call.operation === "syncData" && call.path.includes("/t~1/wal1/"));
  await assertRejects(() => engine.sync(), WalError, "could not be made durable");
  faults.clear();
  const message = "committed data could not be made durable";
  assertThrows(() => commitRows(engine, token, [row(1)]), WalError, message);
  assertThrows(() => engine.truncateTable(token), WalError, message);
  await assertRejects(() => engine.updateTable(token, "UPDATE t SET count = 1"), WalError, message);
  const renamed = engine.renameTable(token, "v");
  await assertRejects(() => renamed, WalError, message);
  commitRows(engine, other, [row(1)]);
  await engine.waitApplied(token);
  assertEquals(tableRows(engine, token), [row(0)], "what was acknowledged is applied and read");
  await assertRejects(() => engine.close(), WalError, message);
  await using again = await openEngine("/data", { fs: disk, bootId: "first" });
  const found = again.findTable("t")!;
  commitRows(again, found, [row(1)]);
  await again.waitApplied(found);
  assertEquals(tableRows(again, found), [row(0), row(1)]);
});

Deno.test("readers see what a step of apply has committed with the number of the transaction before, also if it failed then", async () => {
  using root = new TempDir();
  const fs = new RealFileSystem(), core = testCore();
  let fails = false;
  const inline = new InlineTaskRunner({ core, fs }, walTasks());
  const tasks: TaskRunner = {
    workerCount: 1,
    [Symbol.asyncDispose]: () => Promise.resolve(),
    run: <T>(...[name, args, options]: Parameters<TaskRunner["run"]>): Promise<T> => {
      if (!fails) return inline.run<T>(name, args, options);
      const { tableDir } = args as { tableDir: string };
      using writer = TableWriter.open({ fs, core, tableDir });
      const { seqTxn, partitions } = writer.txn;
      const timestamps = [partitions[0].timestamp];
      writer.alter({ kind: "dropPartitions", timestamps, isForced: true }, { seqTxn, sync: true });
      return Promise.reject(new QuestError("the disk is full"));
    },
  };
  await using engine = await openEngine(root.path, { fs, tasks });
  const token = engine.createTable(allTypesTable("t"));
  const next: Row = [START + DAY_MICROS, ...row(1).slice(1)];
  commitRows(engine, token, [row(0), next]);
  await engine.waitApplied(token);
  assertEquals(tableRows(engine, token), [row(0), next]);
  fails = true;
  commitRows(engine, token, [row(2)]);
  await assertRejects(() => engine.waitApplied(token), WalError, "table is suspended");
  assertEquals(tableRows(engine, token), [next]);
  fails = false;
  await engine.resumeWal(token);
  await engine.waitApplied(token);
  assertEquals(tableRows(engine, token), [row(2), next]);
});

Deno.test("nobody waits for a closed engine, or changes its root", async () => {
  using root = new TempDir();
  const engine = await openEngine(root.path);
  const token = engine.createTable(allTypesTable("t")),
    dropped = engine.createTable(directTable("d"));
  insert(engine, dropped, [row(0)]);
  const pin = engine.pinAll();
  engine.dropTable(dropped);
  await engine.close();
  await assertRejects(() => engine.waitApplied(token, 5), QuestError, "the engine is closed");
  await assertRejects(() => engine.resumeWal(token), QuestError, "the engine is closed");
  await using again = await openEngine(root.path);
  insert(again, again.createTable(directTable("d")), [row(1)]);
  pin.release();
  assert(again.findTable("d") !== null);
  assertEquals(tableRows(again, again.findTable("d")!), [row(1)]);
});

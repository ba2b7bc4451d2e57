import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { SlowDisk } from "../support/slow_disk.ts";
import { TempDir } from "../support/temp_dir.ts";
import { allTypesTable, commitRows, openEngine, tableRows } from "../support/engine_fixture.ts";
import { batchOf, type Row } from "../support/table_rows.ts";
import { ColumnType, QuestError, WalError } from "../../src/common/mod.ts";
import { pinTables } from "../../src/engine/database_pin.ts";
import { DEFAULT_ENGINE_CONFIG, type Engine, type TableToken } from "../../src/engine/mod.ts";
import { FaultFileSystem, RealFileSystem, SimulatedFileSystem } from "../../src/platform/mod.ts";
import type { TableReader } from "../../src/storage/mod.ts";
import { ByteBuilder, TxnLog, txnLogPath } from "../../src/wal/mod.ts";
import { Arena, type TaskRunner } from "../../src/wasm/mod.ts";

const START = 1_704_067_200_000_000n;
/** A power loss that takes everything that was not synced. */
const LOSE_ALL = { next: () => 0 };

function row(i: number): Row {
  return [START + BigInt(i), true, i, BigInt(i), i / 2, `s${i % 3}`, `text ${i}`];
}

function insert(engine: Engine, token: TableToken, values: Row): void {
  const writer = engine.rowWriter(token);
  using arena = new Arena(engine.core.memory);
  writer.append(batchOf(engine.core, arena, { metadata: writer.metadata, rows: [values] }));
  writer.commit();
}

function newDisk(): SimulatedFileSystem {
  const disk = new SimulatedFileSystem();
  disk.mkdir("/data");
  disk.syncDir("/");
  return disk;
}

/** Applies nothing, so that what is committed is in the WAL only. */
const NO_APPLY: TaskRunner = {
  workerCount: 1,
  run: () => Promise.reject(new QuestError("nothing is applied")),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

Deno.test("a segment that is retired while another is synced is not taken for durable", async () => {
  const disk = new SlowDisk();
  disk.mkdir("/data");
  disk.syncDir("/");
  const config = { walSegmentRolloverRowCount: 2, backgroundSyncIntervalMillis: 1_000_000 };
  const engine = await openEngine("/data", { fs: disk, config, bootId: "first", tasks: NO_APPLY });
  const token = engine.createTable(allTypesTable("t"));
  commitRows(engine, token, [row(0), row(1)]);
  commitRows(engine, token, [row(2), row(3)]); // the first segment is full and un-synced
  const letGo = disk.hold();
  const waits = new Promise<void>((resolve) => disk.onWait = resolve);
  const synced = engine.sync();
  await waits;
  commitRows(engine, token, [row(4), row(5)]); // so is the second, and the sync knows of its transaction
  letGo();
  await synced;
  disk.crash(LOSE_ALL);
  await Promise.allSettled([engine.close()]);
  await using again = await openEngine("/data", { fs: disk, config, bootId: "second" });
  const found = again.findTable("t")!;
  await again.waitApplied(found);
  assertEquals(tableRows(again, found).slice(0, 4), [row(0), row(1), row(2), row(3)]);
});

Deno.test("Engine.sync waits for a sync that has begun after it was asked for", async () => {
  const disk = new SlowDisk();
  disk.mkdir("/data");
  disk.syncDir("/");
  const config = { commitMode: "async", backgroundSyncIntervalMillis: 1_000_000 } as const;
  const engine = await openEngine("/data", { fs: disk, config, bootId: "first", tasks: NO_APPLY });
  const token = engine.createTable(allTypesTable("t"));
  const letGo = disk.hold();
  const waits = new Promise<void>((resolve) => disk.onWait = resolve);
  commitRows(engine, token, [row(0)]); // begins a sync
  await waits;
  commitRows(engine, token, [row(1)]); // asks for another one
  const asked = [engine.sync(), engine.sync()];
  letGo();
  await Promise.all(asked);
  disk.crash(LOSE_ALL);
  await Promise.allSettled([engine.close()]);
  await using again = await openEngine("/data", { fs: disk, bootId: "second" });
  const found = again.findTable("t")!;
  await again.waitApplied(found);
  assertEquals(tableRows(again, found), [row(0), row(1)]);
});

Deno.test("Engine.sync tells what could not be made durable, and goes on telling", async () => {
  const disk = newDisk();
  const faults = new FaultFileSystem(disk);
  const config = { backgroundSyncIntervalMillis: 1_000_000 };
  const engine = await openEngine("/data", {
    fs: faults,
    config,
    bootId: "first",
    tasks: NO_APPLY,
  });
  const token = engine.createTable(allTypesTable("t")),
    other = engine.createTable(allTypesTable("u"));
  commitRows(engine, token, [row(0)]);
  commitRows(engine, other, [row(0)]);
  faults.failWhen((call) => call.operation === "syncData" && call.path.includes("/t~1/wal1/"));
  await assertRejects(() => engine.sync(), WalError, "could not be made durable");
  faults.clear();
  // The system may have dropped what it could not write: that a later sync succeeds says nothing.
  await assertRejects(() => engine.sync(), WalError, "could not be made durable");
  await assertRejects(() => engine.close(), WalError, "could not be made durable");
  disk.crash(LOSE_ALL);
  await using again = await openEngine("/data", { fs: disk, bootId: "second" });
  const found = again.findTable("u")!;
  await again.waitApplied(found);
  assertEquals(tableRows(again, found), [row(0)], "the other table's sync was not given up");
});

Deno.test("Engine.sync goes on telling that the mark could not be moved: what it does not cover is given up", async () => {
  const disk = newDisk();
  const faults = new FaultFileSystem(disk);
  const config = { backgroundSyncIntervalMillis: 1_000_000 };
  const options = { fs: faults, config, bootId: "first", tasks: NO_APPLY };
  const engine = await openEngine("/data", options);
  const token = engine.createTable(allTypesTable("t"));
  commitRows(engine, token, [row(0)]);
  faults.failWhen((call) => call.operation === "syncData" && call.path.includes("/.durable/"));
  for (let i = 0; i < 2; i++) {
    await assertRejects(() => engine.sync(), WalError, "could not be made durable");
    faults.clear();
  }
  await assertRejects(() => engine.close(), WalError, "could not be made durable");
});

Deno.test("a slow sync does not take back the mark that a faster one has moved", async () => {
  const disk = new SlowDisk();
  disk.mkdir("/data");
  disk.syncDir("/");
  const faults = new FaultFileSystem(disk);
  const config = { backgroundSyncIntervalMillis: 1_000_000 };
  const options = { fs: faults, config, bootId: "first", tasks: NO_APPLY };
  const engine = await openEngine("/data", options);
  const token = engine.createTable(allTypesTable("t"));
  commitRows(engine, token, [row(0)]);
  const letGo = disk.hold();
  const waits = new Promise<void>((resolve) => disk.onWait = resolve);
  const slow = engine.sync();
  await waits;
  commitRows(engine, token, [row(1)]);
  // Makes everything durable first, and fails then.
  faults.failWhen((call) => call.path.includes("_txnlog.meta"));
  const column = { name: "extra", type: ColumnType.LONG };
  await assertRejects(() => engine.alterTable(token, { kind: "addColumn", column }), QuestError);
  faults.clear();
  letGo();
  await slow;
  await engine.sync();
  disk.crash(LOSE_ALL);
  await Promise.allSettled([engine.close()]);
  await using again = await openEngine("/data", { fs: disk, bootId: "second" });
  const found = again.findTable("t")!;
  await again.waitApplied(found);
  assertEquals(tableRows(again, found), [row(0), row(1)]);
});

Deno.test("a table that another process has gone on with since is not taken back", async () => {
  for (const [hours, count] of [[0, 1], [2, 2]] as const) {
    using dir = new TempDir();
    const live = `${dir.path}/live`, copy = `${dir.path}/copy`;
    {
      await using engine = await openEngine(live, { bootId: "here" });
      const token = engine.createTable({ ...allTypesTable("t"), isWalEnabled: false });
      insert(engine, token, row(0));
      await engine.sync();
      insert(engine, token, row(1)); // not on the disk
      await new Deno.Command("cp", { args: ["-r", live, copy] }).output();
    }
    const later = new Date(Date.now() + hours * 3_600_000);
    for (const { name, isDirectory } of Deno.readDirSync(`${copy}/db`)) {
      if (isDirectory && name.startsWith("t")) {
        Deno.utimeSync(`${copy}/db/${name}/_txn`, later, later);
      }
    }
    await using engine = await openEngine(copy, { bootId: "there" });
    assertEquals(tableRows(engine, engine.findTable("t")!).length, count, `${hours} hours later`);
  }
});

Deno.test("TxnLog makes the name of a new part durable before it counts a record in it", () => {
  const disk = newDisk();
  disk.mkdir("/data/t/txn_seq");
  for (const dir of ["/data", "/data/t"]) disk.syncDir(dir);
  {
    using file = disk.open(txnLogPath("/data/t"), "create");
    file.write(new ByteBuilder().i32(1).i64(0).i64(0).i32(2).zeros(52).bytes(), 0);
    file.sync();
  }
  disk.syncDir("/data/t/txn_seq");
  {
    using log = TxnLog.open(disk, "/data/t", "readWrite");
    for (let txn = 1; txn <= 5; txn++) {
      log.append({
        structureVersion: 0,
        walId: 1,
        segmentId: 0,
        segmentTxn: txn - 1,
        commitMicros: 0n,
        minTimestamp: 0n,
        maxTimestamp: 0n,
        rowCount: 1,
      }, true);
    }
    disk.crash(LOSE_ALL);
  }
  using log = TxnLog.open(disk, "/data/t", "read");
  assertEquals(log.read(1, 5).map(({ segmentTxn }) => segmentTxn), [0, 1, 2, 3, 4]);
});

Deno.test("pinTables lets go of everything when it fails", () => {
  const events: string[] = [];
  const token = (name: string): TableToken => ({
    name,
    dirName: name,
    id: 1,
    isWal: true,
    type: 1,
  });
  const pin = (one: TableToken) => {
    if (one.name === "b") throw new RangeError("out of memory");
    const reader = { close: () => events.push(`closed ${one.name}`) } as unknown as TableReader;
    return { token: one, reader, sequencerTxn: 0 };
  };
  let failure: unknown = null;
  try {
    pinTables([token("a"), token("b")], pin, () => events.push("released"));
  } catch (error) {
    failure = error;
  }
  assert(failure instanceof RangeError, String(failure));
  assertEquals(events, ["closed a", "released"]);
});

Deno.test("Engine.open keeps a table that the registry does not know if it has anything at all", async () => {
  using root = new TempDir();
  let dirName: string;
  {
    await using engine = await openEngine(root.path);
    const token = engine.createTable(allTypesTable("t"));
    ({ dirName } = token);
    engine.createTable(allTypesTable("u"));
    commitRows(engine, token, [row(0)]);
    await engine.waitApplied(token);
  }
  // A registry without its entry, and a log that says nothing: what an administrator may do to save a table.
  const dir = `${root.path}/db/${dirName}`;
  {
    using file = new RealFileSystem().open(`${root.path}/db/tables.d.0`, "readWrite");
    file.write(new ByteBuilder().i64(8).bytes(), 0);
  }
  {
    using log = new RealFileSystem().open(txnLogPath(dir), "readWrite");
    log.write(new ByteBuilder().i64(0).bytes(), 4);
  }
  await using engine = await openEngine(root.path);
  assert(engine.findTable("t") !== null, "the table is still listed");
  assert(new RealFileSystem().stat(`${dir}/_txn`) !== null, "its files are there");
  assertEquals(
    engine.findTable("u"),
    null,
    "a table without anything is what a cut-off CREATE left",
  );
});

Deno.test("what a killed process has made visible is durable before it is built upon", async () => {
  const kinds = [[true, "sync"], [false, "sync"], [true, "nosync"], [false, "nosync"]] as const;
  for (const [isWalEnabled, commitMode] of kinds) {
    const disk = newDisk();
    const config = { ...DEFAULT_ENGINE_CONFIG, commitMode };
    {
      const machine = new FaultFileSystem(disk);
      const engine = await openEngine("/data", { fs: machine, config, bootId: "first" });
      const token = engine.createTable({ ...allTypesTable("t"), isWalEnabled });
      insert(engine, token, row(0));
      await engine.waitApplied(token);
      await engine.sync();
      // Killed between the last write of a table commit and its sync, or a later one.
      let stores = 0;
      machine.failWhen((call) => {
        const isStore = call.operation === "write" && call.path.endsWith("/_txn");
        if (isStore) stores++;
        return stores >= 3 && !isStore; // record, slot, version
      });
      const [outcome] = await Promise.allSettled([(async () => {
        insert(engine, token, row(1));
        await engine.waitApplied(token);
      })()]);
      assertEquals(outcome.status, commitMode === "sync" ? "rejected" : "fulfilled");
      await Promise.allSettled([engine.close()]); // the machine has stopped for it
    }
    {
      await using engine = await openEngine("/data", { fs: disk, config, bootId: "first" });
      const token = engine.findTable("t")!;
      await engine.waitApplied(token);
      await engine.purge();
      await engine.sync();
    }
    disk.crash(LOSE_ALL);
    await using engine = await openEngine("/data", { fs: disk, bootId: "second" });
    const token = engine.findTable("t")!;
    await engine.waitApplied(token);
    assertEquals(tableRows(engine, token), [row(0), row(1)], `WAL ${isWalEnabled}, ${commitMode}`);
  }
});

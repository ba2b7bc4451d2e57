import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { allTypesTable, commitRows, openEngine, tableRows } from "../support/engine_fixture.ts";
import { readRows, type Row } from "../support/table_rows.ts";
import { QuestError } from "../../src/common/mod.ts";
import { RealFileSystem } from "../../src/platform/mod.ts";

const fs = new RealFileSystem();
const START = 1_704_067_200_000_000n;

function row(i: number): Row {
  return [START + BigInt(i), true, i, BigInt(i), i, "s", "a note that is long enough"];
}

function dirs(path: string, pattern: RegExp): string[] {
  return fs.readDir(path).map((entry) => entry.name).filter((name) => pattern.test(name));
}

Deno.test("Engine.purge removes applied WAL segments but the one being written", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path, {
    config: { walSegmentRolloverRowCount: 1, backgroundSyncIntervalMillis: 1_000_000 },
  });
  const token = engine.createTable(allTypesTable("t"));
  for (let i = 0; i < 5; i++) commitRows(engine, token, [row(i)]);
  const walDir = `${engine.tableDir(token)}/wal1`;
  await engine.waitApplied(token);
  await engine.purge();
  assertEquals(dirs(walDir, /^\d+$/), ["0", "1", "2", "3", "4"], "not durable yet");
  await engine.sync();
  await engine.purge();
  assertEquals(dirs(walDir, /^\d+$/), ["4"]);
  commitRows(engine, token, [row(5)]);
  await engine.waitApplied(token);
  assertEquals(tableRows(engine, token).length, 6);
});

Deno.test("Engine.purge removes WALs of earlier processes once they are applied", async () => {
  using root = new TempDir();
  for (let i = 0; i < 3; i++) {
    await using engine = await openEngine(root.path);
    const token = engine.createTable(allTypesTable("t"), { ifNotExists: true });
    commitRows(engine, token, [row(i)]);
  }
  await using engine = await openEngine(root.path);
  const token = engine.findTable("t")!;
  await engine.waitApplied(token);
  await engine.purge();
  assertEquals(dirs(engine.tableDir(token), /^wal/), []);
  assertEquals(tableRows(engine, token), [row(0), row(1), row(2)]);
});

Deno.test("Engine keeps partition versions that a reader holds, and removes them after it", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path);
  const token = engine.createTable(allTypesTable("t"));
  commitRows(engine, token, [row(10)]);
  await engine.waitApplied(token);
  const reader = engine.acquireReader(token);
  for (const i of [5, 3]) {
    commitRows(engine, token, [row(i)]);
    await engine.waitApplied(token);
  }
  assertEquals(readRows(engine.core, reader), [row(10)]);
  assertEquals(dirs(engine.tableDir(token), /^2024/), ["2024-01-01", "2024-01-01.2"]);
  reader.close();
  reader.close();
  await engine.purge();
  assertEquals(dirs(engine.tableDir(token), /^2024/), ["2024-01-01.2"]);
  assertEquals(tableRows(engine, token), [row(3), row(5), row(10)]);
});

Deno.test("Engine.pinAll holds table states, WAL segments and dropped tables until it is released", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path, { config: { walSegmentRolloverRowCount: 1 } });
  const token = engine.createTable(allTypesTable("t"));
  const dropped = engine.createTable(allTypesTable("d"));
  commitRows(engine, dropped, [row(1)]);
  commitRows(engine, token, [row(10)]);
  await engine.waitApplied(token);
  await engine.waitApplied(dropped);
  commitRows(engine, token, [row(11)]); // committed, not applied yet
  const pin = engine.pinAll();
  assertEquals(pin.tables.map((one) => [one.token.name, one.sequencerTxn, one.reader.txn.seqTxn]), [
    ["d", 1, 1],
    ["t", 2, 1],
  ]);
  engine.dropTable(dropped);
  commitRows(engine, token, [row(1)]);
  await engine.waitApplied(token);
  await engine.sync();
  await engine.purge();
  assertEquals(dirs(`${engine.tableDir(token)}/wal1`, /^\d+$/), ["0", "1", "2"]);
  assertEquals(readRows(engine.core, pin.tables[1].reader), [row(10)]);
  assertEquals(readRows(engine.core, pin.tables[0].reader), [row(1)]);
  pin.release();
  pin.release();
  await engine.purge();
  assertEquals(dirs(`${engine.tableDir(token)}/wal1`, /^\d+$/), ["2"]);
  assertEquals(fs.stat(engine.tableDir(dropped)), null);
});

Deno.test("Engine.close applies what is committed and makes later use an error", async () => {
  using root = new TempDir();
  const engine = await openEngine(root.path);
  const token = engine.createTable(allTypesTable("t"));
  for (let i = 0; i < 50; i++) commitRows(engine, token, [row(i)]);
  await Promise.all([engine.close(), engine.close()]);
  assertThrows(() => engine.walWriter(token), QuestError, "closed");
  await using again = await openEngine(root.path);
  const reopened = again.findTable("t")!;
  assertEquals(again.walStatus(reopened).writerTxn, 50);
  assert(tableRows(again, reopened).length === 50);
});

Deno.test("Engine.waitApplied stops waiting when its signal says so", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path);
  const token = engine.createTable(allTypesTable("t"));
  const reason = await engine.waitApplied(token, 99, AbortSignal.timeout(5)).catch((error) =>
    error
  );
  assertEquals(reason.name, "TimeoutError");
  await engine.waitApplied(token, 0);
});

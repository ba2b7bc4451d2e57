import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { allTypesTable, commitRows, openEngine, tableRows } from "../support/engine_fixture.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { batchOf, type Row } from "../support/table_rows.ts";
import { WalError } from "../../src/common/mod.ts";
import type { Engine, TableToken } from "../../src/engine/mod.ts";
import { FaultFileSystem, RealFileSystem, SimulatedFileSystem } from "../../src/platform/mod.ts";
import { Arena } from "../../src/wasm/mod.ts";

const START = 1_704_067_200_000_000n;
const SYNC = { config: { commitMode: "sync" } } as const;

function row(i: number): Row {
  return [START + BigInt(i), true, i, BigInt(i), i / 2, `s${i % 5}`, `text ${i}`];
}

/** Appends a row to the open transaction. */
function append(engine: Engine, token: TableToken, i: number): void {
  const writer = engine.walWriter(token);
  using arena = new Arena(engine.core.memory);
  writer.append(batchOf(engine.core, arena, { metadata: writer.metadata, rows: [row(i)] }));
}

function commitDurably(engine: Engine, token: TableToken, i: number): Promise<number> {
  append(engine, token, i);
  return engine.walWriter(token).commitDurably();
}

Deno.test("WalWriter.commitDurably shares the syncs of concurrent transactions", async () => {
  using root = new TempDir();
  const faults = new FaultFileSystem(new RealFileSystem());
  let syncs = 0;
  faults.failWhen((call) => {
    // Those of the commits; tables are synced, too, while they apply.
    if (call.operation === "syncData" && call.path.includes("/wal1/")) syncs++;
    return false;
  });
  await using engine = await openEngine(root.path, { ...SYNC, fs: faults });
  const token = engine.createTable(allTypesTable("t"));
  await commitDurably(engine, token, 0);
  syncs = 0;
  await commitDurably(engine, token, 1);
  const alone = syncs;
  syncs = 0;
  const count = 50;
  const txns = await Promise.all(
    Array.from({ length: count }, (_, i) => commitDurably(engine, token, 2 + i)),
  );
  assertEquals(txns, Array.from({ length: count }, (_, i) => 3 + i));
  assert(syncs <= 3 * alone, `${syncs} syncs for ${count} transactions, ${alone} for one`);
  await engine.waitApplied(token);
  assertEquals(tableRows(engine, token), Array.from({ length: count + 2 }, (_, i) => row(i)));
});

Deno.test("WalWriter.commitDurably shows nothing before it is durable, and keeps what it acknowledged", async () => {
  const disk = new SimulatedFileSystem();
  disk.mkdir("/root");
  disk.syncDir("/");
  const engine = await openEngine("/root", { ...SYNC, fs: disk });
  const token = engine.createTable(allTypesTable("t"));
  await commitDurably(engine, token, 0);
  const waiting = commitDurably(engine, token, 1);
  assertEquals(engine.walStatus(token).sequencerTxn, 1);
  assertEquals(await waiting, 2);
  disk.crash(new SeededRandom(7));
  await Promise.allSettled([engine.close()]); // its files are gone
  await using again = await openEngine("/root", { ...SYNC, fs: disk });
  const found = again.findTable("t")!;
  await again.waitApplied(found);
  assertEquals(tableRows(again, found), [row(0), row(1)]);
});

Deno.test("WalWriter.commit takes the transactions along that wait for the disk, in order", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path, SYNC);
  const token = engine.createTable(allTypesTable("t"));
  const first = commitDurably(engine, token, 0);
  const second = commitDurably(engine, token, 1);
  assertEquals(commitRows(engine, token, [row(2)]), 3);
  assertEquals(engine.truncateTable(token), 4);
  assertEquals(await Promise.all([first, second]), [1, 2]);
  await engine.waitApplied(token);
  assertEquals(tableRows(engine, token), []);
});

Deno.test("a sync that fails rejects the transactions that wait for it and the one that is open, and only those", async () => {
  using root = new TempDir();
  const faults = new FaultFileSystem(new RealFileSystem());
  await using engine = await openEngine(root.path, { ...SYNC, fs: faults });
  const token = engine.createTable(allTypesTable("t"));
  await commitDurably(engine, token, 0);
  faults.failWhen((call) => call.operation === "syncData" && call.path.endsWith("/wal1/0/price.d"));
  const waiting = [commitDurably(engine, token, 1), commitDurably(engine, token, 2)];
  append(engine, token, 3); // somebody else's open transaction in the same segment
  for (const outcome of await Promise.allSettled(waiting)) {
    assert(outcome.status === "rejected" && outcome.reason instanceof WalError, outcome.status);
  }
  faults.clear();
  assertThrows(() => append(engine, token, 4), WalError, "cannot write to the WAL");
  engine.walWriter(token).rollback();
  assertEquals(await commitDurably(engine, token, 5), 2);
  await engine.waitApplied(token);
  assertEquals(tableRows(engine, token), [row(0), row(5)]);
});

Deno.test("Engine.close commits what waits for the disk and refuses what comes later", async () => {
  using root = new TempDir();
  const engine = await openEngine(root.path, SYNC);
  const token = engine.createTable(allTypesTable("t"));
  const writer = engine.walWriter(token);
  const waiting = commitDurably(engine, token, 0);
  append(engine, token, 1);
  const closing = engine.close();
  assertEquals(await waiting, 1);
  // The statement that had row 1 open goes on: it must not commit the rest of its rows.
  await assertRejects(() => writer.commitDurably(), WalError, "closed for writing");
  await closing;
  await using again = await openEngine(root.path, SYNC);
  await again.waitApplied(again.findTable("t")!);
  assertEquals(tableRows(again, again.findTable("t")!), [row(0)]);
});

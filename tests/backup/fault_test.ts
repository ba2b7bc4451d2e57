import { PartitionBy } from "../../src/common/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { FaultObjectStore } from "../objectstore/fault_object_store.ts";
import { core, type Row } from "../storage/table_fixture.ts";
import {
  backUp,
  openStore,
  restore,
  restoredRows,
  serviceOf,
  TestDatabase,
} from "./test_database.ts";

const START = 1_704_067_200_000_000n;

function rows(first: number, count: number): Row[] {
  return Array.from({ length: count }, (_, i) => ({
    ts: START + BigInt(first + i) * 60_000_000n,
    ok: true,
    i,
    l: BigInt(first + i),
    d: (first + i) / 4,
    sym: `s${i % 5}`,
    text: `row ${first + i} with a longer text`,
  }));
}

async function manifestsOf(store: FaultObjectStore): Promise<string[]> {
  const keys = [];
  for await (const page of store.list("backup/")) {
    for (const { key } of page) if (key.includes("/manifests/")) keys.push(key);
  }
  return keys;
}

for (const isApplied of [false, true]) {
  const when = isApplied ? "after it happened" : "before it happened";
  Deno.test(`a store that fails at any call, ${when}, never leaves a partial backup`, async () => {
    using directory = new TempDir();
    using database = new TestDatabase(`${directory.path}/root`);
    const store = new FaultObjectStore(openStore(directory.path));
    const service = serviceOf(database, store);
    database.create("a", PartitionBy.DAY);
    database.create("b", PartitionBy.MONTH);
    database.insert("a", rows(0, 3000));
    database.insert("b", rows(0, 500));
    const first = await backUp(service);
    const firstRows = database.rows();
    let failures = 0, isComplete = false;
    for (let n = 1; !isComplete; n++) {
      assert(n < 200, "the loop ends");
      database.insert("a", rows(3000 + n * 40, 40));
      const before = await manifestsOf(store);
      store.failAt(n, { isApplied });
      await service.start();
      const manifest = await service.idle();
      store.failAt(Infinity);
      const row = service.list().at(-1)!;
      const after = await manifestsOf(store);
      if (row.status === "backup failed") {
        failures++;
        assert(row.backupError!.includes("injected"), row.backupError!);
        assertEquals(manifest, null);
        assertEquals(after, before, `call ${n}: a failed backup has no manifest`);
      } else {
        assertEquals(row.backupError, null);
        assertEquals(after.length, before.length + 1);
        isComplete = manifest !== null && store.callCount > 0 && n > failures + 8;
      }
      assertEquals(core.memory.liveBytes, 0, "no block of memory is left behind");
    }
    assert(failures > 8, `only ${failures} failures`);
    await backUp(service);
    await restore(`${directory.path}/last`, store, { lines: [""] });
    assertEquals(restoredRows(`${directory.path}/last`), database.rows());
    await restore(`${directory.path}/first`, store, {
      lines: [`backup.restore.timestamp=${new Date(Number(first / 1000n) + 1).toISOString()}`],
    });
    assertEquals(restoredRows(`${directory.path}/first`), firstRows);
  });
}

Deno.test("abort stops a backup at any call; the next one completes", async () => {
  using directory = new TempDir();
  using database = new TestDatabase(`${directory.path}/root`);
  const store = new FaultObjectStore(openStore(directory.path));
  const service = serviceOf(database, store);
  assertEquals(await service.abort(), { status: "not running", backupId: null });
  database.create("a", PartitionBy.DAY);
  let aborted = 0;
  for (let n = 1; n < 20; n++) {
    database.insert("a", rows(n * 2000, 2000));
    let abort: ReturnType<typeof service.abort> | null = null;
    const start = store.callCount;
    store.onCall = (number) => {
      if (number === start + n) abort = service.abort();
    };
    const timestamp = await service.start();
    await service.idle();
    store.onCall = () => {};
    const row = service.list().at(-1)!;
    if (abort === null) continue;
    const outcome = await (abort as ReturnType<typeof service.abort>);
    if (outcome.status === "aborted") {
      aborted++;
      assertEquals(outcome.backupId, timestamp);
      assertEquals([row.status, row.backupError], ["backup failed", "backup was aborted"]);
    } else assertEquals(row.status, "backup complete");
  }
  assert(aborted >= 3, `${aborted} backups were aborted`);
  await backUp(service);
  await restore(`${directory.path}/restored`, store, { lines: [""] });
  assertEquals(restoredRows(`${directory.path}/restored`), database.rows());
});

/** The service's rows, what an interrupted attempt leaves, and what BACKUP ABORT reaches. */
import { PartitionBy } from "../../src/common/mod.ts";
import type { BackupStatusRow } from "../../src/engine/mod.ts";
import type { ObjectStore } from "../../src/objectstore/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { FaultObjectStore } from "../objectstore/fault_object_store.ts";
import type { Row } from "../storage/table_fixture.ts";
import {
  backUp,
  openStore,
  restore,
  restoredRows,
  serviceOf,
  TestDatabase,
} from "./test_database.ts";

const START = 1_704_067_200_000_000n;
const MINUTE = 60_000_000n;

/** Rows whose text does not compress, so that sizes mean something. */
function rows(day: number, count: number): Row[] {
  return Array.from({ length: count }, (_, i) => ({
    ts: START + BigInt(day) * 1440n * MINUTE + BigInt(i) * MINUTE,
    ok: true,
    i,
    l: BigInt(i),
    d: Math.random(),
    sym: `s${i % 5}`,
    text: crypto.randomUUID() + crypto.randomUUID(),
  }));
}

Deno.test("backups() tells what is moved while a backup runs, and keeps it over a restart", async () => {
  using directory = new TempDir();
  using database = new TestDatabase(`${directory.path}/root`);
  const store = new FaultObjectStore(openStore(directory.path));
  const service = serviceOf(database, store);
  database.create("a", PartitionBy.DAY);
  for (let day = 0; day < 6; day++) database.insert("a", rows(day, 1440));
  const seen: BackupStatusRow[] = [];
  store.onCall = () => seen.push(service.list().at(-1)!);
  await backUp(service);
  store.onCall = () => {};
  const running = seen.filter((row) => row.status === "backup in progress");
  assertEquals([running[0].bytesRead, running[0].etaTs, running[0].endTs], [0, null, null]);
  for (let i = 1; i < running.length; i++) {
    assert(running[i].bytesRead >= running[i - 1].bytesRead);
    assert(running[i].progressPercent >= running[i - 1].progressPercent);
  }
  const middle = running.find((row) => row.progressPercent > 20)!;
  assert(middle.bytesRead > 0 && middle.bytesUploaded > 0 && middle.mbPerSecond! > 0);
  assert(middle.objectCount > 0 && middle.etaTs! > middle.startTs);
  const [first] = service.list();
  assertEquals([first.status, first.progressPercent, first.etaTs], ["backup complete", 100, null]);
  assert(first.bytesUploaded > 6 * 1440 * 30, `${first.bytesUploaded}`);
  assert(first.bytesRead > first.bytesUploaded && first.mbPerSecond! > 0);

  database.insert("a", rows(6, 100));
  await backUp(service);
  const second = service.list()[1];
  assert(second.bytesUploaded < first.bytesUploaded / 4, "only what is new");
  assert(second.bytesReused > first.bytesUploaded / 2, "what is there is reused");
  const restarted = serviceOf(database, store);
  await restarted.load();
  assertEquals(restarted.list(), service.list());
});

Deno.test("an attempt that was interrupted is followed by one that sends only the rest", async () => {
  using directory = new TempDir();
  using database = new TestDatabase(`${directory.path}/root`);
  const store = new FaultObjectStore(openStore(directory.path));
  database.create("a", PartitionBy.DAY);
  const days = 12;
  for (let day = 0; day < days; day++) database.insert("a", rows(day, 1440));
  const whole = new FaultObjectStore(openStore(`${directory.path}/whole`));
  const wholeDatabase = serviceOf(database, whole);
  await backUp(wholeDatabase);
  Deno.removeSync(`${database.dbRoot}/_backup_instance.json`);

  const sizes: number[] = [];
  for (const stop of [6, 9, 13]) { // calls: in the middle of the packs, each time a little later
    const before = store.sentBytes, stored = store.putBytes;
    store.failAt(stop);
    const service = serviceOf(database, store);
    await service.start();
    assertEquals(await service.idle(), null);
    assertEquals(service.list()[0].status, "backup failed");
    sizes.push(store.putBytes - stored);
    assert(store.sentBytes - before - sizes.at(-1)! < 1000, "what is stored is not sent again");
  }
  const sentBefore = store.sentBytes, storedBefore = store.putBytes;
  const service = serviceOf(database, store);
  await backUp(service);
  const sent = store.sentBytes - sentBefore;
  const remaining = whole.putBytes - storedBefore;
  const part = Math.ceil(whole.putBytes / days);
  assert(storedBefore > 3 * part, `interrupted attempts stored ${storedBefore}`);
  assert(sent <= remaining + part, `sent ${sent}, remaining ${remaining}, a part has ${part}`);
  assert(service.list()[0].bytesReused > 3 * part);
  await restore(`${directory.path}/restored`, store, { lines: [""] });
  assertEquals(restoredRows(`${directory.path}/restored`), database.rows());
});

/** A store whose calls of one kind do not answer until they are cut off. */
function silentStore(inner: ObjectStore, isSilent: (call: string) => boolean) {
  const calls: string[] = [];
  let onSilence = () => {};
  const silence = new Promise<void>((resolve) => onSilence = resolve);
  const store = new Proxy(inner, {
    get(target, name: string) {
      const method = Reflect.get(target, name) as unknown;
      if (typeof method !== "function" || name === "list") {
        return typeof method === "function" ? method.bind(target) : method;
      }
      return (...args: unknown[]) => {
        const call = `${name} ${args[0]}`;
        calls.push(call);
        if (!isSilent(call)) return method.apply(target, args);
        onSilence();
        const options = args.at(-1) as { signal?: AbortSignal };
        return new Promise((_, reject) => {
          options.signal?.addEventListener("abort", () => reject(options.signal!.reason));
        });
      };
    },
  });
  return { store, silence };
}

for (
  const [stage, call] of [
    ["the lease", /^put .*leases/],
    ["the instance's record", /^put .*instance\.json/],
    ["a pack", /^put .*packs/],
    ["a table's manifest", /^put .*tables/],
    ["the previous manifest", /^get .*manifests/],
  ] as const
) {
  Deno.test(`BACKUP ABORT ends a backup whose store does not answer at ${stage}`, async () => {
    using directory = new TempDir();
    using database = new TestDatabase(`${directory.path}/root`);
    database.create("a", PartitionBy.DAY);
    database.insert("a", rows(0, 50));
    const open = openStore(directory.path);
    if (stage === "the previous manifest") await backUp(serviceOf(database, open));
    database.insert("a", rows(1, 50));
    const { store, silence } = silentStore(open, (name) => call.test(name));
    const service = serviceOf(database, store);
    const timestamp = await service.start();
    await silence;
    assertEquals(await service.abort(), { status: "aborted", backupId: timestamp });
    const row = service.list().at(-1)!;
    assertEquals([row.status, row.backupError], ["backup failed", "backup was aborted"]);
    assertEquals(await service.abort(), { status: "not running", backupId: null });
    const next = serviceOf(database, open);
    await backUp(next);
    assertEquals(next.list().at(-1)!.progressPercent, 100);
  });
}

Deno.test("BACKUP ABORT leaves the cleanup behind a complete backup alone", async () => {
  using directory = new TempDir();
  using database = new TestDatabase(`${directory.path}/root`);
  database.create("a", PartitionBy.DAY);
  const store = new FaultObjectStore(openStore(directory.path));
  const service = serviceOf(database, store, { keepLatestCount: 1 });
  database.insert("a", rows(0, 50));
  await backUp(service);
  database.insert("a", rows(1, 50));
  let answer: ReturnType<typeof service.abort> | null = null;
  store.onCall = (_, operation) => {
    if (operation === "delete") answer ??= service.abort();
  };
  const timestamp = await backUp(service);
  assert(answer !== null);
  assertEquals(await answer, { status: "not running", backupId: null });
  const row = service.list().at(-1)!;
  assertEquals([row.startTs, row.status, row.cleanupError], [timestamp, "cleanup complete", null]);
});

Deno.test("an attempt in whose middle the server stopped is in backups() after the next start", async () => {
  for (const isPublished of [false, true]) {
    using directory = new TempDir();
    using database = new TestDatabase(`${directory.path}/root`);
    database.create("a", PartitionBy.DAY);
    database.insert("a", rows(0, 50));
    const open = openStore(directory.path);
    // The process ends: nothing it waits for answers any more.
    const { store, silence } = silentStore(
      open,
      (call) => (isPublished ? /history/ : /put .*manifests/).test(call),
    );
    const timestamp = await serviceOf(database, store).start();
    await silence;
    const restarted = serviceOf(database, open);
    await restarted.load();
    const expected = isPublished
      ? [timestamp, "backup complete", null]
      : [timestamp, "backup failed", "the server stopped during the backup"];
    const facts = (row: BackupStatusRow) => [row.startTs, row.status, row.backupError];
    assertEquals(restarted.list().map(facts), [expected]);
    await backUp(restarted);
    const again = serviceOf(database, open);
    await again.load();
    assertEquals(again.list().map(facts)[0], expected);
    assertEquals(again.list().length, 2);
  }
});

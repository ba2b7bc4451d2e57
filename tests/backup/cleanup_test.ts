/** Retention: what is kept restores, what nothing names goes, and no failure on the way harms a backup. */
import { PartitionBy, RestoreError } from "../../src/common/mod.ts";
import { readRootManifest, readTableManifest } from "../../src/backup/manifest_store.ts";
import { DATABASE_DIRECTORY, InstanceKeys } from "../../src/backup/object_keys.ts";
import type { ObjectInfo, ObjectStore } from "../../src/objectstore/mod.ts";
import { assert, assertEquals, assertStringIncludes } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { FaultObjectStore } from "../objectstore/fault_object_store.ts";
import { core, type Row } from "../storage/table_fixture.ts";
import {
  backUp,
  openStore,
  PRODUCT_VERSION,
  restore,
  restoredRows,
  serviceOf,
  TestDatabase,
} from "./test_database.ts";

const START = 1_704_067_200_000_000n;
const KEEP = 3;

function rows(first: number, count: number): Row[] {
  return Array.from({ length: count }, (_, i) => ({
    ts: START + BigInt(first + i) * 3_600_000_000n,
    ok: true,
    i,
    l: BigInt(first + i),
    d: (first + i) / 4,
    sym: `s${i % 5}`,
    text: `row ${first + i} with a longer text`,
  }));
}

async function listed(store: ObjectStore): Promise<ObjectInfo[]> {
  const objects: ObjectInfo[] = [];
  for await (const page of store.list("backup/")) objects.push(...page);
  return objects;
}

/** Checks that everything the manifests name is there, whole. @returns keys that nothing names, and the backups. */
async function audit(
  store: ObjectStore,
  instance: string,
): Promise<{ garbage: string[]; backups: string[] }> {
  const keys = new InstanceKeys(instance);
  const objects = new Map((await listed(store)).map(({ key, size }) => [key, size]));
  const context = { store, core, productVersion: PRODUCT_VERSION };
  const backups = [...objects.keys()].filter((key) => keys.manifestTimestamp(key) !== null);
  const named = new Set<string>(backups);
  for (const key of backups) {
    const root = await readRootManifest(context, key);
    const references = [
      ...root.tables.map(({ manifest, dir }) => ({ manifest, dir })),
      { manifest: root.files, dir: DATABASE_DIRECTORY },
    ];
    for (const { manifest, dir } of references) {
      const table = await readTableManifest(context, manifest);
      named.add(manifest.key);
      for (const [pack, bytes] of table.packBytes()) {
        assertEquals(objects.get(keys.pack(dir, pack)), bytes, `${key} names a pack that is there`);
        named.add(keys.pack(dir, pack));
      }
    }
  }
  const garbage = [...objects.keys()].filter((key) =>
    !named.has(key) && /\/(tables|packs|manifests)\//.test(key)
  );
  return { garbage, backups };
}

/** Every backup that is listed restores to the rows as of its time. */
async function restoreAll(
  dir: TempDir,
  store: ObjectStore,
  states: ReadonlyMap<bigint, unknown>,
): Promise<void> {
  let number = 0;
  for (const [timestamp, expected] of states) {
    const root = `${dir.path}/restored${number++}`;
    const at = new Date(Number(timestamp / 1000n)).toISOString().replace("Z", "");
    const micros = String(timestamp % 1000n).padStart(3, "0");
    await restore(root, store, { lines: [`backup.restore.timestamp=${at}${micros}Z`] });
    assertEquals(restoredRows(root), expected);
    Deno.removeSync(root, { recursive: true });
  }
}

Deno.test("the newest n backups are kept, each restores exactly, and nothing else is left in the store", async () => {
  using dir = new TempDir();
  using database = new TestDatabase(`${dir.path}/root`);
  const store = openStore(dir.path);
  const service = serviceOf(database, store, { keepLatestCount: KEEP });
  const states = new Map<bigint, unknown>();
  database.create("t", PartitionBy.DAY);
  for (let i = 0; i < 8; i++) {
    if (i === 4) database.create("u", PartitionBy.MONTH);
    if (i === 6) database.drop("u");
    database.insert("t", rows(i * 7, 30)); // late rows, too
    if (database.tables.has("u")) database.insert("u", rows(0, 5));
    states.set(await backUp(service), database.rows());
    const { garbage, backups } = await audit(store, service.instanceName()!);
    assertEquals(garbage, [], `garbage after backup ${i}`);
    assertEquals(backups.length, Math.min(i + 1, KEEP));
    assertEquals(
      service.list().at(-1)!.status,
      i < KEEP ? "backup complete" : "cleanup complete",
    );
  }
  await restoreAll(dir, store, new Map([...states].slice(-KEEP)));
  const [oldest] = states.keys();
  let message = "";
  try {
    await restore(`${dir.path}/old`, store, {
      lines: [`backup.restore.timestamp=${new Date(Number(oldest / 1000n) + 1).toISOString()}`],
    });
  } catch (error) {
    assert(error instanceof RestoreError);
    message = error.message;
  }
  assertStringIncludes(message, "No backup timestamp found that is <=");
  // The outcome survives a restart.
  const again = serviceOf(database, store, { keepLatestCount: KEEP });
  await again.load();
  assertEquals(
    again.list().map((row) => row.status),
    [...Array(KEEP).fill("backup complete"), ...Array(8 - KEEP).fill("cleanup complete")],
  );
});

Deno.test("what an attempt that failed has left is removed behind the next backup, unless that one uses it", async () => {
  using dir = new TempDir();
  using database = new TestDatabase(`${dir.path}/root`);
  const store = new FaultObjectStore(openStore(dir.path));
  const service = serviceOf(database, store, { keepLatestCount: KEEP });
  database.create("t", PartitionBy.DAY);
  database.insert("t", rows(0, 100));
  await backUp(service);
  let found = 0;
  for (let n = 4; n < 16; n++) {
    database.insert("t", rows(100 + n, 40));
    store.failAt(n);
    await service.start();
    await service.idle();
    store.failAt(Infinity);
    found += (await audit(store, service.instanceName()!)).garbage.length;
    database.insert("t", rows(0, 3)); // the next attempt is another one
    await backUp(service);
    const { garbage } = await audit(store, service.instanceName()!);
    assertEquals(garbage, [], `call ${n}`);
  }
  assert(found > 0, "some attempt left something");
});

for (const isApplied of [false, true]) {
  const when = isApplied ? "after it happened" : "before it happened";
  Deno.test(`a cleanup whose store fails at any call, ${when}, harms no backup; the next one finishes it`, async () => {
    using dir = new TempDir();
    using database = new TestDatabase(`${dir.path}/root`);
    const store = new FaultObjectStore(openStore(dir.path));
    const service = serviceOf(database, store, { keepLatestCount: KEEP });
    const states = new Map<bigint, unknown>();
    database.create("t", PartitionBy.DAY);
    for (let i = 0; i < KEEP; i++) {
      database.insert("t", rows(i, 20));
      states.set(await backUp(service), database.rows());
    }
    let failures = 0;
    for (let n = 1; n < 60; n++) {
      database.insert("t", rows(n, 20));
      store.failAt(n, { isApplied });
      const timestamp = await service.start();
      await service.idle();
      store.failAt(Infinity);
      const row = service.list().at(-1)!;
      const name = service.instanceName()!;
      if (row.status === "backup failed") continue;
      states.set(timestamp, database.rows());
      if (row.status === "cleanup failed") {
        failures++;
        assert(row.cleanupError !== null && row.backupError === null);
      }
      const { backups } = await audit(store, name);
      assert(backups.length >= KEEP, `call ${n}: ${backups.length} backups`);
      states.set(await backUp(service), database.rows());
      const after = await audit(store, name);
      assertEquals(after.garbage, [], `call ${n}`);
      assertEquals(after.backups.length, KEEP);
    }
    assert(failures > 4, `only ${failures} cleanups failed`);
    await restoreAll(dir, store, new Map([...states].slice(-KEEP)));
  });
}

/** A store whose listings lag behind: keys that the predicate picks are left out. */
function lagging(inner: ObjectStore, isHidden: (key: string) => boolean): ObjectStore {
  return new Proxy(inner, {
    get(target, name) {
      if (name !== "list") {
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      }
      return async function* (prefix: string) {
        for await (const page of target.list(prefix)) {
          const shown = page.filter(({ key }) => !isHidden(key));
          if (shown.length > 0) yield shown;
        }
      };
    },
  });
}

Deno.test("a listing that lags behind hides no backup from cleanup", async () => {
  using dir = new TempDir();
  using database = new TestDatabase(`${dir.path}/root`);
  const real = openStore(dir.path);
  let hidden = new Set<string>();
  const service = serviceOf(database, lagging(real, (key) => hidden.has(key)), {
    keepLatestCount: KEEP,
  });
  const states = new Map<bigint, unknown>();
  database.create("t", PartitionBy.DAY);
  for (let i = 0; i < 9; i++) {
    database.insert("t", rows(i * 5, 25));
    // All but the first two manifests are not listed yet.
    hidden = new Set(
      (await listed(real)).map(({ key }) => key).filter((key) => key.includes("/manifests/")).slice(
        2,
      ),
    );
    states.set(await backUp(service), database.rows());
    const { backups } = await audit(real, service.instanceName()!);
    assertEquals(backups.length, Math.min(i + 1, KEEP));
  }
  await restoreAll(dir, real, new Map([...states].slice(-KEEP)));
});

Deno.test("a kept manifest that cannot be read stops cleanup before anything it may name is deleted", async () => {
  using dir = new TempDir();
  using database = new TestDatabase(`${dir.path}/root`);
  const store = openStore(dir.path);
  const service = serviceOf(database, store, { keepLatestCount: KEEP });
  database.create("t", PartitionBy.DAY);
  for (let i = 0; i < KEEP; i++) {
    database.insert("t", rows(i, 20));
    await backUp(service);
  }
  const manifest =
    (await listed(store)).map(({ key }) => key).filter((key) => key.includes("/manifests/"))[1];
  const bytes = await store.get(manifest);
  bytes[bytes.length >>> 1] ^= 1;
  await store.put(manifest, bytes);
  const before = (await listed(store)).filter(({ key }) => /packs|tables/.test(key)).map((
    { key },
  ) => key);
  database.insert("t", rows(50, 20));
  await backUp(service);
  const row = service.list().at(-1)!;
  assertEquals(row.status, "cleanup failed");
  assertStringIncludes(row.cleanupError!, manifest);
  const after = new Set((await listed(store)).map(({ key }) => key));
  assertEquals(before.filter((key) => !after.has(key)), []);
});

Deno.test("a store that keeps what was deleted is reported", async () => {
  using dir = new TempDir();
  using database = new TestDatabase(`${dir.path}/root`);
  const real = openStore(dir.path);
  const store = new Proxy(real, {
    get(target, name) {
      if (name === "delete") return () => Promise.resolve();
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const service = serviceOf(database, store, { keepLatestCount: 1 });
  database.create("t", PartitionBy.DAY);
  for (let i = 0; i < 2; i++) {
    database.insert("t", rows(i, 20));
    await backUp(service);
  }
  const row = service.list().at(-1)!;
  assertEquals(row.status, "cleanup failed");
  assertStringIncludes(row.cleanupError!, "did not delete an object");
});

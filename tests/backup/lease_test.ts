/** One server per instance: clones, crashes between any two steps, requests that come late or twice. */
import { BackupError, PartitionBy } from "../../src/common/mod.ts";
import { BackupInstance, INSTANCE_FILE } from "../../src/backup/backup_instance.ts";
import { InstanceKeys } from "../../src/backup/object_keys.ts";
import type { ObjectStore } from "../../src/objectstore/mod.ts";
import { FaultFileSystem, SimulatedFileSystem } from "../../src/platform/mod.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { FaultObjectStore } from "../objectstore/fault_object_store.ts";
import { cloneDisk } from "./chaos/chaos_server.ts";
import {
  backUp,
  openStore,
  PRODUCT_VERSION,
  random,
  serviceOf,
  TestDatabase,
} from "./test_database.ts";

const DATA_ID = "6f1c1e54-7b1f-4d55-9d5e-0a8f6a4d2b11";
const ANOTHER = "another server uses this backup instance";

function newDisk(): SimulatedFileSystem {
  const disk = new SimulatedFileSystem();
  disk.mkdir("/db");
  disk.syncDir("/");
  return disk;
}

function open(
  store: ObjectStore,
  fs: SimulatedFileSystem | FaultFileSystem,
): Promise<BackupInstance> {
  return BackupInstance.open({
    store,
    fs,
    random,
    dbRoot: "/db",
    dataId: DATA_ID,
    productVersion: PRODUCT_VERSION,
    now: 1n,
  });
}

async function keysOf(store: ObjectStore, part: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of store.list("backup/")) keys.push(...page.map(({ key }) => key));
  return keys.filter((key) => key.includes(part));
}

Deno.test("of a machine and its clone only one goes on with the instance, whoever is first", async () => {
  for (const isCloneFirst of [false, true]) {
    using directory = new TempDir();
    const store = openStore(directory.path);
    const disk = newDisk();
    const { name } = await open(store, disk);
    const clone = cloneDisk(disk);
    const [first, second] = isCloneFirst ? [clone, disk] : [disk, clone];
    assertEquals((await open(store, first)).name, name);
    for (let i = 0; i < 3; i++) {
      await assertRejects(() => open(store, second), BackupError, ANOTHER);
    }
    assertEquals((await open(store, first)).name, name);
    // The operator does what the message says.
    second.remove(`/db/${INSTANCE_FILE}`);
    assert((await open(store, second)).name !== name);
  }
});

Deno.test("of two that take the lease at the same time, at any two calls, one gets it", async () => {
  for (let wait = 0; wait < 8; wait++) {
    using directory = new TempDir();
    const store = new FaultObjectStore(openStore(directory.path));
    const disk = newDisk();
    await open(store, disk);
    const clone = cloneDisk(disk);
    const start = store.callCount;
    let others: Promise<PromiseSettledResult<BackupInstance>[]> | null = null;
    store.onCall = (number) => {
      if (number < start + wait) return;
      store.onCall = () => {};
      others = Promise.allSettled([open(store, clone)]);
    };
    const outcomes = await Promise.allSettled([open(store, disk)]);
    outcomes.push(...await (others ?? Promise.allSettled([open(store, clone)])));
    const won = outcomes.filter(({ status }) => status === "fulfilled").length;
    assertEquals(won, 1, `call ${wait}`);
  }
});

Deno.test("a store or machine that fails at any step of taking the lease locks nobody out and makes no second instance", async () => {
  let failures = 0;
  for (const isApplied of [false, true]) {
    using directory = new TempDir();
    const store = new FaultObjectStore(openStore(directory.path));
    const disk = newDisk();
    for (let n = 1; n < 12; n++) {
      store.failAt(n, { isApplied });
      await open(store, disk).catch(() => failures++);
      store.failAt(Infinity);
    }
    for (let n = 1; n < 30; n++) {
      const faults = new FaultFileSystem(disk);
      faults.stopAt(n, isApplied ? "applied" : "partial");
      await open(store, faults).catch(() => failures++);
      disk.crash({ next: () => (n * 7919 % 100) / 100 });
    }
    await open(store, disk);
    assertEquals((await keysOf(store, "/instance.json")).length, 1);
  }
  assert(failures > 30, `${failures} failures`);
});

Deno.test("an earlier attempt whose answer was lost is passed over, and its clone is not let in by it", async () => {
  using directory = new TempDir();
  const store = new FaultObjectStore(openStore(directory.path));
  const disk = newDisk();
  await open(store, disk);
  const calls: string[] = [];
  store.onCall = (_, operation, key) => calls.push(`${operation} ${key}`);
  await open(store, disk);
  const put = calls.findIndex((call) => call.startsWith("put") && call.includes("/leases/"));
  store.failAt(put + 1, { isApplied: true });
  await assertRejects(() => open(store, disk), Error, "injected after");
  store.failAt(Infinity);
  const clone = cloneDisk(disk); // it knows the token that was stored
  const held = await open(store, disk);
  await held.checkLease();
  await assertRejects(() => open(store, clone), BackupError, ANOTHER);
});

Deno.test("a lease that was removed or exchanged ends the backup before its manifest", async () => {
  using directory = new TempDir();
  using database = new TestDatabase(`${directory.path}/root`);
  const store = new FaultObjectStore(openStore(directory.path));
  const service = serviceOf(database, store);
  database.create("t", PartitionBy.DAY);
  await backUp(service);
  const keys = new InstanceKeys(service.instanceName()!);
  const manifests = await keysOf(store, "/manifests/");
  const [lease] = (await keysOf(store, "/leases/")).slice(-1);
  assert(lease.startsWith(keys.prefix));
  store.onCall = (_, operation, key) => {
    if (operation !== "put" || !key.includes("/leases/")) return;
    store.onCall = (_, operation) => {
      if (operation !== "get") return;
      store.onCall = () => {};
      Deno.writeTextFileSync(`${directory.path}/store/${key}`, `{"token":"other"}`);
    };
  };
  await service.start();
  assertEquals(await service.idle(), null);
  assertEquals(service.list().at(-1)!.status, "backup failed");
  assertEquals(await keysOf(store, "/manifests/"), manifests);
});

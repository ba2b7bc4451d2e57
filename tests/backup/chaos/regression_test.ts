/** What histories of chaos have found once, and what they are unlikely to find, each on its own. */
import { backupTasks, createBackupService } from "../../../src/backup/mod.ts";
import { InstanceKeys } from "../../../src/backup/object_keys.ts";
import { ObjectNotFoundError, type ObjectStore } from "../../../src/objectstore/mod.ts";
import {
  FaultFileSystem,
  SILENT_LOG,
  type SimulatedFileSystem,
} from "../../../src/platform/mod.ts";
import { InlineTaskRunner, type TaskOptions, type TaskRunner } from "../../../src/wasm/mod.ts";
import { Machine } from "../../crash/machine.ts";
import { assert, assertEquals, assertStringIncludes } from "../../support/assert.ts";
import { testCore } from "../../support/engine_fixture.ts";
import { SeededRandom } from "../../support/seeded_random.ts";
import { PRODUCT_VERSION, TEST_BACKUP_CONFIG } from "../test_database.ts";
import { Auditor } from "./audit.ts";
import { Bucket } from "./bucket.ts";
import { INSTALL_ROOT, JumpingClock, newDisk, runRestore, SeededBytes } from "./chaos_server.ts";
import { CALM, HostileStore } from "./hostile_store.ts";
import { restoreSomewhere } from "./restore_step.ts";
import { compareShadows, readShadow } from "./workload.ts";

const SEEDS = 20;

/** Tasks that wait while nothing is to be applied. */
class PausedTasks implements TaskRunner {
  readonly workerCount = 1;
  readonly #inner: TaskRunner;
  readonly #scene: Scene;
  constructor(inner: TaskRunner, scene: Scene) {
    this.#inner = inner;
    this.#scene = scene;
  }
  async run<T>(name: string, args: unknown, options?: TaskOptions): Promise<T> {
    const { boot } = this.#scene;
    while (this.#scene.isApplyPaused) await new Promise((resolve) => setImmediate(resolve));
    if (this.#scene.boot !== boot) throw new Error("The machine lost power");
    return await this.#inner.run(name, args, options);
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}

/** A server on a disk, and a bucket that it makes backups into. */
class Scene {
  readonly random: SeededRandom;
  readonly bucket: Bucket;
  readonly hostile: HostileStore;
  readonly clock = new JumpingClock();
  readonly disk: SimulatedFileSystem = newDisk();
  machine!: Machine;
  isApplyPaused = false;
  boot = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.bucket = new Bucket(testCore(), 1);
    this.hostile = new HostileStore(this.bucket, this.random);
  }
  async start(): Promise<void> {
    this.machine = await Machine.start({
      fs: this.disk,
      commitMode: "nosync",
      bootId: `boot ${this.boot}`,
      seed: 1,
      wrapTasks: (tasks) => new PausedTasks(tasks, this),
    });
  }
  async losePower(): Promise<void> {
    this.boot++;
    this.disk.crash(this.random);
    this.isApplyPaused = false;
    await Promise.allSettled([this.machine.engine.close()]);
    await this.start();
  }
  service(options: { keepCount?: number; isUnsynced?: boolean; store?: ObjectStore } = {}) {
    const core = testCore();
    const { engine } = this.machine;
    const sync = () => options.isUnsynced === true ? Promise.resolve() : engine.sync();
    return createBackupService({
      engine: { dataId: engine.dataId, core, pinAll: () => engine.pinAll(), sync },
      tasks: new InlineTaskRunner({ core, fs: this.disk }, backupTasks),
      fs: this.disk,
      clock: this.clock,
      random: new SeededBytes(this.random),
      log: SILENT_LOG,
      config: { ...TEST_BACKUP_CONFIG, keepLatestCount: options.keepCount ?? 100 },
      dbRoot: `${INSTALL_ROOT}/db`,
      productVersion: PRODUCT_VERSION,
      openStore: () => Promise.resolve(options.store ?? this.hostile),
    });
  }
  async backUp(options: Parameters<Scene["service"]>[0] = {}): Promise<string> {
    const service = this.service(options);
    await service.start();
    await service.idle();
    const row = service.list().at(-1)!;
    assertEquals(row.backupError, null);
    this.bucket.tick(10);
    return service.instanceName()!;
  }
  async restore(instance: string, timestamp: bigint | null = null) {
    const world = { bucket: this.bucket, random: this.random, wrappers: {}, keepCount: 1 };
    const plan = { instance, timestamp, interruptions: 0, weather: CALM, trace: () => {} };
    return (await restoreSomewhere(world, plan)).shadow;
  }
}

/** Transactions that are lost with the power after a backup had them; those that follow have the same numbers. */
async function rewind(seed: number, isUnsynced: boolean): Promise<string | null> {
  const scene = new Scene(seed);
  await scene.start();
  await scene.machine.run(
    "CREATE TABLE t (ts TIMESTAMP, x INT) TIMESTAMP(ts) PARTITION BY DAY WAL",
  );
  const insert = (x: number) =>
    scene.machine.run(`INSERT INTO t VALUES (${1_704_067_200_000_000 + x * 1_000_000}, ${x})`);
  await insert(1);
  await scene.machine.drain();
  await scene.machine.engine.sync();
  scene.isApplyPaused = true;
  for (const x of [2, 3, 4]) await insert(x);
  await scene.backUp({ isUnsynced });
  await scene.losePower();
  await scene.machine.drain();
  scene.isApplyPaused = true;
  for (const x of [12, 13, 14]) await insert(x);
  const instance = await scene.backUp({ isUnsynced });
  const restored = await scene.restore(instance);
  scene.isApplyPaused = false;
  const problem = compareShadows(await readShadow(scene.machine), restored);
  await scene.machine.engine.close();
  return problem;
}

Deno.test("a power loss behind a backup does not make the next one take new transactions for those that it has", async () => {
  let unsyncedProblems = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    assertEquals(await rewind(seed, false), null);
    if (await rewind(seed, true) !== null) unsyncedProblems++;
  }
  assert(unsyncedProblems > 0, "without waiting for the disk it would");
});

Deno.test("WAL segments that a restore brought back survive a power loss", async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const scene = new Scene(seed);
    await scene.start();
    await scene.machine.run(
      "CREATE TABLE t (ts TIMESTAMP, x INT) TIMESTAMP(ts) PARTITION BY DAY WAL",
    );
    scene.isApplyPaused = true;
    await scene.machine.run("INSERT INTO t VALUES (1704067200000000, 1)");
    const restored = await scene.restore(await scene.backUp());
    scene.isApplyPaused = false;
    assertStringIncludes(restored.get("t")!, "1704067200000000|1");
    await scene.machine.engine.close();
  }
});

/** A store that says of some objects that they are not there. */
function blindTo(inner: ObjectStore, isHidden: (key: string) => boolean): ObjectStore {
  return {
    description: inner.description,
    get: (key, options) =>
      isHidden(key) ? Promise.reject(new ObjectNotFoundError(key)) : inner.get(key, options),
    head: (key, options) => isHidden(key) ? Promise.resolve(null) : inner.head(key, options),
    put: (key, body, options) => inner.put(key, body, options),
    list: (prefix, options) => inner.list(prefix, options),
    delete: (keys, options) => inner.delete(keys, options),
    openUpload: (key, options) => inner.openUpload(key, options),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

for (const isListed of [true, false]) {
  const how = isListed ? "is listed" : "is neither listed";
  Deno.test(`cleanup deletes nothing when a manifest ${how} and not found`, async () => {
    const scene = new Scene(1);
    await scene.start();
    await scene.machine.run("CREATE TABLE t (ts TIMESTAMP, x INT) TIMESTAMP(ts) PARTITION BY DAY");
    const auditor = new Auditor(scene.bucket, 2);
    const insert = (x: number) =>
      scene.machine.run(`INSERT INTO t VALUES (${1_704_067_200_000_000 + x * 86_400_000_000}, 1)`);
    for (const x of [1, 2]) {
      await insert(x);
      await scene.backUp({ keepCount: 2 });
    }
    await insert(3);
    const [, second] = auditor.backups();
    const store = blindTo(scene.hostile, (key) => key === second.key);
    const listed = {
      ...store,
      async *list(prefix: string) {
        for await (const page of scene.hostile.list(prefix)) {
          const shown = page.filter(({ key }) => isListed || key !== second.key);
          if (shown.length > 0) yield shown;
        }
      },
    };
    const service = scene.service({ keepCount: 2, store: listed });
    await service.start();
    await service.idle();
    assertEquals(service.list().at(-1)!.status, "cleanup failed");
    await auditor.check(); // the second backup still has all its objects
    await scene.restore(second.instance, second.timestamp);
    await insert(4);
    await scene.backUp({ keepCount: 2 });
    assertEquals(await auditor.garbage(second.instance), []);
    assertEquals(auditor.backups().length, 2);
    await scene.machine.engine.close();
  });
}

Deno.test("a record of the instance that is not found for a while does not begin a second instance", async () => {
  const scene = new Scene(1);
  await scene.start();
  const instance = await scene.backUp();
  const keys = new InstanceKeys(instance);
  let isHidden = true;
  const store = blindTo(scene.hostile, (key) => isHidden && key === keys.instance);
  const service = scene.service({ store });
  await service.start();
  await service.idle();
  assertEquals(service.list().at(-1)!.status, "backup failed");
  isHidden = false;
  assertEquals(await scene.backUp(), instance);
  await scene.machine.engine.close();
});

Deno.test("a clock that stepped back while the server was down does not stop backups", async () => {
  const scene = new Scene(1);
  await scene.start();
  await scene.backUp();
  scene.clock.jump(-3_600_000_000n);
  const service = scene.service({
    store: blindTo(scene.hostile, (key) => key.includes("/history/")),
  });
  await service.load();
  await service.start();
  await service.idle();
  assertEquals(service.list().at(-1)!.backupError, null);
  await scene.machine.engine.close();
});

Deno.test("a trigger that was removed when the process died does not come back with the power and refuse the restored root", async () => {
  let kills = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const scene = new Scene(seed);
    await scene.start();
    const instance = await scene.backUp();
    const world = { bucket: scene.bucket, random: scene.random, wrappers: {}, keepCount: 1 };
    const disk = newDisk();
    disk.open(`${INSTALL_ROOT}/_backup_restore`, "create").close();
    disk.syncDir(INSTALL_ROOT);
    const faults = new FaultFileSystem(disk);
    faults.failWhen(({ operation, path }) => operation === "remove" && path.endsWith("_restore"), {
      effect: "applied",
    });
    await runRestore(world, faults, scene.hostile).catch(() => kills++);
    disk.killProcess();
    await runRestore(world, disk, scene.hostile);
    disk.crash(scene.random);
    await runRestore(world, disk, scene.hostile); // nothing, or the end of the restore
    assertEquals(disk.stat(`${INSTALL_ROOT}/_backup_restore`), null, instance);
    assert(disk.stat(`${INSTALL_ROOT}/db/.data_id`) !== null, "the database is there");
    await scene.machine.engine.close();
  }
  assertEquals(kills, SEEDS);
});

/** Restores that are interrupted: what is there is not fetched again, and is trusted only if it is what it should be. */
import { ObjectStoreError, PartitionBy, RestoreError } from "../../src/common/mod.ts";
import {
  FaultFileSystem,
  type FileCall,
  type Log,
  RealFileSystem,
  StoppedError,
} from "../../src/platform/mod.ts";
import { runSeed, SeededRandom } from "../support/seeded_random.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import type { Row } from "../storage/table_fixture.ts";
import { HookedStore } from "./hooked_store.ts";
import {
  backUp,
  openStore,
  restore,
  restoredRows,
  serviceOf,
  TestDatabase,
} from "./test_database.ts";

const START = 1_704_067_200_000_000n;
/** Reads of a table that may be under way, with one worker. */
const READS_IN_FLIGHT = 2;

function rows(first: number, count: number): Row[] {
  return Array.from({ length: count }, (_, i) => ({
    ts: START + BigInt(first + i) * 40_000_000n,
    ok: i % 2 === 0,
    i,
    l: BigInt((first + i) * 7919),
    d: (first + i) / 8,
    sym: `s${i % 7}`,
    text: `row ${first + i} with text that is not inlined`,
  }));
}

interface Scene extends Disposable {
  readonly path: string;
  readonly database: TestDatabase;
  readonly store: HookedStore;
  readonly service: ReturnType<typeof serviceOf>;
}

/** A store with a backup of three tables, one of them in many packs. */
async function scene(): Promise<Scene> {
  const directory = new TempDir();
  const database = new TestDatabase(`${directory.path}/root`);
  const plan = [["a", PartitionBy.HOUR, 6000], ["b", PartitionBy.DAY, 300], [
    "c",
    PartitionBy.DAY,
    300,
  ]] as const;
  for (const [name, partitionBy, count] of plan) {
    database.create(name, partitionBy);
    database.insert(name, rows(0, count));
  }
  const store = new HookedStore(openStore(directory.path));
  const service = serviceOf(database, store);
  await backUp(service);
  store.readBytes = 0;
  return {
    path: directory.path,
    database,
    store,
    service,
    [Symbol.dispose]: () => {
      database[Symbol.dispose]();
      directory[Symbol.dispose]();
    },
  };
}

function exists(path: string): boolean {
  return new RealFileSystem().stat(path) !== null;
}

/** Restores everything once and tells what that takes. */
async function wholeRestore(
  it: Scene,
): Promise<{ bytes: number; changes: number; largest: number }> {
  const fs = new FaultFileSystem(new RealFileSystem());
  let largest = 0;
  it.store.onGet = async (_, read) => {
    const bytes = await read();
    largest = Math.max(largest, bytes.length);
    return bytes;
  };
  const before = it.store.readBytes;
  const summary = await restore(`${it.path}/whole`, it.store, { lines: [""], fs });
  assertEquals(summary!.reusedBytes, 0);
  it.store.onGet = (_, read) => read();
  return { bytes: it.store.readBytes - before, changes: fs.changeCount, largest };
}

Deno.test("a restore that was killed fetches only what is not there yet", async () => {
  using it = await scene();
  const whole = await wholeRestore(it);
  const numbers = new SeededRandom(runSeed());
  let reused = 0;
  for (let round = 0; round < 12; round++) {
    const root = `${it.path}/round${round}`;
    const fs = new FaultFileSystem(new RealFileSystem());
    fs.stopAt(numbers.int(1, whole.changes - 1)); // this and every later call fail, as if the process were gone
    let done = 0;
    it.store.readBytes = 0;
    const error = await assertRejects(
      () => restore(root, it.store, { lines: [""], fs, onProgress: (bytes) => done = bytes }),
      Error,
    );
    assert(causes(error).some((cause) => cause instanceof StoppedError), String(error));
    const fetchedBefore = it.store.readBytes;
    it.store.readBytes = 0;
    const summary = await restore(root, it.store);
    assertEquals(restoredRows(root), it.database.rows());
    if (summary!.bytes === 0) continue; // it was complete, only its names were moved
    assert(summary!.reusedBytes >= done, `${summary!.reusedBytes} reused, ${done} were done`);
    // The parts that were under way, and the manifests, which are read again.
    const limit = whole.bytes + 3 * READS_IN_FLIGHT * whole.largest;
    assert(
      fetchedBefore + it.store.readBytes <= limit,
      `${fetchedBefore} + ${it.store.readBytes} > ${limit}`,
    );
    reused += summary!.reusedBytes;
  }
  assert(reused > 0, "some rounds went on with something");
});

Deno.test("a restore whose store does not answer keeps what it has and goes on at the next start", async () => {
  using it = await scene();
  const whole = await wholeRestore(it);
  const root = `${it.path}/new`;
  it.store.readBytes = 0;
  it.store.onGet = (key, read) =>
    it.store.readBytes > whole.bytes / 2
      ? Promise.reject(new ObjectStoreError("no answer", { key }, { isRetryable: true }))
      : read();
  await assertRejects(
    () => restore(root, it.store, { lines: [""] }),
    RestoreError,
    "backup restore error: no answer",
  );
  assert(
    !exists(`${root}/.restore_failed`) && !exists(`${root}/_restore_failed`),
    "nothing is damaged",
  );
  assert(exists(`${root}/_backup_restore`) && !exists(`${root}/db/.data_id`));
  it.store.onGet = (_, read) => read();
  it.store.readBytes = 0;
  const summary = await restore(root, it.store);
  assert(summary!.reusedBytes > 0, "something was reused");
  assert(it.store.readBytes < whole.bytes * 3 / 4, `${it.store.readBytes} of ${whole.bytes} bytes`);
  assertEquals(restoredRows(root), it.database.rows());
});

/** Interrupts a restore into `root` when half of it is there. */
async function interrupt(it: Scene, root: string): Promise<void> {
  const whole = await wholeRestore(it);
  it.store.readBytes = 0;
  it.store.onGet = (key, read) =>
    it.store.readBytes > whole.bytes / 2
      ? Promise.reject(new ObjectStoreError("no answer", { key }, { isRetryable: true }))
      : read();
  await assertRejects(() => restore(root, it.store, { lines: [""] }), RestoreError);
  it.store.onGet = (_, read) => read();
  it.store.readBytes = 0;
}

function filesBelow(directory: string): string[] {
  return [...Deno.readDirSync(directory)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesBelow(`${directory}/${name}`) : [`${directory}/${name}`]
  );
}

Deno.test("what an interrupted restore left is not trusted: changed, longer and strange files are put right", async () => {
  using it = await scene();
  const root = `${it.path}/new`;
  await interrupt(it, root);
  const table = `${root}/db/.restore/tables/a~1`;
  const files = filesBelow(table).filter((path) =>
    path.endsWith(".d") && Deno.statSync(path).size > 0
  );
  assert(files.length > 6, `${files.length} files`);
  for (const [index, path] of files.entries()) {
    const bytes = Deno.readFileSync(path);
    if (index % 4 === 0) bytes[bytes.length >> 1] ^= 1;
    if (index % 4 === 1) Deno.writeFileSync(path, new Uint8Array(100), { append: true });
    else Deno.writeFileSync(path, index % 4 === 2 ? bytes.subarray(0, bytes.length - 1) : bytes);
  }
  Deno.writeTextFileSync(`${table}/stranger.d`, "x");
  Deno.mkdirSync(`${table}/1970-01-01`);
  Deno.mkdirSync(`${root}/db/.restore/tables/gone~9`);
  Deno.removeSync(`${table}/_name`);
  Deno.mkdirSync(`${table}/_name/deep`, { recursive: true });
  await restore(root, it.store);
  assertEquals(restoredRows(root), it.database.rows());
  assert(!exists(`${root}/db/a~1/stranger.d`) && !exists(`${root}/db/a~1/1970-01-01`));
  assert(!exists(`${root}/db/gone~9`) && Deno.statSync(`${root}/db/a~1/_name`).isFile);
});

Deno.test("an interrupted restore goes on with a newer backup when the latest one is asked for", async () => {
  using it = await scene();
  const root = `${it.path}/new`;
  await interrupt(it, root);
  it.database.insert("a", rows(7000, 500));
  it.database.drop("c");
  await backUp(it.service);
  const summary = await restore(root, it.store);
  assert(summary!.reusedBytes > 0, "something was reused");
  assertEquals(restoredRows(root), it.database.rows());
  assert(!exists(`${root}/db/c~3`));
});

Deno.test("an interrupted restore that is already publishing is not finished as another backup", async () => {
  using it = await scene();
  const root = `${it.path}/new`;
  const fs = new FaultFileSystem(new RealFileSystem());
  fs.failWhen((call) => call.operation === "rename" && call.path.endsWith("tables/b~2"));
  await assertRejects(() => restore(root, it.store, { lines: [""], fs }), Error, "Injected");
  const again = (line: string) => restore(root, it.store, { lines: [line] });
  const text = "an interrupted restore has to be finished first";
  await assertRejects(() => again("backup.restore.timestamp=2001-01-01"), RestoreError, text);
  await assertRejects(() => again("backup.instance.name=not-this-one"), RestoreError, text);
  await again("backup.restore.timestamp=2999-01-01");
  assertEquals(restoredRows(root), it.database.rows());
});

Deno.test("the trigger is removed only when everything is durable", async () => {
  using it = await scene();
  const root = `${it.path}/new`;
  const fs = new FaultFileSystem(new RealFileSystem());
  const unsynced = new Set<string>();
  let names = 0, atRemoval: [number, number] | null = null;
  fs.failWhen(({ operation, path, isChange }: FileCall) => {
    if (operation === "write" || operation === "truncate") unsynced.add(path);
    if (operation === "sync" || operation === "syncData") unsynced.delete(path);
    const isName = operation === "rename" || operation === "open" && isChange;
    if (isName && path.startsWith(`${root}/db`)) names++;
    if (operation === "syncDir" && path === `${root}/db`) names = 0;
    if (operation === "remove" && path.endsWith("/_backup_restore")) {
      atRemoval = [unsynced.size, names];
    }
    return false;
  });
  await restore(root, it.store, { lines: [""], fs });
  assertEquals(atRemoval, [0, 0], "files without fsync, names without fsync of their directory");
});

Deno.test("several tables, and several parts of one, are fetched at the same time", async () => {
  using it = await scene();
  let running = 0, most = 0;
  const together = new Set<string>(), tables = new Set<string>();
  it.store.onGet = async (key, read) => {
    const isPack = key.includes("/packs/");
    if (isPack) {
      most = Math.max(most, ++running);
      together.add(key);
      if (running > 1) { for (const other of together) tables.add(other.split("/").at(-2)!); }
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
    const bytes = await read();
    if (isPack) {
      running--;
      together.delete(key);
    }
    return bytes;
  };
  await restore(`${it.path}/new`, it.store, { lines: [""] });
  assert(most > READS_IN_FLIGHT, `${most} reads at a time`);
  assert(most <= 4 * READS_IN_FLIGHT, `${most} reads at a time`);
  assertEquals([...tables].sort(), ["a~1", "b~2", "c~3"]);
  assertEquals(restoredRows(`${it.path}/new`), it.database.rows());
});

Deno.test("progress goes to the log in steps and to the caller up to all bytes", async () => {
  using it = await scene();
  const lines: string[] = [];
  const note: Log["info"] = (_, message, context) => {
    if (message === "restore progress") lines.push(`${context!.percent}`);
    if (message === "restore complete") lines.push(message);
  };
  const log: Log = { info: note, error: () => {}, critical: () => {} };
  const seen: number[] = [];
  let total = 0;
  const summary = await restore(`${it.path}/new`, it.store, {
    lines: [""],
    log,
    onProgress: (done, all) => {
      seen.push(done);
      total = all;
    },
  });
  assert(seen.length > 10 && seen.every((done, i) => i === 0 || done >= seen[i - 1]), "it rises");
  assertEquals(seen.at(-1), total);
  assertEquals(summary!.bytes, total);
  const percents = lines.slice(0, -1).map(Number);
  assert(percents.length >= 3 && percents.length <= 9, percents.join());
  assert(percents.every((percent, i) => percent < 100 && (i === 0 || percent > percents[i - 1])));
  assertEquals(lines.at(-1), "restore complete");
});

Deno.test("a part that was damaged on its way is fetched again", async () => {
  using it = await scene();
  const flipped = new Set<string>();
  it.store.onGet = async (key, read) => {
    const bytes = await read();
    if (key.includes("/packs/") && !flipped.has(key)) {
      flipped.add(key);
      bytes[bytes.length >> 1] ^= 1;
    }
    return bytes;
  };
  await restore(`${it.path}/new`, it.store, { lines: [""] });
  assert(flipped.size > 3);
  assertEquals(restoredRows(`${it.path}/new`), it.database.rows());
});

/** A file system with little room. */
class SmallDisk extends FaultFileSystem {
  available = 0;
  override availableBytes(): number {
    return this.available;
  }
}

Deno.test("the disk needs room only for what is not there yet", async () => {
  using it = await scene();
  const root = `${it.path}/new`;
  const fs = new SmallDisk(new RealFileSystem());
  const attempt = () => restore(root, it.store, { lines: [""], fs });
  const error = await assertRejects(
    attempt,
    RestoreError,
    "backup restore error: not enough disk space",
  );
  const required = Number(/required=(\d+)/.exec(error.message)![1]);
  assertStringIncludes(error.message, "available=0");
  await interrupt(it, root);
  fs.available = required - 100_000;
  await attempt();
  assertEquals(restoredRows(root), it.database.rows());
});

Deno.test("a restore that finds the disk full goes on when there is room", async () => {
  using it = await scene();
  const root = `${it.path}/new`;
  const fs = new FaultFileSystem(new RealFileSystem());
  let writes = 0;
  fs.failWhen(
    ({ operation, path }) => operation === "write" && path.includes("/tables/") && ++writes > 40,
    { error: new Error("No space left on device (os error 28)"), effect: "partial" },
  );
  await assertRejects(
    () => restore(root, it.store, { lines: [""], fs }),
    RestoreError,
    "No space left",
  );
  assert(!exists(`${root}/.restore_failed`));
  const summary = await restore(root, it.store);
  assert(summary!.reusedBytes > 0);
  assertEquals(restoredRows(root), it.database.rows());
});

function causes(error: unknown): unknown[] {
  const list = [];
  for (let at = error; at instanceof Error; at = at.cause) list.push(at);
  return list;
}

import { BackupError, PartitionBy } from "../../src/common/mod.ts";
import type { ObjectStore } from "../../src/objectstore/mod.ts";
import type { BackupConfig } from "../../src/backup/mod.ts";
import type { Engine } from "../../src/engine/mod.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { allTypesTable, commitRows, openEngine, tableRows } from "../support/engine_fixture.ts";
import { runSeed, SeededRandom } from "../support/seeded_random.ts";
import type { Row } from "../support/table_rows.ts";
import { SilentServer } from "../support/silent_server.ts";
import { TempDir } from "../support/temp_dir.ts";
import { engineService } from "./engine_service.ts";
import { backUp, openStore, restore } from "./test_database.ts";

const HOUR = 3_600_000_000n;
const START = 1_704_067_200_000_000n;

function someRows(numbers: SeededRandom, hour: number, count: number): Row[] {
  return Array.from({ length: count }, () => [
    START + BigInt(hour) * HOUR + BigInt(numbers.int(0, 3_600_000)) * 1000n,
    numbers.next() < 0.5,
    numbers.next() < 0.1 ? null : numbers.int(-9, 9),
    numbers.next() < 0.1 ? null : BigInt(numbers.int(0, 1e6)),
    numbers.next() < 0.1 ? null : numbers.int(0, 10_000) / 100,
    numbers.next() < 0.1 ? null : `s${numbers.int(0, 30)}`,
    numbers.next() < 0.1 ? null : "note ".repeat(numbers.int(0, 6)),
  ]);
}

/** The rows that must be there, by table: all that were committed, by time, ties in commit order. */
class Shadow {
  readonly tables = new Map<string, Row[]>();
  copy(): Map<string, Row[]> {
    const sorted = [...this.tables].map(([name, rows]): [string, Row[]] => [
      name,
      rows.map((row, i) => ({ row, i }))
        .sort((a, b) => a.row[0]! < b.row[0]! ? -1 : a.row[0]! > b.row[0]! ? 1 : a.i - b.i)
        .map(({ row }) => row),
    ]);
    return new Map(sorted.sort(([a], [b]) => a < b ? -1 : 1));
  }
}

async function allRows(engine: Engine): Promise<Map<string, Row[]>> {
  const rows = new Map<string, Row[]>();
  for (const token of engine.tables().toSorted((a, b) => a.name < b.name ? -1 : 1)) {
    await engine.waitApplied(token);
    rows.set(token.name, tableRows(engine, token));
  }
  return rows;
}

/** Compares row by row: a structural diff of thousands of rows takes minutes to print. */
function assertSameRows(actual: Map<string, Row[]>, expected: Map<string, Row[]>): void {
  assertEquals([...actual.keys()], [...expected.keys()]);
  for (const [name, rows] of expected) {
    const found = actual.get(name)!;
    assertEquals(found.length, rows.length, `rows of ${name}`);
    rows.forEach((row, i) => {
      assert(
        row.every((value, c) => Object.is(value, found[i][c])),
        `row ${i} of ${name}: ${found[i]} is not ${row}`,
      );
    });
  }
}

const UNITS = [PartitionBy.HOUR, PartitionBy.DAY, PartitionBy.MONTH];

function step(engine: Engine, shadow: Shadow, numbers: SeededRandom): string {
  const names = [...shadow.tables.keys()];
  const roll = numbers.next();
  if (names.length === 0 || (roll < 0.2 && names.length < 3)) {
    const name = `t${numbers.int(0, 5)}`;
    if (shadow.tables.has(name)) return "nothing";
    engine.createTable(allTypesTable(name, { partitionBy: numbers.pick(UNITS) }));
    shadow.tables.set(name, []);
    return `create ${name}`;
  }
  const name = numbers.pick(names);
  const token = engine.findTable(name)!;
  if (roll < 0.27) {
    engine.dropTable(token);
    shadow.tables.delete(name);
    return `drop ${name}`;
  }
  if (roll < 0.33) {
    engine.truncateTable(token);
    shadow.tables.set(name, []);
    return `truncate ${name}`;
  }
  const rows = someRows(
    numbers,
    numbers.next() < 0.5 ? 90 : numbers.int(0, 90),
    numbers.int(1, 400),
  );
  commitRows(engine, token, rows, numbers.next() < 0.5 ? "symbol" : "varchar");
  shadow.tables.get(name)!.push(...rows);
  return `insert ${rows.length} into ${name}`;
}

Deno.test("a backup of a live engine holds every committed row, applied or not, at each moment", async () => {
  const seed = runSeed();
  for (let run = 0; run < 3; run++) {
    const numbers = new SeededRandom(seed + run);
    const log: string[] = [];
    using directory = new TempDir();
    const store = openStore(directory.path);
    const moments: { timestamp: bigint; rows: Map<string, Row[]> }[] = [];
    const shadow = new Shadow();
    try {
      {
        await using engine = await openEngine(`${directory.path}/root`);
        const service = engineService(engine, `${directory.path}/root`, store);
        for (let i = 0; i < 7; i++) {
          for (let k = numbers.int(1, 4); k > 0; k--) log.push(step(engine, shadow, numbers));
          if (numbers.next() < 0.5) await allRows(engine);
          const rows = shadow.copy();
          const running = backUp(service); // pinned now; what comes later is not part of it
          moments.push({ timestamp: 0n, rows });
          log.push("backup", step(engine, shadow, numbers));
          moments[i] = { timestamp: await running, rows };
        }
        assertSameRows(await allRows(engine), shadow.copy());
      }
      for (const [index, moment] of moments.entries()) {
        const root = `${directory.path}/restored-${index}`;
        await restore(root, store, {
          lines: [`backup.restore.timestamp=${iso(moment.timestamp)}`],
        });
        await using engine = await openEngine(root);
        assertSameRows(await allRows(engine), moment.rows);
        for (const token of engine.tables()) { // and it goes on living
          const rows = someRows(numbers, 40, 5);
          commitRows(engine, token, rows);
          await engine.waitApplied(token);
          assertEquals(tableRows(engine, token).length, moment.rows.get(token.name)!.length + 5);
        }
      }
    } catch (error) {
      console.error(`SEED=${seed} run ${run}\n${log.join("\n")}`);
      throw error;
    }
  }
});

function iso(micros: bigint): string {
  const fraction = String(micros % 1000n).padStart(3, "0");
  return `${new Date(Number(micros / 1000n)).toISOString().slice(0, -1)}${fraction}Z`;
}

Deno.test("a second BACKUP DATABASE is refused while one runs", async () => {
  using directory = new TempDir();
  await using engine = await openEngine(`${directory.path}/root`);
  engine.createTable(allTypesTable("t"));
  const service = engineService(engine, `${directory.path}/root`, openStore(directory.path));
  assertEquals(service.instanceName(), null);
  await service.start();
  assertEquals(service.list().map((row) => [row.status, row.endTs]), [[
    "backup in progress",
    null,
  ]]);
  await assertRejects(() => service.start(), BackupError, "backup is already in progress");
  await service.idle();
  const [row] = service.list();
  assertEquals([row.status, row.progressPercent, row.backupError], ["backup complete", 100, null]);
  assert(row.endTs! >= row.startTs);
  assert(/^[a-z]+-[a-z]+-[a-z]+$/.test(service.instanceName()!));
});

Deno.test("a backup that is not configured is refused with the key to set", async () => {
  using directory = new TempDir();
  await using engine = await openEngine(`${directory.path}/root`);
  const start = (config: Partial<BackupConfig>) =>
    engineService(engine, `${directory.path}/root`, null, config).start();
  await assertRejects(() => start({ isEnabled: false }), BackupError, "backup.enabled=true");
  await assertRejects(() => start({}), BackupError, "set backup.object.store");
});

Deno.test("backups() and the instance name survive a restart", async () => {
  using directory = new TempDir();
  const root = `${directory.path}/root`, store = openStore(directory.path);
  await using engine = await openEngine(root);
  engine.createTable(allTypesTable("t"));
  const before = engineService(engine, root, store);
  await backUp(before);
  await backUp(before);
  const after = engineService(engine, root, store);
  await after.load();
  assertEquals(after.list(), before.list());
  assertEquals(after.instanceName(), before.instanceName());
  await backUp(after);
  assertEquals(after.list().length, 3);
});

Deno.test("backups() tells this server's own record until the store is read, and reads it again behind a backup", async () => {
  using directory = new TempDir();
  const root = `${directory.path}/root`, store = openStore(directory.path);
  await using engine = await openEngine(root);
  engine.createTable(allTypesTable("t"));
  const before = engineService(engine, root, store);
  await backUp(before);
  await backUp(before);
  const moments = before.list().map(({ startTs }) => startTs);
  const gate = Promise.withResolvers<void>();
  let isReachable = false;
  const list: ObjectStore["list"] = async function* (prefix, options) {
    await gate.promise;
    if (!isReachable && prefix.includes("/history/")) throw new Error("not reachable");
    yield* store.list(prefix, options);
  };
  const late = new Proxy(store, {
    get: (target, name) => {
      if (name === "list") return list;
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const after = engineService(engine, root, late);
  const loaded = after.load();
  assertEquals(
    after.list().map((row) => [row.status, row.startTs, row.progressPercent, row.endTs]),
    moments.map((moment) => ["backup complete", moment, 100, null]),
  );
  gate.resolve();
  await loaded;
  assertEquals(after.list().map(({ startTs }) => startTs), moments, "the store could not be read");
  isReachable = true;
  await backUp(after);
  while (after.list()[0].endTs === null) await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(after.list().slice(0, 2), before.list());
  assertEquals(after.list().length, 3);
});

Deno.test("a service that is disposed does not wait for a store that is silent", async () => {
  using directory = new TempDir();
  const root = `${directory.path}/root`, store = openStore(directory.path);
  await using engine = await openEngine(root);
  await backUp(engineService(engine, root, store));
  using silent = new SilentServer();
  const objectStore = `s3::bucket=bucket;access_key_id=id;secret_access_key=secret;` +
    `endpoint=http://127.0.0.1:${silent.port};request_timeout_ms=3600000;`;
  const service = engineService(engine, root, null, { objectStore });
  const loaded = service.load();
  assertEquals(service.list().length, 1);
  await silent.connected;
  await service[Symbol.asyncDispose]();
  await loaded;
});

Deno.test("a store with backups of another database is refused with ER007", async () => {
  using directory = new TempDir();
  const store = openStore(directory.path);
  {
    await using engine = await openEngine(`${directory.path}/one`);
    await backUp(engineService(engine, `${directory.path}/one`, store));
  }
  await using engine = await openEngine(`${directory.path}/two`);
  const service = engineService(engine, `${directory.path}/two`, store);
  const error = await assertRejects(() => backUp(service), Error, "[ER007] Data ID mismatch");
  assert(error.message.includes(engine.dataId));
  assertEquals(service.list()[0].status, "backup failed");
  assertEquals(service.instanceName(), null);
});

Deno.test("a cloned root cannot write into its twin's instance", async () => {
  using directory = new TempDir();
  const store = openStore(directory.path);
  const paths = ["one", "two"].map((name) => `${directory.path}/${name}`);
  {
    await using engine = await openEngine(paths[0]);
    await backUp(engineService(engine, paths[0], store));
  }
  new Deno.Command("cp", { args: ["-r", paths[0], paths[1]] }).outputSync();
  {
    await using engine = await openEngine(paths[0]);
    await backUp(engineService(engine, paths[0], store));
  }
  await using engine = await openEngine(paths[1]);
  const service = engineService(engine, paths[1], store);
  await assertRejects(() => backUp(service), Error, "another server uses this backup instance");
  const first = service.instanceName();
  Deno.removeSync(`${paths[1]}/db/_backup_instance.json`);
  const fresh = engineService(engine, paths[1], store);
  await backUp(fresh);
  const second = fresh.instanceName();
  assert(first !== null && second !== null && first !== second, "the clone has its own instance");
});

Deno.test("a restored root keeps the data id and begins its own instance", async () => {
  using directory = new TempDir();
  const store = openStore(directory.path);
  let dataId: string, instance: string | null;
  {
    await using engine = await openEngine(`${directory.path}/one`);
    engine.createTable(allTypesTable("t"));
    const service = engineService(engine, `${directory.path}/one`, store);
    await backUp(service);
    dataId = engine.dataId;
    instance = service.instanceName();
  }
  await restore(`${directory.path}/two`, store, { lines: [""] });
  await using engine = await openEngine(`${directory.path}/two`);
  assertEquals(engine.dataId, dataId);
  const service = engineService(engine, `${directory.path}/two`, store);
  assertEquals(service.instanceName(), null);
  await backUp(service);
  assert(service.instanceName() !== instance);
});

Deno.test("an instance whose instance.json vanished, or whose store is new, keeps its name", async () => {
  using directory = new TempDir();
  const root = `${directory.path}/root`, store = openStore(directory.path);
  await using engine = await openEngine(root);
  engine.createTable(allTypesTable("t"));
  const service = engineService(engine, root, store);
  await backUp(service);
  const name = service.instanceName();
  await store.delete([`backup/${name}/instance.json`]);
  await backUp(service);
  assertEquals(service.instanceName(), name);
  assert(await store.head(`backup/${name}/instance.json`) !== null);
  const moved = engineService(engine, root, openStore(`${directory.path}/other`));
  await backUp(moved);
  assertEquals(moved.instanceName(), name);
});

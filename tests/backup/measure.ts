/**
 * Measures backups and restores on trades like those of the reference data set, through real workers:
 *
 *     deno run -A tests/backup/measure.ts [days] [workers]
 *
 * @module
 */
import process from "node:process";
import {
  backupTasks,
  createBackupService,
  DEFAULT_BACKUP_CONFIG,
  restoreIfTriggered,
  type RunnableBackupService,
} from "../../src/backup/mod.ts";
import { ColumnType, PartitionBy } from "../../src/common/mod.ts";
import { FsObjectStore } from "../../src/objectstore/mod.ts";
import { RealFileSystem, SILENT_LOG, SystemClock, SystemRandom } from "../../src/platform/mod.ts";
import {
  createTableFiles,
  type RowSource,
  type StorageContext,
  type TableDefinition,
  TableReader,
  TableWriter,
} from "../../src/storage/mod.ts";
import {
  Arena,
  createSharedMemory,
  fixedVector,
  loadCore,
  planRegions,
  startWorker,
  type TaskRunner,
  type WasmCore,
  WorkerPool,
} from "../../src/wasm/mod.ts";
import { SeededRandom } from "../support/seeded_random.ts";

const DAY = 86_400_000_000;
const START = 1_735_689_600_000_000;
const ROWS_PER_DAY = 1_150_000;
const COLUMNS = [
  { name: "timestamp", type: ColumnType.TIMESTAMP },
  { name: "symbol", type: ColumnType.SYMBOL },
  { name: "side", type: ColumnType.SYMBOL },
  { name: "price", type: ColumnType.DOUBLE },
  { name: "amount", type: ColumnType.DOUBLE },
  { name: "trade_id", type: ColumnType.LONG },
];

const DEFINITION: TableDefinition = {
  name: "trades",
  columns: COLUMNS,
  timestampIndex: 0,
  partitionBy: PartitionBy.DAY,
  isWalEnabled: false,
  maxUncommittedRows: 500_000,
  o3MaxLagMicros: 600_000_000n,
  ttlHoursOrMonths: 0,
};
const fs = new RealFileSystem(), random = new SystemRandom();

if (typeof WorkerGlobalScope !== "undefined" && globalThis instanceof WorkerGlobalScope) {
  startWorker(backupTasks);
} else await main();

async function main(): Promise<void> {
  const days = Number(Deno.args[0] ?? 5), workerCount = Number(Deno.args[1] ?? 2);
  const root = Deno.makeTempDirSync({ prefix: "tidemark-measure-" });
  try {
    await measure({ root, days, workerCount });
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

interface Bench {
  readonly root: string;
  readonly core: WasmCore;
  readonly tasks: TaskRunner;
  readonly store: FsObjectStore;
  readonly table: StorageContext;
}

async function measure(
  options: { root: string; days: number; workerCount: number },
): Promise<void> {
  const { root, days, workerCount } = options;
  const memory = createSharedMemory();
  const core = loadCore(memory, planRegions(workerCount).main);
  await using tasks = await WorkerPool.start({ workerUrl: import.meta.url, workerCount, memory });
  const tableDir = `${root}/db/trades~1`;
  fs.mkdir(`${root}/db`);
  createTableFiles(fs, tableDir, { definition: DEFINITION, tableId: 1 });
  const store = FsObjectStore.open({
    root: `${root}/store`,
    atomicWriteDir: `${root}/tmp`,
    fs,
    random,
  });
  const bench: Bench = { root, core, tasks, store, table: { fs, core, tableDir } };
  using writer = TableWriter.open(bench.table);
  const numbers = new SeededRandom(42);
  const write = (start: number, span: number, count: number) => {
    using arena = new Arena(core.memory);
    writer.write(trades(writer, arena, { start, span, count, numbers }));
    writer.commit({ seqTxn: 0, sync: true });
  };
  for (let day = 0; day < days; day++) write(START + day * DAY, DAY, ROWS_PER_DAY);
  const service = serviceOf(bench);
  await measureBackup(service, "first backup");
  await measureBackup(service, "no change");
  write(START + days * DAY, DAY / 2, ROWS_PER_DAY / 2);
  await measureBackup(service, "half a day appended");
  write(START + 2 * DAY + 9 * DAY / 24, DAY / 24, ROWS_PER_DAY / 100);
  await measureBackup(service, "1 % late rows in one hour");
  await measureRestore(bench);
}

function serviceOf(bench: Bench): RunnableBackupService {
  const { core, tasks, store, table, root } = bench;
  const token = { name: "trades", dirName: "trades~1", id: 1, isWal: false, type: 0 } as const;
  const pinAll = () => {
    const reader = TableReader.open(table);
    const release = () => reader.close();
    const tables = [{ token, reader, sequencerTxn: 0 }];
    return { tables, views: [], broken: [], release, [Symbol.dispose]: release };
  };
  return createBackupService({
    engine: { dataId: crypto.randomUUID(), core, pinAll, sync: () => Promise.resolve() },
    tasks,
    fs,
    clock: new SystemClock(),
    random,
    log: SILENT_LOG,
    config: { ...DEFAULT_BACKUP_CONFIG, isEnabled: true },
    dbRoot: `${root}/db`,
    productVersion: "0.1.0",
    openStore: () => Promise.resolve(store),
  });
}

async function measureBackup(service: RunnableBackupService, title: string): Promise<void> {
  const stall = watchEventLoop();
  const started = performance.now(), cpu = process.cpuUsage();
  await service.start();
  const manifest = await service.idle();
  const seconds = (performance.now() - started) / 1000;
  if (manifest === null) throw new Error(service.list().at(-1)!.backupError!);
  const raw = manifest.tables[0].raw_bytes;
  const { bytes_read, bytes_uploaded } = manifest.stats;
  console.log(
    `${title}: ${seconds.toFixed(2)} s, ${cpuSeconds(process.cpuUsage(cpu)).toFixed(1)} CPU s, ` +
      `table ${mb(raw)}, read ${mb(bytes_read)}, uploaded ${mb(bytes_uploaded)}, ` +
      `${(raw / seconds / 1e6).toFixed(0)} MB/s, rss ${mb(Deno.memoryUsage().rss)}, ` +
      `longest event-loop stall ${(await stall()).toFixed(0)} ms`,
  );
}

async function measureRestore(bench: Bench): Promise<void> {
  const { core, tasks, store, root } = bench;
  const installRoot = `${root}/restored`;
  fs.mkdir(installRoot);
  Deno.writeTextFileSync(`${installRoot}/_backup_restore`, "");
  const started = performance.now(), cpu = process.cpuUsage();
  const summary = await restoreIfTriggered({
    installRoot,
    dbRoot: `${installRoot}/db`,
    fs,
    random,
    tasks,
    core,
    log: SILENT_LOG,
    configuredStore: "",
    productVersion: "0.1.0",
    openStore: () => Promise.resolve(store),
  });
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `restore: ${seconds.toFixed(2)} s, ${cpuSeconds(process.cpuUsage(cpu)).toFixed(1)} CPU s, ` +
      `${mb(summary!.bytes)}, ${
        (summary!.bytes / seconds / 1e6).toFixed(0)
      } MB/s, verified and synced`,
  );
}

function cpuSeconds(usage: { user: number; system: number }): number {
  return (usage.user + usage.system) / 1e6;
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Samples how long the event loop is held up; the returned function stops and tells the longest. */
function watchEventLoop(): () => Promise<number> {
  let longest = 0, last = performance.now(), isRunning = true;
  const loop = (async () => {
    while (isRunning) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
    }
  })();
  return async () => {
    isRunning = false;
    await loop;
    return longest;
  };
}

function trades(
  writer: TableWriter,
  arena: Arena,
  request: { start: number; span: number; count: number; numbers: SeededRandom },
): RowSource {
  const { start, span, count, numbers } = request;
  const { memory } = arena;
  const names = writer.symbolMap(1), sides = writer.symbolMap(2);
  const symbolKeys = Array.from({ length: 200 }, (_, i) => names.intern(`SYM${i}`));
  const sideKeys = ["buy", "sell"].map((side) => sides.intern(side));
  const prices = symbolKeys.map(() => 5 + numbers.next() * 495);
  const at = COLUMNS.map(({ type }) => arena.alloc(count * (type === ColumnType.SYMBOL ? 4 : 8)));
  let time = 0;
  const scale = span / count;
  for (let row = 0; row < count; row++) {
    time = Math.min(span - 1, time - Math.log(1 - numbers.next()) * scale);
    const symbol = Math.min(199, Math.floor(200 ** numbers.next()) - 1);
    prices[symbol] *= 1 + (numbers.next() - 0.5) * 7e-4;
    memory.i64[at[0] / 8 + row] = BigInt(Math.floor(start + time));
    memory.i32[at[1] / 4 + row] = symbolKeys[symbol];
    memory.i32[at[2] / 4 + row] = sideKeys[numbers.next() < 0.5 ? 0 : 1];
    memory.f64[at[3] / 8 + row] = Math.round(prices[symbol] * 100) / 100;
    memory.f64[at[4] / 8 + row] =
      Math.round(Math.exp(3 * (numbers.next() + numbers.next() - 1)) * 1e5) / 1e5;
    memory.i64[at[5] / 8 + row] = BigInt(start + row);
  }
  const vectors = COLUMNS.map(({ type }, i) => fixedVector(type, at[i]));
  return {
    rowCount: count,
    timestamps: at[0],
    minTimestamp: memory.i64[at[0] / 8],
    maxTimestamp: memory.i64[at[0] / 8 + count - 1],
    column: (index) => vectors[index],
    release: () => {},
  };
}

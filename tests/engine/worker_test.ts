import { assertEquals, assertRejects } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { allTypesTable, commitRows, tableRows } from "../support/engine_fixture.ts";
import type { Row } from "../support/table_rows.ts";
import { WalError } from "../../src/common/mod.ts";
import { DEFAULT_ENGINE_CONFIG, Engine } from "../../src/engine/mod.ts";
import { RealFileSystem, SILENT_LOG, SystemClock, SystemRandom } from "../../src/platform/mod.ts";
import { createSharedMemory, loadCore, planRegions, WorkerPool } from "../../src/wasm/mod.ts";

const START = 1_704_067_200_000_000n;
const TABLES = 4;
const COMMITS = 30;

Deno.test("Engine applies several tables at a time in workers while it reads and commits", async () => {
  using root = new TempDir();
  const fs = new RealFileSystem();
  const memory = createSharedMemory();
  const core = loadCore(memory, planRegions(2).main);
  await using tasks = await WorkerPool.start({
    workerUrl: new URL("./apply_worker.ts", import.meta.url).href,
    workerCount: 2,
    memory,
  });
  await using engine = await Engine.open({
    root: root.path,
    dbRoot: `${root.path}/db`,
    config: { ...DEFAULT_ENGINE_CONFIG, walPurgeIntervalMillis: 5 },
    fs,
    core,
    tasks,
    clock: new SystemClock(),
    random: new SystemRandom(),
    log: SILENT_LOG,
  });
  const tokens = Array.from(
    { length: TABLES },
    (_, i) => engine.createTable(allTypesTable(`t${i}`)),
  );
  const rowOf = (i: number): Row => [
    START + BigInt((i * 7919) % 10_007) * 1_000_000n,
    i % 2 === 0,
    i,
    BigInt(i),
    i / 3,
    `s${i % 31}`,
    `a note of row number ${i}`,
  ];
  for (let commit = 0; commit < COMMITS; commit++) {
    const rows = Array.from({ length: 100 }, (_, i) => rowOf(commit * 100 + i));
    for (const token of tokens) commitRows(engine, token, rows);
    // Whatever is visible meanwhile is whole transactions.
    for (const token of tokens) assertEquals(tableRows(engine, token).length % 100, 0);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const expected = Array.from({ length: COMMITS * 100 }, (_, i) => [...rowOf(i)])
    .sort((a, b) => a[0]! < b[0]! ? -1 : a[0]! > b[0]! ? 1 : 0);
  for (const token of tokens) {
    await engine.waitApplied(token);
    assertEquals(tableRows(engine, token), expected);
  }
  // An error crosses the thread with its class and file, and suspends that table only.
  const [first, second] = tokens;
  using file = fs.open(`${engine.tableDir(first)}/_txn`, "readWrite");
  file.write(new Uint8Array(8).fill(0x55), 0);
  commitRows(engine, first, [rowOf(1)]);
  await assertRejects(() => engine.waitApplied(first), WalError, "_txn");
  commitRows(engine, second, [rowOf(1)]);
  await engine.waitApplied(second);
});

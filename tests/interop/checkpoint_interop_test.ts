/**
 * Checkpoints across the two servers: a copy of a root, taken while it is written to, is recovered by the other one.
 */
import { ServerProcess } from "../../scripts/server_process.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { type QuestDbServer, startQuestDb } from "../support/questdb_server.ts";
import { TempDir } from "../support/temp_dir.ts";

/** Statements that both servers take. */
interface AnySql {
  exec(sql: string): Promise<{ dataset?: unknown[][] }>;
}

const TABLES = ["steps", "late"];

async function createTables(server: AnySql): Promise<void> {
  await server.exec(
    "CREATE TABLE steps (ts TIMESTAMP, n LONG, s SYMBOL, v VARCHAR, d DOUBLE) TIMESTAMP(ts) PARTITION BY HOUR WAL",
  );
  await server.exec(
    "CREATE TABLE late (ts TIMESTAMP, n LONG, s SYMBOL) TIMESTAMP(ts) PARTITION BY DAY WAL",
  );
}

/** Inserts numbered rows one after another until stopped: every prefix of them is a state that was acknowledged. */
function startWriter(server: AnySql): { count(): number; stop(): Promise<void> } {
  let count = 0, isStopped = false;
  const run = async () => {
    while (!isStopped) {
      const n = count;
      const later = new Date(Date.UTC(2024, 0, 1) + n * 120_000).toISOString();
      const earlier = new Date(Date.UTC(2024, 5, 1) - n * 3_600_000).toISOString();
      await server.exec(
        `INSERT INTO steps VALUES ('${later}', ${n}, 's${n % 50}', 'a value of row ${n}', ${
          n / 4
        })`,
      );
      await server.exec(`INSERT INTO late VALUES ('${earlier}', ${n}, 'k${n}')`);
      count = n + 1;
    }
  };
  const done = run();
  return {
    count: () => count,
    async stop() {
      isStopped = true;
      await done;
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function copy(from: string, to: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("cp", { args: ["-r", from, to] }).output();
  // A file that vanishes while it is being copied is one that the checkpoint does not need.
  const complaints = new TextDecoder().decode(stderr).split("\n")
    .filter((line) => line !== "" && !line.includes("No such file or directory"));
  assert(success || complaints.length === 0, complaints.join("\n"));
}

/** Takes a checkpoint under load, copies the root twice, and releases. @returns rows before and after CREATE. */
async function copyUnderLoad(
  server: AnySql,
  root: string,
): Promise<{ atLeast: number; atMost: number }> {
  const writer = startWriter(server);
  await until(() => writer.count() >= 150);
  const atLeast = writer.count();
  await server.exec("CHECKPOINT CREATE");
  const atMost = writer.count() + 1;
  await until(() => writer.count() >= atMost + 80);
  await copy(root, `${root}-a`);
  await copy(root, `${root}-b`);
  await server.exec("CHECKPOINT RELEASE");
  await writer.stop();
  for (const suffix of ["a", "b"]) await Deno.writeTextFile(`${root}-${suffix}/_restore`, "");
  return { atLeast, atMost };
}

async function contents(server: AnySql): Promise<unknown[][][]> {
  const all: unknown[][][] = [];
  for (const table of TABLES) {
    all.push((await server.exec(`SELECT * FROM ${table} ORDER BY n`)).dataset!);
  }
  return all;
}

function checkPrefix(rows: unknown[][], bounds: { atLeast: number; atMost: number }): void {
  assert(
    rows.length >= bounds.atLeast && rows.length <= bounds.atMost,
    `${rows.length} rows, ${bounds.atLeast} to ${bounds.atMost} expected`,
  );
  rows.forEach((row, i) => assertEquals(row[1], i));
}

/** Recovers copy a in QuestDB and copy b here; both must be one acknowledged state, and usable. */
async function recoverBoth(
  root: string,
  bounds: { atLeast: number; atMost: number },
): Promise<void> {
  let theirs: unknown[][][], ours: unknown[][][];
  {
    await using server: QuestDbServer = await startQuestDb({ root: `${root}-a` });
    await server.drainWal();
    theirs = await contents(server);
    for (const table of TABLES) {
      await server.exec(`INSERT INTO ${table} (ts, n) VALUES ('2025-01-01', 1000000)`);
    }
    await server.drainWal();
    assertEquals(
      (await contents(server)).map((rows) => rows.length),
      theirs.map((r) => r.length + 1),
    );
  }
  {
    await using server = await ServerProcess.start({ root: `${root}-b` });
    await server.drain();
    ours = await contents(server);
    for (const table of TABLES) {
      await server.exec(`INSERT INTO ${table} (ts, n) VALUES ('2025-01-01', 1000000)`);
    }
    await server.drain();
    assertEquals(
      (await contents(server)).map((rows) => rows.length),
      ours.map((r) => r.length + 1),
    );
  }
  for (const rows of ours) checkPrefix(rows, bounds);
  assertEquals(ours, theirs);
}

Deno.test("QuestDB and this server recover a copy of a root of this server, taken under load, to the same rows", async () => {
  using dir = new TempDir();
  const root = `${dir.path}/root`;
  let bounds: { atLeast: number; atMost: number };
  {
    await using server = await ServerProcess.start({
      root,
      settings: ["cairo.wal.purge.interval=50"],
    });
    await createTables(server);
    bounds = await copyUnderLoad(server, root);
  }
  await recoverBoth(root, bounds);
});

Deno.test("this server and QuestDB recover a copy of a root of QuestDB, taken under load, to the same rows", async () => {
  using dir = new TempDir();
  const root = `${dir.path}/root`;
  let bounds: { atLeast: number; atMost: number };
  {
    await using server = await startQuestDb({ root });
    await createTables(server);
    bounds = await copyUnderLoad(server, root);
  }
  await recoverBoth(root, bounds);
});

/**
 * Checkpoints beside the real server: how long CREATE and RELEASE take by number of tables, what a held checkpoint costs
 * ingestion, and what it costs in disk space.
 *
 *   deno run -A bench/checkpoint.ts [tables …]
 *
 * @module
 */
import { ServerProcess } from "../scripts/server_process.ts";
import { startQuestDb } from "../tests/support/questdb_server.ts";

const TABLE_COUNTS = [1, 100, 5000];
const TABLES_PER_START = 400;
const INGEST_STATEMENTS = 30;
const INGEST_ROWS = 50_000;
const REPEATS = 5;

/** What both servers can do. */
interface AnyServer extends AsyncDisposable {
  exec(sql: string): Promise<{ dataset?: unknown[][] }>;
  drain(): Promise<void>;
}

interface Figures {
  readonly createMillis: number;
  readonly releaseMillis: number;
}

async function startOurs(root: string): Promise<AnyServer> {
  return await ServerProcess.start({ root });
}

async function startTheirs(root: string): Promise<AnyServer> {
  const server = await startQuestDb({ root });
  return {
    exec: (sql) => server.exec(sql),
    drain: () => server.drainWal(),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

async function createTables(server: AnyServer, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) {
    await server.exec(
      `CREATE TABLE t${i} (ts TIMESTAMP, n LONG, s SYMBOL) TIMESTAMP(ts) PARTITION BY DAY WAL`,
    );
    await server.exec(`INSERT INTO t${i} VALUES ('2024-01-01', ${i}, 'a')`);
  }
  await server.drain();
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

async function timeCheckpoints(server: AnyServer): Promise<Figures> {
  const create: number[] = [], release: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    let start = performance.now();
    await server.exec("CHECKPOINT CREATE");
    create.push(performance.now() - start);
    start = performance.now();
    await server.exec("CHECKPOINT RELEASE");
    release.push(performance.now() - start);
  }
  return { createMillis: median(create), releaseMillis: median(release) };
}

/** Rows per second of inserts, in order or into days that exist, until they are visible. */
async function ingest(server: AnyServer, isLate: boolean, run: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < INGEST_STATEMENTS; i++) {
    const first = isLate
      ? `'2024-01-01T00:00:00.00${run}001Z'`
      : `dateadd('h', ${run * 1000 + i * 20}, '2024-02-01'::timestamp)`;
    await server.exec(
      `INSERT INTO load SELECT timestamp_sequence(${
        isLate ? `${first}::timestamp` : first
      }, 1000000), x, rnd_symbol('a','b','c') FROM long_sequence(${INGEST_ROWS})`,
    );
  }
  await server.drain();
  return INGEST_STATEMENTS * INGEST_ROWS / ((performance.now() - start) / 1000);
}

async function diskBytes(root: string): Promise<number> {
  const { stdout } = await new Deno.Command("du", { args: ["-sB1", `${root}/db`] }).output();
  return Number(new TextDecoder().decode(stdout).split("\t")[0]);
}

async function load(server: AnyServer, root: string): Promise<string[]> {
  await server.exec(
    "CREATE TABLE load (ts TIMESTAMP, n LONG, s SYMBOL) TIMESTAMP(ts) PARTITION BY DAY WAL",
  );
  await ingest(server, true, 0);
  const free = await ingest(server, false, 1);
  await server.exec("CHECKPOINT CREATE");
  const held = await ingest(server, false, 2);
  const lateStart = await diskBytes(root);
  await ingest(server, true, 3);
  const lateHeld = await diskBytes(root);
  await server.exec("CHECKPOINT RELEASE");
  await new Promise((resolve) => setTimeout(resolve, 8000));
  const released = await diskBytes(root);
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  return [
    `${Math.round(free / 1000)} k rows/s`,
    `${Math.round(held / 1000)} k rows/s`,
    mb(lateHeld - lateStart),
    mb(lateHeld - released),
  ];
}

async function figuresOf(
  start: (root: string) => Promise<AnyServer>,
  count: number,
): Promise<Figures> {
  const root = await Deno.makeTempDir();
  // QuestDB keeps files of every table that was written to open, so a restart is due now and then.
  for (let from = 0; from < count; from += TABLES_PER_START) {
    await using server = await start(root);
    await createTables(server, from, Math.min(from + TABLES_PER_START, count));
  }
  await using server = await start(root);
  const figures = await timeCheckpoints(server);
  await Deno.remove(root, { recursive: true });
  return figures;
}

async function main(counts: number[]): Promise<void> {
  console.log(
    "| tables | QuestDB create / release | Tidemark create / release | ratio of create |",
  );
  console.log("|---|---|---|---|");
  const servers = [startTheirs, startOurs];
  for (const count of counts) {
    const figures: (Figures | null)[] = [];
    for (const start of servers) {
      try {
        figures.push(await figuresOf(start, count));
      } catch (error) {
        if (start !== startTheirs) throw error;
        console.error(`QuestDB with ${count} tables: ${(error as Error).message}`);
        figures.push(null);
      }
    }
    const [theirs, ours] = figures;
    const cell = (f: Figures | null) =>
      f === null ? "fails" : `${f.createMillis.toFixed(1)} / ${f.releaseMillis.toFixed(1)} ms`;
    const ratio = theirs === null ? "" : (theirs.createMillis / ours!.createMillis).toFixed(2);
    console.log(`| ${count} | ${cell(theirs)} | ${cell(ours)} | ${ratio} |`);
  }
  console.log(
    "\n| server | ingest | ingest, checkpoint held | growth by late rows, held | reclaimed by release |",
  );
  console.log("|---|---|---|---|---|");
  for (const [name, start] of [["QuestDB", startTheirs], ["Tidemark", startOurs]] as const) {
    const root = await Deno.makeTempDir();
    {
      await using server = await start(root);
      console.log(`| ${name} | ${(await load(server, root)).join(" | ")} |`);
    }
    await Deno.remove(root, { recursive: true });
  }
}

if (import.meta.main) {
  await main(Deno.args.length > 0 ? Deno.args.map(Number) : TABLE_COUNTS);
}

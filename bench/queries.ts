/**
 * Benchmark of queries: builds the deterministic table and runs the standard queries on an engine of its own.
 *
 * Usage: `deno run -A bench/queries.ts [rows] [runs]`. Times are of planning and reading the whole answer, without HTTP.
 *
 * @module
 */
import { DEFAULT_ENGINE_CONFIG, Engine } from "../src/engine/mod.ts";
import { RealFileSystem, SILENT_LOG, SystemClock, SystemRandom } from "../src/platform/mod.ts";
import { type ExecutionContext, SqlEngine } from "../src/sql/mod.ts";
import { walTasks } from "../src/wal/mod.ts";
import { createCore, InlineTaskRunner } from "../src/wasm/mod.ts";

/** Rows per second of event time and of the table's day partitions are those of the recorded figures. */
export const CREATE =
  "CREATE TABLE bench (ts TIMESTAMP, sym SYMBOL, price DOUBLE, amount DOUBLE, qty LONG) TIMESTAMP(ts) PARTITION BY DAY WAL";

/** Fills the table with rows that every run computes alike. */
export const insert = (rows: number) =>
  `INSERT INTO bench SELECT timestamp_sequence('2024-01-01'::timestamp, 50000L), 'S' || (x*13 % 100), ` +
  `(x*7919 % 100003) / 1000.0, (x*31 % 1009) * 0.01, x*17 % 10000 FROM long_sequence(${rows})`;

/** The standard queries; days that a smaller table does not have are moved into it. */
export const QUERIES: readonly (readonly [string, string])[] = [
  ["Q1 count", "SELECT count() FROM bench"],
  ["Q2 sum(double)", "SELECT sum(price) FROM bench"],
  ["Q3 avg by symbol", "SELECT sym, avg(price) FROM bench"],
  ["Q4 sample by 1h", "SELECT ts, avg(price), sum(qty) FROM bench SAMPLE BY 1h"],
  ["Q5 sample by 1d per symbol", "SELECT ts, sym, sum(amount) FROM bench SAMPLE BY 1d"],
  [
    "Q6 interval filter 1 day",
    "SELECT count(), avg(price), max(qty) FROM bench WHERE ts IN '2024-01-02'",
  ],
  ["Q7 interval rows", "SELECT * FROM bench WHERE ts IN '2024-01-02T10' LIMIT 1000"],
  ["Q8 latest on", "SELECT * FROM bench LATEST ON ts PARTITION BY sym"],
  ["Q9 filter double+long", "SELECT count() FROM bench WHERE price > 50.0 AND qty < 1000"],
  ["Q10 filter symbol", "SELECT count(), sum(amount) FROM bench WHERE sym = 'S42'"],
  ["Q11 min/max/first/last", "SELECT min(price), max(price), first(price), last(price) FROM bench"],
  ["Q12 top 10 by double", "SELECT ts, sym, price FROM bench ORDER BY price DESC LIMIT 10"],
  ["Q13 group by long", "SELECT qty, count(), avg(price) FROM bench ORDER BY qty LIMIT 5"],
  ["Q14 last 100 rows", "SELECT * FROM bench LIMIT -100"],
  ["Q15 count_distinct", "SELECT count_distinct(qty) FROM bench"],
  ["Q16 sum of 3 columns", "SELECT sum(price), sum(amount), sum(qty) FROM bench"],
  [
    "S1 order by 2 cols, 1 day",
    "SELECT * FROM bench WHERE ts IN '2024-01-02' ORDER BY sym, price DESC LIMIT 10",
  ],
];

const WARM_UPS = 2;

function context(): ExecutionContext {
  return {
    signal: new AbortController().signal,
    now: BigInt(Date.now()) * 1000n,
    yieldIfDue: () => Promise.resolve(),
  };
}

/** Reads an answer to its end. @returns the number of rows. */
async function drain(sql: SqlEngine, text: string): Promise<number> {
  const result = await sql.execute(text, context());
  if (result.kind !== "rows") return 0;
  const { cursor } = result;
  let rows = 0;
  try {
    for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
      rows += batch.rowCount;
      for (let column = 0; column < batch.vectors.length; column++) void batch.vectors[column];
    }
  } finally {
    cursor.close();
  }
  return rows;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** Builds the table and measures. */
export async function benchQueries(options: { rows: number; runs: number }): Promise<void> {
  const { rows, runs } = options;
  const root = Deno.makeTempDirSync({ prefix: "tidemark-bench-" });
  const core = createCore(), fs = new RealFileSystem();
  const engine = await Engine.open({
    root,
    dbRoot: `${root}/db`,
    config: DEFAULT_ENGINE_CONFIG,
    fs,
    core,
    tasks: new InlineTaskRunner({ core, fs }, walTasks()),
    clock: new SystemClock(),
    random: new SystemRandom(),
    log: SILENT_LOG,
  });
  try {
    const sql = new SqlEngine(engine, { fs });
    await sql.execute(CREATE, context());
    const start = performance.now();
    await sql.execute(insert(rows), context());
    const acknowledged = performance.now();
    await engine.waitApplied(engine.findTable("bench")!);
    const applied = performance.now();
    console.log(
      `insert ${rows} rows: acknowledged ${(acknowledged - start).toFixed(0)} ms, visible ${
        (applied - start).toFixed(0)
      } ms`,
    );
    console.log("| query | median ms | min ms | rows |\n|---|---|---|---|");
    for (const [name, text] of QUERIES) {
      const times: number[] = [];
      let answerRows = 0;
      for (let run = 0; run < WARM_UPS + runs; run++) {
        const begin = performance.now();
        answerRows = await drain(sql, text);
        if (run >= WARM_UPS) times.push(performance.now() - begin);
      }
      console.log(
        `| ${name} | ${median(times).toFixed(1)} | ${
          Math.min(...times).toFixed(1)
        } | ${answerRows} |`,
      );
    }
  } finally {
    await engine.close();
    Deno.removeSync(root, { recursive: true });
  }
}

if (import.meta.main) {
  const [rows = "5000000", runs = "7"] = Deno.args;
  await benchQueries({ rows: Number(rows), runs: Number(runs) });
}

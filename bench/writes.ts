/**
 * Benchmark of writing: one transaction of many rows into a fresh table, committed to the WAL and then applied, on both servers.
 * The statement's time is WAL append (and making the rows, which is the same work on both); from its answer until the rows
 * are visible is apply.
 *
 * @module
 */
import { cpuSecondsOf } from "./command_cost.ts";
import { type BenchPeer, median, millisOf } from "./peer.ts";

/** What is written. */
interface WriteScenario {
  readonly name: string;
  /** Columns besides `ts TIMESTAMP`. */
  readonly columns: string;
  readonly dedupKeys?: string;
  /** Expressions of `x` for the columns. */
  readonly values: string;
  /** Timestamp of row `x` in microseconds. */
  readonly micros: string;
  /** Rows that are there before, in order. */
  readonly isPreloaded: boolean;
}

/** 20 rows a second: a few day partitions. */
const IN_ORDER = "1704067200000000 + x * 200000";
const COLUMNS = "sym SYMBOL, price DOUBLE, qty LONG, small INT";
const VALUES =
  "'S' || (x * 13 % 100), (x * 7919 % 100003) / 1000.0, x * 17 % 10000, cast(x % 1000 AS INT)";

const SCENARIOS: readonly WriteScenario[] = [
  {
    name: "in order",
    columns: COLUMNS,
    values: VALUES,
    micros: IN_ORDER,
    isPreloaded: false,
  },
  {
    name: "10 % out of order",
    columns: COLUMNS,
    values: VALUES,
    // Every tenth row is up to a day late.
    micros:
      "1704067200000000 + x * 200000 - (case when x % 10 = 0 then x * 7919 % 86400 else 0 end) * 1000000",
    isPreloaded: true,
  },
  {
    name: "dedup, half are new",
    columns: COLUMNS,
    dedupKeys: "ts, sym",
    values: VALUES,
    micros: "1704067200000000 + x * 400000",
    isPreloaded: true,
  },
  {
    name: "symbol-heavy",
    columns: "a SYMBOL CAPACITY 131072, b SYMBOL CAPACITY 8192, c SYMBOL, qty LONG",
    values: "'device-' || (x * 7919 % 100000), 'city-' || (x * 31 % 5000), 'k' || (x % 10), x",
    micros: IN_ORDER,
    isPreloaded: false,
  },
  {
    name: "text",
    columns: "v VARCHAR, s STRING, qty LONG",
    values: "cast('a longer text of row ' || x AS VARCHAR), 'note ' || (x % 1000), x",
    micros: IN_ORDER,
    isPreloaded: false,
  },
];

interface WriteCost {
  readonly millis: number;
  /** Of the server, all threads; the kernel counts in steps of 10 ms. */
  readonly cpuSeconds: number;
}

interface WriteCosts {
  readonly append: WriteCost;
  readonly apply: WriteCost;
}

async function costOf(peer: BenchPeer, work: () => Promise<unknown>): Promise<WriteCost> {
  const before = cpuSecondsOf(peer.pid);
  const millis = await millisOf(work);
  return { millis, cpuSeconds: cpuSecondsOf(peer.pid) - before };
}

async function write(
  peer: BenchPeer,
  scenario: WriteScenario,
  options: { table: string; rows: number },
): Promise<WriteCosts> {
  const { table, rows } = options;
  const dedup = scenario.dedupKeys === undefined ? "" : ` DEDUP UPSERT KEYS(${scenario.dedupKeys})`;
  await peer.exec(
    `CREATE TABLE ${table} (ts TIMESTAMP, ${scenario.columns}) TIMESTAMP(ts) PARTITION BY DAY WAL${dedup}`,
  );
  const insert = (micros: string) =>
    `INSERT INTO ${table} SELECT cast(${micros} AS TIMESTAMP), ${scenario.values} FROM long_sequence(${rows})`;
  if (scenario.isPreloaded) {
    await peer.exec(insert(IN_ORDER));
    await peer.settle();
  }
  const append = await costOf(peer, () => peer.exec(insert(scenario.micros)));
  const apply = await costOf(peer, () => peer.settle());
  const { dataset } = await peer.exec(`SELECT count() FROM ${table}`);
  const expected = scenario.dedupKeys !== undefined ? null : rows * (scenario.isPreloaded ? 2 : 1);
  if (expected !== null && dataset![0][0] !== expected) {
    throw new Error(`${peer.name} has ${dataset![0][0]} rows of ${expected}`);
  }
  await peer.exec(`DROP TABLE ${table}`);
  return { append, apply };
}

/** Prints the median rate and the mean CPU time of a million rows, for both servers. */
function printCosts(
  name: string,
  rows: number,
  costs: readonly [readonly WriteCost[], readonly WriteCost[]],
): void {
  const millis = costs.map((runs) => median(runs.map((run) => run.millis)));
  const cpu = costs.map((runs) =>
    runs.reduce((sum, run) => sum + run.cpuSeconds, 0) / runs.length / (rows / 1e6)
  );
  const cells = [
    name.padEnd(34),
    ...millis.map((value) => `${(rows / value / 1000).toFixed(2)} M/s`.padStart(12)),
    (millis[1] / millis[0]).toFixed(2).padStart(9),
    ...cpu.map((value) => `${value.toFixed(2)} CPU s`.padStart(13)),
  ];
  console.log(cells.join(""));
}

/** Runs every scenario on both servers, taking turns, and prints medians as rows a second, their ratio, and CPU time. */
export async function compareWrites(
  peers: readonly [BenchPeer, BenchPeer],
  options: { rows: number; runs: number },
): Promise<void> {
  const { rows, runs } = options;
  console.log(
    `\nwriting ${rows.toLocaleString("en")} rows in one transaction, median of ${runs} runs`,
  );
  for (const scenario of SCENARIOS) {
    const costs: [WriteCosts[], WriteCosts[]] = [[], []];
    for (let run = 0; run <= runs; run++) {
      for (const [index, peer] of peers.entries()) {
        const measured = await write(peer, scenario, { table: `w${run}`, rows });
        if (run > 0) costs[index].push(measured); // the first warms up
      }
    }
    for (const [kind, title] of [["append", "WAL append"], ["apply", "apply"]] as const) {
      const [ours, theirs] = costs.map((runs) => runs.map((run) => run[kind]));
      printCosts(`${title}, ${scenario.name}`, rows, [ours, theirs]);
    }
  }
}

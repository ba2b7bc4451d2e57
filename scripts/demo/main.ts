/**
 * The main job, end to end, on real data: load, query, back up, change, back up again, lose everything, restore both
 * points in time, compare every row.
 *
 * @module
 */
import cliProgress from "cli-progress";
import { digestRows, type RowDigest } from "../row_digest.ts";
import { ServerProcess } from "../server_process.ts";
import { FlightData, FLIGHTS_DDL, WEATHER_CSV, WEATHER_DDL } from "./flights.ts";

const MEGABYTE = 1e6;
const DAY_MILLIS = 86_400_000;
/** Rows appended as one more day, and rows that arrive late, in the middle of the table. */
const APPENDED_ROWS = 16_000;
const LATE_ROWS = 5_000;
const TABLES = ["flights", "weather"];

/** What the demo measured. */
export interface DemoReport {
  rowCount: number;
  importSeconds: number;
  rawBytes: number;
  storedBytes: number;
  firstBackupSeconds: number;
  secondUploadBytes: number;
  secondBackupSeconds: number;
  restores: { timestamp: string; seconds: number; bytes: number; isEqual: boolean }[];
}

/** Options of {@linkcode runDemo}. */
export interface DemoOptions {
  /** Rows of flights to load; all when left out. */
  readonly rowLimit?: number;
  /** Compiled executable to run instead of the sources. */
  readonly executable?: string | undefined;
}

class Progress {
  readonly #bar: cliProgress.SingleBar | null;

  constructor(title: string, total: number) {
    if (!Deno.stdout.isTerminal()) {
      this.#bar = null;
      return;
    }
    this.#bar = new cliProgress.SingleBar({
      format: `${title} {bar} {percentage}% | {duration_formatted}`,
    });
    this.#bar.start(total, 0);
  }
  update(value: number): void {
    this.#bar?.update(value);
  }
  stop(): void {
    this.#bar?.stop();
  }
}

/** Bytes of all files below a directory. */
export function directoryBytes(
  path: string,
  isCounted: (name: string) => boolean = () => true,
): number {
  let total = 0;
  for (const entry of Deno.readDirSync(path)) {
    if (!isCounted(entry.name)) continue;
    const child = `${path}/${entry.name}`;
    total += entry.isDirectory ? directoryBytes(child, isCounted) : Deno.statSync(child).size;
  }
  return total;
}

/** Bytes of the tables below a database root, without the WAL, whose rows are in the tables already. */
function tableBytes(dbRoot: string): number {
  return directoryBytes(dbRoot, (name) => !/^wal\d+$|^txn_seq$/.test(name));
}

async function digestTables(server: ServerProcess): Promise<Map<string, RowDigest>> {
  const digests = new Map<string, RowDigest>();
  for (const table of TABLES) {
    digests.set(table, await digestRows((await server.exp(`SELECT * FROM ${table}`)).body!));
  }
  return digests;
}

async function load(
  server: ServerProcess,
  rowLimit: number,
): Promise<{ rowCount: number; seconds: number }> {
  const flights = await FlightData.open();
  await server.exec(FLIGHTS_DDL);
  const progress = new Progress("loading flights", Math.min(flights.rowCount, rowLimit));
  let rowCount = 0, millis = 0;
  for await (const part of flights.parts(rowLimit)) {
    const started = performance.now();
    await server.imp(part.csv, { name: "flights" });
    millis += performance.now() - started;
    rowCount += part.rowCount;
    progress.update(rowCount);
  }
  const weather = new Blob([Deno.readFileSync(WEATHER_CSV)]);
  const started = performance.now();
  await server.exec(WEATHER_DDL);
  const answer = await server.imp(weather, { name: "weather" });
  await server.drain();
  millis += performance.now() - started;
  progress.stop();
  return { rowCount: rowCount + Number(answer.rowsImported), seconds: millis / 1000 };
}

async function query(server: ServerProcess): Promise<void> {
  const statements = [
    "SELECT count(), min(date), max(date) FROM flights",
    "SELECT origin, count() flights, avg(delay) FROM flights ORDER BY flights DESC LIMIT 3",
    "SELECT date, count(), max(delay) FROM flights WHERE date IN '2001-01-01' SAMPLE BY 6h",
    "SELECT avg(temperature), max(wind) FROM weather WHERE date IN '2010-07'",
  ];
  for (const statement of statements) {
    const started = performance.now();
    const { dataset } = await server.exec(statement);
    console.log(
      `  ${statement}\n    ${JSON.stringify(dataset)}  ${
        (performance.now() - started).toFixed(1)
      } ms`,
    );
  }
}

async function change(server: ServerProcess): Promise<void> {
  const flights = await FlightData.open();
  // 1 January 2001 again as 2 July (the day after the last one), then late rows for the middle of March.
  const appended = await flights.shifted(APPENDED_ROWS, 182 * DAY_MILLIS);
  await server.imp(appended.csv, { name: "flights" });
  const late = await flights.shifted(LATE_ROWS, 73 * DAY_MILLIS);
  await server.imp(late.csv, { name: "flights" });
  await server.drain();
}

async function backUp(
  server: ServerProcess,
  title: string,
): Promise<{ timestamp: string; seconds: number }> {
  const progress = new Progress(title, 100);
  const started = performance.now();
  const timestamp = await server.backup((percent) => progress.update(percent));
  progress.stop();
  return { timestamp, seconds: (performance.now() - started) / 1000 };
}

interface RestorePoint {
  readonly timestamp: string;
  readonly digests: ReadonlyMap<string, RowDigest>;
}

async function restore(
  workspace: string,
  point: RestorePoint,
  options: DemoOptions,
): Promise<DemoReport["restores"][0]> {
  const root = `${workspace}/restored-${point.timestamp.replaceAll(":", "")}`;
  Deno.mkdirSync(root);
  Deno.writeTextFileSync(
    `${root}/_backup_restore`,
    `backup.object.store=${storeOf(workspace)}\nbackup.restore.timestamp=${point.timestamp}\n`,
  );
  const started = performance.now();
  await using server = await ServerProcess.start({ root, executable: options.executable });
  const seconds = (performance.now() - started) / 1000;
  const bytes = tableBytes(`${root}/db`);
  const digests = await digestTables(server);
  const isEqual = TABLES.every((table) => {
    const expected = point.digests.get(table)!, actual = digests.get(table)!;
    return expected.rowCount > 0 && expected.rowCount === actual.rowCount &&
      expected.hash === actual.hash;
  });
  await server.stop();
  return { timestamp: point.timestamp, seconds, bytes, isEqual };
}

function storeOf(workspace: string): string {
  return `fs::root=${workspace}/store;atomic_write_dir=${workspace}/store-tmp;`;
}

/** Runs the demo in a directory of its own and returns what it measured. @throws {Error} if a restored row differs. */
export async function runDemo(workspace: string, options: DemoOptions = {}): Promise<DemoReport> {
  const root = `${workspace}/root`, store = `${workspace}/store`;
  for (const path of [root, store, `${workspace}/store-tmp`]) Deno.mkdirSync(path);
  const settings = ["backup.enabled=true", `backup.object.store=${storeOf(workspace)}`];
  const server = await ServerProcess.start({ root, settings, executable: options.executable });
  const points: RestorePoint[] = [];
  let loaded, first, second, rawBytes, storedBytes, secondUploadBytes;
  try {
    loaded = await load(server, options.rowLimit ?? Infinity);
    await query(server);
    rawBytes = tableBytes(`${root}/db`);
    first = await backUp(server, "first backup");
    storedBytes = directoryBytes(store);
    points.push({ timestamp: first.timestamp, digests: await digestTables(server) });
    await change(server);
    second = await backUp(server, "second backup");
    secondUploadBytes = directoryBytes(store) - storedBytes;
    points.push({ timestamp: second.timestamp, digests: await digestTables(server) });
    await server.stop();
  } finally {
    await server[Symbol.asyncDispose]();
  }
  Deno.removeSync(root, { recursive: true });
  console.log(`  destroyed ${root.split("/").at(-1)}/, restoring both points in time`);
  const restores = [];
  for (const point of points) restores.push(await restore(workspace, point, options));
  const report: DemoReport = {
    rowCount: loaded.rowCount,
    importSeconds: loaded.seconds,
    rawBytes,
    storedBytes,
    firstBackupSeconds: first.seconds,
    secondUploadBytes,
    secondBackupSeconds: second.seconds,
    restores,
  };
  const wrong = restores.filter((result) => !result.isEqual);
  if (wrong.length > 0) throw new Error(`Restored rows differ: ${JSON.stringify(wrong)}`);
  return report;
}

function printReport(report: DemoReport): void {
  const megabytes = (bytes: number) => `${(bytes / MEGABYTE).toFixed(1)} MB`;
  const rows: [string, string][] = [
    ["rows loaded through /imp", report.rowCount.toLocaleString("en")],
    [
      "rows/s in (until visible)",
      Math.round(report.rowCount / report.importSeconds).toLocaleString("en"),
    ],
    ["bytes on disk", megabytes(report.rawBytes)],
    [
      "stored by the first backup",
      `${megabytes(report.storedBytes)} in ${report.firstBackupSeconds.toFixed(1)} s`,
    ],
    ["ratio", `${(report.rawBytes / report.storedBytes).toFixed(1)} : 1`],
    [
      "uploaded by the second backup",
      `${megabytes(report.secondUploadBytes)} in ${report.secondBackupSeconds.toFixed(1)} s`,
    ],
    ...report.restores.map((result): [string, string] => [
      `restore to ${result.timestamp}`,
      `${(result.bytes / MEGABYTE / result.seconds).toFixed(0)} MB/s, every row equal`,
    ]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  console.log();
  for (const [name, value] of rows) console.log(`${name.padEnd(width)}  ${value}`);
}

if (import.meta.main) {
  const executable = Deno.args[0];
  const workspace = await Deno.makeTempDir({ prefix: "tidemark-demo-" });
  try {
    printReport(await runDemo(workspace, { executable }));
  } finally {
    await Deno.remove(workspace, { recursive: true });
  }
}

/**
 * Roots cross over: the real QuestDB opens a root that this server wrote and gives the same answers to the same queries,
 * and this server opens the recorded root of the real QuestDB.
 */
import { ServerProcess } from "../../scripts/server_process.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { startQuestDb } from "../support/questdb_server.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { TempDir } from "../support/temp_dir.ts";

const EXECUTABLE = Deno.env.get("TIDEMARK_EXECUTABLE");
const SAMPLE =
  new URL("../../../shared/golden/questdb-root-sample.tar.gz", import.meta.url).pathname;

const SETUP = [
  "CREATE TABLE readings (ts TIMESTAMP, device SYMBOL, ok BOOLEAN, i INT, l LONG, d DOUBLE, note VARCHAR) " +
  "TIMESTAMP(ts) PARTITION BY DAY WAL",
  "INSERT INTO readings SELECT timestamp_sequence('2024-01-01T00:00:00', 1700000), 'dev' || (x % 37), x % 3 = 0, " +
  "cast(x % 1000 AS INT), x * 7919, x / 8.0, 'note number ' || x FROM long_sequence(150000)",
  // Out of order: into the middle of written partitions, with ties, and before everything.
  "INSERT INTO readings SELECT timestamp_sequence('2024-01-02T03:00:00.000005', 13000000), 'late' || (x % 5), false, " +
  "null, null, null, null FROM long_sequence(5000)",
  "INSERT INTO readings VALUES ('2023-12-31T23:59:59.999999', 'first', true, -1, -2, -0.5, 'before all'), " +
  "('2024-01-02T03:00:00.000005', null, false, 2147483647, 9223372036854775807, 1e300, ''), " +
  "('2024-01-01', 'tie', true, 0, 0, 0.0, 'žluťoučký kůň 🐎 and more text than fits inline')",
  "CREATE TABLE hourly (ts TIMESTAMP, v DOUBLE) TIMESTAMP(ts) PARTITION BY HOUR WAL",
  "INSERT INTO hourly SELECT timestamp_sequence('2024-02-28T22:10:00', 61000000), x * 0.25 FROM long_sequence(300)",
  "CREATE TABLE monthly (v LONG, ts TIMESTAMP, s SYMBOL) TIMESTAMP(ts) PARTITION BY MONTH WAL",
  "INSERT INTO monthly SELECT x, timestamp_sequence('2023-11-15', 3600000000), 'k' || (x % 300) FROM long_sequence(3000)",
  "CREATE TABLE weekly (v LONG, ts TIMESTAMP) TIMESTAMP(ts) PARTITION BY WEEK WAL",
  "INSERT INTO weekly SELECT x, timestamp_sequence('2023-12-25', 40000000000) FROM long_sequence(100)",
  "CREATE TABLE yearly (v LONG, ts TIMESTAMP) TIMESTAMP(ts) PARTITION BY YEAR WAL",
  "INSERT INTO yearly SELECT x, timestamp_sequence('1970-06-01', 864000000000) FROM long_sequence(100)",
  "CREATE TABLE emptied (v LONG, s SYMBOL, ts TIMESTAMP) TIMESTAMP(ts) PARTITION BY DAY WAL",
  "INSERT INTO emptied SELECT x, 'old' || x, timestamp_sequence('2024-01-01', 1000000) FROM long_sequence(1000)",
  "TRUNCATE TABLE emptied",
  "INSERT INTO emptied VALUES (1, 'new', '2024-03-01'), (2, 'newer', '2024-03-02')",
  "CREATE TABLE dropped (v LONG, ts TIMESTAMP) TIMESTAMP(ts) PARTITION BY DAY WAL",
  "INSERT INTO dropped VALUES (1, '2024-01-01')",
  "DROP TABLE dropped",
  "CREATE TABLE nothing (v LONG, s SYMBOL, t VARCHAR, ts TIMESTAMP) TIMESTAMP(ts) PARTITION BY DAY WAL",
];

const QUERIES = [
  "SELECT * FROM readings",
  "SELECT * FROM hourly",
  "SELECT * FROM monthly",
  "SELECT * FROM weekly",
  "SELECT * FROM yearly",
  "SELECT * FROM emptied",
  "SELECT * FROM nothing",
  "SELECT count(), min(ts), max(ts), sum(l), min(d), max(d), count(note) FROM readings",
  "SELECT device, count(), sum(i), min(l), max(l) FROM readings ORDER BY device",
  "SELECT * FROM readings WHERE device = 'late3' AND ts IN '2024-01-02'",
  "SELECT * FROM readings WHERE device = null OR note = ''",
  "SELECT ts, count(), sum(i) FROM readings WHERE ok SAMPLE BY 1h",
  "SELECT ts, device, count() FROM readings WHERE ts >= '2024-01-02' AND ts < '2024-01-02T06' SAMPLE BY 2h ORDER BY ts, device",
  "SELECT * FROM readings WHERE note = 'note number 77777' OR l = 9223372036854775807",
  "SELECT * FROM readings LIMIT -10",
  "SELECT first(note), last(note), first(device), last(device) FROM readings WHERE ts IN '2024-01-03'",
  "SELECT table_name, designatedTimestamp, partitionBy, walEnabled FROM tables() ORDER BY table_name",
  "SELECT name, minTimestamp, maxTimestamp, numRows FROM table_partitions('readings')",
  "SELECT \"column\", type, designated FROM table_columns('readings')",
];

interface Answer {
  readonly columns?: unknown;
  readonly dataset?: unknown;
}

Deno.test("the real QuestDB gives the same answers on a root that this server wrote", async () => {
  using directory = new TempDir();
  const root = directory.path;
  const ours: Answer[] = [];
  {
    await using server = await ServerProcess.start({ root, executable: EXECUTABLE });
    for (const statement of SETUP) await server.exec(statement);
    await insertRandomly(server);
    await server.drain();
    for (const query of QUERIES) ours.push(await server.exec(query));
    assertEquals(await server.stop(), 0);
  }
  {
    await using reference = await startQuestDb({ root });
    await reference.drainWal();
    for (const [index, query] of QUERIES.entries()) {
      const theirs = await reference.exec(query) as Answer;
      assertEquals(ours[index].columns, theirs.columns, query);
      assertEquals(ours[index].dataset, theirs.dataset, query);
    }
    // It can also go on writing where we stopped.
    await reference.exec(
      "INSERT INTO readings SELECT * FROM readings WHERE device = 'late3' LIMIT 100",
    );
    await reference.exec(
      "INSERT INTO readings (ts, device, note) VALUES ('2024-01-01T12', 'theirs', 'written by QuestDB')",
    );
    await reference.drainWal();
  }
  await using server = await ServerProcess.start({ root, executable: EXECUTABLE });
  await server.drain();
  assertEquals(
    await server.scalar("SELECT count() FROM readings WHERE device = 'theirs' OR device = 'late3'"),
    1000 + 100 + 1,
  );
  assertEquals(
    await server.scalar("SELECT note FROM readings WHERE device = 'theirs'"),
    "written by QuestDB",
  );
});

/** Many small commits, in and out of order, so that appends, merges and symbol growth all happen. */
async function insertRandomly(server: ServerProcess): Promise<void> {
  const random = new SeededRandom(20240101);
  for (let insert = 0; insert < 60; insert++) {
    const rows = Array.from({ length: random.int(1, 60) }, () => {
      const micros = 1_704_067_200_000_000 + random.int(0, 5 * 86_400_000) * 1000;
      const note = random.next() < 0.3 ? "null" : `'${"ab".repeat(random.int(0, 12))}'`;
      return `(${micros}, 'r${random.int(0, 400)}', ${random.next() < 0.5}, ${random.int(-9, 9)}, ${
        random.int(0, 1e9)
      }, ${random.int(0, 100)}.25, ${note})`;
    });
    await server.exec(`INSERT INTO readings VALUES ${rows.join(", ")}`);
  }
}

/** Tables of the recorded root, the materialized view's among them. */
const SAMPLE_TABLES = ["alltypes", "nots", "nonwal", "monthly", "trades", "nsts", "trades_1h"];

/** Splits CSV text into rows of raw fields. */
function csvRows(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [], field = "", isQuoted = false;
  for (const char of text) {
    if (char === '"') isQuoted = !isQuoted;
    if (!isQuoted && char === ",") {
      row.push(field);
      field = "";
    } else if (!isQuoted && char === "\n") {
      rows.push([...row, field]);
      row = [];
      field = "";
    } else if (char !== "\r" || isQuoted) field += char;
  }
  return rows;
}

Deno.test("this server opens the real QuestDB's root and returns its rows", async () => {
  using directory = new TempDir();
  const untar = await new Deno.Command("tar", { args: ["xzf", SAMPLE, "-C", directory.path] })
    .output();
  assert(untar.success, `the recorded root is needed beside the project: ${SAMPLE}`);
  const sample = `${directory.path}/questdb-root-sample`;
  // The recording went on for three statements after its checkpoint: the reference tells what a plain open must show.
  const reference = await copyAndRead(sample, directory.path);
  await using server = await ServerProcess.start({
    root: `${sample}/root`,
    executable: EXECUTABLE,
  });
  await server.drain();
  let compared = 0;
  for (const table of SAMPLE_TABLES) {
    const wanted = csvRows(reference.get(table)!);
    const actual = csvRows(await (await server.exp(`SELECT * FROM ${table}`)).text());
    assertEquals(actual, wanted, table);
    compared += actual.length - 1;
  }
  assert(compared > 1000, `only ${compared} rows were compared`);
});

async function copyAndRead(sample: string, directory: string): Promise<Map<string, string>> {
  const copy = `${directory}/reference`;
  assert((await new Deno.Command("cp", { args: ["-r", `${sample}/root`, copy] }).output()).success);
  await using reference = await startQuestDb({ root: copy });
  await reference.drainWal();
  const contents = new Map<string, string>();
  for (const table of SAMPLE_TABLES) {
    contents.set(table, await reference.exp(`SELECT * FROM ${table}`));
  }
  return contents;
}

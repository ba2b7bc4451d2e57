/**
 * Seven restore bugs of the reference system, replayed as histories: each became visible only after a restore. Each test is
 * named by the public issue; the recovered root must show the state at the checkpoint.
 */
import { ServerProcess } from "../../scripts/server_process.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";

interface History {
  readonly before: readonly string[];
  /** Statements that are not waited for before the checkpoint is created. */
  readonly hasty?: readonly string[];
  /** Run while the checkpoint is active, before and while the root is copied. */
  readonly during: readonly string[];
  readonly queries: readonly string[];
}

async function runAll(server: ServerProcess, statements: readonly string[]): Promise<void> {
  for (const sql of statements) await server.exec(sql);
}

async function answers(server: ServerProcess, queries: readonly string[]): Promise<unknown[]> {
  const all: unknown[] = [];
  for (const sql of queries) {
    const { dataset, error } = await server.tryExec(sql);
    all.push(error ?? dataset);
  }
  return all;
}

async function copy(from: string, to: string): Promise<void> {
  await new Deno.Command("cp", { args: ["-r", from, to] }).output(); // files of later may vanish under it
}

/** Plays a history and returns the recovered server; checks that it answers as before the checkpoint. */
async function replay(dir: TempDir, history: History): Promise<ServerProcess> {
  const root = `${dir.path}/live`, target = `${dir.path}/copy`, twin = `${dir.path}/twin`;
  let expected: unknown[];
  {
    await using server = await ServerProcess.start({ root: twin });
    await runAll(server, [...history.before, ...history.hasty ?? []]);
    await server.drain();
    expected = await answers(server, history.queries);
  }
  {
    await using server = await ServerProcess.start({
      root,
      settings: ["cairo.wal.purge.interval=20"],
    });
    await runAll(server, history.before);
    await server.drain();
    for (const sql of history.hasty ?? []) await server.exec(sql);
    await server.exec("CHECKPOINT CREATE");
    const half = Math.ceil(history.during.length / 2);
    await runAll(server, history.during.slice(0, half));
    const copying = copy(root, target);
    await runAll(server, history.during.slice(half));
    await copying;
    await server.exec("CHECKPOINT RELEASE");
  }
  await Deno.writeTextFile(`${target}/_restore`, "");
  const recovered = await ServerProcess.start({ root: target });
  await recovered.drain();
  assertEquals(await answers(recovered, history.queries), expected);
  return recovered;
}

const CREATE = "CREATE TABLE t (ts TIMESTAMP, s SYMBOL, n LONG) TIMESTAMP(ts) PARTITION BY DAY WAL";
const rows = (from: string, stepMicros: number, count: number, symbols: number) =>
  `INSERT INTO t (ts, s, n) SELECT timestamp_sequence('${from}', ${stepMicros}), ('s' || (x % ${symbols}))::symbol, x FROM long_sequence(${count})`;
const ALL = [
  "SELECT count(), sum(n), min(ts), max(ts) FROM t",
  "SELECT s, count() FROM t GROUP BY s ORDER BY s",
  "SELECT * FROM t ORDER BY ts, n LIMIT 50",
];

Deno.test("questdb#4205 symbols added, late rows and a squash of partitions around the checkpoint", async () => {
  using dir = new TempDir();
  await using server = await replay(dir, {
    before: [CREATE, rows("2024-01-01", 30_000_000, 8000, 40)],
    hasty: [
      rows("2024-01-01T12:00:00.5Z", 1_000_000, 500, 90),
      rows("2024-01-02T01:00:00.5Z", 1_000_000, 500, 140),
    ],
    during: [
      "ALTER TABLE t SQUASH PARTITIONS",
      rows("2024-01-01T03:00:00.25Z", 1_000_000, 700, 300),
      "ALTER TABLE t SQUASH PARTITIONS",
      rows("2024-01-02T03:00:00.25Z", 1_000_000, 700, 400),
    ],
    queries: ALL,
  });
  await server.exec(rows("2024-01-01T03:00:00Z", 1_000_000, 10, 5));
  await server.drain();
  assertEquals(await server.scalar("SELECT count() FROM t"), 9010);
});

Deno.test("questdb#4237 columns are added, dropped and renamed while the root is copied", async () => {
  using dir = new TempDir();
  const ddl: string[] = [];
  for (let i = 0; i < 8; i++) {
    ddl.push(
      `ALTER TABLE t ADD COLUMN c${i} ${["INT", "SYMBOL", "VARCHAR", "DOUBLE"][i % 4]}`,
      rows(`2024-01-0${1 + i % 3}T00:30:00Z`, 1_000_000, 100, 20),
      i % 2 === 0
        ? `ALTER TABLE t RENAME COLUMN c${i} TO d${i}`
        : `ALTER TABLE t DROP COLUMN c${i}`,
    );
  }
  await using server = await replay(dir, {
    before: [
      CREATE,
      rows("2024-01-01", 60_000_000, 4000, 30),
      "ALTER TABLE t ADD COLUMN extra VARCHAR",
    ],
    hasty: [
      "ALTER TABLE t RENAME COLUMN extra TO more",
      rows("2024-01-02T00:10:00Z", 1_000_000, 50, 60),
    ],
    during: [...ddl, "ALTER TABLE t DROP COLUMN n"],
    queries: [...ALL, "SHOW COLUMNS FROM t"],
  });
  await server.exec("ALTER TABLE t ADD COLUMN c0 INT");
  await server.exec("INSERT INTO t (ts, c0) VALUES ('2024-02-01', 5)");
  await server.drain();
  assertEquals(await server.scalar("SELECT sum(c0) FROM t"), 5);
});

Deno.test("questdb#5090 an index is created while a checkpoint is active; queries by symbol are right after recovery", async () => {
  using dir = new TempDir();
  await using server = await replay(dir, {
    before: [CREATE, rows("2024-01-01", 60_000_000, 4000, 10)],
    hasty: ["ALTER TABLE t ALTER COLUMN s ADD INDEX"],
    during: [
      rows("2024-01-01T00:00:30Z", 60_000_000, 2000, 13),
      "ALTER TABLE t ALTER COLUMN s DROP INDEX",
      "ALTER TABLE t ALTER COLUMN s ADD INDEX",
      rows("2024-01-05", 60_000_000, 2000, 17),
    ],
    queries: [
      ...ALL,
      "SELECT count(), sum(n) FROM t WHERE s = 's3'",
      "SELECT count(), sum(n) FROM t WHERE s = 's12'",
      "SELECT count() FROM t WHERE s = null",
    ],
  });
  await server.exec(rows("2024-01-02T00:00:45Z", 60_000_000, 100, 4));
  await server.drain();
  assertEquals(await server.scalar("SELECT count() FROM t WHERE s = 's3'"), 425);
});

Deno.test("questdb#5239 un-partitioned tables and tables without WAL are rolled back to the checkpoint, none is suspended", async () => {
  using dir = new TempDir();
  await using server = await replay(dir, {
    before: [
      CREATE,
      rows("2024-01-01", 60_000_000, 300, 10),
      "CREATE TABLE flat (n LONG, s STRING)",
      "INSERT INTO flat SELECT x, 'v' || x FROM long_sequence(200)",
      "CREATE TABLE direct (ts TIMESTAMP, s SYMBOL) TIMESTAMP(ts) PARTITION BY DAY BYPASS WAL",
      "INSERT INTO direct SELECT timestamp_sequence('2024-01-01', 3600000000), ('k' || x)::symbol FROM long_sequence(100)",
    ],
    during: [
      rows("2024-01-02", 60_000_000, 300, 50),
      "INSERT INTO flat SELECT x, 'later' || x FROM long_sequence(300)",
      "INSERT INTO direct SELECT timestamp_sequence('2024-01-02', 3600000000), ('l' || x)::symbol FROM long_sequence(100)",
    ],
    queries: [
      ...ALL,
      "SELECT count(), sum(n), max(s) FROM flat",
      "SELECT count(), count_distinct(s), max(ts) FROM direct",
      "SELECT count() FROM wal_tables() WHERE suspended",
    ],
  });
  await server.exec("INSERT INTO flat VALUES (1000, 'again')");
  await server.exec("INSERT INTO direct VALUES ('2024-03-01', 'z')");
  assertEquals(await server.scalar("SELECT count() FROM flat"), 201);
  assertEquals(await server.scalar("SELECT count() FROM direct"), 101);
});

Deno.test("questdb#6614 tables created after the checkpoint are gone after recovery, with and without WAL", async () => {
  using dir = new TempDir();
  await using server = await replay(dir, {
    before: [CREATE, rows("2024-01-01", 60_000_000, 100, 10)],
    during: [
      "CREATE TABLE young (ts TIMESTAMP, n INT) TIMESTAMP(ts) PARTITION BY DAY WAL",
      "INSERT INTO young VALUES ('2024-01-01', 1)",
      "CREATE TABLE youngflat (n INT)",
      "INSERT INTO youngflat VALUES (1)",
    ],
    queries: [...ALL, "SELECT table_name FROM tables() ORDER BY table_name"],
  });
  const left: string[] = [];
  for (const { name } of Deno.readDirSync(`${dir.path}/copy/db`)) {
    if (name.startsWith("young")) left.push(name);
  }
  assertEquals(left, []);
  await server.exec("CREATE TABLE young (ts TIMESTAMP) TIMESTAMP(ts) PARTITION BY DAY WAL");
  assertEquals(await server.scalar("SELECT count() FROM young"), 0);
});

Deno.test("questdb#4167 renamed tables have their name of the checkpoint; none is lost from the registry", async () => {
  using dir = new TempDir();
  await using server = await replay(dir, {
    before: [
      CREATE,
      rows("2024-01-01", 60_000_000, 100, 10),
      "CREATE TABLE a (ts TIMESTAMP, n INT) TIMESTAMP(ts) PARTITION BY DAY WAL",
      "INSERT INTO a VALUES ('2024-01-01', 1)",
      "RENAME TABLE a TO b",
    ],
    hasty: ["INSERT INTO b VALUES ('2024-01-02', 2)"],
    during: [
      "RENAME TABLE b TO c",
      "RENAME TABLE t TO t2",
      "CREATE TABLE b (ts TIMESTAMP) TIMESTAMP(ts) PARTITION BY DAY WAL",
      "DROP TABLE c",
    ],
    queries: [
      ...ALL,
      "SELECT table_name FROM tables() ORDER BY table_name",
      "SELECT count(), sum(n) FROM b",
      "SELECT count() FROM c",
    ],
  });
  assert((await server.tryExec("SELECT count() FROM t2")).error !== undefined);
  await server.exec("INSERT INTO b VALUES ('2024-01-03', 3)");
  await server.drain();
  assertEquals(await server.scalar("SELECT sum(n) FROM b"), 6);
});

/**
 * What a client or a disk can get wrong: the answer has QuestDB's shape and says where, and the server goes on.
 */
import { ServerProcess } from "../../scripts/server_process.ts";
import { assert, assertEquals, assertStringIncludes } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";

const EXECUTABLE = Deno.env.get("TIDEMARK_EXECUTABLE");

Deno.test("malformed SQL is answered with QuestDB's JSON: query, error, position", async () => {
  using directory = new TempDir();
  await using server = await ServerProcess.start({ root: directory.path, executable: EXECUTABLE });
  await server.exec("CREATE TABLE t (ts TIMESTAMP, v DOUBLE) TIMESTAMP(ts) PARTITION BY DAY WAL");
  const cases: [string, string, number][] = [
    ["SELECT * FROM nosuch", "table does not exist [table=nosuch]", 14],
    ["SELECT nope FROM t", "Invalid column: nope", 7],
    ["SELECT nofn(1)", "unknown function name: nofn(INT)", 7],
    [
      "INSERT INTO t VALUES ('2024-01-01')",
      "row value count does not match column count [expected=2, actual=1, tuple=1]",
      34,
    ],
    ["CREATE TABLE t (a INT)", "table already exists", 13],
  ];
  for (const [sql, error, position] of cases) {
    const response = await fetch(`${server.url}/exec?query=${encodeURIComponent(sql)}`);
    assertEquals(response.status, 400, sql);
    assertEquals(await response.json(), { query: sql, error, position });
  }
  for (
    const sql of [
      "SELECT (",
      "SELECT 'abc",
      "\u0000",
      "SELECT 1 +",
      ")))",
      "CREATE TABLE",
      "🐎",
      "(".repeat(5000),
    ]
  ) {
    const answer = await server.tryExec(sql);
    assert(
      typeof answer.error === "string" && answer.position !== undefined,
      `${sql.slice(0, 20)}: ${JSON.stringify(answer)}`,
    );
  }
  assertEquals(await server.scalar("SELECT count() FROM t"), 0);
});

Deno.test("a corrupt _txn or _meta is refused with file and reason, and other tables go on", async () => {
  using directory = new TempDir();
  const tables = ["good", "torn", "broken"];
  {
    await using server = await ServerProcess.start({
      root: directory.path,
      executable: EXECUTABLE,
    });
    for (const table of tables) {
      await server.exec(
        `CREATE TABLE ${table} (ts TIMESTAMP, v DOUBLE) TIMESTAMP(ts) PARTITION BY DAY WAL`,
      );
      await server.exec(`INSERT INTO ${table} VALUES ('2024-01-01', 1.5)`);
    }
    await server.drain();
    assertEquals(await server.stop(), 0);
  }
  const dirOf = (table: string) =>
    [...Deno.readDirSync(`${directory.path}/db`)].find((entry) =>
      entry.name.startsWith(`${table}~`) && entry.isDirectory
    )!.name;
  const txn = `${directory.path}/db/${dirOf("torn")}/_txn`,
    meta = `${directory.path}/db/${dirOf("broken")}/_meta`;
  const bytes = Deno.readFileSync(txn);
  new DataView(bytes.buffer).setBigInt64(0, 77n, true);
  Deno.writeFileSync(txn, bytes);
  Deno.truncateSync(meta, 50);
  await using server = await ServerProcess.start({ root: directory.path, executable: EXECUTABLE });
  const torn = await server.tryExec("SELECT * FROM torn"),
    broken = await server.tryExec("SELECT * FROM broken");
  assertStringIncludes(torn.error ?? "", "_txn");
  assertStringIncludes(broken.error ?? "", "_meta");
  assertEquals(await server.scalar("SELECT v FROM good"), 1.5);
  await server.exec("INSERT INTO good VALUES ('2024-01-02', 2.5)");
  // The broken tables cannot be drained, so the good one is asked until its row is there.
  while (await server.scalar("SELECT count() FROM good") !== 2) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assertEquals(await server.stop(), 0);
});

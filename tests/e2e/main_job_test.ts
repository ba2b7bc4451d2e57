/**
 * The main job with a crash in the middle: CSV in, backup, kill -9 during the second backup, restart, third backup, the
 * root deleted, both points restored, every row compared.
 */
import { FlightData, FLIGHTS_DDL, WEATHER_CSV, WEATHER_DDL } from "../../scripts/demo/flights.ts";
import { runDemo } from "../../scripts/demo/main.ts";
import { digestRows, type RowDigest } from "../../scripts/row_digest.ts";
import { ServerProcess } from "../../scripts/server_process.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";

const EXECUTABLE = Deno.env.get("TIDEMARK_EXECUTABLE");
const ROWS = 400_000;
const DAY_MILLIS = 86_400_000;

async function digest(server: ServerProcess): Promise<RowDigest[]> {
  const digests = [];
  for (const table of ["flights", "weather"]) {
    digests.push(await digestRows((await server.exp(`SELECT * FROM ${table}`)).body!));
  }
  return digests;
}

async function restoreAndDigest(directory: string, timestamp: string | null): Promise<RowDigest[]> {
  const root = `${directory}/restored-${timestamp === null ? "latest" : "point"}`;
  Deno.mkdirSync(root);
  const at = timestamp === null ? "" : `backup.restore.timestamp=${timestamp}\n`;
  Deno.writeTextFileSync(
    `${root}/_backup_restore`,
    `backup.object.store=${storeOf(directory)}\n${at}`,
  );
  await using server = await ServerProcess.start({ root, executable: EXECUTABLE });
  assert(
    await Deno.stat(`${root}/_backup_restore`).then(() => false, () => true),
    "the trigger file is gone",
  );
  const digests = await digest(server);
  assertEquals(await server.stop(), 0);
  return digests;
}

function storeOf(directory: string): string {
  return `fs::root=${directory}/store;atomic_write_dir=${directory}/store-tmp;`;
}

Deno.test("rows survive: CSV, backup, kill -9 during a backup, restart, backup, root deleted, restore", async () => {
  using directory = new TempDir();
  const root = `${directory.path}/root`;
  for (const path of [root, `${directory.path}/store`, `${directory.path}/store-tmp`]) {
    Deno.mkdirSync(path);
  }
  const start = () =>
    ServerProcess.start({
      root,
      settings: ["backup.enabled=true", `backup.object.store=${storeOf(directory.path)}`],
      executable: EXECUTABLE,
    });
  const flights = await FlightData.open();
  let firstTimestamp: string, firstDigests: RowDigest[];
  {
    await using server = await start();
    await server.exec(FLIGHTS_DDL);
    for await (const part of flights.parts(ROWS)) await server.imp(part.csv, { name: "flights" });
    const weather = new Blob([Deno.readFileSync(WEATHER_CSV)]);
    await server.exec(WEATHER_DDL);
    await server.imp(weather, { name: "weather" });
    await server.drain();
    assertEquals(await server.scalar("SELECT count() FROM flights"), ROWS);
    firstTimestamp = await server.backup();
    firstDigests = await digest(server);
    assertEquals(firstDigests.map((d) => d.rowCount), [ROWS, 8759]);

    // Change most partitions, so that the second backup has something to do, and kill it on its way.
    const late = await flights.shifted(60_000, 3 * DAY_MILLIS);
    await server.imp(late.csv, { name: "flights" });
    await server.drain();
    await server.exec("BACKUP DATABASE");
    await new Promise((resolve) => setTimeout(resolve, 15));
    await server.kill();
  }
  let lastDigests: RowDigest[];
  {
    await using server = await start();
    await server.drain();
    assertEquals(await server.scalar("SELECT count() FROM flights"), ROWS + 60_000);
    await server.backup();
    lastDigests = await digest(server);
    assertEquals(await server.stop(), 0);
  }
  Deno.removeSync(root, { recursive: true });
  assertEquals(await restoreAndDigest(directory.path, firstTimestamp), firstDigests);
  assertEquals(await restoreAndDigest(directory.path, null), lastDigests);
});

Deno.test("runDemo restores both points on a part of the data", async () => {
  using directory = new TempDir();
  const report = await runDemo(directory.path, { rowLimit: 100_000, executable: EXECUTABLE });
  assertEquals(report.restores.map((result) => result.isEqual), [true, true]);
  assert(report.secondUploadBytes < report.storedBytes, "the second backup is incremental");
});

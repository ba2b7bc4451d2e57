/** Roots restored from random histories open in the real QuestDB and show there what was acknowledged here. */
import { NULL_TEXT } from "../crash/table_model.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { type QuestDbServer, startQuestDb } from "../support/questdb_server.ts";
import { runSeed } from "../support/seeded_random.ts";
import { TempDir } from "../support/temp_dir.ts";
import { restoreTo, RoundTrip } from "../backup/round_trip.ts";
import { openStore } from "../backup/test_database.ts";

const HISTORIES = Number(Deno.env.get("ROUND_TRIPS") ?? 1);

/** The rows of a table as the model spells them. */
async function rowsIn(server: QuestDbServer, table: string, columns: string[]): Promise<string[]> {
  const names = columns.slice(1).map((column) => `, ${column.split(" ")[0]}`).join("");
  const answer = await server.exec(`SELECT cast(ts AS LONG)${names} FROM ${table}`);
  assertEquals(answer.error, undefined);
  return answer.dataset!
    .map((row) => row.map((value) => value === null ? NULL_TEXT : String(value)).join("|"))
    .sort();
}

Deno.test("every retained point of a random history opens in the real QuestDB and shows the same rows", async () => {
  const first = runSeed();
  let rowCount = 0;
  for (let seed = first; seed < first + HISTORIES; seed++) {
    using directory = new TempDir();
    const open = () => Promise.resolve(openStore(directory.path));
    await using trip = await RoundTrip.start(seed);
    await using service = trip.service(open);
    await trip.run(service);
    for (const [index, { timestamp, shadow }] of trip.moments.entries()) {
      const root = `${directory.path}/restored-${index}`;
      await restoreTo(root, open, timestamp);
      await using server = await startQuestDb({ root });
      await server.drainWal();
      const tables = await server.exec("SELECT table_name FROM tables() ORDER BY 1");
      const names = tables.dataset!.map(([name]) => String(name))
        .filter((name) => !name.startsWith("sys.") && !name.startsWith("_"));
      assertEquals(names, [...shadow.keys()].sort(), `SEED=${seed}, moment ${index}`);
      for (const [name, text] of shadow) {
        const [header, ...expected] = text.split("\n");
        const rows = await rowsIn(server, name, header.split(","));
        assertEquals(rows, expected, `SEED=${seed}, moment ${index}, ${name}: ${header}`);
        rowCount += rows.length;
      }
    }
  }
  assert(rowCount > 0, "there were rows");
});

/**
 * kill -9 at random moments while clients insert: every acknowledged row is there after a restart, none twice, and a
 * statement that was not acknowledged is there whole or not at all.
 *
 * `SEED=… deno test …` repeats a run's choices; `KILL_ROUNDS=…` changes how many kills there are.
 */
import { ServerProcess } from "../../scripts/server_process.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { runSeed, SeededRandom } from "../support/seeded_random.ts";
import { TempDir } from "../support/temp_dir.ts";
import { untilKilled } from "./until_killed.ts";

const ROUNDS = Number(Deno.env.get("KILL_ROUNDS") ?? 100);
const COLUMNS =
  "(ts TIMESTAMP, ins LONG, seq INT, tag SYMBOL, note VARCHAR, v DOUBLE) TIMESTAMP(ts)";
/** Tables by name, each with a writer of its own; the first has two. */
const TABLES: Readonly<Record<string, string>> = {
  events: `${COLUMNS} PARTITION BY DAY WAL`,
  upserts: `${COLUMNS} PARTITION BY HOUR WAL DEDUP UPSERT KEYS(ts, ins, seq)`,
  direct: `${COLUMNS} PARTITION BY DAY BYPASS WAL`,
};
const ROWS_PER_INSERT_MAX = 40;
const DAY_MICROS = 86_400_000_000;
const EPOCH_2024_MICROS = 1_704_067_200_000_000;
const EXECUTABLE = Deno.env.get("TIDEMARK_EXECUTABLE");

class Ledger {
  readonly table: string;
  /** Insert id → rows, for inserts that were acknowledged. */
  readonly acknowledged = new Map<number, number>();
  /** Insert id → rows, for inserts whose answer never came. */
  readonly uncertain = new Map<number, number>();
  nextInsert = 0;

  constructor(table: string) {
    this.table = table;
  }
}

function insertSql(
  ledger: Ledger,
  insert: number,
  options: { rowCount: number; random: SeededRandom },
): string {
  const { rowCount, random } = options;
  const rows = Array.from({ length: rowCount }, (_, row) => {
    // Half of the rows go to a random moment of three days, so apply has to merge; the others go on in order.
    const micros = EPOCH_2024_MICROS +
      (random.next() < 0.5 ? random.int(0, 3 * DAY_MICROS) : insert * 1000 + row);
    const text = random.next() < 0.2
      ? "null"
      : `'text of row ${row} ${"x".repeat(random.int(0, 20))}'`;
    return `(${micros}, ${insert}, ${row}, 's${random.int(0, 50)}', ${text}, ${row}.5)`;
  });
  return `INSERT INTO ${ledger.table} VALUES ${rows.join(", ")}`;
}

function write(server: ServerProcess, ledger: Ledger, random: SeededRandom): Promise<void> {
  return untilKilled(async () => {
    const insert = ledger.nextInsert++;
    const rowCount = random.int(1, ROWS_PER_INSERT_MAX);
    ledger.uncertain.set(insert, rowCount);
    const answer = await server.tryExec(insertSql(ledger, insert, { rowCount, random }));
    assertEquals(answer.error, undefined);
    ledger.uncertain.delete(insert);
    ledger.acknowledged.set(insert, rowCount);
  });
}

async function check(server: ServerProcess, ledger: Ledger): Promise<void> {
  await server.drain();
  const { dataset } = await server.exec(
    `SELECT ins, count(), count_distinct(seq), max(seq) FROM ${ledger.table}`,
  );
  const found = new Map(dataset!.map((row) => [row[0] as number, row]));
  for (const [insert, rowCount] of ledger.acknowledged) {
    const row = found.get(insert);
    assert(row !== undefined, `acknowledged insert ${insert} into ${ledger.table} is lost`);
    assertEquals(
      row.slice(1),
      [rowCount, rowCount, rowCount - 1],
      `rows of acknowledged insert ${insert} into ${ledger.table}`,
    );
  }
  for (const [insert, rowCount] of ledger.uncertain) {
    const row = found.get(insert);
    if (row === undefined) continue;
    assertEquals(
      row.slice(1),
      [rowCount, rowCount, rowCount - 1],
      `rows of unacknowledged insert ${insert} into ${ledger.table}`,
    );
    ledger.acknowledged.set(insert, rowCount); // it survived once: it must stay
  }
  ledger.uncertain.clear();
  for (const insert of found.keys()) {
    assert(ledger.acknowledged.has(insert), `insert ${insert} was never sent`);
  }
}

Deno.test(`kill -9 at ${ROUNDS} random moments during ingest loses and doubles nothing`, async () => {
  const seed = runSeed();
  const random = new SeededRandom(seed);
  const ledgers = Object.keys(TABLES).map((table) => new Ledger(table));
  const acknowledgedCount = () =>
    ledgers.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0);
  using directory = new TempDir();
  try {
    for (let round = 0; round < ROUNDS; round++) {
      await using server = await ServerProcess.start({
        root: directory.path,
        executable: EXECUTABLE,
      });
      if (round === 0) {
        for (const [table, rest] of Object.entries(TABLES)) {
          await server.exec(`CREATE TABLE ${table} ${rest}`);
        }
      } else {
        for (const ledger of ledgers) await check(server, ledger);
      }
      const before = acknowledgedCount();
      const writers = [...ledgers, ledgers[0]].map((ledger) => write(server, ledger, random));
      await new Promise((resolve) => setTimeout(resolve, random.int(30, 400)));
      await server.kill();
      await Promise.all(writers);
      assert(round < 5 || acknowledgedCount() > 0, "the writers got nothing done");
      if (round === ROUNDS - 1) {
        assert(acknowledgedCount() > before || ROUNDS < 5, "the last round wrote nothing");
      }
    }
    await using server = await ServerProcess.start({
      root: directory.path,
      executable: EXECUTABLE,
    });
    for (const ledger of ledgers) await check(server, ledger);
    assertEquals(await server.stop(), 0);
  } catch (error) {
    throw new Error(`failed with SEED=${seed}`, { cause: error });
  }
});

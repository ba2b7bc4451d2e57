/**
 * kill -9 at random moments while clients insert into a table and others update its rows, add and drop its columns: what was
 * acknowledged is there after a restart, what was not is there whole or not at all.
 *
 * `SEED=… deno test …` repeats a run's choices; `KILL_ROUNDS=…` changes how many kills there are.
 */
import { ServerProcess } from "../../scripts/server_process.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { runSeed, SeededRandom } from "../support/seeded_random.ts";
import { TempDir } from "../support/temp_dir.ts";
import { untilKilled } from "./until_killed.ts";

const ROUNDS = Number(Deno.env.get("KILL_ROUNDS") ?? 25);
const ROWS_PER_INSERT = 5;
const START_MICROS = 1_704_067_200_000_000;
const DAY_MICROS = 86_400_000_000;
const EXTRA_COLUMNS = 6;
const EXECUTABLE = Deno.env.get("TIDEMARK_EXECUTABLE");
const TABLES: Readonly<Record<string, string>> = {
  changing: "PARTITION BY DAY WAL",
  direct: "PARTITION BY DAY BYPASS WAL",
};

/** What may be true after a kill: one of several values. The first is what was acknowledged last. */
type Possible<T> = T[];

/** What clients know of a table. */
class Ledger {
  readonly table: string;
  /** Insert id → possible values of `v` in all of its rows; −1 for an insert that need not be there. */
  readonly values = new Map<number, Possible<number>>();
  /** Column → possibly there. */
  readonly extras = new Map<string, Possible<boolean>>();
  nextInsert = 0;
  nextValue = 1;

  constructor(table: string) {
    this.table = table;
    for (let i = 0; i < EXTRA_COLUMNS; i++) this.extras.set(`extra${i}`, [false]);
  }
}

/** Runs a statement that makes the fact under `key` be `value`. */
async function change<K, T>(
  facts: Map<K, Possible<T>>,
  [key, value]: readonly [K, T],
  run: () => Promise<{ readonly error?: string }>,
): Promise<void> {
  const known = facts.get(key)!;
  assertEquals(known.length, 1, "one client changes a fact");
  facts.set(key, [known[0], value]);
  assertEquals((await run()).error, undefined);
  facts.set(key, [value]);
}

function insert(server: ServerProcess, ledger: Ledger, random: SeededRandom): Promise<void> {
  return untilKilled(async () => {
    const id = ledger.nextInsert++;
    const rows = Array.from(
      { length: ROWS_PER_INSERT },
      (_, row) =>
        `(${START_MICROS + random.int(0, 3 * DAY_MICROS)}, ${id}, ${row}, 's${id % 7}', 0)`,
    );
    ledger.values.set(id, [-1]);
    await change(
      ledger.values,
      [id, 0],
      () =>
        server.tryExec(
          `INSERT INTO ${ledger.table} (ts, ins, seq, tag, v) VALUES ${rows.join(", ")}`,
        ),
    );
  });
}

function update(server: ServerProcess, ledger: Ledger, random: SeededRandom): Promise<void> {
  return untilKilled(async () => {
    const known = [...ledger.values].filter(([, values]) => values.length === 1 && values[0] >= 0);
    if (known.length === 0) return await server.exec("SELECT 1").then(() => undefined);
    const [id] = known[random.int(0, known.length - 1)];
    const value = ledger.nextValue++;
    await change(
      ledger.values,
      [id, value],
      () => server.tryExec(`UPDATE ${ledger.table} SET v = ${value} WHERE ins = ${id}`),
    );
  });
}

function alter(server: ServerProcess, ledger: Ledger, random: SeededRandom): Promise<void> {
  return untilKilled(async () => {
    const name = `extra${random.int(0, EXTRA_COLUMNS - 1)}`;
    const isThere = ledger.extras.get(name)![0];
    const sql = isThere ? `DROP COLUMN ${name}` : `ADD COLUMN ${name} SYMBOL`;
    await change(
      ledger.extras,
      [name, !isThere],
      () => server.tryExec(`ALTER TABLE ${ledger.table} ${sql}`),
    );
  });
}

/** Checks what is there against what may be, and keeps what was found. */
async function check(server: ServerProcess, ledger: Ledger): Promise<void> {
  const { table } = ledger;
  await server.drain();
  const columns = await server.exec(`SELECT "column" FROM table_columns('${table}')`);
  const names = new Set(columns.dataset!.map(([name]) => name));
  for (const [name, possible] of ledger.extras) {
    const found = names.has(name);
    assert(possible.includes(found), `${table}: column ${name} is there: ${found}`);
    ledger.extras.set(name, [found]);
  }
  const { dataset } = await server.exec(
    `SELECT ins, count(), count_distinct(seq), min(v), max(v) FROM ${table}`,
  );
  const rows = new Map(dataset!.map((row) => [row[0] as number, row.slice(1) as number[]]));
  for (const [id, possible] of ledger.values) {
    const [count, distinct, min, max] = rows.get(id) ?? [0, 0, -1, -1];
    const isWhole = min === -1 || (count === ROWS_PER_INSERT && distinct === ROWS_PER_INSERT);
    assert(isWhole, `${table}: insert ${id} has ${count} rows, ${distinct} of them distinct`);
    assertEquals(min, max, `${table}: an update of insert ${id} is half there`);
    assert(possible.includes(min), `${table}: insert ${id} has ${min}, expected ${possible}`);
    if (min === -1) ledger.values.delete(id);
    else ledger.values.set(id, [min]);
  }
  for (const id of rows.keys()) assert(ledger.values.has(id), `insert ${id} was never sent`);
}

Deno.test(`kill -9 at ${ROUNDS} random moments while a table changes loses nothing that was acknowledged`, async () => {
  const seed = runSeed();
  const random = new SeededRandom(seed);
  const ledgers = Object.keys(TABLES).map((table) => new Ledger(table));
  using directory = new TempDir();
  const start = () => ServerProcess.start({ root: directory.path, executable: EXECUTABLE });
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      await using server = await start();
      for (const ledger of ledgers) {
        if (round > 0) await check(server, ledger);
        else {
          const columns = "(ts TIMESTAMP, ins LONG, seq INT, tag SYMBOL INDEX, v LONG)";
          await server.exec(
            `CREATE TABLE ${ledger.table} ${columns} TIMESTAMP(ts) ${TABLES[ledger.table]}`,
          );
        }
      }
      if (round === ROUNDS) {
        assertEquals(await server.stop(), 0);
        break;
      }
      const clients = ledgers.flatMap((ledger) =>
        [insert, insert, update, alter].map((client) => client(server, ledger, random))
      );
      await new Promise((resolve) => setTimeout(resolve, random.int(50, 500)));
      await server.kill();
      await Promise.all(clients);
    }
    for (const { table, nextInsert, nextValue, values } of ledgers) {
      assert(values.size > ROUNDS && nextValue > ROUNDS, `${table}: ${nextInsert}, ${nextValue}`);
    }
  } catch (error) {
    throw new Error(`failed with SEED=${seed}`, { cause: error });
  }
});

import { PartitionBy } from "../../src/common/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { runSeed, SeededRandom } from "../support/seeded_random.ts";
import { TempDir } from "../support/temp_dir.ts";
import { core, type Row } from "../storage/table_fixture.ts";
import {
  backUp,
  openStore,
  restore,
  restoredRows,
  serviceOf,
  TestDatabase,
} from "./test_database.ts";

const HOUR = 3_600_000_000n;
const START = 1_704_067_200_000_000n;
const UNITS = [
  PartitionBy.HOUR,
  PartitionBy.DAY,
  PartitionBy.WEEK,
  PartitionBy.MONTH,
  PartitionBy.YEAR,
];

/** Rows around an hour of the test's time; texts short and long, doubles with odd bits. */
function someRows(numbers: SeededRandom, hour: number, count: number): Row[] {
  const doubles = [0, -0, 1.5, 0.1, 12.34, 1e300, 5e-324, Infinity, -Infinity, numbers.next()];
  return Array.from({ length: count }, () => ({
    ts: START + BigInt(hour) * HOUR + BigInt(numbers.int(0, 3600)) * 1_000_000n,
    ok: numbers.next() < 0.5,
    i: numbers.next() < 0.1 ? null : numbers.int(-1000, 1000),
    l: numbers.next() < 0.1 ? null : BigInt(numbers.int(0, 1e9)) * 7n,
    d: numbers.next() < 0.1 ? null : numbers.pick(doubles),
    sym: numbers.next() < 0.1 ? null : `s${numbers.int(0, 40)}`,
    text: numbers.next() < 0.1 ? null : "text ünd ".repeat(numbers.int(0, 5)),
  }));
}

function step(database: TestDatabase, numbers: SeededRandom): string {
  const names = [...database.tables.keys()];
  const roll = numbers.next();
  if (names.length === 0 || (roll < 0.15 && names.length < 4)) {
    const name = `t${numbers.int(0, 6)}`;
    if (database.tables.has(name)) return "nothing";
    database.create(name, numbers.pick(UNITS));
    return `create ${name}`;
  }
  const name = numbers.pick(names);
  if (roll < 0.2) {
    database.drop(name);
    return `drop ${name}`;
  }
  if (roll < 0.27) {
    database.truncate(name);
    return `truncate ${name}`;
  }
  if (roll < 0.35) return "nothing";
  const hour = roll < 0.6 ? 200 : numbers.int(0, 200); // the newest hour, or late
  const count = numbers.next() < 0.2 ? numbers.int(5000, 30_000) : numbers.int(1, 300);
  database.insert(name, someRows(numbers, hour, count));
  return `insert ${count} into ${name} at hour ${hour}`;
}

Deno.test("an incremental backup after each step of a random history restores to the rows of its moment", async () => {
  const seed = runSeed();
  for (let run = 0; run < 6; run++) {
    const numbers = new SeededRandom(seed + run);
    using directory = new TempDir();
    using database = new TestDatabase(`${directory.path}/root`);
    const store = openStore(directory.path);
    const service = serviceOf(database, store);
    const log: string[] = [];
    const moments: { timestamp: bigint; rows: Record<string, Row[]> }[] = [];
    try {
      for (let i = 0; i < 8; i++) {
        log.push(step(database, numbers));
        moments.push({ timestamp: await backUp(service), rows: database.rows() });
      }
      for (const [index, moment] of moments.entries()) {
        const root = `${directory.path}/restored-${index}`;
        await restore(root, store, {
          lines: [`backup.restore.timestamp=${iso(moment.timestamp)}`],
        });
        assertEquals(sortedByName(restoredRows(root)), sortedByName(moment.rows));
        Deno.removeSync(root, { recursive: true });
      }
      assert(core.memory.liveBytes === 0, "no block of memory is left behind");
    } catch (error) {
      console.error(`SEED=${seed} run ${run}\n${log.join("\n")}`);
      throw error;
    }
  }
});

function sortedByName(rows: Record<string, Row[]>): [string, Row[]][] {
  return Object.entries(rows).sort(([a], [b]) => a < b ? -1 : 1);
}

function iso(micros: bigint): string {
  return `${new Date(Number(micros / 1000n)).toISOString().slice(0, -1)}${
    String(micros % 1000n).padStart(3, "0")
  }Z`;
}

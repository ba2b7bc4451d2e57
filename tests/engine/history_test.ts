import { assertEquals } from "../support/assert.ts";
import { runSeed, SeededRandom } from "../support/seeded_random.ts";
import { TempDir } from "../support/temp_dir.ts";
import { allTypesTable, commitRows, openEngine, tableRows } from "../support/engine_fixture.ts";
import type { CellValue, Row } from "../support/table_rows.ts";
import { PartitionBy } from "../../src/common/mod.ts";
import type { EngineConfig } from "../../src/engine/mod.ts";

const START = 1_704_067_200_000_000n;
const HISTORIES = 12;
const STEPS = 30;

/** What the table must hold: rows by timestamp, ties in commit order. */
function sorted(rows: readonly Row[]): CellValue[][] {
  return rows.map((row, i) => ({ row, i })).sort((a, b) => {
    const left = a.row[0] as bigint, right = b.row[0] as bigint;
    return left < right ? -1 : left > right ? 1 : a.i - b.i;
  }).map(({ row }) => [...row]);
}

function randomRow(random: SeededRandom, spanMicros: number): Row {
  const some = <T>(value: T): T | null => random.next() < 0.15 ? null : value;
  const text = "ä€🐎abcdefghijklmnop".repeat(2).slice(0, 2 * random.int(0, 19));
  return [
    START + BigInt(Math.floor(random.next() * spanMicros)),
    random.next() < 0.5,
    some(random.int(-1000, 1000)),
    some(BigInt(random.int(-(2 ** 31), 2 ** 31)) * 1_000_003n),
    some(random.next()),
    some(`sym${random.int(0, random.pick([3, 500]))}`),
    some(text),
  ];
}

async function runHistory(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  using root = new TempDir();
  const config: Partial<EngineConfig> = {
    walSegmentRolloverRowCount: random.pick([1, 50, 200_000]),
    applyBatchRowsMax: random.pick([1, 70, 1_000_000]),
    applyBatchTxnsMax: random.pick([1, 3, 10_000]),
    commitMode: random.pick(["nosync", "async", "sync"] as const),
  };
  const definition = allTypesTable("t", {
    partitionBy: random.pick([
      PartitionBy.HOUR,
      PartitionBy.DAY,
      PartitionBy.WEEK,
      PartitionBy.MONTH,
    ]),
  });
  let engine = await openEngine(root.path, { config });
  let token = engine.createTable(definition);
  let model: Row[] = [];
  const spanMicros = random.pick([1e6, 3.6e9 * 5, 86_400e6 * 20]);
  for (let step = 0; step < STEPS; step++) {
    const action = random.next();
    if (action < 0.72) {
      const rows = Array.from(
        { length: random.pick([1, 2, 30, 400]) },
        () => randomRow(random, spanMicros),
      );
      if (random.next() < 0.5) rows.sort((a, b) => Number((a[0] as bigint) - (b[0] as bigint)));
      commitRows(engine, token, rows, random.pick(["varchar", "symbol"] as const));
      model.push(...rows);
    } else if (action < 0.76) {
      engine.truncateTable(token);
      model = [];
    } else if (action < 0.86) {
      await engine.waitApplied(token);
      assertEquals(tableRows(engine, token), sorted(model), `SEED=${seed} step ${step}`);
    } else if (action < 0.92) {
      await engine.purge();
    } else {
      await engine.close();
      engine = await openEngine(root.path, { config });
      token = engine.findTable("t")!;
    }
  }
  await engine.waitApplied(token);
  assertEquals(tableRows(engine, token), sorted(model), `SEED=${seed} at the end`);
  await engine.purge();
  await engine.close();
  await using reopened = await openEngine(root.path);
  assertEquals(
    tableRows(reopened, reopened.findTable("t")!),
    sorted(model),
    `SEED=${seed} after reopening`,
  );
}

Deno.test("Engine agrees with a model over random commits, truncations, purges and restarts", async () => {
  const seed = runSeed();
  for (let i = 0; i < HISTORIES; i++) await runHistory(seed + i);
});

/**
 * Random histories of statements on the real QuestDB and on our server: the same answers, the same tables, the same bytes;
 * then each opens the other's root, shows the same and goes on.
 *
 * `HISTORIES=200 SEED=1000 deno test …` runs others; `tests/interop/histories/reduce.ts` makes a failing one small.
 */
import { assert, assertEquals } from "../support/assert.ts";
import { describeBatch, runBatch } from "./histories/batch.ts";

const HISTORIES = Deno.env.get("HISTORIES");
const FIRST_SEED = Number(Deno.env.get("SEED") ?? 1);
/** Run by default: they cover every kind of statement. */
const SEEDS = [3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 18, 20, 21, 31, 32, 33, 35, 39, 40];
const RECORDS_EQUAL_MIN = 0.6;
/** Histories that share a pair of servers. */
const BATCH = 25;

const seeds = HISTORIES === undefined
  ? SEEDS
  : Array.from({ length: Number(HISTORIES) }, (_, i) => FIRST_SEED + i);
for (let first = 0; first < seeds.length; first += BATCH) {
  const batch = seeds.slice(first, first + BATCH);
  Deno.test(`histories ${batch[0]} to ${batch.at(-1)} are the same on QuestDB and here`, async () => {
    const result = await runBatch({
      seeds: batch,
      stepCount: 30,
      furtherStepCount: 6,
      concurrency: 3,
    });
    const report = describeBatch(result);
    console.log(report);
    assertEquals(result.histories.flatMap((history) => history.differences), [], report);
    // `_txn` and `_cv` count transactions, and the reference makes some for itself; most records are equal all the same.
    const { counts, unequal } = result.bytes;
    assertEquals(unequal.filter((line) => !/^_(txn|cv) /.test(line)), [], report);
    for (const kind of ["_txn", "_cv"]) {
      const { equal, compared } = counts.get(kind)!;
      assert(equal >= RECORDS_EQUAL_MIN * compared, report);
    }
    // Where the reference fails, a history ends early; most must get to their end.
    const whole = result.histories.filter((history) => !history.isOver).length;
    assert(whole >= 0.8 * batch.length, report);
  });
}

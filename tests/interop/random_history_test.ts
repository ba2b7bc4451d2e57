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
/** Histories that run by default. */
const DEFAULT_HISTORIES = 22;
/** Share of tables of which the reference may have made more transactions than it needs, see `byte_comparison.ts`. */
const AHEAD_MAX = 0.4;
/** Histories that share a pair of servers. */
const BATCH = 25;

const seeds = Array.from(
  { length: Number(HISTORIES ?? DEFAULT_HISTORIES) },
  (_, index) => FIRST_SEED + index,
);
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
    const { unequal, aheadCount, counts } = result.bytes;
    assertEquals(unequal, [], report);
    assert(aheadCount <= AHEAD_MAX * counts.get("_meta")!.compared, report);
    // Where the reference fails, a history ends early; most must get to their end.
    const whole = result.histories.filter((history) => !history.isOver).length;
    assert(whole >= 0.8 * batch.length, report);
  });
}

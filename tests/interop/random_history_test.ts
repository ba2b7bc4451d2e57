/**
 * Random histories of statements on the real QuestDB and on our server: the same answers, the same tables, the same bytes;
 * then each opens the other's root, shows the same and goes on.
 *
 * `HISTORIES=200 SEED=1000 deno test …` runs others; `tests/interop/histories/reduce.ts` makes a failing one small.
 */
import { assert, assertEquals } from "../support/assert.ts";
import { describeBatch, runBatch } from "./histories/batch.ts";

const HISTORIES = Number(Deno.env.get("HISTORIES") ?? 20);
const FIRST_SEED = Number(Deno.env.get("SEED") ?? 1);
/** Histories that share a pair of servers. */
const BATCH = 25;

for (let first = 0; first < HISTORIES; first += BATCH) {
  const count = Math.min(BATCH, HISTORIES - first);
  const from = FIRST_SEED + first;
  Deno.test(`histories ${from} to ${from + count - 1} are the same on QuestDB and here`, async () => {
    const result = await runBatch({
      seeds: Array.from({ length: count }, (_, i) => from + i),
      stepCount: 30,
      furtherStepCount: 6,
      concurrency: 3,
    });
    const report = describeBatch(result);
    console.log(report);
    assertEquals(result.histories.flatMap((history) => history.differences), [], report);
    assertEquals(result.bytes.unequal, [], report);
    // Where the reference fails, a history ends early; most must get to their end.
    const whole = result.histories.filter((history) => !history.isOver).length;
    assert(whole >= 0.8 * count, report);
  });
}

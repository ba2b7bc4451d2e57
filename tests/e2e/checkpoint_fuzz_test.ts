/** CheckpointFuzzTest: random changes of every kind before and while a root is copied in checkpoint mode. */
import { runRound } from "../checkpoint/histories/round.ts";
import { assert, assertEquals } from "../support/assert.ts";

const ROUNDS = Number(Deno.env.get("CHECKPOINT_FUZZ_ROUNDS") ?? 4);
const FIRST_SEED = Number(Deno.env.get("CHECKPOINT_FUZZ_SEED") ?? 1000);
const HISTORIES = 4;

for (let round = 0; round < ROUNDS; round++) {
  const first = FIRST_SEED + round * HISTORIES;
  const copyWith = round % 2 === 0 ? "cp" : "rsync";
  const isLegacy = round % 4 === 3;
  Deno.test(
    `a copy by ${copyWith} under changes of seeds ${first} to ${
      first + HISTORIES - 1
    } is recovered to the ${isLegacy ? "snapshot" : "checkpoint"}`,
    async () => {
      const seeds = Array.from({ length: HISTORIES }, (_, i) => first + i);
      const result = await runRound({
        seeds,
        stepCount: 30,
        laterStepCount: 12,
        copyWith,
        isLegacy,
      });
      assertEquals(result.differences, []);
      assert(result.tableCount >= HISTORIES && result.laterSteps > 0 && result.rowCount > 0);
    },
  );
}

/**
 * Runs rounds of checkpoint histories: `deno run -A tests/checkpoint/histories/run.ts SEED ROUNDS`.
 *
 * @module
 */
import { runRound } from "./round.ts";

const HISTORIES_PER_ROUND = 4;
const [seed, rounds] = Deno.args.map(Number);
let failed = 0;
for (let round = 0; round < rounds; round++) {
  const first = seed + round * HISTORIES_PER_ROUND;
  const result = await runRound({
    seeds: Array.from({ length: HISTORIES_PER_ROUND }, (_, i) => first + i),
    stepCount: 30,
    laterStepCount: 12,
    copyWith: round % 2 === 0 ? "cp" : "rsync",
    isLegacy: round % 4 === 3,
  });
  const { tableCount, rowCount, laterSteps, differences } = result;
  console.log(
    `seeds ${first}…: ${tableCount} tables, ${rowCount} rows, ${laterSteps} later steps, ${differences.length} differences`,
  );
  for (const difference of differences) console.log(`  ${difference}`);
  if (differences.length > 0) failed++;
}
console.log(`${rounds - failed} of ${rounds} rounds equal`);
Deno.exit(failed === 0 ? 0 : 1);

/**
 * `deno run -A tests/interop/histories/run.ts SEED [COUNT] [--steps=N] [--verbose]`: runs random histories against the real
 * QuestDB and our server and prints where they part.
 *
 * @module
 */
import { describeBatch, runBatch } from "./batch.ts";

const [firstSeed = 1, count = 1] = Deno.args.filter((arg) => !arg.startsWith("--")).map(Number);
const stepCount = Number(Deno.args.find((arg) => arg.startsWith("--steps="))?.slice(8) ?? 40);
const started = performance.now();
const result = await runBatch({
  seeds: Array.from({ length: count }, (_, i) => firstSeed + i),
  stepCount,
  furtherStepCount: 10,
  concurrency: 3,
});
if (Deno.args.includes("--verbose")) {
  for (const { sql, error } of result.histories.flatMap((history) => history.steps)) {
    console.log(`${sql.slice(0, 300)}\n    → ${error}`);
  }
}
console.log(describeBatch(result));
console.log(`${((performance.now() - started) / 1000).toFixed(1)} s`);
if (result.histories.some((history) => history.differences.length > 0)) Deno.exit(1);

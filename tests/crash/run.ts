/**
 * `deno run -A tests/crash/run.ts SEED [COUNT] [--trace]`: runs crash histories and prints the seeds that fail.
 *
 * @module
 */
import { simulate } from "./simulation.ts";

const [first = 1, count = 1] = Deno.args.filter((arg) => !arg.startsWith("--")).map(Number);
const isTraced = Deno.args.includes("--trace");
const started = performance.now();
const acknowledged = new Map<string, number>(), refused = new Map<string, string>();
let failed = 0;
for (let seed = first; seed < first + count; seed++) {
  try {
    const result = await simulate(isTraced ? { seed, trace: console.log } : { seed });
    for (const [kind, n] of result.acknowledged) {
      acknowledged.set(kind, (acknowledged.get(kind) ?? 0) + n);
    }
    for (const [kind, reason] of result.refused) refused.set(kind, reason);
  } catch (error) {
    failed++;
    console.log(error);
  }
}
console.log("acknowledged", Object.fromEntries(acknowledged));
console.log("refused", Object.fromEntries(refused));
const seconds = (performance.now() - started) / 1000;
console.log(`${count - failed} of ${count} histories right, ${seconds.toFixed(1)} s`);
if (failed > 0) Deno.exit(1);

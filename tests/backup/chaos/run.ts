/**
 * `deno run -A --unstable-raw-imports tests/backup/chaos/run.ts SEED [COUNT] [--trace]`: runs histories of chaos, says what
 * happened in them, and prints the seeds that fail.
 *
 * @module
 */
import { runHistory } from "./history.ts";

const [first = 1, count = 1] = Deno.args.filter((arg) => !arg.startsWith("--")).map(Number);
const isTraced = Deno.args.includes("--trace");
const started = performance.now();
const totals = new Map<string, number>();
let failed = 0;
for (let seed = first; seed < first + count; seed++) {
  try {
    const { counts } = await runHistory(isTraced ? { seed, trace: console.log } : { seed });
    for (const [name, n] of counts) totals.set(name, (totals.get(name) ?? 0) + n);
  } catch (error) {
    failed++;
    console.log(error);
  }
}
console.log(Object.fromEntries([...totals].sort(([a], [b]) => a < b ? -1 : 1)));
const seconds = (performance.now() - started) / 1000;
console.log(`${count - failed} of ${count} histories right, ${seconds.toFixed(1)} s`);
if (failed > 0) Deno.exit(1);

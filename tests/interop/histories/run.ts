/**
 * `deno run -A tests/interop/histories/run.ts SEED [COUNT] [--steps N] [--self]`: runs random histories against the real
 * QuestDB and our server and prints where they part. `--self` asks the reference twice, which shows what of the
 * histories a server can be held to.
 *
 * @module
 */
import { ServerProcess } from "../../../scripts/server_process.ts";
import { startQuestDb } from "../../support/questdb_server.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { runHistory } from "./run_history.ts";
import { Target } from "./target.ts";

const numbers = Deno.args.filter((arg) => !arg.startsWith("--")).map(Number);
const [firstSeed = 1, count = 1] = numbers;
const stepCount = Number(Deno.args.find((arg) => arg.startsWith("--steps="))?.slice(8) ?? 40);
const isVerbose = Deno.args.includes("--verbose");

using referenceRoot = new TempDir();
using ourRoot = new TempDir();
await using questDb = await startQuestDb({ root: referenceRoot.path });
const reference = new Target({
  name: "reference",
  url: `http://127.0.0.1:${questDb.port}`,
  dbRoot: `${referenceRoot.path}/db`,
});
await using other = Deno.args.includes("--self")
  ? await startQuestDb({ root: ourRoot.path })
  : await ServerProcess.start({ root: ourRoot.path });
const ours = new Target({
  name: "ours",
  url: `http://127.0.0.1:${other.port}`,
  dbRoot: `${ourRoot.path}/db`,
});
let failed = 0, steps = 0, refused = 0;
const started = performance.now();
for (let seed = firstSeed; seed < firstSeed + count; seed++) {
  const result = await runHistory({ seed, stepCount, reference, ours, compareEvery: 5 });
  steps += result.steps.length;
  refused += result.steps.filter(({ error }) => error !== null).length;
  if (isVerbose) {
    for (const { sql, error } of result.steps) {
      console.log(`${sql.slice(0, 300)}\n    → ${error}`);
    }
  }
  if (result.differences.length === 0) continue;
  failed++;
  for (const difference of result.differences) {
    console.log(
      `── seed ${seed} step ${difference.step}: ${difference.sql.slice(0, 600)}\n   expected ${
        difference.expected.slice(0, 1500)
      }\n   actual   ${difference.actual.slice(0, 1500)}`,
    );
  }
}
console.log(
  `${
    count - failed
  } of ${count} histories equal, ${steps} steps, ${refused} refused by the reference, ${
    ((performance.now() - started) / 1000).toFixed(1)
  } s`,
);

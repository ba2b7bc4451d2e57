/**
 * `deno run -A tests/interop/histories/reduce.ts SEED [--steps=N]`: runs a failing history and leaves out steps as long as
 * it still fails, so that few statements are left to look at.
 *
 * @module
 */
import { TempDir } from "../../support/temp_dir.ts";
import { Servers } from "./batch.ts";
import { type Difference, History, replaySteps } from "./history.ts";

const seed = Number(Deno.args[0]);
const stepCount = Number(Deno.args.find((arg) => arg.startsWith("--steps="))?.slice(8) ?? 40);

using referenceRoot = new TempDir();
using ourRoot = new TempDir();
await using servers = await Servers.start(referenceRoot.path, ourRoot.path);
const { pair } = servers;
const history = new History(seed);
await history.run(pair, stepCount);
if (history.differences.length === 0) {
  console.log("the history is equal");
} else {
  let attempt = 0;
  const run = (steps: readonly string[]) =>
    replaySteps(pair, steps, { from: history.prefix, to: `r${seed}x${attempt++}_` });
  let steps = history.steps.map(({ sql }) => sql);
  let difference: Difference | null = history.differences[0];
  for (let size = Math.ceil(steps.length / 2); size >= 1;) {
    let isShorter = false;
    for (let at = 0; at < steps.length; at += size) {
      const rest = [...steps.slice(0, at), ...steps.slice(at + size)];
      const found = rest.length > 0 ? await run(rest) : null;
      if (found === null) continue;
      steps = rest;
      difference = found;
      isShorter = true;
      at -= size;
    }
    if (!isShorter) size = size === 1 ? 0 : Math.ceil(size / 2);
  }
  for (const step of steps) console.log(`${step};`);
  console.log(
    `${attempt} attempts\nat       ${difference.sql}\nexpected ${difference.expected}\nactual   ${difference.actual}`,
  );
}

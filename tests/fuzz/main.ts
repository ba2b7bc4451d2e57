/**
 * Command line of the fuzz tests: `deno task fuzz -- NAME [SEED] [ITERATIONS]`, or `smoke` for all of them briefly.
 *
 * @module
 */
import { FUZZERS } from "./registry.ts";

/** Runs the fuzz tests the arguments name; returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const [name, seedText, iterationsText] = args.filter((argument) => argument !== "--");
  const seed = seedText === undefined ? Date.now() % 1_000_000_007 : Number(seedText);
  if (name === "smoke") {
    let isOk = true;
    for (const [fuzzer, entry] of Object.entries(FUZZERS)) {
      if (entry.smokeIterations === 0) continue;
      isOk = await runOne(fuzzer, seed, entry.smokeIterations) && isOk;
    }
    return isOk ? 0 : 1;
  }
  if (!Number.isSafeInteger(seed) || name === undefined || !(name in FUZZERS)) {
    console.error(
      `Usage: fuzz NAME [SEED] [ITERATIONS]; NAME is smoke, ${Object.keys(FUZZERS).join(", ")}`,
    );
    return 2;
  }
  const iterations = iterationsText === undefined
    ? FUZZERS[name].iterations
    : Number(iterationsText);
  return await runOne(name, seed, iterations) ? 0 : 1;
}

async function runOne(name: string, seed: number, iterations: number): Promise<boolean> {
  const started = performance.now();
  try {
    await FUZZERS[name].run(seed, iterations);
  } catch (error) {
    console.error(
      `fuzz ${name} failed: replay with: deno task fuzz -- ${name} ${seed} ${iterations}`,
    );
    console.error(error);
    return false;
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`fuzz ${name} ok: seed=${seed} iterations=${iterations} seconds=${seconds}`);
  return true;
}

if (import.meta.main) Deno.exit(await main(Deno.args));

/**
 * Crash histories by seed, and the proof that they would see a bug.
 */
import { assert, assertEquals } from "../support/assert.ts";
import { runSeed } from "../support/seeded_random.ts";
import { BuggyFileSystem, PLANTED_BUGS } from "./planted_bugs.ts";
import { CrashFailure, simulate } from "./simulation.ts";

const HISTORIES = Number(Deno.env.get("CRASH_HISTORIES") ?? 500);
/** Histories after which a planted bug must have been seen. */
const BUG_HISTORIES_MAX = 400;

Deno.test(`Engine keeps every acknowledged operation once over ${HISTORIES} crash histories`, async () => {
  const seed = runSeed();
  const acknowledged = new Map<string, number>();
  for (let i = 0; i < HISTORIES; i++) {
    const result = await simulate({ seed: seed + i });
    for (const [kind, count] of result.acknowledged) {
      acknowledged.set(kind, (acknowledged.get(kind) ?? 0) + count);
    }
  }
  if (HISTORIES < 100) return;
  // A kind that is always refused would prove nothing.
  for (const kind of ["create", "insert", "truncate", "drop", "sync", "purge", "compare"]) {
    assert((acknowledged.get(kind) ?? 0) > 0, `no history did: ${kind}`);
  }
});

Deno.test("simulate is the same history for the same seed", async () => {
  const run = async () => {
    const lines: string[] = [];
    await simulate({ seed: 11, trace: (line) => lines.push(line) });
    return lines;
  };
  assertEquals(await run(), await run());
});

for (const bug of PLANTED_BUGS) {
  Deno.test(`simulate sees a planted bug: ${bug.name}`, async () => {
    for (let seed = 1; seed <= BUG_HISTORIES_MAX; seed++) {
      try {
        await simulate({ seed, wrap: (fs) => new BuggyFileSystem(fs, bug) });
      } catch (error) {
        if (!(error instanceof CrashFailure)) throw error;
        await simulate({ seed }); // it is the bug that made it fail
        return;
      }
    }
    throw new Error(`${BUG_HISTORIES_MAX} histories did not see it`);
  });
}

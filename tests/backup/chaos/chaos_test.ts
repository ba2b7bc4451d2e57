/** Histories of chaos by seed. More of them: `deno run -A --unstable-raw-imports tests/backup/chaos/run.ts SEED COUNT`. */
import { assert, assertEquals } from "../../support/assert.ts";
import { runSeed } from "../../support/seeded_random.ts";
import { runHistory } from "./history.ts";
import { STORE_FAULTS } from "./hostile_store.ts";
import { PLANTED_BUGS } from "./planted_bugs.ts";
import { ChaosFailure } from "./workload.ts";

const HISTORIES = Number(Deno.env.get("CHAOS_HISTORIES") ?? 100);
/** Histories after which a planted bug must have been seen. */
const BUG_HISTORIES_MAX = 400;

Deno.test(`backups keep their promises over ${HISTORIES} histories of chaos`, async () => {
  const seed = runSeed();
  const totals = new Map<string, number>();
  for (let i = 0; i < HISTORIES; i++) {
    const { counts } = await runHistory({ seed: seed + i });
    for (const [name, count] of counts) totals.set(name, (totals.get(name) ?? 0) + count);
    for (const name of ["cleanup complete", "garbage collected", "restore", "fault"]) {
      assert((counts.get(name) ?? 0) > 0, `SEED=${seed + i} has no: ${name}`);
    }
  }
  if (HISTORIES < 100) return;
  const expected = [
    ...STORE_FAULTS,
    "abort",
    "backup complete",
    "backup failed",
    "cleanup failed",
    "clock jump",
    "clone",
    "crash in a backup",
    "damaged backup",
    "damaged object",
    "disk full",
    "interrupted restore",
    "locked out",
    "power crash",
    "process crash",
    "whole backup beside damage",
  ];
  const missing = expected.filter((name) => (totals.get(name) ?? 0) === 0);
  assertEquals(missing, [], "everything happened in some history");
});

Deno.test("a history of chaos is the same for the same seed", async () => {
  const run = async () => {
    const lines: string[] = [];
    await runHistory({ seed: 5, trace: (line) => lines.push(line) });
    return lines;
  };
  assertEquals(await run(), await run());
});

for (const { name, wrappers, firstSeed = 1 } of PLANTED_BUGS) {
  Deno.test(`histories of chaos see a planted bug: ${name}`, async () => {
    for (let seed = firstSeed; seed < firstSeed + BUG_HISTORIES_MAX; seed++) {
      try {
        await runHistory({ seed, wrappers });
      } catch (error) {
        if (!(error instanceof ChaosFailure)) throw error;
        await runHistory({ seed }); // it is the bug that made it fail
        return;
      }
    }
    throw new Error(`${BUG_HISTORIES_MAX} histories did not see it`);
  });
}

/**
 * Child of the crash test: commits rows for ever and prints the last acknowledged row after each commit.
 * Arguments: root, first row number, seed, commit mode.
 */
import { openEngine } from "../support/engine_fixture.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { allTypesTable, commitRows } from "../support/engine_fixture.ts";
import { crashRow } from "./crash_rows.ts";
import type { CommitMode } from "../../src/wal/mod.ts";

const [root, first, seed, commitMode] = Deno.args;
const random = new SeededRandom(Number(seed));
const engine = await openEngine(root, {
  config: {
    commitMode: commitMode as CommitMode,
    walSegmentRolloverRowCount: 300,
    walPurgeIntervalMillis: 20,
    backgroundSyncIntervalMillis: 10,
    applyBatchRowsMax: 500,
  },
});
const token = engine.createTable(allTypesTable("t"), { ifNotExists: true });
const encoder = new TextEncoder();
let next = Number(first);
for (;;) {
  const count = random.int(1, 120);
  const rows = Array.from({ length: count }, (_, i) => crashRow(next + i));
  // Shuffled, so that apply merges and segments are out of order.
  rows.sort((a, b) => Number((a[3] as bigint) * 7919n % 101n - (b[3] as bigint) * 7919n % 101n));
  commitRows(engine, token, rows, random.pick(["varchar", "symbol"] as const));
  next += count;
  Deno.stdout.writeSync(encoder.encode(`${next}\n`));
  if (random.next() < 0.3) await new Promise((resolve) => setTimeout(resolve, random.int(0, 3)));
}

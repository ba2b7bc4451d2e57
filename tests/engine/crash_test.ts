/**
 * kill -9 while a child ingests: every acknowledged row is there exactly once, and nothing else but whole transactions.
 */
import { assert, assertEquals } from "../support/assert.ts";
import { openEngine, tableRows } from "../support/engine_fixture.ts";
import { runSeed, SeededRandom } from "../support/seeded_random.ts";
import { TempDir } from "../support/temp_dir.ts";
import { crashRow } from "./crash_rows.ts";

/** Rounds of kill and reopen; more with CRASH_ROUNDS. */
const ROUNDS = Number(Deno.env.get("CRASH_ROUNDS") ?? 10);
const CHILD = new URL("./crash_child.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
const LIFETIME_MILLIS_MAX = 250;

/** Runs the child, kills it a random time after its first commit, and returns the first row not acknowledged. */
async function ingestAndKill(args: string[], lifetimeMillis: number): Promise<number | null> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--config", CONFIG, CHILD, ...args],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let text = "";
  let timer: ReturnType<typeof setTimeout> | null = null;
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    timer ??= setTimeout(() => child.kill("SIGKILL"), lifetimeMillis);
  }
  if (timer !== null) clearTimeout(timer);
  const { signal } = await child.status;
  assertEquals(signal, "SIGKILL", "the child ends by the kill only");
  const complete = text.slice(0, text.lastIndexOf("\n") + 1).trim().split("\n");
  return text.includes("\n") ? Number(complete[complete.length - 1]) : null;
}

Deno.test("Engine keeps every acknowledged row exactly once over kill -9 at random moments", async () => {
  const seed = runSeed();
  const random = new SeededRandom(seed);
  using root = new TempDir();
  let next = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const mode = random.pick(["nosync", "async", "sync"]);
    const args = [root.path, String(next), String(seed + round), mode];
    const acknowledged = await ingestAndKill(args, random.int(0, LIFETIME_MILLIS_MAX)) ?? next;
    await using engine = await openEngine(root.path);
    const token = engine.findTable("t");
    assert(token !== null);
    await engine.waitApplied(token);
    const rows = tableRows(engine, token);
    const label = `SEED=${seed} round ${round} ${mode}`;
    const numbers = rows.map((row) => Number(row[3])).sort((a, b) => a - b);
    // At most one transaction was committed but not acknowledged; it is there whole or not at all.
    assert(
      rows.length >= acknowledged,
      `${label}: ${rows.length} rows, ${acknowledged} acknowledged`,
    );
    assert(rows.length - acknowledged < 120, `${label}: ${rows.length} of ${acknowledged}`);
    for (const [i, number] of numbers.entries()) assertEquals(number, i, label);
    for (const row of rows) assertEquals(row, [...crashRow(Number(row[3]))], label);
    for (let i = 1; i < rows.length; i++) {
      assert(rows[i - 1][0]! <= rows[i][0]!, `${label}: row ${i} is out of order`);
    }
    next = rows.length;
  }
  assert(next > 0);
});

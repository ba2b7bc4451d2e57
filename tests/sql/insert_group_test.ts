import { assert, assertEquals } from "../support/assert.ts";
import { openEngine } from "../support/engine_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { DEFAULT_ENGINE_CONFIG } from "../../src/engine/mod.ts";
import { FaultFileSystem, RealFileSystem } from "../../src/platform/mod.ts";
import { SqlEngine } from "../../src/sql/mod.ts";

Deno.test("INSERTs that run at the same time share the syncs of sync mode", async () => {
  using root = new TempDir();
  const faults = new FaultFileSystem(new RealFileSystem());
  let syncs = 0;
  faults.failWhen((call) => {
    if (call.operation === "syncData" && call.path.includes("/wal1/")) syncs++;
    return false;
  });
  await using engine = await openEngine(root.path, {
    config: { commitMode: "sync" },
    fs: faults,
  });
  const sql = new SqlEngine(engine, {
    fs: faults,
    config: DEFAULT_ENGINE_CONFIG,
    insertBatchRows: 100_000,
  });
  const run = (text: string) =>
    sql.execute(text, {
      signal: new AbortController().signal,
      now: 0n,
      yieldIfDue: () => Promise.resolve(),
    });
  await run("CREATE TABLE t (ts TIMESTAMP, v LONG) TIMESTAMP(ts) PARTITION BY DAY WAL");
  await run("INSERT INTO t VALUES ('2024-01-01', 0)");
  const alone = syncs;
  syncs = 0;
  const count = 40;
  await Promise.all(
    Array.from({ length: count }, (_, i) => run(`INSERT INTO t VALUES ('2024-01-01', ${i})`)),
  );
  assert(syncs <= (count / 2) * alone, `${syncs} syncs, ${alone} for one`);
  const token = engine.findTable("t")!;
  assertEquals(engine.walStatus(token).sequencerTxn, count + 1);
});

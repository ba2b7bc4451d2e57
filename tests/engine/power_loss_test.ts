/**
 * Power loss at random moments on the simulated file system, which forgets, tears or keeps what was not synced.
 */
import { assert, assertEquals } from "../support/assert.ts";
import { allTypesTable, commitRows, tableRows, testCore } from "../support/engine_fixture.ts";
import { runSeed, SeededRandom } from "../support/seeded_random.ts";
import type { Row } from "../support/table_rows.ts";
import { QuestError } from "../../src/common/mod.ts";
import { DEFAULT_ENGINE_CONFIG, Engine } from "../../src/engine/mod.ts";
import {
  FaultFileSystem,
  type FileSystem,
  InjectedError,
  SILENT_LOG,
  SimulatedFileSystem,
  SystemClock,
  SystemRandom,
} from "../../src/platform/mod.ts";
import { type CommitMode, walTasks } from "../../src/wal/mod.ts";
import { InlineTaskRunner } from "../../src/wasm/mod.ts";

const START = 1_704_067_200_000_000n;
const HISTORIES = Number(Deno.env.get("POWER_LOSS_HISTORIES") ?? 25);
const LIVES = 5;

function openOn(fs: FileSystem, commitMode: CommitMode, bootId: string): Promise<Engine> {
  const core = testCore();
  return Engine.open({
    root: "/data",
    dbRoot: "/data/db",
    config: {
      ...DEFAULT_ENGINE_CONFIG,
      commitMode,
      walSegmentRolloverRowCount: 20,
      backgroundSyncIntervalMillis: 1_000_000,
      walPurgeIntervalMillis: 1_000_000,
    },
    fs,
    core,
    tasks: new InlineTaskRunner({ core, fs }, walTasks()),
    clock: new SystemClock(),
    random: new SystemRandom(),
    log: SILENT_LOG,
    bootId,
  });
}

function row(i: number): Row {
  const micros = START + BigInt((i * 7919) % 1009) * 100_000_000n;
  return [micros, i % 2 === 0, i, BigInt(i), i / 4, `s${i % 17}`, `a note of row number ${i}`];
}

/** Commits of one life, until the machine stops; rows known to be acknowledged, and known to be durable. */
interface Life {
  acknowledged: number;
  durable: number;
}

async function liveUntilStopped(
  engine: Engine,
  random: SeededRandom,
  from: number,
): Promise<Life> {
  const life: Life = { acknowledged: from, durable: from };
  const isSync = engine.options.config.commitMode === "sync";
  try {
    const token = engine.createTable(allTypesTable("t"), { ifNotExists: true });
    for (;;) {
      const count = random.int(1, 12);
      const rows = Array.from({ length: count }, (_, i) => row(life.acknowledged + i));
      commitRows(engine, token, rows, random.pick(["varchar", "symbol"] as const));
      life.acknowledged += count;
      if (isSync) life.durable = life.acknowledged;
      const action = random.next();
      if (action < 0.2) await engine.waitApplied(token);
      else if (action < 0.35) {
        const before = life.acknowledged;
        await engine.sync();
        if (engine.walStatus(token).errorMessage === null) life.durable = before;
      } else if (action < 0.45) await engine.purge();
    }
  } catch (error) {
    if (!(error instanceof QuestError || error instanceof InjectedError)) throw error;
    // The machine stopped; what the engine says from here on reaches nobody.
    return life;
  }
}

Deno.test("Engine keeps what was durable over power losses, whole transactions in order, and stays usable", async () => {
  const seed = runSeed();
  for (let history = 0; history < HISTORIES; history++) {
    const random = new SeededRandom(seed + history);
    const disk = new SimulatedFileSystem();
    disk.mkdir("/data");
    disk.syncDir("/");
    let rowCount = 0;
    for (let lifeNumber = 0; lifeNumber < LIVES; lifeNumber++) {
      const mode = random.pick(["nosync", "sync"] as const);
      const label = `SEED=${seed + history} life ${lifeNumber} ${mode}`;
      const machine = new FaultFileSystem(disk);
      const engine = await openOn(machine, mode, `boot ${lifeNumber}`);
      machine.stopAt(random.int(1, 1200), random.pick(["none", "partial", "applied"] as const));
      const life = await liveUntilStopped(engine, random, rowCount);
      await Promise.allSettled([engine.close()]); // it fails on the stopped machine
      disk.crash(random);

      const again = await openOn(disk, mode, `boot ${lifeNumber}, checked`);
      const token = again.findTable("t");
      if (token === null) {
        assertEquals(life.acknowledged, 0, `${label}: the table is gone`);
        await again.close();
        continue;
      }
      await again.waitApplied(token);
      const numbers = tableRows(again, token).map((values) => Number(values[3])).sort((a, b) =>
        a - b
      );
      const rows = new Map(tableRows(again, token).map((values) => [Number(values[3]), values]));
      assert(numbers.length >= life.durable, `${label}: ${numbers.length} of ${life.durable} rows`);
      assert(numbers.length <= life.acknowledged + 12, `${label}: ${numbers.length} rows`);
      for (const [i, number] of numbers.entries()) {
        assertEquals(number, i, label);
        assertEquals(rows.get(i), [...row(i)], label);
      }
      rowCount = numbers.length;
      await again.close();
    }
  }
});

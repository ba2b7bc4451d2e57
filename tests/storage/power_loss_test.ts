/**
 * The machine stops at every single change that a commit makes to the disk; what was not synced is kept, torn or lost.
 */
import { PartitionBy } from "../../src/common/mod.ts";
import {
  FaultFileSystem,
  type FileSystem,
  InjectedError,
  SimulatedFileSystem,
} from "../../src/platform/mod.ts";
import { TableWriter } from "../../src/storage/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { runSeed, SeededRandom } from "../support/seeded_random.ts";
import { commitRows, core, createTable, readRows, type Row } from "./table_fixture.ts";

const HOUR = 3_600_000_000n;
const START = 1_704_067_200_000_000n;
const TABLE_DIR = "/db/t~1";
const EFFECTS = ["none", "partial", "applied"] as const;

function row(hour: number, tag: string): Row {
  return {
    ts: START + BigInt(hour) * HOUR,
    ok: true,
    i: hour,
    l: BigInt(hour),
    d: 0.5,
    sym: `${tag}${hour % 5}`,
    text: `a text of hour ${hour} by ${tag}`,
  };
}

/** Appends to the last partition, merges into two others, makes one before all and one behind. */
const COMMITS: readonly Row[][] = [
  [row(3, "a"), row(30, "a"), row(60, "a")],
  [row(1, "b"), row(31, "b"), row(29, "b"), row(61, "b"), row(-20, "b"), row(80, "b")],
  [row(2, "c"), row(81, "c"), row(82, "c")],
];

/** A durable table with the first `count` commits. */
function tableWith(disk: FileSystem, count: number): void {
  disk.mkdir("/db");
  disk.syncDir("/");
  const context = createTable("/db", PartitionBy.DAY, disk);
  using writer = TableWriter.open(context);
  for (let i = 0; i < count; i++) commitRows(writer, COMMITS[i], { seqTxn: i + 1, sync: true });
}

function modelOf(commitCount: number): Row[] {
  const rows = COMMITS.slice(0, commitCount).flat();
  return rows.sort((a, b) => a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0);
}

/** Runs the commit on a machine that stops; returns false if it came to its end. */
function stopsDuring(machine: FaultFileSystem, commit: number): boolean {
  try {
    using writer = TableWriter.open({ fs: machine, core, tableDir: TABLE_DIR });
    commitRows(writer, COMMITS[commit], { seqTxn: commit + 1, sync: true });
    return false;
  } catch (error) {
    if (!(error instanceof InjectedError)) throw error;
    return true;
  }
}

Deno.test("TableWriter.commit() is there whole or not at all when the power goes at any change, and the next one is right", () => {
  const seed = runSeed();
  let stops = 0;
  for (let commit = 0; commit < COMMITS.length; commit++) {
    for (let change = 1;; change++) {
      const random = new SeededRandom(seed + 1000 * commit + change);
      const disk = new SimulatedFileSystem();
      tableWith(disk, commit);
      const machine = new FaultFileSystem(disk);
      machine.stopAt(change, random.pick(EFFECTS));
      if (!stopsDuring(machine, commit)) break;
      stops++;
      disk.crash(random);
      const label = `SEED=${seed} commit ${commit} change ${change}`;
      const context = { fs: disk, core, tableDir: TABLE_DIR };
      const found = readRows(context);
      const isThere = found.length === modelOf(commit + 1).length;
      assertEquals(found, modelOf(isThere ? commit + 1 : commit), label);
      using writer = TableWriter.open(context);
      assertEquals(writer.txn.seqTxn, isThere ? commit + 1 : commit, label);
      if (!isThere) commitRows(writer, COMMITS[commit], { seqTxn: commit + 1, sync: true });
      assertEquals(readRows(context), modelOf(commit + 1), label);
      assertEquals(core.memory.liveBytes, 0, label);
    }
  }
  assert(stops > 100, `${stops} moments were tried`);
});

Deno.test("TableWriter reports a failing call, and after rollback() the same commit succeeds", () => {
  let failures = 0;
  for (let call = 1;; call++) {
    const disk = new SimulatedFileSystem();
    tableWith(disk, 1);
    const faults = new FaultFileSystem(disk);
    const context = { fs: faults, core, tableDir: TABLE_DIR };
    using writer = TableWriter.open(context);
    faults.failAt(call, { effect: EFFECTS[call % 3] });
    try {
      commitRows(writer, COMMITS[1], { seqTxn: 2, sync: call % 2 === 0 });
      break; // the commit makes fewer calls than that
    } catch (error) {
      if (!(error instanceof InjectedError)) throw error;
      failures++;
    }
    faults.clear();
    writer.rollback();
    // A commit that failed at its very end may have been published.
    if (writer.txn.seqTxn === 1) {
      assertEquals(readRows(context), modelOf(1), `call ${call}`);
      commitRows(writer, COMMITS[1], { seqTxn: 2 });
    }
    assertEquals(readRows(context), modelOf(2), `call ${call}`);
    commitRows(writer, COMMITS[2], { seqTxn: 3 });
    assertEquals(readRows(context), modelOf(3), `call ${call}`);
  }
  assert(failures > 100, `${failures} calls were made to fail`);
});

Deno.test("TableWriter.commit() with sync makes durable what earlier commits without it left behind", () => {
  for (let seed = 0; seed < 40; seed++) {
    const disk = new SimulatedFileSystem();
    tableWith(disk, 0);
    const context = { fs: disk, core, tableDir: TABLE_DIR };
    using writer = TableWriter.open(context);
    commitRows(writer, COMMITS[0], { seqTxn: 1, sync: false });
    commitRows(writer, COMMITS[1], { seqTxn: 2, sync: false });
    commitRows(writer, [COMMITS[0][0]], { seqTxn: 3, sync: true }); // no new symbol
    disk.crash(new SeededRandom(seed));
    const rows = readRows(context);
    assertEquals(rows.length, modelOf(2).length + 1, `seed ${seed}`);
    assertEquals(rows.filter((one) => one.i !== 3), modelOf(2).filter((one) => one.i !== 3));
  }
});

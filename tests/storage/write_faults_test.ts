/**
 * Commits of several writes, with deduplication, ranges that are replaced and an index, on a machine that stops or fails at every single
 * call.
 */
import { PartitionBy } from "../../src/common/mod.ts";
import {
  FaultFileSystem,
  type FileSystem,
  InjectedError,
  SimulatedFileSystem,
} from "../../src/platform/mod.ts";
import { NO_ROWS, TableWriter } from "../../src/storage/mod.ts";
import { Arena } from "../../src/wasm/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { runSeed, SeededRandom } from "../support/seeded_random.ts";
import { checkIndex, core, createTable, readRows, type Row, rowSource } from "./table_fixture.ts";
import { TableModel } from "./table_model.ts";

const HOUR = 3_600_000_000n;
const START = 1_704_067_200_000_000n;
const TABLE_DIR = "/db/t~1";
const EFFECTS = ["none", "partial", "applied"] as const;

function row(hour: number, tag: string, i: number): Row {
  const text = `a text of hour ${hour} by ${tag}`;
  return { ts: at(hour), ok: true, i, l: null, d: 0.5, sym: `${tag}${hour % 3}`, text };
}
function at(hour: number): bigint {
  return START + BigInt(hour) * HOUR;
}

/** One write of a commit: rows, or a range and the rows in its place. */
type Write = { readonly rows: readonly Row[]; readonly range?: readonly [number, number] };
const COMMITS: readonly (readonly Write[])[] = [
  [{ rows: [row(1, "a", 1), row(3, "a", 2), row(30, "a", 3), row(60, "a", 4)] }],
  // Merged into a committed partition and a new one, then both again; a row taken out in each.
  [
    { rows: [row(1, "a", 5), row(2, "b", 6), row(80, "b", 7), row(61, "b", 8)] },
    { rows: [row(1, "a", 9), row(0, "b", 10), row(80, "b", 11), row(79, "c", 12)] },
  ],
  // A whole partition and a part of another go; one is made again.
  [
    { rows: [], range: [24, 62] },
    { rows: [row(31, "d", 13)], range: [30, 40] },
    { rows: [row(31, "d", 14), row(90, "a", 15)] },
  ],
];

function write(writer: TableWriter, commit: number): void {
  for (const { rows, range } of COMMITS[commit]) {
    using arena = new Arena(core.memory);
    const source = rows.length === 0 ? NO_ROWS : rowSource(writer, rows, arena);
    const replaceRange = range === undefined ? undefined : { lo: at(range[0]), hi: at(range[1]) };
    writer.write(source, replaceRange === undefined ? {} : { replaceRange });
  }
}

function commitOne(writer: TableWriter, commit: number, sync = true): void {
  write(writer, commit);
  writer.commit({ seqTxn: commit + 1, sync });
}

function modelOf(commitCount: number): Row[] {
  const model = new TableModel(["sym"]);
  for (const { rows, range } of COMMITS.slice(0, commitCount).flat()) {
    if (range === undefined) model.write(rows);
    else model.replace({ lo: at(range[0]), hi: at(range[1]) }, rows);
  }
  return model.rows;
}

function tableWith(disk: FileSystem, count: number): void {
  disk.mkdir("/db");
  disk.syncDir("/");
  const options = { dedupKeys: ["ts", "sym"], isIndexed: true };
  using writer = TableWriter.open(createTable("/db", PartitionBy.DAY, disk, options));
  for (let i = 0; i < count; i++) commitOne(writer, i);
}

Deno.test("a commit of several writes is there whole or not at all when the power goes at any change, and the next one is right", () => {
  const seed = runSeed();
  let stops = 0;
  for (let commit = 1; commit < COMMITS.length; commit++) {
    for (let change = 1;; change++) {
      const random = new SeededRandom(seed + 1000 * commit + change);
      const disk = new SimulatedFileSystem();
      tableWith(disk, commit);
      const machine = new FaultFileSystem(disk);
      machine.stopAt(change, random.pick(EFFECTS));
      try {
        using writer = TableWriter.open({ fs: machine, core, tableDir: TABLE_DIR });
        commitOne(writer, commit);
        break;
      } catch (error) {
        if (!(error instanceof InjectedError)) throw error;
      }
      stops++;
      disk.crash(random);
      const label = `SEED=${seed} commit ${commit} change ${change}`;
      const context = { fs: disk, core, tableDir: TABLE_DIR };
      using writer = TableWriter.open(context);
      const isThere = writer.txn.seqTxn === commit + 1;
      assertEquals(readRows(context), modelOf(isThere ? commit + 1 : commit), label);
      for (let next = isThere ? commit + 1 : commit; next < COMMITS.length; next++) {
        commitOne(writer, next);
        assertEquals(readRows(context), modelOf(next + 1), label);
      }
      checkIndex(context);
      assertEquals(core.memory.liveBytes, 0, label);
    }
  }
  assert(stops > 200, `${stops} moments were tried`);
});

Deno.test("a failing call of a commit of several writes is told, and after rollback() the same commit succeeds", () => {
  let failures = 0;
  for (let commit = 1; commit < COMMITS.length; commit++) {
    for (let call = 1;; call++) {
      const disk = new SimulatedFileSystem();
      tableWith(disk, commit);
      const faults = new FaultFileSystem(disk);
      const context = { fs: faults, core, tableDir: TABLE_DIR };
      using writer = TableWriter.open(context);
      faults.failAt(call, { effect: EFFECTS[call % 3] });
      try {
        commitOne(writer, commit, call % 2 === 0);
        break; // the commit makes fewer calls than that
      } catch (error) {
        if (!(error instanceof InjectedError)) throw error;
        failures++;
      }
      faults.clear();
      writer.rollback();
      const label = `commit ${commit} call ${call}`;
      // A commit that failed at its very end may have been published.
      const isThere = writer.txn.seqTxn === commit + 1;
      assertEquals(readRows(context), modelOf(isThere ? commit + 1 : commit), label);
      for (let next = isThere ? commit + 1 : commit; next < COMMITS.length; next++) {
        commitOne(writer, next, false);
        assertEquals(readRows(context), modelOf(next + 1), label);
      }
      checkIndex(context);
      assertEquals(core.memory.liveBytes, 0, label);
    }
  }
  assert(failures > 200, `${failures} calls were made to fail`);
});

Deno.test("nothing of a commit shows before it is made: every write of it, read from outside", () => {
  const disk = new SimulatedFileSystem();
  tableWith(disk, 0);
  const context = { fs: disk, core, tableDir: TABLE_DIR };
  using writer = TableWriter.open(context);
  for (let commit = 0; commit < COMMITS.length; commit++) {
    write(writer, commit);
    assertEquals(readRows(context), modelOf(commit));
    writer.commit({ seqTxn: commit + 1, sync: false });
    assertEquals(readRows(context), modelOf(commit + 1));
  }
});

/**
 * Tables of thousands of partitions: an operation on all of them takes time in proportion to their number.
 */
import { ColumnType, PartitionBy } from "../../src/common/mod.ts";
import { SimulatedFileSystem } from "../../src/platform/mod.ts";
import { TableReader, TableWriter } from "../../src/storage/mod.ts";
import { Arena, fixedVector } from "../../src/wasm/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { commitRows, core, createTable, type Row } from "./table_fixture.ts";

const HOUR = 3_600_000_000n;
const START = 1_704_067_200_000_000n;
const PARTITIONS = 3000;

function row(hour: number): Row {
  return { ts: START + BigInt(hour) * HOUR, ok: true, i: hour, l: 1n, d: 1, sym: "s", text: "t" };
}

function millisOf(action: () => void): number {
  const start = performance.now();
  action();
  return performance.now() - start;
}

Deno.test("UPDATE and DROP PARTITION of thousands of partitions take no longer than writing them", () => {
  // A disk that costs next to nothing.
  const disk = new SimulatedFileSystem();
  disk.mkdir("/db");
  const context = createTable("/db", PartitionBy.HOUR, disk);
  using writer = TableWriter.open(context);
  const written = millisOf(() =>
    commitRows(writer, Array.from({ length: PARTITIONS }, (_, i) => row(i)), {
      seqTxn: 1,
      sync: true,
    })
  );
  assertEquals(writer.txn.partitions.length, PARTITIONS);
  const updated = millisOf(() => {
    using arena = new Arena(core.memory);
    const rows = arena.alloc(4), data = arena.alloc(4);
    core.memory.u32[rows / 4] = 0;
    core.memory.i32[data / 4] = -7;
    const vector = fixedVector(ColumnType.INT, data);
    const partitions = writer.txn.partitions.map((_, index) => (
      { index, rows, rowCount: 1, columns: [{ writerIndex: 1, vector }] }
    ));
    writer.update({ partitions });
    writer.commit({ seqTxn: 2, sync: true });
  });
  const timestamps = writer.txn.partitions.slice(0, -1).map((one) => one.timestamp);
  const dropped = millisOf(() =>
    writer.alter({ kind: "dropPartitions", timestamps, isForced: false }, {
      seqTxn: 3,
      sync: true,
    })
  );
  assert(updated < written, `UPDATE of all partitions: ${updated} ms, INSERT: ${written} ms`);
  assert(dropped < written, `DROP of all partitions: ${dropped} ms, INSERT: ${written} ms`);
  using reader = TableReader.open(context);
  assertEquals(reader.partitions.map((one) => one.timestamp), [row(PARTITIONS - 1).ts]);
});

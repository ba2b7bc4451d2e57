import fc from "fast-check";
import { PartitionBy } from "../../src/common/mod.ts";
import { TableReader, TableWriter } from "../../src/storage/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { commitRows, core, createTable, readRows, type Row, rowSource } from "./table_fixture.ts";
import { Arena } from "../../src/wasm/mod.ts";

const HOUR = 3_600_000_000n;
const START = 1_704_067_200_000_000n;

const anyRow = fc.record<Row>({
  // Few distinct times, so that ties happen; over four days, so that partitions do.
  ts: fc.integer({ min: 0, max: 96 }).map((hour) => START + BigInt(hour) * HOUR),
  ok: fc.boolean(),
  i: fc.option(fc.integer({ min: -0x7fffffff })), // the lowest int stands for NULL
  l: fc.option(fc.bigInt(-(2n ** 63n) + 1n, 2n ** 63n - 1n)),
  d: fc.option(fc.double({ noNaN: true })),
  sym: fc.option(fc.string({ maxLength: 3, unit: "binary" })),
  text: fc.option(fc.string({ maxLength: 40, unit: "grapheme" })),
}, { noNullPrototype: true });

/** What the table must hold: all rows, by time, ties in commit order. */
function sorted(rows: readonly Row[]): Row[] {
  return [...rows].sort((a, b) => a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0);
}

for (const unit of [PartitionBy.HOUR, PartitionBy.DAY, PartitionBy.WEEK, PartitionBy.YEAR]) {
  Deno.test(`TableWriter holds what a model holds over random commits, partition unit ${unit}`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(anyRow, { maxLength: 30 }), { maxLength: 8 }),
        fc.boolean(),
        (commits, reopens) => {
          using directory = new TempDir();
          const context = createTable(directory.path, unit);
          let writer = TableWriter.open(context);
          const model: Row[] = [];
          for (const [index, rows] of commits.entries()) {
            commitRows(writer, rows, { seqTxn: index + 1 });
            model.push(...rows);
            assertEquals(readRows(context), sorted(model));
            assertEquals(writer.txn.seqTxn, index + 1);
            if (reopens) {
              writer.close();
              writer = TableWriter.open(context);
            }
          }
          writer.close();
          assertEquals(core.memory.liveBytes, 0, "no block of memory is left behind");
        },
      ),
      { numRuns: 25 },
    );
  });
}

Deno.test("TableWriter keeps an open reader's rows through merges, appends and truncation", () => {
  using directory = new TempDir();
  const context = createTable(directory.path, PartitionBy.DAY);
  using writer = TableWriter.open(context);
  const row = (hour: number): Row => ({
    ts: START + BigInt(hour) * HOUR,
    ok: true,
    i: hour,
    l: null,
    d: 0.5,
    sym: `s${hour}`,
    text: `a text of hour ${hour}`,
  });
  commitRows(writer, [row(1), row(30)], { seqTxn: 1 });
  using reader = TableReader.open(context);
  using arena = new Arena(core.memory);
  const times = () => {
    const read = (partition: number) =>
      core.memory.i64[reader.readColumn(partition, 2, { rowLo: 0, rowHi: 1 }, arena).data / 8];
    return [read(0), read(1)];
  };
  const before = times();
  commitRows(writer, [row(0), row(2), row(29), row(31)], { seqTxn: 2 });
  writer.truncate({ keepsSymbols: true });
  writer.commit({ seqTxn: 3, sync: true });
  commitRows(writer, [row(5)], { seqTxn: 4 });
  assertEquals(times(), before);
  assertEquals(reader.rowCount, 2);
  assertEquals(readRows(context).map((r) => r.i), [5]);
});

Deno.test("TableWriter.rollback() forgets rows and symbols, and the next commit is right", () => {
  using directory = new TempDir();
  const context = createTable(directory.path, PartitionBy.DAY);
  using writer = TableWriter.open(context);
  const row = (hour: number, sym: string): Row => ({
    ts: START + BigInt(hour) * HOUR,
    ok: false,
    i: 1,
    l: 2n,
    d: 3,
    sym,
    text: sym,
  });
  commitRows(writer, [row(1, "kept")], { seqTxn: 1 });
  using arena = new Arena(core.memory);
  writer.write(
    rowSource(
      writer,
      [row(0, "lost"), row(2, "lost too, and long enough not to be inlined")],
      arena,
    ),
  );
  writer.rollback();
  assertEquals(readRows(context).length, 1);
  commitRows(writer, [row(3, "next")], { seqTxn: 2 });
  assertEquals(readRows(context).map((r) => r.sym), ["kept", "next"]);
});

Deno.test("TableWriter takes over after a crash before _txn: nothing half visible, nothing lost", () => {
  using directory = new TempDir();
  const context = createTable(directory.path, PartitionBy.DAY);
  const row = (hour: number): Row => ({
    ts: START + BigInt(hour) * HOUR,
    ok: false,
    i: hour,
    l: 2n,
    d: 3,
    sym: `s${hour}`,
    text: null,
  });
  {
    using writer = TableWriter.open(context);
    commitRows(writer, [row(1), row(40)], { seqTxn: 1 });
    using arena = new Arena(core.memory);
    writer.write(rowSource(writer, [row(0), row(41), row(90)], arena));
    writer.symbolMap(5).flush(false); // as commit() does, before the process dies
  }
  assertEquals(readRows(context).map((r) => r.i), [1, 40]);
  using writer = TableWriter.open(context);
  commitRows(writer, [row(0), row(42), row(91)], { seqTxn: 2 });
  const rows = readRows(context);
  assertEquals(rows.map((r) => r.i), [0, 1, 40, 42, 91]);
  assertEquals(rows.map((r) => r.sym), ["s0", "s1", "s40", "s42", "s91"]);
});

Deno.test("TableWriter merges a partition of several chunks", () => {
  using directory = new TempDir();
  const context = createTable(directory.path, PartitionBy.YEAR);
  using writer = TableWriter.open(context);
  const count = 1_200_000; // over one chunk of committed rows
  using arena = new Arena(core.memory);
  const times = arena.alloc(8 * count);
  for (let i = 0; i < count; i++) {
    core.memory.i64[times / 8 + i] = START + BigInt(Math.floor(i / 3)) * 2n;
  }
  const source = (rowCount: number, timestamps: number) => ({
    rowCount,
    timestamps,
    minTimestamp: core.memory.i64[timestamps / 8],
    maxTimestamp: core.memory.i64[timestamps / 8 + rowCount - 1],
    column: (index: number) =>
      index === 2
        ? { type: 8, data: timestamps, heap: 0, heapBytes: 0, heapOffset: 0, symbols: null }
        : null,
    release: () => {},
  });
  writer.write(source(count, times));
  writer.commit({ seqTxn: 1, sync: false });
  const late = arena.alloc(8 * 1000);
  for (let i = 0; i < 1000; i++) {
    core.memory.i64[late / 8 + i] = START + BigInt(i) * 800n + BigInt(i % 2);
  }
  writer.write(source(1000, late));
  writer.commit({ seqTxn: 2, sync: false });
  using reader = TableReader.open(context);
  assertEquals(reader.rowCount, count + 1000);
  const all = reader.readColumn(0, 2, { rowLo: 0, rowHi: count + 1000 }, arena);
  assert(core.kernels.isSortedI64(all.data, count + 1000) === 1, "merged rows are in order");
});

/**
 * UPDATE: what readers see before and behind it, and what a crash leaves.
 */
import { ColumnType, PartitionBy } from "../../../src/common/mod.ts";
import { FaultFileSystem, InjectedError, SimulatedFileSystem } from "../../../src/platform/mod.ts";
import { type StorageContext, TableReader, TableWriter } from "../../../src/storage/mod.ts";
import { textVector } from "../../../src/storage/alter/text_vectors.ts";
import { Arena, fixedVector } from "../../../src/wasm/mod.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { SeededRandom } from "../../support/seeded_random.ts";
import { checkIndex, commitRows, core, createTable, readRows, type Row } from "../table_fixture.ts";

const START = 1_704_067_200_000_000n;
const TABLE_DIR = "/db/t~1";
const ROWS: readonly Row[] = Array.from({ length: 60 }, (_, i) => ({
  ts: START + BigInt(i) * 3_600_000_000n,
  ok: true,
  i: i % 7 === 0 ? null : i,
  l: BigInt(i),
  d: 0.5,
  sym: i % 5 === 0 ? null : `s${i % 4}`,
  text: i % 6 === 0 ? null : `a text of row ${i}`,
}));

function table(): SimulatedFileSystem {
  const disk = new SimulatedFileSystem();
  disk.mkdir("/db");
  disk.syncDir("/");
  const context = createTable("/db", PartitionBy.DAY, disk, { isIndexed: true });
  using writer = TableWriter.open(context);
  commitRows(writer, ROWS, { seqTxn: 1, sync: true });
  return disk;
}

/** Rows 0, 2, 4, … of a day get another number, symbol and text. */
function isChanged(day: number, row: number): boolean {
  return row % 2 === 0 && Math.floor(row / 24) === day;
}

function update(writer: TableWriter, day: number): void {
  using arena = new Arena(core.memory);
  const { u32, i32 } = core.memory;
  const count = Math.ceil((Math.min(24 * (day + 1), ROWS.length) - 24 * day) / 2);
  const rows = arena.alloc(4 * count),
    numbers = arena.alloc(4 * count),
    keys = arena.alloc(4 * count);
  const symbols = writer.symbolMap(5);
  for (let i = 0; i < count; i++) {
    u32[rows / 4 + i] = 2 * i;
    i32[numbers / 4 + i] = 1000 + i;
    i32[keys / 4 + i] = symbols.intern(`new${i % 2}`);
  }
  const texts = {
    type: ColumnType.VARCHAR,
    rowCount: count,
    at: (i: number) => `changed text ${i}`,
  };
  writer.update({
    partitions: [{
      index: day,
      rows,
      rowCount: count,
      columns: [
        { writerIndex: 1, vector: fixedVector(ColumnType.INT, numbers) },
        { writerIndex: 5, vector: fixedVector(ColumnType.SYMBOL, keys, symbols) },
        { writerIndex: 6, vector: textVector(core, texts, arena) },
      ],
    }],
  });
}

function modelOf(days: readonly number[]): Row[] {
  return ROWS.map((one, row) => {
    const day = days.find((candidate) => isChanged(candidate, row));
    if (day === undefined) return one;
    const i = (row - 24 * day) / 2;
    return { ...one, i: 1000 + i, sym: `new${i % 2}`, text: `changed text ${i}` };
  });
}

Deno.test("TableWriter.update() changes the rows it is told, and readers from before see the old ones", () => {
  const disk = table();
  const context: StorageContext = { fs: disk, core, tableDir: TABLE_DIR };
  using writer = TableWriter.open(context);
  using old = TableReader.open(context);
  for (const day of [1, 2]) {
    update(writer, day);
    writer.commit({ seqTxn: 2 + day, sync: false });
  }
  assertEquals(readRows(context), modelOf([1, 2]));
  checkIndex(context);
  using arena = new Arena(core.memory);
  const { data } = old.readColumn(1, 1, { rowLo: 0, rowHi: 24 }, arena);
  const numbers = [...core.memory.i32.subarray(data / 4, data / 4 + 24)];
  assertEquals(
    numbers.map((one) => one === -0x80000000 ? null : one),
    ROWS.slice(24, 48).map((one) => one.i),
  );
  commitRows(writer, [{ ...ROWS[59], i: 5 }], { seqTxn: 9 });
  assertEquals(readRows(context).length, ROWS.length + 1);
  checkIndex(context);
});

Deno.test("TableWriter.update() is there whole or not at all when the power goes at any change", () => {
  let stops = 0;
  for (let change = 1;; change++) {
    const disk = table();
    const machine = new FaultFileSystem(disk);
    machine.stopAt(change, (["none", "partial", "applied"] as const)[change % 3]);
    try {
      using writer = TableWriter.open({ fs: machine, core, tableDir: TABLE_DIR });
      update(writer, 1);
      writer.commit({ seqTxn: 2, sync: true });
      break;
    } catch (error) {
      if (!(error instanceof InjectedError)) throw error;
    }
    stops++;
    disk.crash(new SeededRandom(change));
    const context = { fs: disk, core, tableDir: TABLE_DIR };
    using writer = TableWriter.open(context);
    const isThere = writer.txn.seqTxn === 2;
    assertEquals(readRows(context), modelOf(isThere ? [1] : []), `change ${change}`);
    if (!isThere) {
      update(writer, 1);
      writer.commit({ seqTxn: 2, sync: true });
      assertEquals(readRows(context), modelOf([1]), `change ${change}, again`);
    }
    checkIndex(context);
    assertEquals(core.memory.liveBytes, 0);
  }
  assert(stops > 10, `${stops} moments were tried`);
});

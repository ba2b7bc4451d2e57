/**
 * Symbol tables that get a larger capacity when they are nearly full: when, to what, and with every call of it failing.
 */
import { ColumnType, PartitionBy } from "../../src/common/mod.ts";
import { FaultFileSystem, InjectedError, SimulatedFileSystem } from "../../src/platform/mod.ts";
import {
  type StorageContext,
  TableReader,
  TableWriter,
  type TableWriterOptions,
} from "../../src/storage/mod.ts";
import { symbolGrowth } from "../../src/storage/alter/symbol_operations.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { runSeed, SeededRandom } from "../support/seeded_random.ts";
import { commitRows, core, createTable, readRows, type Row } from "./table_fixture.ts";

const START = 1_704_067_200_000_000n;
const TABLE_DIR = "/db/t~1";
const SYMBOL = 5;
const EFFECTS = ["none", "partial", "applied"] as const;

/** A row with a symbol of its own. */
function row(i: number): Row {
  return {
    ts: START + BigInt(i) * 3_600_000_000n,
    ok: true,
    i,
    l: null,
    d: null,
    sym: i % 7 === 6 ? null : `symbol ${i}`,
    text: `row ${i}`,
  };
}

function rows(from: number, to: number): Row[] {
  return Array.from({ length: to - from }, (_, i) => row(from + i));
}

/** An empty table whose symbol column has a capacity. */
function tableOn(disk: SimulatedFileSystem, capacity: number): StorageContext {
  disk.mkdir("/db");
  disk.syncDir("/");
  const context = createTable("/db", PartitionBy.DAY, disk, { isIndexed: true });
  using writer = TableWriter.open(context);
  writer.alter({ kind: "changeSymbolCapacity", name: "sym", capacity }, { seqTxn: 1, sync: true });
  return context;
}

/** Commits rows as every commit of rows is made. */
function commitAndGrow(writer: TableWriter, added: readonly Row[], seqTxn: number): void {
  commitRows(writer, added, { seqTxn, sync: true });
  writer.growSymbols({ seqTxn, sync: true });
}

function capacityOf(context: StorageContext): number {
  using reader = TableReader.open(context);
  const { symbolCapacity } = reader.metadata.columns[SYMBOL];
  const nameTxn = reader.versions.symbolNameTxn(SYMBOL);
  using offsets = context.fs.open(`${TABLE_DIR}/sym.o${nameTxn < 0 ? "" : `.${nameTxn}`}`, "read");
  const header = new Uint8Array(4);
  offsets.read(header, 0);
  assertEquals(new DataView(header.buffer).getInt32(0, true), symbolCapacity, "_meta and .o agree");
  return symbolCapacity;
}

Deno.test("symbolGrowth asks for what QuestDB makes of a capacity and a number of symbols", () => {
  const context = tableOn(new SimulatedFileSystem(), 16);
  using reader = TableReader.open(context);
  // Capacity, symbols, capacity behind the commit: seen with QuestDB 9.3.4.
  const seen = [
    [16, 12, 16],
    [16, 13, 32],
    [16, 31, 32],
    [16, 33, 32],
    [16, 63, 32],
    [16, 64, 64],
    [16, 127, 64],
    [16, 128, 128],
    [2, 1, 2],
    [2, 2, 4],
    [2, 3, 4],
    [4, 4, 8],
    [64, 300, 256],
    [256, 301, 512],
    [128, 102, 128],
    [128, 103, 256],
    [128, 5000, 4096],
  ];
  for (const [capacity, count, expected] of seen) {
    const columns = reader.metadata.columns.map((column) =>
      column.type === ColumnType.SYMBOL ? { ...column, symbolCapacity: capacity } : column
    );
    const txn = { ...reader.txn, symbolCounts: [count] };
    const growth = symbolGrowth({ ...reader.metadata, columns }, txn, 0.8);
    assertEquals(
      growth,
      expected === capacity ? [] : [{ name: "sym", capacity: expected }],
      `${count} of ${capacity}`,
    );
  }
});

Deno.test("symbolGrowth stays below the capacity that can be opened, and takes thresholds above 1", () => {
  const context = tableOn(new SimulatedFileSystem(), 16);
  using reader = TableReader.open(context);
  const growthOf = (symbolCapacity: number, count: number, threshold: number) => {
    const columns = reader.metadata.columns.map((column) => ({ ...column, symbolCapacity }));
    const txn = { ...reader.txn, symbolCounts: [count] };
    return symbolGrowth({ ...reader.metadata, columns }, txn, threshold);
  };
  assertEquals(growthOf(1 << 25, 1 << 28, 0.8), [{ name: "sym", capacity: 1 << 26 }]);
  assertEquals(growthOf(1 << 26, 1 << 28, 0.8), []);
  assertEquals(growthOf(16, 24, 1.5), []);
  assertEquals(growthOf(16, 25, 1.5), [{ name: "sym", capacity: 32 }]);
});

Deno.test("TableWriter.growSymbols is a transaction of its own that keeps keys, rows and readers", () => {
  const context = tableOn(new SimulatedFileSystem(), 2);
  using writer = TableWriter.open(context);
  commitRows(writer, rows(0, 3), { seqTxn: 2, sync: true });
  assert(writer.needsSymbolGrowth);
  using before = TableReader.open(context);
  const { txn } = writer;
  writer.growSymbols({ seqTxn: 2, sync: true });
  assert(!writer.needsSymbolGrowth);
  assertEquals([writer.txn.txn, writer.txn.seqTxn], [txn.txn + 1, txn.seqTxn]);
  assertEquals(writer.txn.structureVersion, txn.structureVersion + 1n, "the metadata's version");
  assertEquals(writer.metadata.metadataVersion, before.metadata.metadataVersion + 1);
  using after = TableReader.open(context);
  assertEquals(after.versions.symbolNameTxn(SYMBOL), txn.txn);
  assertEquals(after.versions.version, before.versions.version + 1);
  assertEquals(capacityOf(context), 4);
  commitAndGrow(writer, rows(3, 40), 3);
  assertEquals(capacityOf(context), 32);
  assertEquals(readRows(context), rows(0, 40));
  const old = before.symbolTable(SYMBOL), grown = after.symbolTable(SYMBOL);
  assertEquals([old.count, grown.count], [3, 3], "the reader of before has its files");
  for (let key = 0; key < 3; key++) assertEquals(old.text(key), grown.text(key));
});

Deno.test("TableWriter.growSymbols follows its threshold, and does nothing without one", () => {
  const cases: [TableWriterOptions, number][] = [
    [{}, 32],
    [{ symbolGrowthThreshold: 1.5 }, 16],
    [{ symbolGrowthThreshold: null }, 16],
  ];
  for (const [options, capacity] of cases) {
    const context = tableOn(new SimulatedFileSystem(), 16);
    using writer = TableWriter.open(context, options);
    commitAndGrow(writer, rows(0, 25), 2);
    assertEquals(capacityOf(context), capacity, JSON.stringify(options));
  }
});

/** Commits that make the symbols grow twice. */
const STEPS: readonly (readonly [from: number, to: number])[] = [[0, 5], [5, 8], [8, 30]];

/** Goes on from wherever the table is, to the end. */
function finish(context: StorageContext, writer: TableWriter, label: string): void {
  const done = readRows(context).length;
  assert([0, ...STEPS.map(([, to]) => to)].includes(done), `${label}: whole commits`);
  assertEquals(readRows(context), rows(0, done), label);
  for (const [index, [from, to]] of STEPS.entries()) {
    if (from >= done) commitAndGrow(writer, rows(from, to), index + 2);
  }
  commitAndGrow(writer, rows(30, 31), 9);
  assertEquals(readRows(context), rows(0, 31), label);
  // What a crash has cut off is made up for, a step a commit.
  while (writer.needsSymbolGrowth) writer.growSymbols({ seqTxn: 9, sync: true });
  assertEquals(capacityOf(context), 64, label);
}

Deno.test("TableWriter.growSymbols: a machine that loses power at any change goes on with every row", () => {
  const seed = runSeed();
  let stops = 0;
  for (let change = 1;; change++) {
    const label = `SEED=${seed} change ${change}`;
    const random = new SeededRandom(seed + change);
    const disk = new SimulatedFileSystem();
    tableOn(disk, 2);
    const machine = new FaultFileSystem(disk);
    machine.stopAt(change, random.pick(EFFECTS));
    try {
      using writer = TableWriter.open({ fs: machine, core, tableDir: TABLE_DIR });
      for (const [index, [from, to]] of STEPS.entries()) {
        commitAndGrow(writer, rows(from, to), index + 2);
      }
      break;
    } catch (error) {
      if (!(error instanceof InjectedError)) throw error;
    }
    stops++;
    disk.crash(random);
    const context = { fs: disk, core, tableDir: TABLE_DIR };
    using writer = TableWriter.open(context);
    finish(context, writer, label);
    assertEquals(core.memory.liveBytes, 0, label);
  }
  assert(stops > 60, `${stops} moments were tried`);
});

Deno.test("TableWriter.growSymbols reports a failing call, and after rollback() the table goes on with every row", () => {
  let failures = 0;
  for (let call = 1;; call++) {
    const disk = new SimulatedFileSystem();
    tableOn(disk, 2);
    const faults = new FaultFileSystem(disk);
    const context = { fs: faults, core, tableDir: TABLE_DIR };
    using writer = TableWriter.open(context);
    faults.failAt(call, { effect: EFFECTS[call % 3] });
    try {
      for (const [index, [from, to]] of STEPS.entries()) {
        commitAndGrow(writer, rows(from, to), index + 2);
      }
      break;
    } catch (error) {
      if (!(error instanceof InjectedError)) throw error;
      failures++;
    }
    faults.clear();
    writer.rollback();
    finish(context, writer, `call ${call}`);
  }
  assert(failures > 100, `${failures} calls were made to fail`);
});

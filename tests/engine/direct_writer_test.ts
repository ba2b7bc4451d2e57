/**
 * Rows into tables without WAL: partitioned, without partitions, without a designated timestamp; in memory that is bounded, over failures
 * and power losses.
 */
import fc from "fast-check";
import { ColumnType, PartitionBy, TableError } from "../../src/common/mod.ts";
import { DirectWriter } from "../../src/engine/direct_writer.ts";
import { TableDurability } from "../../src/engine/table_durability.ts";
import {
  FaultFileSystem,
  type FileSystem,
  InjectedError,
  SimulatedFileSystem,
  SystemClock,
} from "../../src/platform/mod.ts";
import { createTableFiles, TableReader, TableWriter } from "../../src/storage/mod.ts";
import { Arena } from "../../src/wasm/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { testCore } from "../support/engine_fixture.ts";
import { runSeed, SeededRandom } from "../support/seeded_random.ts";
import { batchOf, type CellValue, readRows, type Row } from "../support/table_rows.ts";

const core = testCore();
const HOUR = 3_600_000_000n;
const START = 1_704_067_200_000_000n;
const TABLE_DIR = "/db/t";

/** Creates a table (ts, sym, note, total), without `ts` as its designated timestamp if asked for. */
function createTable(
  fs: FileSystem,
  options: { partitionBy?: number; hasTimestamp?: boolean; maxUncommittedRows?: number } = {},
): void {
  fs.mkdir("/db");
  fs.syncDir("/");
  const definition = {
    name: "t",
    columns: [
      { name: "ts", type: ColumnType.TIMESTAMP },
      { name: "sym", type: ColumnType.SYMBOL, symbolCapacity: 4 },
      { name: "note", type: ColumnType.VARCHAR },
      { name: "total", type: ColumnType.LONG },
    ],
    timestampIndex: options.hasTimestamp === false ? -1 : 0,
    partitionBy: options.partitionBy ?? PartitionBy.DAY,
    isWalEnabled: false,
    maxUncommittedRows: options.maxUncommittedRows ?? 500_000,
    o3MaxLagMicros: 600_000_000n,
    ttlHoursOrMonths: 0,
  };
  createTableFiles(fs, TABLE_DIR, { definition, tableId: 1 });
}

function open(fs: FileSystem): DirectWriter {
  return new DirectWriter({
    fs,
    core,
    clock: new SystemClock(),
    tableDir: TABLE_DIR,
    durability: new TableDurability({ fs, tableDir: TABLE_DIR, bootId: null }),
  });
}

function append(
  writer: DirectWriter,
  rows: readonly Row[],
  symbolsAs: "varchar" | "symbol" = "varchar",
): void {
  using arena = new Arena(core.memory);
  writer.append(batchOf(core, arena, { metadata: writer.metadata, rows, symbolsAs }));
}

function rowsOf(fs: FileSystem): CellValue[][] {
  using reader = TableReader.open({ fs, core, tableDir: TABLE_DIR });
  return readRows(core, reader);
}

function row(hour: number, tag: string, total = 0n): Row {
  return [
    START + BigInt(hour) * HOUR,
    `${tag}${hour % 3}`,
    `a note of hour ${hour} by ${tag}`,
    total,
  ];
}

function byTime(rows: readonly Row[]): CellValue[][] {
  return rows.map((one) => [...one]).sort((a, b) => a[0]! < b[0]! ? -1 : a[0]! > b[0]! ? 1 : 0);
}

const anyRow = fc.tuple(
  fc.integer({ min: 0, max: 80 }).map((hour) => START + BigInt(hour) * HOUR),
  fc.option(fc.constantFrom("a", "b", "c", "d")),
  fc.option(fc.string({ maxLength: 30, unit: "grapheme" })),
  fc.option(fc.bigInt(-(2n ** 62n), 2n ** 62n)),
);
const anyStep = fc.oneof(
  { weight: 6, arbitrary: fc.array(anyRow, { minLength: 1, maxLength: 12 }) },
  {
    weight: 5,
    arbitrary: fc.constantFrom(
      "commit" as const,
      "rollback" as const,
      "truncate" as const,
      "reopen" as const,
    ),
  },
);

for (const maxUncommittedRows of [500_000, 3]) {
  Deno.test(`DirectWriter holds what a model holds over random appends, commits, rollbacks, truncations; ${maxUncommittedRows} rows in memory`, () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 20 }), fc.boolean(), (steps, isSymbol) => {
        const fs = new SimulatedFileSystem();
        createTable(fs, { maxUncommittedRows });
        let writer = open(fs);
        let committed: Row[] = [], pending: Row[] = [];
        for (const step of [...steps, "commit" as const]) {
          if (typeof step === "object") {
            append(writer, step, isSymbol ? "symbol" : "varchar");
            pending = [...pending, ...step];
            assertEquals(writer.uncommittedRowCount, pending.length);
          } else if (step === "commit") {
            assertEquals(writer.commit(), 0);
            committed = [...committed, ...pending];
            pending = [];
          } else if (step === "truncate") {
            writer.commit();
            writer.truncate({ keepsSymbols: pending.length % 2 === 0 });
            committed = pending = [];
          } else {
            if (step === "rollback") writer.rollback();
            else {
              writer.close();
              writer = open(fs);
            }
            pending = [];
          }
          assertEquals(rowsOf(fs), byTime(committed));
        }
        writer.close();
        assertEquals(core.memory.liveBytes, 0, "no block of memory is left behind");
      }),
      { numRuns: 60 },
    );
  });
}

Deno.test("a table without partitions takes rows in order only, in QuestDB's words, and keeps the transaction before", () => {
  const fs = new SimulatedFileSystem();
  createTable(fs, { partitionBy: PartitionBy.NONE });
  using writer = open(fs);
  append(writer, [row(5, "a"), row(6, "a")]);
  writer.commit();
  const message = `cannot insert rows out of order to non-partitioned table. Table=${TABLE_DIR}`;
  assertThrows(() => append(writer, [row(4, "b")]), TableError, message);
  assertThrows(() => append(writer, [row(8, "b"), row(7, "b")]), TableError, message);
  append(writer, [row(9, "c")]);
  assertThrows(() => append(writer, [row(8, "b")]), TableError, message);
  assertEquals(writer.uncommittedRowCount, 1);
  append(writer, [row(9, "d")]);
  writer.commit();
  assertEquals(
    rowsOf(fs),
    [row(5, "a"), row(6, "a"), row(9, "c"), row(9, "d")].map((one) => [...one]),
  );
});

Deno.test("a table without a designated timestamp keeps rows as they come, NULLs included, also after truncation", () => {
  const fs = new SimulatedFileSystem();
  createTable(fs, { partitionBy: PartitionBy.NONE, hasTimestamp: false, maxUncommittedRows: 2 });
  using writer = open(fs);
  const rows: Row[] = [row(5, "a"), [null, null, null, null], row(4, "b"), row(4, "b")];
  append(writer, rows);
  append(writer, rows);
  writer.commit();
  assertEquals(rowsOf(fs), [...rows, ...rows].map((one) => [...one]));
  writer.truncate({ keepsSymbols: false });
  assertEquals(rowsOf(fs), []);
  append(writer, rows.slice(1));
  writer.commit();
  assertEquals(rowsOf(fs), rows.slice(1).map((one) => [...one]));
});

Deno.test("DirectWriter refuses times that QuestDB refuses", () => {
  const fs = new SimulatedFileSystem();
  createTable(fs);
  using writer = open(fs);
  const at = (time: bigint | null): Row => [time, "a", null, 1n];
  assertThrows(
    () => append(writer, [at(null)]),
    TableError,
    "designated timestamp column cannot be NULL",
  );
  assertThrows(
    () => append(writer, [at(-1n)]),
    TableError,
    "designated timestamp before 1970-01-01 is not allowed",
  );
  assertEquals(writer.uncommittedRowCount, 0);
});

Deno.test("DirectWriter takes notice of what others commit between its transactions", () => {
  const fs = new SimulatedFileSystem();
  createTable(fs);
  using writer = open(fs);
  append(writer, [row(1, "a")]);
  writer.commit();
  {
    using other = TableWriter.open({ fs, core, tableDir: TABLE_DIR });
    const column = { name: "added", type: ColumnType.INT };
    other.alter({ kind: "addColumn", column }, { seqTxn: 0, sync: true });
  }
  assertEquals(writer.metadata.columns.length, 5);
  append(writer, [[...row(0, "b"), 7], [...row(2, "c"), null]]);
  writer.commit();
  assertEquals(rowsOf(fs), [[...row(0, "b"), 7], [...row(1, "a"), null], [...row(2, "c"), null]]);
});

const COMMITS: readonly Row[][] = [
  [row(3, "a"), row(30, "a"), row(60, "a")],
  [row(31, "b"), row(1, "b"), row(29, "b"), row(61, "b"), row(80, "b")],
];
const EFFECTS = ["none", "partial", "applied"] as const;

/** A table with the first `count` commits; three rows in memory at most. */
function tableWith(fs: FileSystem, count: number): void {
  createTable(fs, { maxUncommittedRows: 3 });
  using writer = open(fs);
  for (const rows of COMMITS.slice(0, count)) {
    append(writer, rows);
    writer.commit();
  }
}

Deno.test("DirectWriter.commit() is there whole or not at all when the power goes at any change, and the next one is right", () => {
  const seed = runSeed();
  let stops = 0;
  for (let change = 1;; change++) {
    const random = new SeededRandom(seed + change);
    const disk = new SimulatedFileSystem();
    tableWith(disk, 1);
    const machine = new FaultFileSystem(disk);
    machine.stopAt(change, random.pick(EFFECTS));
    try {
      using writer = open(machine);
      for (const one of COMMITS[1]) append(writer, [one]);
      writer.commit();
      break;
    } catch (error) {
      // Closing fails, too, on a machine that has stopped.
      const first = error instanceof SuppressedError ? error.suppressed : error;
      if (!(first instanceof InjectedError)) throw error;
    }
    stops++;
    disk.crash(random);
    const label = `SEED=${seed} change ${change}`;
    const found = rowsOf(disk);
    const isThere = found.length > COMMITS[0].length;
    assertEquals(found, byTime(isThere ? COMMITS.flat() : COMMITS[0]), label);
    using writer = open(disk);
    append(writer, COMMITS[1]);
    writer.commit();
    assertEquals(
      rowsOf(disk).length,
      COMMITS.flat().length + (isThere ? COMMITS[1].length : 0),
      label,
    );
  }
  assert(stops > 50, `${stops} moments were tried`);
});

Deno.test("DirectWriter is as it was after a failing call, and takes the same rows again", () => {
  let failures = 0;
  for (let call = 1;; call++) {
    const disk = new SimulatedFileSystem();
    tableWith(disk, 1);
    const faults = new FaultFileSystem(disk);
    using writer = open(faults);
    assertEquals(writer.uncommittedRowCount, 0);
    faults.failAt(call, { effect: EFFECTS[call % 3] });
    try {
      for (const one of COMMITS[1]) append(writer, [one]);
      writer.commit();
      break;
    } catch (error) {
      if (!(error instanceof InjectedError)) throw error;
      failures++;
    }
    faults.clear();
    assertEquals(writer.uncommittedRowCount, 0, `call ${call}`);
    const isThere = rowsOf(disk).length > COMMITS[0].length; // it failed at its very end
    if (!isThere) {
      append(writer, COMMITS[1]);
      writer.commit();
    }
    assertEquals(rowsOf(disk), byTime(COMMITS.flat()), `call ${call}`);
  }
  assert(failures > 50, `${failures} calls were made to fail`);
});

Deno.test("DirectWriter goes on from the last commit after a failing call and another one while it is rolled back", () => {
  let failures = 0;
  for (const later of [1, 2, 3, 5, 8, 13, 21]) {
    for (let call = 1;; call++) {
      const disk = new SimulatedFileSystem();
      tableWith(disk, 1);
      const faults = new FaultFileSystem(disk);
      using writer = open(faults);
      faults.failAt(call, { effect: EFFECTS[call % 3] });
      faults.failAt(call + later, { effect: EFFECTS[(call + later) % 3] });
      try {
        for (const one of COMMITS[1]) append(writer, [one]);
        writer.commit();
        break;
      } catch (error) {
        if (!(error instanceof InjectedError)) throw error;
        failures++;
      }
      faults.clear();
      const label = `call ${call} and ${later} later`;
      assertEquals(writer.uncommittedRowCount, 0, label);
      const isThere = rowsOf(disk).length > COMMITS[0].length;
      if (!isThere) {
        append(writer, COMMITS[1]);
        writer.commit();
      }
      assertEquals(rowsOf(disk), byTime(COMMITS.flat()), label);
    }
  }
  assert(failures > 350, `${failures} calls were made to fail`);
});

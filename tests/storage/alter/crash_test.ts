/**
 * Every operation on a machine that loses power at every change it makes to the disk, and with every single call failing: afterwards the
 * table is what it was, or what the operation makes of it, and the operation can be done again.
 */
import { ColumnType, fixedSize, isVariableSize, PartitionBy } from "../../../src/common/mod.ts";
import { FaultFileSystem, InjectedError, SimulatedFileSystem } from "../../../src/platform/mod.ts";
import {
  type AlterOperation,
  type StorageContext,
  TableReader,
  TableWriter,
} from "../../../src/storage/mod.ts";
import { textReader } from "../../../src/storage/alter/text_vectors.ts";
import { Arena } from "../../../src/wasm/mod.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { runSeed, SeededRandom } from "../../support/seeded_random.ts";
import { commitRows, core, createTable, type Row } from "../table_fixture.ts";

const HOUR = 3_600_000_000n;
const DAY = 24n * HOUR;
const START = 1_704_067_200_000_000n;
const TABLE_DIR = "/db/t~1";
const EFFECTS = ["none", "partial", "applied"] as const;

function row(hour: number): Row {
  return {
    ts: START + BigInt(hour) * HOUR,
    ok: hour % 2 === 0,
    i: hour % 3 === 0 ? null : hour,
    l: BigInt(hour),
    d: 0.5,
    sym: hour % 4 === 0 ? null : `s${hour % 5}`,
    text: `a text of hour ${hour}`,
  };
}

const options = { seqTxn: 9, sync: false };

/** An operation, and what comes before it. */
interface Case {
  readonly operation: AlterOperation;
  readonly splitMinBytes?: number;
  readonly before?: (writer: TableWriter, disk: SimulatedFileSystem) => void;
}

const CASES: readonly Case[] = [
  { operation: { kind: "addColumn", column: { name: "x", type: ColumnType.STRING } } },
  {
    operation: {
      kind: "addColumn",
      column: { name: "x", type: ColumnType.SYMBOL, isIndexed: true },
    },
  },
  { operation: { kind: "dropColumn", name: "sym" } },
  { operation: { kind: "renameColumn", from: "sym", to: "renamed" } },
  { operation: { kind: "renameColumn", from: "text", to: "renamed" } },
  { operation: { kind: "changeColumnType", name: "i", type: ColumnType.VARCHAR } },
  {
    operation: { kind: "changeColumnType", name: "text", type: ColumnType.SYMBOL, isIndexed: true },
  },
  { operation: { kind: "changeSymbolCapacity", name: "sym", capacity: 1024 } },
  { operation: { kind: "dropIndex", name: "sym" } },
  {
    operation: { kind: "addIndex", name: "sym", blockCapacity: 4 },
    before: (writer) => writer.alter({ kind: "dropIndex", name: "sym" }, options),
  },
  { operation: { kind: "setTtl", hoursOrMonths: 48 } },
  { operation: { kind: "dropPartitions", timestamps: [START, START + 3n * DAY], isForced: false } },
  { operation: { kind: "detachPartitions", timestamps: [START + DAY] } },
  {
    operation: { kind: "attachPartitions", timestamps: [START + DAY] },
    before: (writer, disk) => {
      writer.alter({ kind: "detachPartitions", timestamps: [START + DAY] }, options);
      const partition = `${TABLE_DIR}/2024-01-02`;
      const [name] = disk.readDir(TABLE_DIR).filter((one) => one.name.endsWith(".detached"));
      disk.rename(`${TABLE_DIR}/${name.name}`, `${partition}.attachable`);
      disk.syncDir(TABLE_DIR);
    },
  },
  { operation: { kind: "enableDedup", columns: ["ts", "sym"] } },
  {
    operation: { kind: "disableDedup" },
    before: (writer) => writer.alter({ kind: "enableDedup", columns: ["ts", "sym"] }, options),
  },
  {
    operation: { kind: "squashPartitions" },
    splitMinBytes: 1,
    before: (writer) => {
      commitRows(writer, [row(45)], { seqTxn: 3, sync: true });
      assert(writer.txn.partitions.length > 5, "the late row splits its partition");
    },
  },
  { operation: { kind: "setSymbolCache", name: "sym", isCached: false } },
  { operation: { kind: "setMaxUncommittedRows", rows: 1234 } },
  { operation: { kind: "setO3MaxLag", micros: 5_000_000n } },
];

function tableFor(one: Case): SimulatedFileSystem {
  const disk = new SimulatedFileSystem();
  disk.mkdir("/db");
  disk.syncDir("/");
  const context = createTable("/db", PartitionBy.DAY, disk, { isIndexed: true });
  const { splitMinBytes } = one;
  using writer = TableWriter.open(context, splitMinBytes === undefined ? {} : { splitMinBytes });
  const rows = Array.from({ length: 45 }, (_, i) => row(2 * i));
  commitRows(writer, rows, { seqTxn: 1, sync: true });
  writer.alter({ kind: "addColumn", column: { name: "later", type: ColumnType.INT } }, options);
  commitRows(writer, [row(95), row(96)], { seqTxn: 2, sync: true });
  one.before?.(writer, disk);
  return disk;
}

/** Everything that a reader sees, and the directories that a user does. */
function contents(context: StorageContext): unknown {
  using reader = TableReader.open(context);
  const { metadata, txn } = reader;
  const columns = metadata.liveColumns.map((column) => {
    const values = reader.partitions.map((partition, index) => {
      using arena = new Arena(core.memory);
      const range = { rowLo: 0, rowHi: partition.rowCount };
      const vector = reader.readColumn(index, column.writerIndex, range, arena);
      if (isVariableSize(column.type) || column.type === ColumnType.SYMBOL) {
        const at = textReader(core.memory, vector);
        return Array.from({ length: partition.rowCount }, (_, i) => at(i));
      }
      const size = fixedSize(column.type) * partition.rowCount;
      return [...core.memory.bytes(vector.data, size)].join(",");
    });
    return {
      name: column.name,
      type: column.type,
      isIndexed: column.isIndexed,
      isCached: column.isSymbolCached,
      values,
    };
  });
  return {
    columns,
    keys: metadata.columns.map((column) => column.isDedupKey),
    ttl: metadata.ttlHoursOrMonths,
    maxUncommittedRows: metadata.maxUncommittedRows,
    o3MaxLagMicros: metadata.o3MaxLagMicros,
    range: [txn.minTimestamp, txn.maxTimestamp],
    partitions: txn.partitions.map((one) => [one.timestamp, one.rowCount]),
    directories: context.fs.readDir(context.tableDir).map((one) => one.name)
      .filter((name) => /detached|attachable/.test(name)),
  };
}

Deno.test("TableWriter.alter() is there whole or not at all when the power goes at any change, and can be done again", () => {
  const seed = runSeed();
  let stops = 0;
  for (const [number, one] of CASES.entries()) {
    const label = `SEED=${seed} ${JSON.stringify(one.operation, bigints)}`;
    const whole = tableFor(one);
    const context = { fs: whole, core, tableDir: TABLE_DIR };
    const before = contents(context);
    {
      using writer = TableWriter.open(context);
      writer.alter(one.operation, options);
    }
    const after = contents(context);
    for (let change = 1;; change++) {
      const random = new SeededRandom(seed + 1000 * number + change);
      const disk = tableFor(one);
      const machine = new FaultFileSystem(disk);
      machine.stopAt(change, random.pick(EFFECTS));
      try {
        using writer = TableWriter.open({ fs: machine, core, tableDir: TABLE_DIR });
        writer.alter(one.operation, options);
        break;
      } catch (error) {
        if (!(error instanceof InjectedError)) throw error;
      }
      stops++;
      disk.crash(random);
      const again = { fs: disk, core, tableDir: TABLE_DIR };
      using writer = TableWriter.open(again);
      const found = contents(again);
      const isThere = JSON.stringify(found, bigints) === JSON.stringify(after, bigints);
      if (!isThere) {
        assertEquals(found, before, `${label} change ${change}`);
        writer.alter(one.operation, options);
        assertEquals(contents(again), after, `${label} change ${change}, again`);
      }
      assertEquals(core.memory.liveBytes, 0, label);
    }
  }
  assert(stops > 200, `${stops} moments were tried`);
});

Deno.test("TableWriter.alter() reports a failing call, and after rollback() the operation can be done", () => {
  let failures = 0;
  for (const one of CASES) {
    const whole = tableFor(one);
    const context = { fs: whole, core, tableDir: TABLE_DIR };
    const before = contents(context);
    {
      using writer = TableWriter.open(context);
      writer.alter(one.operation, options);
    }
    const after = contents(context);
    for (let call = 1;; call++) {
      const disk = tableFor(one);
      const faults = new FaultFileSystem(disk);
      const again = { fs: faults, core, tableDir: TABLE_DIR };
      using writer = TableWriter.open(again);
      faults.failAt(call, { effect: EFFECTS[call % 3] });
      try {
        writer.alter(one.operation, options);
        break;
      } catch (error) {
        if (!(error instanceof InjectedError)) throw error;
        failures++;
      }
      faults.clear();
      writer.rollback();
      const found = contents(again);
      if (JSON.stringify(found, bigints) !== JSON.stringify(after, bigints)) {
        assertEquals(found, before, `${one.operation.kind} call ${call}`);
        writer.alter(one.operation, options);
        assertEquals(contents(again), after, `${one.operation.kind} call ${call}, again`);
      }
    }
  }
  assert(failures > 300, `${failures} calls were made to fail`);
});

function bigints(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

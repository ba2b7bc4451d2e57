import fc from "fast-check";
import { PartitionBy, StorageError } from "../../src/common/mod.ts";
import { RealFileSystem } from "../../src/platform/mod.ts";
import {
  ByteReader,
  decodeTxn,
  emptyTxnRecord,
  encodeNewTxn,
  type PartitionRecord,
  readTxn,
  readTxnVersion,
  squashCount,
  type TxnRecord,
  TxnWriter,
} from "../../src/storage/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";

const fs = new RealFileSystem();
const DAY = 86_400_000_000n;

function partition(day: number, rowCount: number, nameTxn = -1): PartitionRecord {
  return {
    timestamp: BigInt(day) * DAY,
    rowCount,
    nameTxn,
    flags: 3n << 44n,
    parquetFileSize: -1,
  };
}

function record(txn: number, partitions: PartitionRecord[], symbolCounts: number[]): TxnRecord {
  const last = partitions.at(-1)?.rowCount ?? 0;
  const total = partitions.reduce((sum, one) => sum + one.rowCount, 0);
  return {
    ...emptyTxnRecord(0),
    txn,
    transientRowCount: last,
    fixedRowCount: total - last,
    minTimestamp: 5n,
    maxTimestamp: -6n,
    structureVersion: 7n << 32n,
    dataVersion: 8,
    partitionTableVersion: 9,
    columnVersion: 10,
    truncateVersion: 11,
    seqTxn: 12 + txn,
    symbolCounts,
    partitions,
  };
}

function newTable(directory: string, symbols = 0): string {
  Deno.writeFileSync(`${directory}/_txn`, encodeNewTxn(symbols));
  return directory;
}

Deno.test("readTxn() reads a new table as empty", () => {
  using directory = new TempDir();
  const tableDir = newTable(directory.path, 2);
  assertEquals(readTxn(fs, tableDir, PartitionBy.DAY), emptyTxnRecord(2));
  assertEquals(readTxnVersion(fs, tableDir), 0);
});

Deno.test("TxnWriter.commit() is what readTxn() reads, over records that grow and shrink", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 9 })), {
        maxLength: 12,
      }),
      fc.boolean(),
      (shapes, reopens) => {
        using directory = new TempDir();
        const tableDir = newTable(directory.path);
        let writer = TxnWriter.open(fs, tableDir);
        for (const [at, [partitionCount, symbols]] of shapes.entries()) {
          const partitions = Array.from(
            { length: partitionCount },
            (_, i) => partition(i, 1 + i * 1000, i - 1),
          );
          const next = record(at + 1, partitions, Array.from({ length: symbols }, (_, i) => i * 7));
          writer.commit(next, false);
          assertEquals(readTxn(fs, tableDir, PartitionBy.DAY), next);
          if (reopens) {
            writer.close();
            writer = TxnWriter.open(fs, tableDir);
          }
        }
        writer.close();
        // Alternating areas: the file does not grow with the number of commits.
        const largest = 64 + 3 * (136 + 8 * 9 + 32 * 12);
        assert(fs.stat(`${tableDir}/_txn`)!.size <= largest, "the file stays small");
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("TxnWriter.commit() leaves the current record alone until the version is stored", () => {
  using directory = new TempDir();
  const tableDir = newTable(directory.path);
  const path = `${tableDir}/_txn`;
  using writer = TxnWriter.open(fs, tableDir);
  for (let txn = 1; txn <= 6; txn++) {
    const before = readTxn(fs, tableDir, PartitionBy.DAY);
    const version = Deno.readFileSync(path).slice(0, 8);
    writer.commit(record(txn, [partition(1, txn), partition(2, 4)], [txn]), false);
    const bytes = Deno.readFileSync(path);
    bytes.set(version, 0); // as if the process had died just before
    assertEquals(decodeTxn(new ByteReader(path, bytes), PartitionBy.DAY), before);
  }
});

Deno.test("readTxn() takes a non-partitioned table's rows from the count, whatever the partition section says", () => {
  using directory = new TempDir();
  const tableDir = newTable(directory.path);
  using writer = TxnWriter.open(fs, tableDir);
  writer.commit({ ...record(1, [], []), transientRowCount: 9 }, true);
  const { partitions } = readTxn(fs, tableDir, PartitionBy.NONE);
  assertEquals(
    partitions.map(({ timestamp, rowCount, nameTxn }) => [timestamp, rowCount, nameTxn]),
    [
      [0n, 9, -1],
    ],
  );
});

Deno.test("squashCount() reads the counter between the row count and the flags", () => {
  assertEquals(squashCount(partition(1, 5)), 3);
});

const SLOT_B = 32;
const damages: Record<string, { text: string; change: (view: DataView, base: number) => void }> = {
  "a negative version": {
    text: "invalid version",
    change: (view) => view.setBigInt64(0, -1n, true),
  },
  "a version without its record": {
    text: "torn transaction record",
    change: (view) => view.setBigInt64(0, 3n, true),
  },
  "a record inside the header": {
    text: "invalid slot",
    change: (view) => view.setInt32(SLOT_B, 8, true),
  },
  "a record behind the end": {
    text: "file is too short",
    change: (view) => view.setInt32(SLOT_B, 0x7ffffff0, true),
  },
  "an enormous symbol section": {
    text: "file is too short",
    change: (view) => view.setInt32(SLOT_B + 4, 0x7ffffff8, true),
  },
  "a partition section that is cut": {
    text: "invalid slot",
    change: (view) => view.setInt32(SLOT_B + 8, 33, true),
  },
  "a negative row count": {
    text: "invalid transient row count",
    change: (view, base) => view.setBigInt64(base + 8, -1n, true),
  },
  "a fixed row count that no partition has": {
    text: "partition row counts do not add up",
    change: (view, base) => view.setBigInt64(base + 16, 1n << 50n, true),
  },
  "a negative symbol count": {
    text: "invalid symbol count",
    change: (view, base) => view.setInt32(base + 132, -5, true),
  },
  "another number of symbol columns": {
    text: "symbol section does not match its count",
    change: (view, base) => view.setInt32(base + 128, 0x10000000, true),
  },
  "another size of the partition section": {
    text: "partition section does not match its size",
    change: (view, base) => view.setInt32(base + 140, 64, true),
  },
  "partitions out of order": {
    text: "partitions are not in order",
    change: (view, base) => view.setBigInt64(base + 144, 1n << 60n, true),
  },
  "a name txn below none": {
    text: "invalid partition name txn",
    change: (view, base) => view.setBigInt64(base + 160, -2n, true),
  },
  "negative lag rows": {
    text: "invalid lag row count",
    change: (view, base) => view.setInt32(base + 96, -1, true),
  },
};

for (const [what, { text, change }] of Object.entries(damages)) {
  Deno.test(`readTxn() refuses ${what}`, () => {
    using directory = new TempDir();
    const tableDir = newTable(directory.path);
    const path = `${tableDir}/_txn`;
    {
      using writer = TxnWriter.open(fs, tableDir);
      writer.commit(record(1, [partition(1, 5), partition(2, 6), partition(3, 7)], [4]), false);
    }
    const bytes = Deno.readFileSync(path);
    const view = new DataView(bytes.buffer);
    change(view, view.getInt32(SLOT_B, true));
    Deno.writeFileSync(path, bytes);
    const error = assertThrows(() => readTxn(fs, tableDir, PartitionBy.DAY), StorageError, text);
    assertEquals(error.file, path);
  });
}

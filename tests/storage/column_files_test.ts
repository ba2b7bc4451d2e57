import { ColumnType, PartitionBy, StorageError } from "../../src/common/mod.ts";
import {
  columnFilesOf,
  listStalePartitionDirs,
  partitionPath,
  TableReader,
  TableWriter,
} from "../../src/storage/mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { commitRows, createTable, type Row } from "./table_fixture.ts";

const START = 1_704_067_200_000_000n; // 2024-01-01
const HOUR = 3_600_000_000n;

function row(hour: number, text: string | null = null): Row {
  return { ts: START + BigInt(hour) * HOUR, ok: true, i: hour, l: 1n, d: 2, sym: "s", text };
}

Deno.test("partitionPath() names partitions of nanosecond tables by the same dates, fractions with nine digits", () => {
  const name = (partitionBy: number, nanos: bigint, nameTxn = -1) =>
    partitionPath({ partitionBy, timestampType: ColumnType.TIMESTAMP_NS }, {
      timestamp: nanos,
      nameTxn,
    });
  const start = START * 1000n;
  assertEquals(name(PartitionBy.DAY, start), "2024-01-01");
  assertEquals(name(PartitionBy.WEEK, start, 7), "2024-W01.7");
  assertEquals(name(PartitionBy.MONTH, start), "2024-01");
  assertEquals(name(PartitionBy.HOUR, start + 3_600_000_000_000n, 0), "2024-01-01T01.0");
  assertEquals(
    name(PartitionBy.DAY, start + 3_723_000_000_001n),
    "2024-01-01T010203-000000001",
  );
  assertEquals(name(PartitionBy.DAY, start + 500_000_100n), "2024-01-01T000000-500000100");
  assertEquals(name(PartitionBy.NONE, 0n), "default");
});

Deno.test("listStalePartitionDirs() lists versions that are not committed and nothing else", () => {
  using directory = new TempDir();
  const context = createTable(directory.path, PartitionBy.DAY);
  const { fs, tableDir } = context;
  using writer = TableWriter.open(context);
  commitRows(writer, [row(5), row(30)], { seqTxn: 1 });
  commitRows(writer, [row(1)], { seqTxn: 2 }); // merges the first day into a new version
  for (
    const name of [
      "2024-01-09.44",
      "2024-01-02T13.3",
      "2024-01-01.detached",
      "2024-01-01.attachable",
      "wal7",
      "txn_seq",
      "2024-01-02.lock",
    ]
  ) fs.mkdir(`${tableDir}/${name}`);
  const state = { metadata: writer.metadata, txn: writer.txn };
  assertEquals(listStalePartitionDirs(fs, tableDir, state), [
    "2024-01-01",
    "2024-01-02T13.3",
    "2024-01-09.44",
  ]);
});

Deno.test("listStalePartitionDirs() lists nothing when a committed partition has no directory", () => {
  using directory = new TempDir();
  const context = createTable(directory.path, PartitionBy.DAY);
  const { fs, tableDir } = context;
  using writer = TableWriter.open(context);
  commitRows(writer, [row(5), row(30)], { seqTxn: 1 });
  fs.rename(`${tableDir}/2024-01-02`, `${tableDir}/2024-01-03`);
  assertThrows(
    () => listStalePartitionDirs(fs, tableDir, { metadata: writer.metadata, txn: writer.txn }),
    StorageError,
    `partition directory does not exist [file=${tableDir}/2024-01-02`,
  );
});

Deno.test("columnFilesOf() tells committed lengths, whatever lies behind them", () => {
  using directory = new TempDir();
  const context = createTable(directory.path, PartitionBy.DAY);
  const { fs, tableDir } = context;
  using writer = TableWriter.open(context);
  commitRows(writer, [row(1, "a text of twenty byt"), row(2, "short"), row(3)], { seqTxn: 1 });
  using reader = TableReader.open(context);
  const { metadata, versions } = reader;
  const files = () =>
    columnFilesOf({ fs, tableDir, metadata, versions, partition: reader.partitions[0] });
  const expected = [
    ["ok.d", 3],
    ["i.d", 12],
    ["ts.d", 24],
    ["l.d", 24],
    ["d.d", 24],
    ["sym.d", 12],
    ["text.i", 48],
    ["text.d", 20],
  ].map(([name, bytes]) => [`2024-01-01/${name}`, bytes]);
  assertEquals(files().map(({ path, bytes }) => [path, bytes]), expected);
  commitRows(writer, [row(9, "another text of many bytes")], { seqTxn: 2 });
  assertEquals(files().map(({ path, bytes }) => [path, bytes]), expected, "the reader's rows");
  Deno.truncateSync(`${tableDir}/2024-01-01/l.d`, 23);
  assertThrows(files, StorageError, "file is too short");
});

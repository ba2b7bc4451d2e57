import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { allTypesTable } from "../support/engine_fixture.ts";
import { ColumnType, StorageError, WalError } from "../../src/common/mod.ts";
import { RealFileSystem } from "../../src/platform/mod.ts";
import { createTableFiles, readTableMetadata } from "../../src/storage/mod.ts";
import {
  ByteBuilder,
  createSequencerFiles,
  encodeSequencerMetadata,
  readSequencerMetadata,
  Sequencer,
  TxnLog,
  txnLogPath,
} from "../../src/wal/mod.ts";

const fs = new RealFileSystem();
const TXN = {
  walId: 1,
  segmentId: 2,
  segmentTxn: 3,
  commitMicros: 1_700_000_000_000_000n,
  minTimestamp: 1n,
  maxTimestamp: 2n,
  rowCount: 3,
};

function newTable(root: string): string {
  const dir = `${root}/t~1`;
  createTableFiles(fs, dir, { definition: allTypesTable("t"), tableId: 1 });
  const metadata = readTableMetadata(fs, dir);
  createSequencerFiles(fs, dir, { metadata, createMicros: 5n });
  return dir;
}

Deno.test("encodeSequencerMetadata writes the bytes that QuestDB writes", () => {
  // txn_seq/_meta of a table (ts TIMESTAMP, v INT) with id 8, from QuestDB 9.3.5.
  const expected = "47000000000000000000000000000000020000000000000008000000" +
    "00" + "080000000200000074007300" + "05000000010000007600" + "ca3d560000000000" +
    "020000000000000001000000";
  using root = new TempDir();
  const definition = {
    ...allTypesTable("t"),
    columns: [{ name: "ts", type: ColumnType.TIMESTAMP }, { name: "v", type: ColumnType.INT }],
  };
  createTableFiles(fs, `${root.path}/t`, { definition, tableId: 8 });
  const bytes = encodeSequencerMetadata(readTableMetadata(fs, `${root.path}/t`), 0);
  assertEquals(Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(""), expected);
});

Deno.test("Sequencer numbers transactions without gaps and knows them after reopening", () => {
  using root = new TempDir();
  const dir = newTable(root.path);
  {
    using sequencer = Sequencer.open(fs, dir);
    for (let i = 1; i <= 10_000; i++) {
      assertEquals(sequencer.commit({ ...TXN, segmentTxn: i }, false), i);
    }
  }
  using sequencer = Sequencer.open(fs, dir);
  assertEquals(sequencer.lastTxn, 10_000);
  assertEquals(sequencer.commit(TXN, true), 10_001);
  let seen = 0;
  while (seen < 10_000) {
    for (const record of sequencer.log.read(seen + 1, 10_000)) {
      assertEquals([record.txn, record.segmentTxn], [seen + 1, seen + 1]);
      seen++;
    }
  }
  const metadata = readSequencerMetadata(fs, `${dir}/txn_seq/_meta`);
  assertEquals(metadata.columns.map((column) => column.name), [
    "ts",
    "flag",
    "count",
    "total",
    "price",
    "sym",
    "note",
  ]);
});

Deno.test("TxnLog reads and appends the V2 format over several part files", () => {
  using root = new TempDir();
  const dir = newTable(root.path);
  using header = fs.open(txnLogPath(dir), "readWrite");
  header.write(new ByteBuilder().i32(1).i64(0).i64(5).i32(4).bytes(), 0);
  {
    using log = TxnLog.open(fs, dir, "readWrite");
    for (let i = 1; i <= 11; i++) log.append({ ...TXN, structureVersion: 0, segmentTxn: i }, false);
  }
  using log = TxnLog.open(fs, dir, "read");
  assertEquals(log.read(1, 11).map((record) => record.segmentTxn), [
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
  ]);
  assertEquals(log.read(4, 9).map((record) => record.txn), [4, 5, 6, 7, 8, 9]);
  assertEquals(fs.readDir(`${dir}/txn_seq/_txn_parts`).map((entry) => entry.name), ["0", "1", "2"]);
  fs.remove(`${dir}/txn_seq/_txn_parts/1`);
  assertThrows(() => log.read(1, 11), StorageError, "file is missing");
});

Deno.test("Sequencer refuses commits after a drop, also after reopening", () => {
  using root = new TempDir();
  const dir = newTable(root.path);
  {
    using sequencer = Sequencer.open(fs, dir);
    sequencer.commit(TXN, false);
    sequencer.drop(7n);
    assertThrows(() => sequencer.commit(TXN, false), WalError, "dropped");
  }
  using sequencer = Sequencer.open(fs, dir);
  assert(sequencer.isDropped);
  assertEquals(sequencer.log.read(2, 2)[0].walId, -2);
});

Deno.test("Sequencer.open refuses damaged files and names them", () => {
  const damage: [string, number, number[], string][] = [
    ["_txnlog", 0, [9], "unknown log format"],
    ["_txnlog", 4, [0xff], "shorter than its transaction count"],
    ["_txnlog", 11, [0xff], "invalid transaction count"],
    ["_txnlog", 76 + 8, [0, 0, 0, 0], "invalid transaction record"],
    ["_meta", 4, [1], "unknown metadata format"],
    ["_meta", 16, [0xff, 0xff], "invalid length of column name"],
    ["_meta", 19, [0x80], "invalid column count"],
    ["_meta", 33, [0xff, 0xff, 0xff, 0x0f], "invalid length"],
  ];
  for (const [name, offset, bytes, message] of damage) {
    using root = new TempDir();
    const dir = newTable(root.path);
    {
      using sequencer = Sequencer.open(fs, dir);
      sequencer.commit(TXN, false);
    }
    const path = `${dir}/txn_seq/${name}`;
    {
      using file = fs.open(path, "readWrite");
      file.write(new Uint8Array(bytes), offset);
    }
    const error = assertThrows(() => Sequencer.open(fs, dir), StorageError, message);
    assertEquals(error.file, path);
  }
});

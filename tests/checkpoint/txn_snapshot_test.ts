import { encodeTxnSnapshot } from "../../src/checkpoint/mod.ts";
import { PartitionBy } from "../../src/common/mod.ts";
import { ByteReader, decodeTxn, emptyTxnRecord, type TxnRecord } from "../../src/storage/mod.ts";
import { assertEquals } from "../support/assert.ts";

const START = 1_704_067_200_000_000n;

Deno.test("encodeTxnSnapshot is read back as the record, in either slot, without lag", () => {
  const partition = (day: number, rowCount: number) => ({
    timestamp: START + BigInt(day) * 86_400_000_000n,
    rowCount,
    nameTxn: day - 1,
    flags: BigInt(day) << 44n,
    parquetFileSize: -1,
  });
  for (const txn of [0, 1, 6, 7]) {
    const record: TxnRecord = {
      ...emptyTxnRecord(2),
      txn,
      fixedRowCount: 30,
      transientRowCount: 12,
      minTimestamp: START,
      maxTimestamp: START + 9n,
      structureVersion: (3n << 32n) | 5n,
      dataVersion: 2,
      partitionTableVersion: 3,
      columnVersion: 4,
      truncateVersion: 1,
      seqTxn: 9,
      lagRowCount: 5,
      lagTxnCount: 2,
      symbolCounts: [3, 0],
      partitions: [partition(0, 10), partition(1, 20), partition(2, 12)],
    };
    const bytes = encodeTxnSnapshot(record);
    assertEquals(decodeTxn(new ByteReader("_txn", bytes), PartitionBy.DAY), {
      ...record,
      lagRowCount: 0,
      lagTxnCount: 0,
    });
  }
});

/**
 * Which partitions a TTL lets go.
 */
import { ColumnType, PartitionBy } from "../../../src/common/mod.ts";
import {
  emptyTxnRecord,
  expiredPartitions,
  liveOrder,
  type TableMetadata,
} from "../../../src/storage/mod.ts";
import { assertEquals } from "../../support/assert.ts";

const DAY = 86_400_000_000n;
const FAR = 1n << 62n;

function metadataWith(partitionBy: number, ttl: number, type: number): TableMetadata {
  const columns = [{
    name: "ts",
    type,
    writerIndex: 0,
    isIndexed: false,
    indexBlockCapacity: 0,
    symbolCapacity: 0,
    isSymbolCached: false,
    isDedupKey: false,
    replacingIndex: -1,
  }];
  return {
    columns,
    liveColumns: liveOrder(columns),
    timestampIndex: 0,
    partitionBy,
    tableId: 1,
    metadataVersion: 0,
    isWalEnabled: true,
    maxUncommittedRows: 1,
    o3MaxLagMicros: 0n,
    ttlHoursOrMonths: ttl,
  };
}

function txnWith(partitions: readonly bigint[], maxTimestamp: bigint) {
  return {
    ...emptyTxnRecord(0),
    maxTimestamp,
    partitions: partitions.map((timestamp) => ({
      timestamp,
      rowCount: 1,
      nameTxn: -1,
      flags: 0n,
      parquetFileSize: -1,
    })),
  };
}

Deno.test("expiredPartitions() lets go what ended the TTL or more before the latest timestamp", () => {
  const metadata = metadataWith(PartitionBy.DAY, 48, ColumnType.TIMESTAMP);
  const days = [0n, 1n, 2n, 3n, 4n].map((day) => day * DAY);
  assertEquals(expiredPartitions(metadata, txnWith(days, 4n * DAY), FAR), [0n, DAY]);
  assertEquals(expiredPartitions(metadata, txnWith(days, 4n * DAY - 1n), FAR), [0n]);
  assertEquals(expiredPartitions(metadata, txnWith(days, 400n * DAY), 4n * DAY), [0n, DAY]);
  assertEquals(expiredPartitions(metadata, txnWith([0n], 400n * DAY), FAR), []);
  const none = metadataWith(PartitionBy.DAY, 0, ColumnType.TIMESTAMP);
  assertEquals(expiredPartitions(none, txnWith(days, 400n * DAY), FAR), []);
});

Deno.test("expiredPartitions() counts the parts of a split partition as one and keeps the last one whole", () => {
  const metadata = metadataWith(PartitionBy.DAY, 24, ColumnType.TIMESTAMP);
  const parts = [0n, DAY / 2n, 5n * DAY, 5n * DAY + 7n];
  assertEquals(expiredPartitions(metadata, txnWith(parts, 50n * DAY), FAR), [0n]);
});

Deno.test("expiredPartitions() counts months by the calendar, and nanoseconds as such", () => {
  const months = metadataWith(PartitionBy.MONTH, -2, ColumnType.TIMESTAMP);
  const at = (text: string) => BigInt(Date.parse(text)) * 1000n;
  const starts = ["2024-01-01", "2024-02-01", "2024-05-01"].map(at);
  assertEquals(
    expiredPartitions(months, txnWith(starts, at("2024-05-01")), FAR),
    starts.slice(0, 2),
  );
  assertEquals(
    expiredPartitions(months, txnWith(starts, at("2024-04-30")), FAR),
    starts.slice(0, 1),
  );
  const nanos = metadataWith(PartitionBy.DAY, 24, ColumnType.TIMESTAMP_NS);
  const days = [0n, 1n, 9n].map((day) => day * DAY * 1000n);
  assertEquals(
    expiredPartitions(nanos, txnWith(days, 3n * DAY * 1000n), FAR >> 12n),
    days.slice(0, 2),
  );
});

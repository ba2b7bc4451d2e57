/**
 * TTL: which partitions are too old. A partition expires when the time between its end and the table's latest timestamp is the TTL or
 * more; a latest timestamp that lies in the future counts as now. The partition with the latest timestamp never expires.
 *
 * @module
 */
import { ColumnType, PartitionBy } from "../common/mod.ts";
import { partitionScheme } from "./column_files.ts";
import type { TableMetadata } from "./metadata.ts";
import { partitionEnd, partitionStart } from "./partition_plan.ts";
import type { TxnRecord } from "./txn.ts";

const MICROS_PER_HOUR = 3_600_000_000n;
const NANOS_PER_MICRO = 1000n;
const MICROS_PER_MILLI = 1000n;
const MONTHS_PER_YEAR = 12;

/**
 * Starts of the logical partitions that a table's TTL lets go, ascending.
 *
 * @param nowMicros Wall clock, microseconds since the epoch.
 */
export function expiredPartitions(
  metadata: TableMetadata,
  txn: TxnRecord,
  nowMicros: bigint,
): bigint[] {
  const ttl = metadata.ttlHoursOrMonths;
  if (ttl === 0 || metadata.partitionBy === PartitionBy.NONE) return [];
  const scheme = partitionScheme(metadata);
  const isNanos = scheme.timestampType === ColumnType.TIMESTAMP_NS;
  const now = isNanos ? nowMicros * NANOS_PER_MICRO : nowMicros;
  const latest = txn.maxTimestamp < now ? txn.maxTimestamp : now;
  const last = txn.partitions.at(-1);
  const expired: bigint[] = [];
  for (const { timestamp } of txn.partitions) {
    const start = partitionStart(scheme, timestamp);
    if (last === undefined || start === partitionStart(scheme, last.timestamp)) break;
    if (expired.at(-1) === start) continue;
    const end = partitionEnd(scheme, timestamp);
    const isExpired = ttl > 0
      ? latest - end >= BigInt(ttl) * MICROS_PER_HOUR * (isNanos ? NANOS_PER_MICRO : 1n)
      : monthsBetween(toMillis(end, isNanos), toMillis(latest, isNanos)) >= -ttl;
    if (!isExpired) break;
    expired.push(start);
  }
  return expired;
}

function toMillis(timestamp: bigint, isNanos: boolean): number {
  return Number(timestamp / (isNanos ? NANOS_PER_MICRO * MICROS_PER_MILLI : MICROS_PER_MILLI));
}

/** Whole months from one time to another, milliseconds since the epoch; below 0 if there are none. */
function monthsBetween(from: number, to: number): number {
  const a = new Date(from), b = new Date(to);
  const months = (b.getUTCFullYear() - a.getUTCFullYear()) * MONTHS_PER_YEAR +
    b.getUTCMonth() - a.getUTCMonth();
  const rest = (date: Date) => date.getTime() - Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
  return rest(b) < rest(a) ? months - 1 : months;
}

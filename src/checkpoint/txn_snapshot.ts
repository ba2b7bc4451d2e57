/**
 * A `_txn` file that holds exactly one committed transaction, as checkpoints and backups store it: the record of a pinned
 * reader right behind the header, in the slot that its version's parity selects; the other slot is empty.
 *
 * Rows in the lag are not part of it: they lie behind the committed rows, and the WAL transactions they came from come after
 * `seqTxn`, so they are applied again. The lag fields are therefore those of a table without lag.
 *
 * Layout: docs/internals/txn.md.
 *
 * @module
 */
import { NO_MAX_TIMESTAMP, NO_MIN_TIMESTAMP, type TxnRecord } from "../storage/mod.ts";

const HEADER_BYTES = 64;
const FIXED_BYTES = 132;
const PARTITION_BYTES = 32;

/** Encodes the `_txn` of a pinned transaction. */
export function encodeTxnSnapshot(record: TxnRecord): Uint8Array<ArrayBuffer> {
  const symbolBytes = 8 * record.symbolCounts.length;
  const partitionBytes = PARTITION_BYTES * record.partitions.length;
  const bytes = new Uint8Array(HEADER_BYTES + FIXED_BYTES + symbolBytes + 4 + partitionBytes);
  const view = new DataView(bytes.buffer);
  const i64 = (at: number, value: bigint | number) => view.setBigInt64(at, BigInt(value), true);
  const i32 = (at: number, value: number) => view.setInt32(at, value, true);
  i64(0, record.txn);
  const slot = record.txn % 2 === 0 ? 8 : 32;
  i32(slot, HEADER_BYTES);
  i32(slot + 4, symbolBytes);
  i32(slot + 8, partitionBytes);
  const fields: (bigint | number)[] = [
    record.txn,
    record.transientRowCount,
    record.fixedRowCount,
    record.minTimestamp,
    record.maxTimestamp,
    record.structureVersion,
    record.dataVersion,
    record.partitionTableVersion,
    record.columnVersion,
    record.truncateVersion,
    record.seqTxn,
  ];
  fields.forEach((value, index) => i64(HEADER_BYTES + 8 * index, value));
  i32(HEADER_BYTES + 88, lagChecksum(record));
  i64(HEADER_BYTES + 100, NO_MIN_TIMESTAMP);
  i64(HEADER_BYTES + 108, NO_MAX_TIMESTAMP);
  i32(HEADER_BYTES + 128, record.symbolCounts.length);
  let at = HEADER_BYTES + FIXED_BYTES;
  for (const count of record.symbolCounts) {
    i32(at, count);
    i32(at + 4, count);
    at += 8;
  }
  i32(at, partitionBytes);
  at += 4;
  for (const partition of record.partitions) {
    i64(at, partition.timestamp);
    i64(at + 8, BigInt(partition.rowCount) | partition.flags);
    i64(at + 16, partition.nameTxn);
    i64(at + 24, partition.parquetFileSize);
    at += PARTITION_BYTES;
  }
  return bytes;
}

function lagChecksum(record: TxnRecord): number {
  let hash = NO_MIN_TIMESTAMP;
  for (const term of [NO_MAX_TIMESTAMP, BigInt(record.txn), BigInt(record.seqTxn), 0n, 0n]) {
    hash = BigInt.asIntN(64, 31n * hash + term);
  }
  return Number(BigInt.asIntN(32, hash ^ (BigInt.asUintN(64, hash) >> 32n)));
}

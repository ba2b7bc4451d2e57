/**
 * Cuts sorted rows by partition.
 *
 * @module
 */
import { ColumnType, partitionCeil, partitionFloor } from "../common/mod.ts";
import type { WasmCore } from "../wasm/mod.ts";
import type { PartitionScheme } from "./column_files.ts";
import { isParquet, isReadOnly, type PartitionRecord } from "./txn.ts";

const NANOS_PER_MICRO = 1000n;

/** Rows `rowLo` … `rowHi` − 1 of a sorted source, which all belong to one partition entry. */
export interface PartitionPiece {
  /** Timestamp of the entry. */
  readonly timestamp: bigint;
  /** The entry they go to; `null` if it is new. */
  readonly existing: PartitionRecord | null;
  /** Whether another entry of the same logical partition follows. */
  readonly isFollowed: boolean;
  readonly rowLo: number;
  readonly rowHi: number;
}

/** Start of the logical partition that holds a timestamp, in the timestamp's unit. */
export function partitionStart(scheme: PartitionScheme, timestamp: bigint): bigint {
  return scheme.timestampType === ColumnType.TIMESTAMP_NS
    ? partitionFloor(scheme.partitionBy, toMicros(timestamp)) * NANOS_PER_MICRO
    : partitionFloor(scheme.partitionBy, timestamp);
}

/** Start of the logical partition behind the one that holds a timestamp, in the timestamp's unit. */
export function partitionEnd(scheme: PartitionScheme, timestamp: bigint): bigint {
  return scheme.timestampType === ColumnType.TIMESTAMP_NS
    ? partitionCeil(scheme.partitionBy, toMicros(timestamp)) * NANOS_PER_MICRO
    : partitionCeil(scheme.partitionBy, timestamp);
}

function toMicros(nanos: bigint): bigint {
  const micros = nanos / NANOS_PER_MICRO;
  return nanos % NANOS_PER_MICRO < 0n ? micros - 1n : micros;
}

/**
 * Cuts rows into pieces in time order. A row belongs to the last entry at or before it that lies in the same logical partition.
 *
 * @param source `timestamps` points to `rowCount` ascending int64 values.
 */
export function planPieces(
  core: WasmCore,
  source: { timestamps: number; rowCount: number },
  table: { scheme: PartitionScheme; partitions: readonly PartitionRecord[] },
): PartitionPiece[] {
  const { memory, kernels } = core;
  const { scheme, partitions } = table;
  const pieces: PartitionPiece[] = [];
  for (let row = 0; row < source.rowCount;) {
    const timestamp = memory.i64[source.timestamps / 8 + row];
    const start = partitionStart(scheme, timestamp), unitEnd = partitionEnd(scheme, timestamp);
    const behind = firstAfter(partitions, timestamp);
    const before = partitions.at(behind - 1);
    const existing = behind > 0 && before!.timestamp >= start ? before! : null;
    const isFollowed = behind < partitions.length && partitions[behind].timestamp < unitEnd;
    const end = isFollowed ? partitions[behind].timestamp : unitEnd;
    const rest = source.timestamps + 8 * row;
    const rowHi = row + kernels.lowerBoundI64(rest, source.rowCount - row, end);
    pieces.push({
      timestamp: existing?.timestamp ?? start,
      existing,
      isFollowed,
      rowLo: row,
      rowHi,
    });
    row = rowHi;
  }
  return pieces;
}

/** Adds pieces without rows for the entries that a range touches, so that the range can be taken out of them. */
export function withRangePieces(
  pieces: readonly PartitionPiece[],
  range: { lo: bigint; hi: bigint },
  table: { scheme: PartitionScheme; partitions: readonly PartitionRecord[] },
): PartitionPiece[] {
  const { scheme, partitions } = table;
  const targeted = new Set(pieces.map((piece) => piece.timestamp));
  const added: PartitionPiece[] = [];
  for (const [i, existing] of partitions.entries()) {
    const { timestamp } = existing;
    const unitEnd = partitionEnd(scheme, timestamp);
    const next = partitions.at(i + 1)?.timestamp ?? unitEnd;
    const isFollowed = i + 1 < partitions.length && next < unitEnd;
    const end = isFollowed ? next : unitEnd;
    if (timestamp >= range.hi || end <= range.lo || targeted.has(timestamp)) continue;
    added.push({ timestamp, existing, isFollowed, rowLo: 0, rowHi: 0 });
  }
  return [...pieces, ...added].sort((a, b) => a.timestamp < b.timestamp ? -1 : 1);
}

/**
 * Entries that are the last ones of their logical partition once others are removed, and were not before. Their files may hold, behind
 * their rows, rows from before a split that readers, checkpoints and backups of that time still read; so nothing may be appended there,
 * and the transaction that removes what follows must write them anew. Only those that can be written are told.
 */
export function exposedEntries(
  scheme: PartitionScheme,
  partitions: readonly PartitionRecord[],
  removed: ReadonlySet<bigint>,
): PartitionRecord[] {
  const exposed: PartitionRecord[] = [];
  let behind: bigint | null = null, isExposed = false, hasFollower = false;
  for (const partition of partitions.toReversed()) {
    const start = partitionStart(scheme, partition.timestamp);
    if (start !== behind) isExposed = hasFollower = false;
    behind = start;
    if (removed.has(partition.timestamp)) {
      isExposed = true;
      continue;
    }
    const canBeWritten = !isParquet(partition) && !isReadOnly(partition);
    if (isExposed && !hasFollower && canBeWritten) exposed.push(partition);
    hasFollower = true;
  }
  return exposed;
}

/** Index of the first entry whose timestamp is above a value. */
function firstAfter(partitions: readonly PartitionRecord[], timestamp: bigint): number {
  let low = 0, high = partitions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (partitions[middle].timestamp <= timestamp) low = middle + 1;
    else high = middle;
  }
  return low;
}

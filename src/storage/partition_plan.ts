/**
 * Cuts sorted rows by partition and decides for each piece how it is written.
 *
 * @module
 */
import { partitionCeil, partitionFloor } from "../common/mod.ts";
import type { WasmCore } from "../wasm/mod.ts";
import type { PartitionRecord } from "./txn.ts";

/** Rows `rowLo` … `rowHi` − 1 of a sorted source, which all belong to one partition. */
export interface PartitionPiece {
  /** The partition they go to: committed already, or new at this timestamp. */
  readonly target: PartitionRecord | { readonly timestamp: bigint };
  readonly isNew: boolean;
  readonly rowLo: number;
  readonly rowHi: number;
}

/**
 * Cuts rows into pieces in time order. A logical partition that is split into several entries takes each row in the last entry
 * at or before it.
 *
 * @param timestamps pointer to `rowCount` ascending int64 values.
 */
export function planPieces(
  core: WasmCore,
  source: { timestamps: number; rowCount: number },
  table: { partitionBy: number; partitions: readonly PartitionRecord[] },
): PartitionPiece[] {
  const { memory, kernels } = core;
  const pieces: PartitionPiece[] = [];
  for (let row = 0; row < source.rowCount;) {
    const timestamp = memory.i64[source.timestamps / 8 + row];
    const floor = partitionFloor(table.partitionBy, timestamp);
    let end = partitionCeil(table.partitionBy, timestamp);
    let target: PartitionRecord | null = null;
    for (const partition of table.partitions) {
      if (partitionFloor(table.partitionBy, partition.timestamp) !== floor) continue;
      if (partition.timestamp <= timestamp || target === null) target = partition;
      if (partition.timestamp > timestamp) {
        if (target !== partition) end = partition.timestamp;
        break;
      }
    }
    const rest = source.timestamps + 8 * row;
    const rowHi = row + kernels.lowerBoundI64(rest, source.rowCount - row, end);
    pieces.push({
      target: target ?? { timestamp: floor },
      isNew: target === null,
      rowLo: row,
      rowHi,
    });
    row = rowHi;
  }
  return pieces;
}

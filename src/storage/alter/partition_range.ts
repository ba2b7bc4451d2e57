/**
 * The earliest and latest timestamp of some partitions, read from their files.
 *
 * @module
 */
import { Arena } from "../../wasm/mod.ts";
import { NO_MAX_TIMESTAMP, NO_MIN_TIMESTAMP, type PartitionRecord } from "../txn.ts";
import type { AlterContext } from "./alter_context.ts";

/** The designated timestamp of a row of a partition that the reader has. */
export function timestampAt(
  context: AlterContext,
  partition: { readonly timestamp: bigint },
  row: number,
): bigint {
  const { reader, core } = context;
  using arena = new Arena(core.memory);
  const index = reader.partitions.findIndex((one) => one.timestamp === partition.timestamp);
  const range = { rowLo: row, rowHi: row + 1 };
  const vector = reader.readColumn(index, reader.metadata.timestampIndex, range, arena);
  return core.memory.i64[vector.data / 8];
}

/** The range of what is left when partitions are taken away; what did not change is not read. */
export function rangeOf(
  context: AlterContext,
  partitions: readonly PartitionRecord[],
): { minTimestamp: bigint; maxTimestamp: bigint } {
  const { txn } = context.reader;
  const filled = partitions.filter((partition) => partition.rowCount > 0);
  const first = filled.at(0), last = filled.at(-1);
  if (first === undefined || last === undefined) {
    return { minTimestamp: NO_MIN_TIMESTAMP, maxTimestamp: NO_MAX_TIMESTAMP };
  }
  const isFirst = first.timestamp === txn.partitions.at(0)?.timestamp;
  const isLast = last.timestamp === txn.partitions.at(-1)?.timestamp;
  return {
    minTimestamp: isFirst ? txn.minTimestamp : timestampAt(context, first, 0),
    maxTimestamp: isLast ? txn.maxTimestamp : timestampAt(context, last, last.rowCount - 1),
  };
}

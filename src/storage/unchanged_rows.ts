/**
 * Tells whether rows that take the place of others with the same upsert keys have the same values, too: then nothing is written.
 *
 * @module
 */
import { fixedSize, isVariableSize } from "../common/mod.ts";
import { Arena, type Vector, type WasmCore } from "../wasm/mod.ts";
import { mergeFixed, mergeVariable } from "./column_writer.ts";
import type { DedupKeys } from "./dedup_keys.ts";
import type { MergeOrders } from "./merge_order.ts";
import { isMixed, type MergeRange } from "./merge_plan.ts";
import type { ColumnMetadata } from "./metadata.ts";
import { nullVector } from "./null_values.ts";
import type { RowSource } from "./row_source.ts";
import type { TableReader } from "./table_reader.ts";
import { AUX_ENTRY_BYTES } from "./variable_files.ts";

/** A partition and what is merged into it. */
export interface MergedRows {
  readonly core: WasmCore;
  readonly reader: TableReader;
  /** Index of the partition in the reader. */
  readonly partition: number;
  readonly source: RowSource;
  readonly keys: DedupKeys;
  readonly orders: MergeOrders;
}

/** True if the merged ranges of a partition hold what they held before. A `false` may be said of rows that are the same. */
export function isUnchanged(rows: MergedRows): boolean {
  const { reader, source, keys, orders } = rows;
  const ranges = orders.ranges.filter(isMixed);
  let isSameCount = true;
  for (const range of ranges) {
    orders.use(range, (order) => {
      isSameCount &&= order.rowCount === range.oldHi - range.oldLo;
    });
  }
  if (!isSameCount) return false;
  const { timestampIndex, liveColumns } = reader.metadata;
  return liveColumns.every((column) => {
    const { writerIndex } = column;
    if (writerIndex === timestampIndex || keys.loaded(writerIndex) !== undefined) return true;
    const vector = source.column(writerIndex);
    try {
      return ranges.every((range) => isColumnUnchanged(rows, column, { range, vector }));
    } finally {
      source.release(writerIndex);
    }
  });
}

function isColumnUnchanged(
  rows: MergedRows,
  column: ColumnMetadata,
  of: { range: MergeRange; vector: Vector | null },
): boolean {
  const { core, reader, partition, orders } = rows;
  const { type, writerIndex } = column;
  const { range, vector } = of;
  using arena = new Arena(core.memory);
  const count = range.oldHi - range.oldLo;
  const old = reader.readColumn(
    partition,
    writerIndex,
    { rowLo: range.oldLo, rowHi: range.oldHi },
    arena,
  );
  const width = isVariableSize(type) ? AUX_ENTRY_BYTES : fixedSize(type);
  const added = vector === null
    ? nullVector(core, { type, rows: range.newHi - range.newLo }, arena)
    : { ...vector, data: vector.data + width * range.newLo };
  let isSame = false;
  orders.use(range, (order) => {
    if (!isVariableSize(type)) {
      const merged = mergeFixed(core, { type, left: old, right: added, chunk: order }, arena);
      isSame = areBytesEqual(core, [old.data, merged], count * width);
      return;
    }
    const { heapOffset } = old;
    const merged = mergeVariable(
      core,
      { type, left: old, right: added, chunk: order, heapOffset },
      arena,
    );
    isSame = merged.heapBytes === old.heapBytes &&
      areBytesEqual(core, [old.data, merged.data], count * width) &&
      areBytesEqual(core, [old.heap, merged.heap], old.heapBytes);
  });
  return isSame;
}

/** Compares blocks that begin at multiples of 4. */
function areBytesEqual(core: WasmCore, blocks: readonly [number, number], bytes: number): boolean {
  const { i32, u8 } = core.memory;
  const words = bytes >>> 2;
  const [a, b] = blocks;
  const left = a >>> 2, right = b >>> 2;
  for (let i = 0; i < words; i++) if (i32[left + i] !== i32[right + i]) return false;
  for (let i = 4 * words; i < bytes; i++) if (u8[a + i] !== u8[b + i]) return false;
  return true;
}

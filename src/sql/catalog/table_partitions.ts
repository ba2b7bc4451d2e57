/**
 * `table_partitions('t')` and `SHOW PARTITIONS FROM t`.
 *
 * @module
 */
import { partitionByName } from "../../common/mod.ts";
import type { TableReader } from "../../storage/mod.ts";
import type { Engine, TableToken } from "../../engine/mod.ts";
import { Arena, type WasmCore } from "../../wasm/mod.ts";
import { formatByteSize } from "./byte_size.ts";
import { catalogColumns, type CatalogTable, type CatalogValue } from "./catalog_table.ts";

const COLUMNS = catalogColumns(
  "index INT, partitionBy STRING, name STRING, minTimestamp TIMESTAMP, maxTimestamp TIMESTAMP, numRows LONG, " +
    "diskSize LONG, diskSizeHuman STRING, readOnly BOOLEAN, active BOOLEAN, attached BOOLEAN, detached BOOLEAN, " +
    "attachable BOOLEAN, isParquet BOOLEAN, parquetFileSize LONG",
);

/** Returns the committed bytes of a partition's files, or `null` if they cannot be told. */
export type PartitionSizer = (reader: TableReader, partitionIndex: number) => number | null;

/** One row a partition, oldest first. */
export function tablePartitionsTable(
  engine: Engine,
  token: TableToken,
  options: { core: WasmCore; sizeOf: PartitionSizer },
): CatalogTable {
  const reader = engine.acquireReader(token);
  try {
    const unit = partitionByName(reader.metadata.partitionBy);
    const last = reader.partitions.length - 1;
    const rows = reader.partitions.map((partition, index): CatalogValue[] => {
      const { minTimestamp, maxTimestamp } = timestampBounds(reader, index, options.core);
      const bytes = options.sizeOf(reader, index);
      return [
        index,
        unit,
        partition.dirName,
        minTimestamp,
        maxTimestamp,
        partition.rowCount,
        bytes,
        bytes === null ? null : formatByteSize(bytes),
        false,
        index === last,
        true,
        false,
        false,
        false,
        -1,
      ];
    });
    return { columns: COLUMNS, rows };
  } finally {
    reader.close();
  }
}

/** First and last designated timestamp of a partition; rows of a partition are in time order. */
function timestampBounds(
  reader: TableReader,
  index: number,
  core: WasmCore,
): { minTimestamp: bigint | null; maxTimestamp: bigint | null } {
  const { timestampIndex } = reader.metadata;
  const { rowCount } = reader.partitions[index];
  if (timestampIndex < 0 || rowCount === 0) return { minTimestamp: null, maxTimestamp: null };
  using arena = new Arena(core.memory);
  const at = (row: number): bigint => {
    const range = { rowLo: row, rowHi: row + 1 };
    const vector = reader.readColumn(index, timestampIndex, range, arena);
    return core.memory.i64[vector.data >> 3];
  };
  return { minTimestamp: at(0), maxTimestamp: at(rowCount - 1) };
}

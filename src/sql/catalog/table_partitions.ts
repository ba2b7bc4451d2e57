/**
 * `table_partitions('t')` and `SHOW PARTITIONS FROM t`.
 *
 * @module
 */
import { ColumnType, PartitionBy, partitionByName } from "../../common/mod.ts";
import type { FileSystem } from "../../platform/mod.ts";
import { columnFilesOf, isParquet, isReadOnly, type TableReader } from "../../storage/mod.ts";
import type { Engine, TableToken } from "../../engine/mod.ts";
import { Arena, type WasmCore } from "../../wasm/mod.ts";
import { formatByteSize } from "./byte_size.ts";
import { catalogColumns, type CatalogTable, type CatalogValue } from "./catalog_table.ts";
import { listDetachedPartitions } from "./detached_partitions.ts";

/** @param time Type of the designated timestamp; nanoseconds where there is none, as in QuestDB. */
const columnsOf = (time: "TIMESTAMP" | "TIMESTAMP_NS") =>
  catalogColumns(
    `index INT, partitionBy STRING, name STRING, minTimestamp ${time}, maxTimestamp ${time}, numRows LONG, ` +
      "diskSize LONG, diskSizeHuman STRING, readOnly BOOLEAN, active BOOLEAN, attached BOOLEAN, detached BOOLEAN, " +
      "attachable BOOLEAN, isParquet BOOLEAN, parquetFileSize LONG",
  );

/**
 * One row a partition, oldest first. `diskSize` counts committed bytes of column files, not what a writer has reserved.
 *
 * @param options.fs Where the sizes are looked up; without it they are NULL.
 */
export function tablePartitionsTable(
  engine: Engine,
  token: TableToken,
  options: { core: WasmCore; fs: FileSystem | null },
): CatalogTable {
  const reader = engine.acquireReader(token);
  try {
    const unit = partitionByName(reader.metadata.partitionBy);
    const last = reader.partitions.length - 1;
    const rows = reader.partitions.map((partition, index): CatalogValue[] => {
      const { minTimestamp, maxTimestamp } = timestampBounds(reader, index, options.core);
      const bytes = committedBytes(reader, index, options.fs);
      return [
        index,
        unit,
        partition.dirName.replace(/\.\d+$/, ""),
        minTimestamp,
        maxTimestamp,
        partition.rowCount,
        bytes,
        bytes === null ? null : formatByteSize(bytes),
        isReadOnly(partition),
        index === last,
        true,
        false,
        false,
        isParquet(partition),
        partition.parquetFileSize,
      ];
    });
    if (rows.length === 0 && reader.metadata.partitionBy === PartitionBy.NONE) rows.push(EMPTY_ROW);
    if (options.fs !== null) rows.push(...detachedRows(options.fs, reader.tableDir, unit));
    const { timestampIndex, columns } = reader.metadata;
    const isMicros = columns[timestampIndex]?.type === ColumnType.TIMESTAMP;
    return { columns: columnsOf(isMicros ? "TIMESTAMP" : "TIMESTAMP_NS"), rows };
  } finally {
    reader.close();
  }
}

/** A table without partitions always shows its one directory. */
const EMPTY_ROW: CatalogValue[] = [
  ...[0, "NONE", "default", null, null, 0, 0, formatByteSize(0)],
  ...[false, true, true, false, false, false, -1],
];

function detachedRows(fs: FileSystem, tableDir: string, unit: string): CatalogValue[][] {
  return listDetachedPartitions(fs, tableDir).map((partition) => [
    ...[null, unit, partition.name, partition.minTimestamp, partition.maxTimestamp],
    ...[partition.rowCount, partition.bytes, formatByteSize(partition.bytes)],
    ...[false, false, false, true, partition.isAttachable, false, -1],
  ]);
}

function committedBytes(reader: TableReader, index: number, fs: FileSystem | null): number | null {
  const partition = reader.partitions[index];
  if (fs === null) return null;
  if (isParquet(partition)) return partition.parquetFileSize;
  const { tableDir, metadata, versions } = reader;
  return columnFilesOf({ fs, tableDir, metadata, versions, partition })
    .reduce((sum, file) => sum + file.bytes, 0);
}

/** First and last designated timestamp of a partition; rows of a partition are in time order. */
function timestampBounds(
  reader: TableReader,
  index: number,
  core: WasmCore,
): { minTimestamp: bigint | null; maxTimestamp: bigint | null } {
  const { timestampIndex } = reader.metadata;
  const partition = reader.partitions[index];
  const { rowCount } = partition;
  const isUnpartitioned = reader.metadata.partitionBy === PartitionBy.NONE;
  if (timestampIndex < 0 || rowCount === 0 || isParquet(partition) || isUnpartitioned) {
    return { minTimestamp: null, maxTimestamp: null };
  }
  using arena = new Arena(core.memory);
  const at = (row: number): bigint => {
    const range = { rowLo: row, rowHi: row + 1 };
    const vector = reader.readColumn(index, timestampIndex, range, arena);
    return core.memory.i64[vector.data >> 3];
  };
  return { minTimestamp: at(0), maxTimestamp: at(rowCount - 1) };
}

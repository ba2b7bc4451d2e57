/**
 * `tables()`, `all_tables()`, `wal_tables()` and `SHOW TABLES`.
 *
 * @module
 */
import { ColumnType, LONG_NULL, PartitionBy, partitionByName } from "../../common/mod.ts";
import type { Engine, TableToken } from "../../engine/mod.ts";
import type { FileSystem } from "../../platform/mod.ts";
import { NO_MIN_TIMESTAMP } from "../../storage/mod.ts";
import { catalogColumns, type CatalogTable, type CatalogValue } from "./catalog_table.ts";
import { directoryBytes } from "./detached_partitions.ts";
import { describeTtl } from "./ttl.ts";

const TABLES_COLUMNS = catalogColumns(
  "id INT, table_name STRING, designatedTimestamp STRING, partitionBy STRING, walEnabled BOOLEAN, dedup BOOLEAN, " +
    "ttlValue INT, ttlUnit STRING, matView BOOLEAN, directoryName STRING, maxUncommittedRows INT, o3MaxLag LONG, " +
    "table_suspended BOOLEAN, table_type CHAR, table_row_count LONG, table_min_timestamp TIMESTAMP, " +
    "table_max_timestamp TIMESTAMP, table_last_write_timestamp TIMESTAMP, table_txn LONG, " +
    "table_memory_pressure_level INT, table_write_amp_count LONG, table_write_amp_p50 DOUBLE, " +
    "table_write_amp_p90 DOUBLE, table_write_amp_p99 DOUBLE, table_write_amp_max DOUBLE, table_merge_rate_count LONG, " +
    "table_merge_rate_p50 LONG, table_merge_rate_p90 LONG, table_merge_rate_p99 LONG, table_merge_rate_max LONG, " +
    "wal_pending_row_count LONG, wal_dedup_row_count_since_start LONG, wal_txn LONG, wal_max_timestamp TIMESTAMP, " +
    "wal_tx_count LONG, wal_tx_size_p50 LONG, wal_tx_size_p90 LONG, wal_tx_size_p99 LONG, wal_tx_size_max LONG, " +
    "replica_batch_count LONG, replica_batch_size_p50 LONG, replica_batch_size_p90 LONG, " +
    "replica_batch_size_p99 LONG, replica_batch_size_max LONG, replica_more_pending BOOLEAN",
);
const TABLE_KIND_LETTERS = "TTMV";

/** `tables()`: one row a table. Write statistics that are not collected are NULL, never invented. */
export function tablesTable(engine: Engine): CatalogTable {
  return { columns: TABLES_COLUMNS, rows: engine.tables().map((token) => tableRow(engine, token)) };
}

function tableRow(engine: Engine, token: TableToken): CatalogValue[] {
  const reader = engine.acquireReader(token);
  try {
    const { metadata, txn, rowCount } = reader;
    const ttl = describeTtl(metadata.ttlHoursOrMonths);
    const wal = token.isWal ? engine.walStatus(token) : null;
    const hasRows = rowCount > 0 && metadata.timestampIndex >= 0;
    const isNanos = metadata.columns[metadata.timestampIndex]?.type === ColumnType.TIMESTAMP_NS;
    const known = (time: bigint) =>
      hasRows && time > LONG_NULL && time < NO_MIN_TIMESTAMP ? isNanos ? time / 1000n : time : null;
    const minTimestamp = known(txn.minTimestamp), maxTimestamp = known(txn.maxTimestamp);
    const values: Record<string, CatalogValue> = {
      id: metadata.tableId,
      table_name: token.name,
      designatedTimestamp: metadata.columns[metadata.timestampIndex]?.name ?? null,
      partitionBy: partitionByName(metadata.partitionBy),
      walEnabled: token.isWal,
      dedup: metadata.liveColumns.some((column) => column.isDedupKey),
      ttlValue: ttl.value,
      ttlUnit: ttl.unit,
      matView: token.type === 2,
      directoryName: token.dirName,
      maxUncommittedRows: metadata.maxUncommittedRows,
      o3MaxLag: metadata.o3MaxLagMicros,
      table_suspended: wal?.isSuspended ?? false,
      table_type: TABLE_KIND_LETTERS[token.type] ?? "T",
      table_row_count: rowCount,
      table_min_timestamp: minTimestamp,
      table_max_timestamp: maxTimestamp,
      table_txn: txn.txn,
      table_memory_pressure_level: 0,
      wal_dedup_row_count_since_start: wal?.dedupedRowCount ?? 0,
      wal_txn: wal?.sequencerTxn ?? null,
      replica_more_pending: false,
    };
    return TABLES_COLUMNS.map((column) => values[column.name] ?? null);
  } finally {
    reader.close();
  }
}

/** `all_tables()` and `SHOW TABLES`: names only. */
export function tableNamesTable(engine: Engine): CatalogTable {
  return {
    columns: catalogColumns("table_name STRING"),
    rows: engine.tables().map((token) => [token.name]),
  };
}

/** `wal_tables()`: how far the apply of each WAL table has got. */
export function walTablesTable(engine: Engine): CatalogTable {
  const columns = catalogColumns(
    "name STRING, suspended BOOLEAN, writerTxn LONG, bufferedTxnSize LONG, sequencerTxn LONG, errorTag STRING, " +
      "errorMessage STRING, memoryPressure INT",
  );
  const rows = engine.walTables().map((table) => [
    table.name,
    table.isSuspended,
    table.writerTxn,
    table.bufferedTxnSize,
    table.sequencerTxn,
    table.errorTag,
    table.errorMessage,
    table.memoryPressure,
  ]);
  return { columns, rows };
}

/** `table_storage()`: rows, partitions and bytes of every table; without a file system the bytes are NULL. */
export function tableStorageTable(engine: Engine, fs: FileSystem | null): CatalogTable {
  const columns = catalogColumns(
    "tableName STRING, walEnabled BOOLEAN, partitionBy STRING, partitionCount LONG, rowCount LONG, diskSize LONG",
  );
  const rows = engine.tables().filter((token) => token.type < 3).map((token): CatalogValue[] => {
    const reader = engine.acquireReader(token);
    try {
      const { partitionBy } = reader.metadata;
      const isPartitioned = partitionBy !== PartitionBy.NONE;
      return [
        token.name,
        token.isWal,
        partitionByName(partitionBy),
        isPartitioned ? reader.partitions.length : 1,
        reader.rowCount,
        fs === null ? null : directoryBytes(fs, engine.tableDir(token)),
      ];
    } finally {
      reader.close();
    }
  });
  return { columns, rows };
}

/**
 * What runs and what there is besides tables: views, pools, running statements, memory.
 *
 * @module
 */
import type { Engine } from "../../engine/mod.ts";
import { catalogColumns, type CatalogTable } from "./catalog_table.ts";

/** A statement that is running. */
export interface RunningStatement {
  readonly id: number;
  readonly text: string;
  /** Microseconds. */
  readonly startedAt: bigint;
}

function emptyTable(columns: string): () => CatalogTable {
  return () => ({ columns: catalogColumns(columns), rows: [] });
}

/** Functions of things that this server does not have: their columns, and no rows. */
export const EMPTY_FUNCTIONS: Readonly<Record<string, () => CatalogTable>> = {
  export_activity: emptyTable(
    "export_id STRING, worker_id LONG, username STRING, start_time TIMESTAMP, phase STRING, request_source STRING, " +
      "export_path STRING, export_sql STRING, message STRING",
  ),
  materialized_views: emptyTable(
    "view_name STRING, refresh_type STRING, base_table_name STRING, last_refresh_start_timestamp TIMESTAMP, " +
      "last_refresh_finish_timestamp TIMESTAMP, view_sql STRING, view_table_dir_name STRING, " +
      "invalidation_reason STRING, view_status STRING, refresh_period_hi TIMESTAMP, refresh_base_table_txn LONG, " +
      "base_table_txn LONG, refresh_limit INT, refresh_limit_unit STRING, timer_time_zone STRING, " +
      "timer_start TIMESTAMP, timer_interval INT, timer_interval_unit STRING, period_length INT, " +
      "period_length_unit STRING, period_delay INT, period_delay_unit STRING",
  ),
  views: emptyTable(
    "view_name STRING, view_sql STRING, view_table_dir_name STRING, invalidation_reason STRING, view_status STRING, " +
      "view_status_update_time TIMESTAMP",
  ),
  // QuestDB does not know it as a table of pg_catalog.
  pg_enum: emptyTable("oid INT, enumtypid INT, enumsortorder FLOAT, enumlabel STRING"),
  // Readers are snapshots that several statements share; there is no pool to look into.
  reader_pool: emptyTable(
    "table_name STRING, owner_thread_id LONG, last_access_timestamp TIMESTAMP, current_txn LONG",
  ),
  writer_pool: emptyTable(
    "table_name STRING, owner_thread_id LONG, last_access_timestamp TIMESTAMP, ownership_reason STRING",
  ),
};

/** `query_activity()`: statements that are running, this one included. */
export function queryActivityTable(running: Iterable<RunningStatement>): CatalogTable {
  const columns = catalogColumns(
    "query_id LONG, worker_id LONG, worker_pool STRING, username STRING, query_start TIMESTAMP, " +
      "state_change TIMESTAMP, state STRING, is_wal BOOLEAN, query STRING",
  );
  const rows = [...running].map(({ id, text, startedAt }) => [
    ...[id, 0, "main", "admin", startedAt, startedAt, "active", false, text],
  ]);
  return { columns, rows };
}

/** `memory_metrics()`: bytes of column memory that are in use. */
export function memoryMetricsTable(engine: Engine): CatalogTable {
  const { liveBytes } = engine.core.memory;
  return {
    columns: catalogColumns("memory_tag STRING, bytes LONG"),
    rows: [["TOTAL_USED", liveBytes]],
  };
}

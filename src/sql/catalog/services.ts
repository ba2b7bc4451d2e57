/**
 * Catalog functions that the engine's services answer: `backups()`, `checkpoint_status()`, `SHOW PARAMETERS`.
 *
 * @module
 */
import type { Engine } from "../../engine/mod.ts";
import { catalogColumns, type CatalogTable } from "./catalog_table.ts";

/** `backups()`: running and past backups, the documented six columns first. Empty where backups are not configured. */
export function backupsTable(engine: Engine): CatalogTable {
  const columns = catalogColumns(
    "status VARCHAR, progress_percent INT, start_ts TIMESTAMP, end_ts TIMESTAMP, backup_error VARCHAR, " +
      "cleanup_error VARCHAR, bytes_read LONG, bytes_uploaded LONG, bytes_reused LONG, objects LONG, " +
      "mb_per_second DOUBLE, eta TIMESTAMP",
  );
  const rows = (engine.services.backup?.list() ?? []).map((row) => [
    row.status,
    row.progressPercent,
    row.startTs,
    row.endTs,
    row.backupError,
    row.cleanupError,
    BigInt(row.bytesRead),
    BigInt(row.bytesUploaded),
    BigInt(row.bytesReused),
    BigInt(row.objectCount),
    row.mbPerSecond,
    row.etaTs,
  ]);
  return { columns, rows };
}

/** `checkpoint_status()`: always one row. */
export function checkpointStatusTable(engine: Engine): CatalogTable {
  const status = engine.services.checkpoint?.status() ?? { inProgress: false, startedAt: null };
  return {
    columns: catalogColumns("in_progress BOOLEAN, started_at TIMESTAMP"),
    rows: [[status.inProgress, status.startedAt]],
  };
}

/** `SHOW PARAMETERS`: every configuration key with its value in use; sensitive ones are masked by the service. */
export function parametersTable(engine: Engine): CatalogTable {
  const columns = catalogColumns(
    "property_path STRING, env_var_name STRING, value STRING, value_source STRING, sensitive BOOLEAN, reloadable BOOLEAN",
  );
  const rows = (engine.services.configuration?.parameters() ?? []).map((parameter) => [
    parameter.propertyPath,
    parameter.envVarName,
    parameter.value,
    parameter.valueSource,
    parameter.isSensitive,
    parameter.isReloadable,
  ]);
  return { columns, rows };
}

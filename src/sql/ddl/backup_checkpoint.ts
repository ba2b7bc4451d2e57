/**
 * BACKUP DATABASE, BACKUP ABORT, VALIDATE BACKUP, RESTORE DATABASE … DRY RUN, CHECKPOINT CREATE, CHECKPOINT RELEASE: calls of the engine's services.
 *
 * @module
 */
import { CancelledError, QuestError, SqlError } from "../../common/mod.ts";
import type { Backup, Checkpoint, PlanRestore, ValidateBackup } from "../ast/mod.ts";
import { catalogColumns, catalogCursor } from "../catalog/mod.ts";
import type { RowCursor } from "../exec/mod.ts";
import type { StatementEnvironment } from "./statement_environment.ts";

/** Runs BACKUP DATABASE (one row: its timestamp) or BACKUP ABORT (one row: status and timestamp). @throws {SqlError} */
export async function runBackup(
  statement: Backup,
  environment: StatementEnvironment,
): Promise<RowCursor> {
  const { core, engine } = environment;
  const service = engine.services.backup;
  if (service === null) {
    throw new SqlError(
      statement.position,
      "backup is not enabled, please set backup.enabled=true and backup.object.store",
    );
  }
  if (statement.action === "database") {
    const timestamp = await positioned(statement.position, () => service.start());
    return catalogCursor(core, {
      columns: catalogColumns("backup_timestamp TIMESTAMP"),
      rows: [[timestamp]],
    });
  }
  const { status, backupId } = await positioned(statement.position, () => service.abort());
  return catalogCursor(core, {
    columns: catalogColumns("status VARCHAR, backup_id TIMESTAMP"),
    rows: [[status, backupId]],
  });
}

/** Level of VALIDATE BACKUP when none is said: everything but decoding. */
const DEFAULT_VALIDATION_LEVEL = "hashes";

/** Runs VALIDATE BACKUP: a row per table. @throws {SqlError} */
export async function runValidateBackup(
  statement: ValidateBackup,
  environment: StatementEnvironment,
): Promise<RowCursor> {
  const { core, engine, context } = environment;
  const { position, timestamp, level } = statement;
  const service = engine.services.backup;
  if (service === null) throw new SqlError(position, "backup is not enabled on this server");
  const rows = await positioned(
    position,
    () =>
      service.validate({
        timestamp,
        level: level ?? DEFAULT_VALIDATION_LEVEL,
        signal: context.signal,
      }),
  );
  return catalogCursor(core, {
    columns: catalogColumns(
      "backup_timestamp TIMESTAMP, table_name VARCHAR, objects LONG, bytes LONG, status VARCHAR, error VARCHAR, object VARCHAR",
    ),
    rows: rows.map((row) => [
      row.backupTimestamp,
      row.table === "" ? null : row.table,
      BigInt(row.objects),
      BigInt(row.bytes),
      row.error === null ? "ok" : "damaged",
      row.error,
      row.object,
    ]),
  });
}

/** Runs RESTORE DATABASE … DRY RUN: one row. @throws {SqlError} */
export async function runPlanRestore(
  statement: PlanRestore,
  environment: StatementEnvironment,
): Promise<RowCursor> {
  const { core, engine, context } = environment;
  const { position } = statement;
  const service = engine.services.backup;
  if (service === null) throw new SqlError(position, "backup is not enabled on this server");
  const plan = await positioned(
    position,
    () => service.planRestore({ ...statement, signal: context.signal }),
  );
  const problems = plan.problems.join("; ");
  return catalogCursor(core, {
    columns: catalogColumns(
      "backup_timestamp TIMESTAMP, instance VARCHAR, written_by VARCHAR, tables LONG, row_count LONG, objects LONG, " +
        "objects_missing LONG, bytes_to_fetch LONG, disk_needed LONG, disk_free LONG, estimated_seconds DOUBLE, " +
        "status VARCHAR, error VARCHAR",
    ),
    rows: [[
      plan.timestamp,
      plan.instance,
      plan.writtenBy,
      plan.tableCount,
      plan.rowCount,
      plan.objectCount,
      plan.missingCount,
      plan.fetchBytes,
      plan.diskNeeded,
      plan.diskFree,
      plan.estimatedSeconds,
      problems === "" ? "ok" : "refused",
      problems === "" ? null : problems,
    ]],
  });
}

/** Runs CHECKPOINT CREATE or RELEASE. @throws {SqlError} */
export async function runCheckpoint(
  statement: Checkpoint,
  environment: StatementEnvironment,
): Promise<void> {
  const service = environment.engine.services.checkpoint;
  if (service === null) {
    throw new SqlError(statement.position, "checkpoint is not available on this server");
  }
  const { isLegacy } = statement;
  const { signal } = environment.context;
  await positioned(
    statement.position,
    () =>
      statement.action === "create"
        ? service.create({ isLegacy, signal })
        : service.release({ isLegacy }),
  );
}

/** Gives a service's refusal the statement's position, keeping its words. */
async function positioned<T>(position: number, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const isPlain = error instanceof QuestError && !(error instanceof SqlError) &&
      !(error instanceof CancelledError);
    if (isPlain) throw new SqlError(position, error.message, { cause: error });
    throw error;
  }
}

/** Backups into an object store, and restores from it. @module */
export * from "./backup_config.ts";
export { INSTANCE_FILE } from "./backup_instance.ts";
export { createBackupService } from "./backup_service.ts";
export type { BackupServiceOptions, RunnableBackupService } from "./backup_service.ts";
export { restoreBackup, restoreIfTriggered } from "./restore.ts";
export type { RestoreOptions, RestoreSummary } from "./restore.ts";
export { planRestore, type RestorePlan, type RestorePlanOptions } from "./restore_plan.ts";
export type { RestoreRequest } from "./restore_trigger.ts";
export { listStoredBackups, type StoredBackup } from "./backup_catalog.ts";
export { validateBackup, VALIDATION_LEVELS, type ValidationOptions } from "./validation.ts";
export { backupTasks } from "./slice_tasks.ts";
export { BackupSchedule, type ScheduleSettings } from "./backup_schedule.ts";
export { ScheduleRecord } from "./schedule_record.ts";

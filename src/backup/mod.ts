/** Backups into an object store, and restores from it. @module */
export * from "./backup_config.ts";
export { createBackupService } from "./backup_service.ts";
export type { BackupServiceOptions, RunnableBackupService } from "./backup_service.ts";
export { restoreIfTriggered } from "./restore.ts";
export type { RestoreOptions, RestoreSummary } from "./restore.ts";
export { backupTasks } from "./slice_tasks.ts";
export { BackupSchedule, type ScheduleSettings } from "./backup_schedule.ts";

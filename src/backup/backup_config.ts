/**
 * The configuration values that backups use. The process maps the server configuration to this plain record.
 *
 * @module
 */

/** Backup settings; the configuration key of each stands in its comment. */
export interface BackupConfig {
  /** `backup.enabled`. */
  readonly isEnabled: boolean;
  /** `backup.object.store`: connection string, or `null`. A secret: never logged. */
  readonly objectStore: string | null;
  /** `backup.cleanup.keep.latest.n`. */
  readonly keepLatestCount: number;
  /** `backup.compression.level`, 1…22. */
  readonly compressionLevel: number;
  /** `backup.compression.threads`: slices encoded at a time; 0 = one per worker. */
  readonly compressionThreads: number;
  /** `backup.enable.partition.hashes`. */
  readonly hasPartitionHashes: boolean;
  /** `backup.verify.partition.hashes`. */
  readonly verifiesPartitionHashes: boolean;
}

/** QuestDB's defaults. */
export const DEFAULT_BACKUP_CONFIG: BackupConfig = {
  isEnabled: false,
  objectStore: null,
  keepLatestCount: 5,
  compressionLevel: 5,
  compressionThreads: 0,
  hasPartitionHashes: false,
  verifiesPartitionHashes: false,
};

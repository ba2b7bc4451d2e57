/**
 * Services that SQL statements reach through the engine although they live in folders above it. The process registers
 * them after it has opened the engine; a service that is not configured stays `null`.
 *
 * @module
 */

/** One row of `backups()`. Timestamps are microseconds since the epoch. */
export interface BackupStatusRow {
  readonly status: string;
  readonly progressPercent: number;
  readonly startTs: bigint;
  readonly endTs: bigint | null;
  readonly backupError: string | null;
  readonly cleanupError: string | null;
  /** Bytes of the database's files that were read. */
  readonly bytesRead: number;
  /** Bytes stored. */
  readonly bytesUploaded: number;
  /** Stored bytes of earlier backups, or of attempts that were interrupted, that the backup goes on using. */
  readonly bytesReused: number;
  /** Objects stored. */
  readonly objectCount: number;
  /** Bytes read, in 10⁶ per second; `null` if that took no time. */
  readonly mbPerSecond: number | null;
  /** When a running backup will probably be complete; `null` if it does not run, or it is too early to tell. */
  readonly etaTs: bigint | null;
}

/**
 * One row of VALIDATE BACKUP: a table, or with an empty name the database's own files. A damaged table has one for every damaged
 * object; the first of them counts what was checked.
 */
export interface BackupValidationRow {
  /** Timestamp of the backup, microseconds. */
  readonly backupTimestamp: bigint;
  readonly table: string;
  readonly objects: number;
  readonly bytes: number;
  /** What is wrong; `null` if nothing is. */
  readonly error: string | null;
  /** Key of the damaged object. */
  readonly object: string | null;
}

/** What RESTORE DATABASE … DRY RUN tells. */
export interface RestorePlanRow {
  /** Timestamp of the backup, microseconds. */
  readonly timestamp: bigint;
  readonly instance: string;
  /** Version of the program that made the backup; `null` if its manifest cannot be read. */
  readonly writtenBy: string | null;
  readonly tableCount: number;
  readonly rowCount: number;
  readonly objectCount: number;
  readonly missingCount: number;
  readonly fetchBytes: number;
  readonly diskNeeded: number;
  readonly diskFree: number | null;
  readonly estimatedSeconds: number | null;
  /** Why a restore would be refused. */
  readonly problems: readonly string[];
}

/** BACKUP DATABASE and its companions. */
export interface BackupService {
  /** Starts a backup in the background and returns its timestamp in microseconds. @throws {BackupError} if one is running. */
  start(): Promise<bigint>;
  /** Stops the running backup, if any. */
  abort(): Promise<{ status: "aborted" | "not running"; backupId: bigint | null }>;
  /** Returns running and past backups, oldest first. */
  list(): BackupStatusRow[];
  /**
   * Checks a stored backup, the newest at or before `timestamp` (microseconds; `null`: the latest). Damage is in the rows.
   *
   * @throws {QuestError} if there is no such backup, or the level is none.
   */
  validate(request: {
    readonly timestamp: bigint | null;
    readonly level: string;
    readonly signal: AbortSignal;
  }): Promise<BackupValidationRow[]>;
  /**
   * Tells what a restore of the newest backup at or before `timestamp` (microseconds; `null`: the latest) would take.
   *
   * @param request `instance`: `null` for this database's own.
   * @throws {QuestError} if there is no such backup.
   */
  planRestore(request: {
    readonly timestamp: bigint | null;
    readonly instance: string | null;
    readonly signal: AbortSignal;
  }): Promise<RestorePlanRow>;
  /** Returns the name under which this database is stored, or `null` before the first backup. */
  instanceName(): string | null;
}

/** One row of SHOW PARAMETERS. */
export interface ParameterRow {
  readonly propertyPath: string;
  readonly envVarName: string;
  readonly value: string;
  readonly valueSource: string;
  readonly isSensitive: boolean;
  readonly isReloadable: boolean;
}

/** SHOW PARAMETERS and reload_config(). */
export interface ConfigurationService {
  /** Returns every configuration key with its value; sensitive values are masked. */
  parameters(): ParameterRow[];
  /** Reads the configuration again; `true` if a value changed. */
  reload(): Promise<boolean>;
}

/** CHECKPOINT CREATE and RELEASE. */
export interface CheckpointService {
  /**
   * Creates a checkpoint, with `isLegacy` where `SNAPSHOT PREPARE` puts it.
   *
   * @throws {QuestError} if one is active, or it cannot be written; {@linkcode CancelledError} once the signal is aborted.
   */
  create(command?: { readonly isLegacy?: boolean; readonly signal?: AbortSignal }): Promise<void>;
  /** Releases the active checkpoint; nothing happens if there is none. */
  release(command?: { readonly isLegacy?: boolean }): Promise<void>;
  /** Tells whether a checkpoint is active and since when (microseconds). */
  status(): { inProgress: boolean; startedAt: bigint | null };
}

/** The registered services. */
export interface EngineServices {
  backup: BackupService | null;
  checkpoint: CheckpointService | null;
  configuration: ConfigurationService | null;
}

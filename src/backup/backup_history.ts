/**
 * The rows of `backups()`: what is running and what was, kept beside the backups so that they survive a restart.
 *
 * @module
 */
import { formatTimestampMicros, parseTimestampMicros } from "../common/mod.ts";
import type { ObjectStore } from "../objectstore/mod.ts";
import { encodeJson, readSmallJson } from "./backup_instance.ts";
import type { BackupRecord } from "./backup_progress.ts";
import { type InstanceKeys, parseCompactTimestamp } from "./object_keys.ts";
import { BACKUP_FORMAT } from "./table_manifest.ts";

/** Rows kept; older ones stay in the store but are not shown. */
export const HISTORY_ROWS_MAX = 1000;

/** Status texts as documented. */
export const BackupStatus = {
  IN_PROGRESS: "backup in progress",
  COMPLETE: "backup complete",
  FAILED: "backup failed",
  CLEANUP_IN_PROGRESS: "cleanup in progress",
  CLEANUP_COMPLETE: "cleanup complete",
  CLEANUP_FAILED: "cleanup failed",
} as const;

/** Stores the outcome of an attempt. */
export async function writeHistory(
  store: ObjectStore,
  keys: InstanceKeys,
  row: BackupRecord,
): Promise<void> {
  const text = (micros: bigint | null) => micros === null ? null : formatTimestampMicros(micros);
  await store.put(
    keys.historyRecord(row.startTs),
    encodeJson({
      format: BACKUP_FORMAT,
      status: row.status,
      progress_percent: row.progressPercent,
      start_ts: text(row.startTs),
      end_ts: text(row.endTs),
      backup_error: row.backupError,
      cleanup_error: row.cleanupError,
      bytes_read: row.bytesRead,
      bytes_uploaded: row.bytesUploaded,
      bytes_reused: row.bytesReused,
      objects: row.objectCount,
    }),
    { ifNoneMatch: true },
  );
}

/** Stores the outcome of the cleanup behind a backup. */
export async function writeCleanupHistory(
  store: ObjectStore,
  keys: InstanceKeys,
  row: BackupRecord,
): Promise<void> {
  const record = { format: BACKUP_FORMAT, status: row.status, cleanup_error: row.cleanupError };
  await store.put(keys.cleanupRecord(row.startTs), encodeJson(record), { ifNoneMatch: true });
}

/** Records read at a time. */
const READ_CONCURRENCY = 8;

/** How a history is read. */
export interface ReadHistoryOptions {
  readonly signal: AbortSignal;
  /** Told of records that cannot be read; they are left out. */
  readonly onProblem: (key: string, error: unknown) => void;
}

/** Reads the newest attempts, oldest first. */
export async function readHistory(
  store: ObjectStore,
  keys: InstanceKeys,
  options: ReadHistoryOptions,
): Promise<BackupRecord[]> {
  const { signal } = options;
  const found: string[] = [];
  for await (const page of store.list(keys.history, { signal })) {
    for (const { key } of page) {
      const name = key.slice(keys.history.length);
      if (name.endsWith(".json") && parseCompactTimestamp(name.slice(0, -5)) !== null) {
        found.push(key);
      }
    }
  }
  const newest = found.sort().slice(-HISTORY_ROWS_MAX);
  const rows: BackupRecord[] = [];
  for (let start = 0; start < newest.length; start += READ_CONCURRENCY) {
    const some = newest.slice(start, start + READ_CONCURRENCY);
    const read = await Promise.all(some.map((key) => readRecord({ store, keys }, key, options)));
    rows.push(...read.filter((row) => row !== null));
  }
  return rows;
}

async function readRecord(
  { store, keys }: { readonly store: ObjectStore; readonly keys: InstanceKeys },
  key: string,
  { signal, onProblem }: ReadHistoryOptions,
): Promise<BackupRecord | null> {
  try {
    const json = await readSmallJson(store, key, signal);
    if (json === null) return null;
    const row = decodeRow(json);
    const cleanup = row.status === BackupStatus.COMPLETE
      ? await readSmallJson(store, keys.cleanupRecord(row.startTs), signal)
      : null;
    return cleanup === null ? row : withCleanup(row, cleanup);
  } catch (error) {
    signal.throwIfAborted();
    onProblem(key, error);
    return null;
  }
}

function withCleanup(row: BackupRecord, json: Record<string, unknown>): BackupRecord {
  const cleanupError = typeof json.cleanup_error === "string" ? json.cleanup_error : null;
  return { ...row, status: String(json.status), cleanupError };
}

function decodeRow(json: Record<string, unknown>): BackupRecord {
  const startTs = parseTimestampMicros(String(json.start_ts));
  if (startTs === null) throw new TypeError(`Cannot parse start_ts "${json.start_ts}"`);
  const text = (value: unknown) => typeof value === "string" ? value : null;
  // A record of an earlier release does not say what was moved.
  const count = (value: unknown) => Number.isSafeInteger(value) ? Math.max(0, value as number) : 0;
  return {
    status: String(json.status),
    progressPercent: Math.min(100, count(json.progress_percent)),
    startTs,
    endTs: typeof json.end_ts === "string" ? parseTimestampMicros(json.end_ts) : null,
    backupError: text(json.backup_error),
    cleanupError: text(json.cleanup_error),
    bytesRead: count(json.bytes_read),
    bytesUploaded: count(json.bytes_uploaded),
    bytesReused: count(json.bytes_reused),
    objectCount: count(json.objects),
  };
}

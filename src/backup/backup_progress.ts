/**
 * What is known of an attempt while it runs and when it is over: the rows of `backups()`.
 *
 * @module
 */
import type { BackupStatusRow } from "../engine/mod.ts";
import type { UploadCounters } from "./pack_uploader.ts";

/** Before this part of the work is done, nothing is said about its end. */
const ETA_FRACTION_MIN = 0.01;
const MICROS_PER_SECOND = 1e6;
const BYTES_PER_MEGABYTE = 1e6;

/** An attempt as it is kept; the rest of its row is computed. */
export type BackupRecord = Omit<BackupStatusRow, "mbPerSecond" | "etaTs">;

/** A record that is being written. */
export type MutableRecord = { -readonly [Field in keyof BackupRecord]: BackupRecord[Field] };

/** The row of an attempt that is over, or whose cleanup is all that is under way. */
export function finishedRow(record: BackupRecord): BackupStatusRow {
  const { startTs, endTs } = record;
  return {
    ...record,
    mbPerSecond: endTs === null ? null : speed(record.bytesRead, endTs - startTs),
    etaTs: null,
  };
}

/** The row of an attempt under way. @param state `fraction`: what is done, 0…1; `now`: microseconds. */
export function runningRow(
  record: BackupRecord,
  state: {
    readonly counters: Readonly<UploadCounters>;
    readonly fraction: number;
    readonly now: bigint;
  },
): BackupStatusRow {
  const { counters, fraction, now } = state;
  const elapsed = now - record.startTs;
  return {
    ...withCounters(record, counters),
    mbPerSecond: speed(counters.bytesRead, elapsed),
    etaTs: fraction < ETA_FRACTION_MIN
      ? null
      : record.startTs + BigInt(Math.round(Number(elapsed) / fraction)),
  };
}

/** A record with what was moved. */
export function withCounters(
  record: BackupRecord,
  counters: Readonly<UploadCounters>,
): BackupRecord {
  const { bytesRead, bytesUploaded, bytesReused, objectsUploaded } = counters;
  return { ...record, bytesRead, bytesUploaded, bytesReused, objectCount: objectsUploaded };
}

function speed(bytes: number, micros: bigint): number | null {
  if (micros <= 0n) return null;
  return bytes / BYTES_PER_MEGABYTE / (Number(micros) / MICROS_PER_SECOND);
}

/**
 * Up to when due times were acted on, kept over restarts: `db/_backup_schedule.json`, { cron, time_zone, done }. It is written before a
 * backup is started, so a due time is never met twice; what passed while the server was down is told from it.
 *
 * @module
 */
import { formatTimestampMicros, parseTimestampMicros } from "../common/mod.ts";
import { type FileSystem, type Log, readFile, writeFileAtomic } from "../platform/mod.ts";
import type { ScheduleSettings } from "./backup_schedule.ts";

const COMPONENT = "backup";
/** Name of the file in the database root. */
export const SCHEDULE_FILE = "_backup_schedule.json";
const FILE_BYTES_MAX = 4096;
const MICROS_PER_MILLI = 1000n;

/** Where the record is kept. */
export interface ScheduleRecordOptions {
  readonly fs: FileSystem;
  readonly dbRoot: string;
  readonly log: Log;
}

/** See the module's description. It decides nothing about backups themselves: a record that is damaged is logged and forgotten. */
export class ScheduleRecord {
  readonly #options: ScheduleRecordOptions;
  readonly #path: string;

  constructor(options: ScheduleRecordOptions) {
    this.#options = options;
    this.#path = `${options.dbRoot}/${SCHEDULE_FILE}`;
  }

  /** Milliseconds since the epoch up to which these settings were acted on; `null` if they are others than those in the record. */
  read(settings: ScheduleSettings): number | null {
    const { fs } = this.#options;
    if (fs.stat(this.#path) === null) return null;
    try {
      const json = JSON.parse(new TextDecoder().decode(readFile(fs, this.#path, FILE_BYTES_MAX)));
      const { cron, time_zone, done } = json as Record<string, unknown>;
      if (cron !== settings.cron || time_zone !== settings.timeZone) return null;
      const micros = parseTimestampMicros(String(done));
      return micros === null ? null : Number(micros / MICROS_PER_MILLI);
    } catch (error) {
      this.#log("record of the schedule cannot be read", error);
      return null;
    }
  }

  /** Notes that due times up to `doneMillis` are dealt with; durable on return. */
  write(settings: ScheduleSettings, doneMillis: number): void {
    const done = formatTimestampMicros(BigInt(doneMillis) * MICROS_PER_MILLI);
    const text = JSON.stringify({ cron: settings.cron, time_zone: settings.timeZone, done });
    try {
      writeFileAtomic(this.#options.fs, this.#path, new TextEncoder().encode(text));
    } catch (error) {
      this.#log("record of the schedule cannot be written", error);
    }
  }

  /** Forgets everything: nothing is scheduled. */
  clear(): void {
    const { fs } = this.#options;
    try {
      if (fs.stat(this.#path) !== null) fs.remove(this.#path);
    } catch (error) {
      this.#log("record of the schedule cannot be removed", error);
    }
  }

  #log(message: string, error: unknown): void {
    this.#options.log.error(COMPONENT, message, {
      file: this.#path,
      error: error instanceof Error ? error.message : String(error),
    });
  }
}

/**
 * `_backup_restore` in the install root asks for a restore at the next start. A file in Java's properties format.
 *
 * @module
 */
import { getProperties } from "properties-file";
import { parseTimestampMicros, RestoreError } from "../common/mod.ts";
import { type FileSystem, readFile } from "../platform/mod.ts";
import { isInstanceName } from "./object_keys.ts";

/** Name of the trigger file. */
export const TRIGGER_FILE = "_backup_restore";
const TRIGGER_BYTES_MAX = 1_048_576;
const KEYS = ["backup.object.store", "backup.instance.name", "backup.restore.timestamp"] as const;

/** What the operator asks for. */
export interface RestoreRequest {
  /** Connection string; a secret. `null`: the configured store. */
  readonly objectStore: string | null;
  readonly instance: string | null;
  /** Newest backup at or before this many microseconds; `null`: the latest. */
  readonly timestamp: bigint | null;
  /** The timestamp as it was written, for messages. */
  readonly timestampText: string | null;
}

/** Reads the trigger file; `null` if there is none. @throws {RestoreError} naming the key that cannot be used. */
export function readRestoreTrigger(fs: FileSystem, installRoot: string): RestoreRequest | null {
  const path = `${installRoot}/${TRIGGER_FILE}`;
  if (fs.stat(path) === null) return null;
  const text = new TextDecoder().decode(readFile(fs, path, TRIGGER_BYTES_MAX));
  const properties = getProperties(text);
  for (const key of Object.keys(properties)) {
    // A misspelt timestamp key would silently restore the latest backup.
    if (!(KEYS as readonly string[]).includes(key)) {
      throw new RestoreError("unknown key in restore file", {
        file: path,
        key,
        known: KEYS.join("|"),
      });
    }
  }
  const value = (key: typeof KEYS[number]) => {
    const trimmed = properties[key]?.trim() ?? "";
    return trimmed === "" ? null : trimmed;
  };
  const instance = value("backup.instance.name");
  if (instance !== null && !isInstanceName(instance)) {
    throw new RestoreError("invalid backup instance name", {
      file: path,
      key: "backup.instance.name",
      value: JSON.stringify(instance),
    });
  }
  const timestampText = value("backup.restore.timestamp");
  const timestamp = timestampText === null ? null : parseTimestampMicros(timestampText);
  if (timestampText !== null && timestamp === null) {
    throw new RestoreError("invalid restore timestamp", {
      file: path,
      key: "backup.restore.timestamp",
      value: JSON.stringify(timestampText),
    });
  }
  return { objectStore: value("backup.object.store"), instance, timestamp, timestampText };
}

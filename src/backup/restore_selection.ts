/**
 * Which backup a restore takes: the instance, then the newest backup at or before the wanted time.
 *
 * @module
 */
import { formatTimestampMicros, RestoreError } from "../common/mod.ts";
import type { ObjectStore } from "../objectstore/mod.ts";
import { listInstances } from "./backup_instance.ts";
import { listBackups } from "./manifest_store.ts";
import { InstanceKeys } from "./object_keys.ts";
import type { RestoreRequest } from "./restore_trigger.ts";

/** A backup that was chosen. */
export interface SelectedBackup {
  readonly instance: string;
  readonly keys: InstanceKeys;
  readonly timestamp: bigint;
}

/** Most instance names that a message lists. */
const NAMES_SHOWN_MAX = 20;

/**
 * Chooses a backup.
 *
 * @throws {RestoreError} if the store holds none, several instances and none named, or none old enough.
 */
export async function selectBackup(
  store: ObjectStore,
  request: Pick<RestoreRequest, "instance" | "timestamp">,
): Promise<SelectedBackup> {
  const names = await listInstances(store);
  const listed = names.slice(0, NAMES_SHOWN_MAX).join("|");
  if (names.length === 0) {
    throw new RestoreError("backup restore error: no backups found in the object store", {
      store: store.description,
    });
  }
  if (request.instance === null && names.length > 1) {
    throw new RestoreError(
      "backup restore error: multiple backup instances found, set backup.instance.name",
      { instances: listed },
    );
  }
  const instance = request.instance ?? names[0];
  if (!names.includes(instance)) {
    throw new RestoreError("backup restore error: backup instance not found", {
      instance,
      instances: listed,
    });
  }
  const keys = new InstanceKeys(instance);
  const timestamps = await listBackups(store, keys);
  const limit = request.timestamp;
  const chosen = timestamps.findLast((timestamp) => limit === null || timestamp <= limit);
  if (chosen !== undefined) return { instance, keys, timestamp: chosen };
  if (limit === null) {
    throw new RestoreError("backup restore error: the backup instance has no complete backup", {
      instance,
    });
  }
  const earliest = timestamps.length === 0 ? null : formatTimestampMicros(timestamps[0]);
  throw new RestoreError(
    `backup restore error: No backup timestamp found that is <= ${formatTimestampMicros(limit)}`,
    { instance, earliest },
  );
}

/**
 * The backups in a store, read from the store alone.
 *
 * @module
 */
import { ObjectStoreError } from "../common/mod.ts";
import { listInstances } from "./backup_instance.ts";
import { listBackups, type ManifestContext, readRootManifest } from "./manifest_store.ts";
import { InstanceKeys } from "./object_keys.ts";
import { checkIdentity } from "./restore.ts";
import type { RootManifest } from "./root_manifest.ts";

/** A backup in a store. */
export interface StoredBackup {
  readonly instance: string;
  /** Microseconds. */
  readonly timestamp: bigint;
  /** `null` if it cannot be read. */
  readonly manifest: RootManifest | null;
  /** Why it cannot be read. */
  readonly error: string | null;
}

/** Lists backups by instance, oldest first. @param instance `null`: all instances. @throws what the store throws. */
export async function listStoredBackups(
  context: ManifestContext,
  instance: string | null,
): Promise<StoredBackup[]> {
  const names = (await listInstances(context.store)).sort();
  const backups: StoredBackup[] = [];
  for (const name of names.filter((found) => instance === null || found === instance)) {
    const keys = new InstanceKeys(name);
    for (const timestamp of await listBackups(context.store, keys)) {
      backups.push(await readBackup(context, { keys, instance: name, timestamp }));
    }
  }
  return backups;
}

async function readBackup(
  context: ManifestContext,
  backup: { readonly keys: InstanceKeys; readonly instance: string; readonly timestamp: bigint },
): Promise<StoredBackup> {
  const { keys, instance, timestamp } = backup;
  const key = keys.manifest(timestamp);
  try {
    const manifest = await readRootManifest(context, key);
    checkIdentity(manifest, key, backup);
    return { instance, timestamp, manifest, error: null };
  } catch (error) {
    if (error instanceof ObjectStoreError && error.isRetryable) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    return { instance, timestamp, manifest: null, error: reason };
  }
}

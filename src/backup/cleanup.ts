/**
 * Retention: removes old backups, then every object that no backup names any more.
 *
 * ```
 * old root manifests deleted ─► remaining manifests read, what they name collected ─► objects listed, the rest deleted
 * ```
 * Runs in the slot of a backup that has just completed, under its lease, so nothing is being uploaded to the instance.
 *
 * Invariants:
 * 1. Of the backups that count, the newest `keepCount` are never touched, nor anything that a remaining manifest names.
 *    Which backups count is told by the listing *and* by this server's own record: a listing may lag behind. Nothing is
 *    concluded from an answer that one of them is not there.
 * 2. A remaining manifest that cannot be read ends the run before an object is deleted: what it names is not known. That holds
 *    for one that is listed and not found, too: whether the listing or the answer is behind the times cannot be told.
 * 3. Only what was listed is deleted, and nothing that the store got since the backup took its lease, by the store's clock.
 * 4. Cut off anywhere, it leaves garbage only, and the next run removes that.
 *
 * @module
 */
import { BackupError } from "../common/mod.ts";
import {
  listBackups,
  type ManifestContext,
  readRootManifest,
  readTableManifest,
} from "./manifest_store.ts";
import { DATABASE_DIRECTORY, type InstanceKeys } from "./object_keys.ts";
import type { ManifestReference } from "./root_manifest.ts";

/** Objects deleted by one call. */
const DELETE_BATCH = 1000;

/** What a cleanup runs with. */
export interface CleanupOptions extends ManifestContext {
  readonly keys: InstanceKeys;
  /** The lease that the backup before it took. */
  readonly leaseKey: string;
  /** Called before anything is deleted. @throws if another server has the instance now. */
  readonly checkLease: () => Promise<void>;
  /** `backup.cleanup.keep.latest.n`, at least 1. */
  readonly keepCount: number;
  /** Timestamps of the backups that this server knows to have completed and not deleted. */
  readonly knownBackups: readonly bigint[];
  /** Those of which it does not know whether they completed. */
  readonly unsureBackups: readonly bigint[];
  readonly signal: AbortSignal;
  /** Called for each of them that is found. */
  readonly onFound: (timestamp: bigint) => void;
  /** Called once backups were deleted, before their objects are: they are no backups any more. */
  readonly onDeleted: (timestamps: readonly bigint[]) => void;
}

/** What a cleanup removed. */
export interface CleanupResult {
  readonly backups: number;
  readonly objects: number;
  readonly bytes: number;
}

/** Removes what retention does not keep. @throws {BackupError} and what the store throws; no backup that is kept has changed. */
export async function cleanUp(options: CleanupOptions): Promise<CleanupResult> {
  const { store, keys, signal } = options;
  const lease = await store.head(options.leaseKey, { signal });
  if (lease === null) {
    throw new BackupError("cleanup: the lease is gone", { key: options.leaseKey });
  }
  const listed = await listBackups(store, keys);
  const { found, lost } = await resolveUnsure(options, listed);
  const { kept, old } = splitBackups([...listed, ...found], options);
  old.push(...lost);
  await options.checkLease();
  await store.delete(old.map((timestamp) => keys.manifest(timestamp)), { signal });
  options.onDeleted(old);
  const named = await namedObjects(options, kept);
  const garbage: string[] = [];
  let bytes = 0;
  for (const prefix of [keys.tables, keys.packs]) {
    for await (const page of store.list(prefix, { signal })) {
      for (const { key, size, modifiedMillis } of page) {
        if (!isGarbage({ key, modifiedMillis }, named, lease)) continue;
        garbage.push(key);
        bytes += size;
      }
    }
  }
  for (let start = 0; start < garbage.length; start += DELETE_BATCH) {
    signal.throwIfAborted();
    await options.checkLease();
    await store.delete(garbage.slice(start, start + DELETE_BATCH), { signal });
  }
  await checkDeleted(options, [...old.map((timestamp) => keys.manifest(timestamp)), ...garbage]);
  return { backups: old.length, objects: garbage.length, bytes };
}

/**
 * Looks for the manifests of attempts that were cut off while they stored them. One that is not found is deleted nevertheless, like
 * an old one: the answer may be behind the times, and what it names must not go before it.
 */
async function resolveUnsure(
  options: CleanupOptions,
  listed: readonly bigint[],
): Promise<{ found: bigint[]; lost: bigint[] }> {
  const { store, keys, signal } = options;
  const found: bigint[] = [], lost: bigint[] = [];
  for (const timestamp of options.unsureBackups) {
    const isThere = listed.includes(timestamp) ||
      await store.head(keys.manifest(timestamp), { signal }) !== null;
    if (isThere) {
      options.onFound(timestamp);
      found.push(timestamp);
    } else lost.push(timestamp);
  }
  return { found, lost };
}

/** Backups that are kept and those that are not, ascending: listed ones, and known ones that the listing has not caught up with. */
export function splitBackups(
  listed: readonly bigint[],
  options: { readonly knownBackups: readonly bigint[]; readonly keepCount: number },
): { readonly kept: bigint[]; readonly old: bigint[] } {
  const all = [...new Set([...listed, ...options.knownBackups])]
    .sort((a, b) => a < b ? -1 : a > b ? 1 : 0);
  const kept = all.slice(-options.keepCount);
  return { kept, old: all.slice(0, all.length - kept.length) };
}

/** True if a listed object may go: nothing names it, and it is older than the lease, by the store's clock. */
export function isGarbage(
  object: { readonly key: string; readonly modifiedMillis: number },
  named: ReadonlySet<string>,
  lease: { readonly modifiedMillis: number },
): boolean {
  return !named.has(object.key) && object.modifiedMillis < lease.modifiedMillis;
}

/** Keys of everything that the manifests of these backups name. */
async function namedObjects(
  options: CleanupOptions,
  timestamps: readonly bigint[],
): Promise<Set<string>> {
  const { keys } = options;
  const named = new Set<string>();
  const add = async (reference: ManifestReference, directory: string) => {
    if (named.has(reference.key)) return; // shared with another backup, whose packs are in already
    const manifest = await readTableManifest(options, reference);
    named.add(reference.key);
    for (const pack of manifest.packBytes().keys()) named.add(keys.pack(directory, pack));
  };
  for (const timestamp of timestamps) {
    options.signal.throwIfAborted();
    const root = await readRootManifest(options, keys.manifest(timestamp));
    for (const table of root.tables) await add(table.manifest, table.dir);
    await add(root.files, DATABASE_DIRECTORY);
  }
  return named;
}

/** A store that keeps what was deleted must say so. One object of each batch is looked at: rights and holds are the same for all. */
async function checkDeleted(options: CleanupOptions, keys: readonly string[]): Promise<void> {
  for (let index = 0; index < keys.length; index += DELETE_BATCH) {
    const info = await options.store.head(keys[index], { signal: options.signal });
    if (info === null) continue;
    throw new BackupError("cleanup: the object store did not delete an object", {
      key: keys[index],
    });
  }
}

/**
 * Restore at start: `_backup_restore` in the install root, an empty database root, and a store with a backup. The stages and
 * what a crash in each leaves are described in `restore_state.ts`.
 *
 * ```
 * trigger ─► nothing in the way? ─► instance, backup ─► space? ─► each table into db/.restore ─► plan ─► renames ─► .data_id
 *         ─► trigger removed
 * ```
 * Several tables at a time. If the store cannot be reached or the disk is full, what was restored stays and the next start
 * goes on; if an object is damaged, its table is kept aside and named.
 *
 * @module
 */
import {
  formatTimestampMicros,
  ObjectStoreError,
  parseTimestampMicros,
  RestoreError,
} from "../common/mod.ts";
import type { FileSystem, Log, Random } from "../platform/mod.ts";
import { type ObjectStore, openObjectStore } from "../objectstore/mod.ts";
import type { TaskRunner, WasmCore } from "../wasm/mod.ts";
import { type ManifestContext, readRootManifest, readTableManifest } from "./manifest_store.ts";
import { DATABASE_DIRECTORY, type InstanceKeys } from "./object_keys.ts";
import { selectBackup } from "./restore_selection.ts";
import { type PublishPlan, RestoreState } from "./restore_state.ts";
import { readRestoreTrigger, type RestoreRequest } from "./restore_trigger.ts";
import type { BackupTable, RootManifest } from "./root_manifest.ts";
import type { TableManifest } from "./table_manifest.ts";
import { type RestoreContext, restoreFiles, restoreTable } from "./table_restore.ts";

const COMPONENT = "restore";
/** Bytes that must stay free on the disk. */
export const SPACE_RESERVE_BYTES = 67_108_864;
/** Tables that are restored at the same time. */
const TABLES_MAX = 4;
/** Progress is logged this often, in percent. */
const PROGRESS_STEP = 10;
/** Database-level files that a backup may hold. */
const DATABASE_FILE_NAMES = new Set([
  "tables.d.0",
  "_tab_index.d",
  "_upgrade.d",
  "_preferences~store",
]);
/** What the system says when a disk is full, or a quota is used up. */
const DISK_FULL = /os error (28|122)\b|No space left/i;

/** What a restore runs with. */
export interface RestoreOptions {
  /** Directory of `conf/` and of the trigger file. */
  readonly installRoot: string;
  /** Database root, normally `<installRoot>/db`. */
  readonly dbRoot: string;
  readonly fs: FileSystem;
  readonly random: Random;
  /** Runs `backupTasks`. */
  readonly tasks: TaskRunner;
  readonly core: WasmCore;
  readonly log: Log;
  /** `backup.object.store` of the configuration, used when the trigger names none. */
  readonly configuredStore: string | null;
  readonly productVersion: string;
  /** True if hashes of whole files are checked, where the backup has them: `backup.verify.partition.hashes`. */
  readonly verifiesPartitionHashes?: boolean;
  /** Opens a store; `openObjectStore` when left out. */
  readonly openStore?: (connection: string) => Promise<ObjectStore>;
  /** Called with restored bytes and their total. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/** What was restored. */
export interface RestoreSummary {
  readonly instance: string;
  /** ISO text of the backup's timestamp. */
  readonly timestamp: string;
  readonly tableCount: number;
  readonly rowCount: number;
  readonly bytes: number;
  /** Bytes that came from the store. */
  readonly fetchedBytes: number;
  /** Bytes that an interrupted attempt had restored. */
  readonly reusedBytes: number;
}

/**
 * Restores if the trigger file asks for it; to be called with the root locked, before the engine opens it.
 *
 * @returns `null` if there is no trigger file.
 * @throws {RestoreError} and whatever the store throws; the root must then not be opened.
 */
export async function restoreIfTriggered(options: RestoreOptions): Promise<RestoreSummary | null> {
  const request = readRestoreTrigger(options.fs, options.installRoot);
  if (request !== null) return await restoreBackup(options, request);
  new RestoreState(options.fs, options).cleanWithoutTrigger();
  return null;
}

/**
 * Restores a backup, or goes on with a restore that was interrupted; to be called with the root locked.
 *
 * @throws {RestoreError} and whatever the store throws; the root must then not be opened.
 */
export async function restoreBackup(
  options: RestoreOptions,
  request: RestoreRequest,
): Promise<RestoreSummary> {
  const state = new RestoreState(options.fs, options);
  const interrupted = state.readPlan();
  if (interrupted !== null) {
    checkAskedFor(interrupted, request);
    const { instance, timestamp, tables } = interrupted;
    options.log.info(COMPONENT, "finishing an interrupted restore", { instance, timestamp });
    state.publish(interrupted);
    const counts = { rowCount: 0, bytes: 0, fetchedBytes: 0, reusedBytes: 0 };
    return { instance, timestamp, tableCount: tables.length, ...counts };
  }
  state.checkEmpty();
  await using store = await openStore(options, request);
  return await new Restore(options, state, store).run(request);
}

/** Half of a backup is in place already; another one must not be named as the result. @throws {RestoreError} */
function checkAskedFor(plan: PublishPlan, request: RestoreRequest): void {
  const timestamp = parseTimestampMicros(plan.timestamp);
  const isOther = (request.instance !== null && request.instance !== plan.instance) ||
    (request.timestamp !== null && (timestamp === null || timestamp > request.timestamp));
  if (!isOther) return;
  throw new RestoreError(
    "an interrupted restore has to be finished first; ask for its backup, or remove the database directory",
    { instance: plan.instance, timestamp: plan.timestamp },
  );
}

async function openStore(options: RestoreOptions, request: RestoreRequest): Promise<ObjectStore> {
  const connection = request.objectStore ?? options.configuredStore;
  if (connection === null) {
    throw new RestoreError(
      "backup restore error: no object store, set backup.object.store in the restore file",
    );
  }
  return await (options.openStore?.(connection) ?? openObjectStore(connection, options));
}

class Restore {
  readonly #options: RestoreOptions;
  readonly #state: RestoreState;
  readonly #store: ObjectStore;
  readonly #controller = new AbortController();
  #totalBytes = 0;
  #doneBytes = 0;
  #fetchedBytes = 0;
  #reusedBytes = 0;

  constructor(options: RestoreOptions, state: RestoreState, store: ObjectStore) {
    this.#options = options;
    this.#state = state;
    this.#store = store;
  }

  async run(request: RestoreRequest): Promise<RestoreSummary> {
    const { fs, log, dbRoot } = this.#options;
    const { root, keys } = await readSelected({ ...this.#options, store: this.#store }, request);
    const { instance, timestamp, tables } = root;
    log.info(COMPONENT, "restore started", { instance, timestamp, tables: tables.length });
    fs.mkdir(dbRoot);
    this.#totalBytes = tables.reduce((sum, table) => sum + table.raw_bytes, 0);
    this.#checkSpace();
    this.#state.beginStaging(tables.map((table) => table.dir));
    const plan = await this.#stage(root, keys);
    this.#state.writePlan(plan);
    this.#state.publish(plan);
    const rowCount = tables.reduce((sum, table) => sum + table.rows, 0);
    const counts = {
      bytes: this.#totalBytes,
      fetchedBytes: this.#fetchedBytes,
      reusedBytes: this.#reusedBytes,
    };
    log.info(COMPONENT, "restore complete", {
      instance,
      timestamp,
      rows: rowCount,
      bytes: counts.bytes,
      bytes_fetched: counts.fetchedBytes,
      bytes_reused: counts.reusedBytes,
    });
    return { instance, timestamp, tableCount: tables.length, rowCount, ...counts };
  }

  #checkSpace(): void {
    const { fs, dbRoot } = this.#options;
    const available = fs.availableBytes(dbRoot);
    const required = requiredSpace(this.#totalBytes, this.#state.stagedBytes());
    if (available !== null && required > available) {
      throw new RestoreError("backup restore error: not enough disk space", {
        directory: dbRoot,
        required,
        available,
      });
    }
  }

  async #stage(root: RootManifest, keys: InstanceKeys): Promise<PublishPlan> {
    const context: RestoreContext = {
      ...this.#options,
      store: this.#store,
      keys,
      verifiesFileHashes: this.#options.verifiesPartitionHashes ?? false,
      signal: this.#controller.signal,
      onProgress: (bytes) => this.#progress(bytes),
      onFetched: (bytes) => {
        this.#fetchedBytes += bytes;
      },
      onReused: (bytes) => {
        this.#reusedBytes += bytes;
      },
    };
    const files = await this.#stageDatabaseFiles(context, root);
    await this.#stageTables(context, root.tables);
    return {
      data_id: root.data_id,
      instance: root.instance,
      timestamp: root.timestamp,
      tables: root.tables.map((table) => table.dir),
      files,
    };
  }

  #progress(bytes: number): void {
    const { log, onProgress } = this.#options;
    const percent = (done: number) => Math.floor(100 * done / Math.max(1, this.#totalBytes));
    const step = (done: number) => Math.floor(percent(done) / PROGRESS_STEP);
    const before = this.#doneBytes, after = before + bytes;
    this.#doneBytes = after;
    onProgress?.(after, this.#totalBytes);
    if (step(after) > step(before) && percent(after) < 100) {
      log.info(COMPONENT, "restore progress", {
        percent: percent(after),
        bytes: after,
        total: this.#totalBytes,
      });
    }
  }

  async #stageDatabaseFiles(context: RestoreContext, root: RootManifest): Promise<string[]> {
    const reader = { ...this.#options, store: this.#store };
    const manifest = await readTableManifest(reader, root.files);
    this.#fetchedBytes += root.files.bytes;
    const names = checkDatabaseFiles(manifest);
    // The total, which the root manifest tells, counts tables only.
    await restoreFiles({ ...context, onProgress: () => {} }, {
      directory: this.#state.filesDirectory,
      packDirectory: DATABASE_DIRECTORY,
      partitionBy: 0,
    }, manifest);
    return names;
  }

  /** Restores tables, some at a time. After a failure no other is begun, and those that run are cut off. */
  async #stageTables(context: RestoreContext, tables: readonly BackupTable[]): Promise<void> {
    const failures: RestoreError[] = [];
    const { signal } = this.#controller;
    let next = 0;
    const run = async () => {
      while (!signal.aborted && next < tables.length) {
        const table = tables[next++];
        try {
          await this.#stageTable(context, table);
        } catch (error) {
          if (signal.aborted && error === signal.reason) return; // cut off by another's failure
          this.#controller.abort(error);
          failures.push(this.#failed(table, error));
        }
      }
    };
    const ends = await Promise.allSettled(Array.from({ length: TABLES_MAX }, run));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
    if (failures.length > 0) throw failures[0];
  }

  async #stageTable(context: RestoreContext, table: BackupTable): Promise<void> {
    const { dir, manifest: reference } = table;
    if (this.#state.isComplete(dir, reference.blake3)) {
      this.#reusedBytes += table.raw_bytes;
      this.#progress(table.raw_bytes);
      return;
    }
    const reader = { ...this.#options, store: this.#store };
    const manifest = await readTableManifest(reader, reference);
    this.#fetchedBytes += reference.bytes;
    this.#state.beginTable(dir);
    await restoreTable(context, {
      directory: this.#state.tableDirectory(dir),
      packDirectory: dir,
      partitionBy: table.partition_by,
    }, { table, manifest });
    this.#state.completeTable(dir, reference.blake3);
  }

  /** Keeps a damaged table aside. @returns what to report. */
  #failed(table: BackupTable, error: unknown): RestoreError {
    const { log } = this.#options;
    const reason = error instanceof Error ? error.message : String(error);
    const context = { table: table.name };
    if (isInterruption(error)) {
      log.critical(COMPONENT, "restore interrupted, the next start goes on with it", {
        ...context,
        error: reason,
      });
    } else {
      log.critical(COMPONENT, "table cannot be restored", { ...context, error: reason });
      this.#state.keepFailed({ name: table.name, directory: table.dir });
    }
    return new RestoreError(`backup restore error: ${reason}`, context, { cause: error });
  }
}

/** Tells whether a restore may succeed when it is simply begun again: the store did not answer, or the disk is full. */
function isInterruption(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof ObjectStoreError && at.isRetryable) return true;
    if (DISK_FULL.test(at.message)) return true;
  }
  return false;
}

/** Bytes that must be free for a restore. @param stagedBytes what an interrupted attempt has taken already. */
export function requiredSpace(rawBytes: number, stagedBytes: number): number {
  return Math.max(0, rawBytes - stagedBytes) + SPACE_RESERVE_BYTES;
}

/** Chooses a backup and reads its root manifest. @throws {RestoreError} */
export async function readSelected(
  context: ManifestContext,
  request: Pick<RestoreRequest, "instance" | "timestamp">,
): Promise<
  { readonly root: RootManifest; readonly keys: InstanceKeys; readonly timestamp: bigint }
> {
  const selected = await selectBackup(context.store, request);
  const { keys, timestamp } = selected;
  const key = keys.manifest(timestamp);
  const root = await readRootManifest(context, key);
  checkIdentity(root, key, selected);
  return { root, keys, timestamp };
}

/** Checks that a root manifest is the one of the backup that its key names. @throws {RestoreError} naming the key. */
export function checkIdentity(
  root: RootManifest,
  key: string,
  backup: { readonly instance: string; readonly timestamp: bigint },
): void {
  const { instance, timestamp } = root;
  if (instance === backup.instance && timestamp === formatTimestampMicros(backup.timestamp)) return;
  throw new RestoreError("manifest belongs to another backup", {
    manifest: key,
    instance,
    timestamp,
  });
}

/** Checks the manifest of the database's own files and returns their names. @throws {RestoreError} */
export function checkDatabaseFiles(manifest: TableManifest): string[] {
  const { source } = manifest;
  if (manifest.header.directory !== DATABASE_DIRECTORY) {
    throw new RestoreError("invalid manifest: it is not one of the database's files", {
      manifest: source,
    });
  }
  if (manifest.partitions.length > 0) {
    throw new RestoreError("invalid manifest: database files have no partitions", {
      manifest: source,
    });
  }
  const names = manifest.tableFiles().map((file) => file.path);
  const stranger = names.find((name) => !DATABASE_FILE_NAMES.has(name));
  if (stranger !== undefined) {
    throw new RestoreError("unsafe path in manifest: not a database file", {
      path: JSON.stringify(stranger),
      manifest: source,
    });
  }
  return names;
}

/**
 * Restore at start: `_backup_restore` in the install root, an empty database root, and a store with a backup. The stages and
 * what a crash in each leaves are described in `restore_state.ts`.
 *
 * ```
 * trigger ─► nothing in the way? ─► instance, backup ─► space? ─► each table into db/.restore ─► plan ─► renames ─► .data_id
 *         ─► trigger removed
 * ```
 *
 * @module
 */
import { formatTimestampMicros, RestoreError } from "../common/mod.ts";
import type { FileSystem, Log, Random } from "../platform/mod.ts";
import { type ObjectStore, openObjectStore } from "../objectstore/mod.ts";
import type { TaskRunner, WasmCore } from "../wasm/mod.ts";
import { readRootManifest, readTableManifest } from "./manifest_store.ts";
import { DATABASE_DIRECTORY } from "./object_keys.ts";
import { selectBackup } from "./restore_selection.ts";
import { type PublishPlan, RestoreState } from "./restore_state.ts";
import { readRestoreTrigger, type RestoreRequest } from "./restore_trigger.ts";
import type { RootManifest } from "./root_manifest.ts";
import { type RestoreContext, restoreFiles, restoreTable } from "./table_restore.ts";

const COMPONENT = "restore";
/** Bytes that must stay free on the disk. */
const SPACE_RESERVE_BYTES = 67_108_864;
/** Database-level files that a backup may hold. */
const DATABASE_FILE_NAMES = new Set([
  "tables.d.0",
  "_tab_index.d",
  "_upgrade.d",
  "_preferences~store",
]);

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
}

/**
 * Restores if the trigger file asks for it; to be called with the root locked, before the engine opens it.
 *
 * @returns `null` if there is no trigger file.
 * @throws {RestoreError} and whatever the store throws; the root must then not be opened.
 */
export async function restoreIfTriggered(options: RestoreOptions): Promise<RestoreSummary | null> {
  const { fs, log, installRoot } = options;
  const state = new RestoreState(fs, options);
  const request = readRestoreTrigger(fs, installRoot);
  if (request === null) {
    state.cleanWithoutTrigger();
    return null;
  }
  const interrupted = state.readPlan();
  if (interrupted !== null) {
    log.info(COMPONENT, "finishing an interrupted restore", {
      instance: interrupted.instance,
      timestamp: interrupted.timestamp,
    });
    state.publish(interrupted);
    const { instance, timestamp, tables } = interrupted;
    return { instance, timestamp, tableCount: tables.length, rowCount: 0, bytes: 0 };
  }
  state.checkEmpty();
  await using store = await openStore(options, request);
  return await new Restore(options, state, store).run(request);
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

  constructor(options: RestoreOptions, state: RestoreState, store: ObjectStore) {
    this.#options = options;
    this.#state = state;
    this.#store = store;
  }

  async run(request: RestoreRequest): Promise<RestoreSummary> {
    const { fs, log, dbRoot } = this.#options;
    const selected = await selectBackup(this.#store, request);
    const key = selected.keys.manifest(selected.timestamp);
    const root = await readRootManifest({ ...this.#options, store: this.#store }, key);
    if (
      root.instance !== selected.instance ||
      root.timestamp !== formatTimestampMicros(selected.timestamp)
    ) {
      throw new RestoreError("manifest belongs to another backup", {
        manifest: key,
        instance: root.instance,
        timestamp: root.timestamp,
      });
    }
    log.info(COMPONENT, "restore started", {
      instance: root.instance,
      timestamp: root.timestamp,
      tables: root.tables.length,
    });
    fs.mkdir(dbRoot);
    const bytes = root.tables.reduce((sum, table) => sum + table.raw_bytes, 0);
    this.#checkSpace(bytes);
    this.#state.beginStaging();
    const plan = await this.#stage(root, { keys: selected.keys, bytes });
    this.#state.writePlan(plan);
    this.#state.publish(plan);
    const rowCount = root.tables.reduce((sum, table) => sum + table.rows, 0);
    const { instance, timestamp } = root;
    log.info(COMPONENT, "restore complete", { instance, timestamp, rows: rowCount, bytes });
    return { instance, timestamp, tableCount: root.tables.length, rowCount, bytes };
  }

  #checkSpace(bytes: number): void {
    const available = this.#options.fs.availableBytes(this.#options.dbRoot);
    if (available !== null && bytes + SPACE_RESERVE_BYTES > available) {
      throw new RestoreError("backup restore error: not enough disk space", {
        directory: this.#options.dbRoot,
        required: bytes + SPACE_RESERVE_BYTES,
        available,
      });
    }
  }

  async #stage(
    root: RootManifest,
    facts: { readonly keys: RestoreContext["keys"]; readonly bytes: number },
  ): Promise<PublishPlan> {
    let done = 0;
    const context: RestoreContext = {
      ...this.#options,
      store: this.#store,
      keys: facts.keys,
      onProgress: (bytes) => {
        done += bytes;
        this.#options.onProgress?.(done, facts.bytes);
      },
    };
    try {
      const files = await this.#stageDatabaseFiles(context, root);
      for (const table of root.tables) await this.#stageTable(context, table);
      return {
        data_id: root.data_id,
        instance: root.instance,
        timestamp: root.timestamp,
        tables: root.tables.map((table) => table.dir),
        files,
      };
    } catch (error) {
      this.#state.removeStaging();
      throw error;
    }
  }

  async #stageDatabaseFiles(context: RestoreContext, root: RootManifest): Promise<string[]> {
    const reader = { ...this.#options, store: this.#store };
    const manifest = await readTableManifest(reader, root.files);
    const names = manifest.tableFiles().map((file) => file.path);
    for (const name of names) {
      if (!DATABASE_FILE_NAMES.has(name)) {
        throw new RestoreError("unsafe path in manifest: not a database file", {
          path: JSON.stringify(name),
          manifest: manifest.source,
        });
      }
    }
    if (manifest.partitions.length > 0) {
      throw new RestoreError("invalid manifest: database files have no partitions", {
        manifest: manifest.source,
      });
    }
    await restoreFiles(context, {
      directory: this.#state.filesDirectory,
      packDirectory: DATABASE_DIRECTORY,
      partitionBy: 0,
    }, manifest);
    return names;
  }

  async #stageTable(context: RestoreContext, table: RootManifest["tables"][number]): Promise<void> {
    const { log } = this.#options;
    try {
      const reader = { ...this.#options, store: this.#store };
      const manifest = await readTableManifest(reader, table.manifest);
      await restoreTable(context, {
        directory: this.#state.tableDirectory(table.dir),
        packDirectory: table.dir,
        partitionBy: table.partition_by,
      }, { table, manifest });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.critical(COMPONENT, "table cannot be restored", { table: table.name, error: reason });
      this.#state.keepFailed({ name: table.name, directory: table.dir });
      throw new RestoreError(
        `backup restore error: ${reason}`,
        { table: table.name },
        { cause: error },
      );
    }
  }
}

/**
 * BACKUP DATABASE, BACKUP ABORT, backups(), backup_instance_name.
 *
 * The committed state is pinned before `start` returns; the rest happens in the background. One backup runs at a time.
 *
 * @module
 */
import { BackupError, type ErrorContext } from "../common/mod.ts";
import type {
  BackupService,
  BackupStatusRow,
  BackupValidationRow,
  Engine,
  RestorePlanRow,
} from "../engine/mod.ts";
import { checkStore, type ObjectStore, openObjectStore } from "../objectstore/mod.ts";
import type { Clock, FileSystem, Log, Random } from "../platform/mod.ts";
import type { TaskRunner } from "../wasm/mod.ts";
import type { BackupConfig } from "./backup_config.ts";
import {
  BackupStatus,
  HISTORY_ROWS_MAX,
  readHistory,
  writeCleanupHistory,
  writeHistory,
} from "./backup_history.ts";
import { type BackupInstance, readInstanceName, readKnownBackups } from "./backup_instance.ts";
import { runBackup } from "./backup_job.ts";
import { cleanUp } from "./cleanup.ts";
import { takeSnapshot } from "./database_snapshot.ts";
import { InstanceKeys } from "./object_keys.ts";
import type { RootManifest } from "./root_manifest.ts";
import { planRestore } from "./restore_plan.ts";
import { validateBackup, VALIDATION_LEVELS } from "./validation.ts";

const COMPONENT = "backup";

/** What the service is made of. */
export interface BackupServiceOptions {
  readonly engine: Pick<Engine, "dataId" | "core" | "pinAll" | "sync">;
  /** Runs `backupTasks`. */
  readonly tasks: TaskRunner;
  readonly fs: FileSystem;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly config: BackupConfig;
  /** Database root, normally `<install root>/db`. */
  readonly dbRoot: string;
  readonly productVersion: string;
  /** Opens the store; from `config.objectStore` when left out. */
  readonly openStore?: () => Promise<ObjectStore>;
}

/** The service and what the process needs besides it. */
export interface RunnableBackupService extends BackupService, AsyncDisposable {
  /**
   * Loads the history of earlier runs: at once what this server's own record tells, then, until the promise resolves, what
   * the store tells. Never rejects: a store that cannot be read is logged, and asked again behind the next backup.
   */
  load(): Promise<void>;
  /** Resolves when no backup is running; to the manifest of the last one if it completed. */
  idle(): Promise<RootManifest | null>;
}

/** Creates the service; touches nothing before the first call. */
export function createBackupService(options: BackupServiceOptions): RunnableBackupService {
  return new LocalBackupService(options);
}

interface RunningBackup {
  readonly row: MutableRow;
  readonly controller: AbortController;
  done: Promise<RootManifest | null>;
}

type MutableRow = { -readonly [Field in keyof BackupStatusRow]: BackupStatusRow[Field] };

class LocalBackupService implements RunnableBackupService {
  readonly #options: BackupServiceOptions;
  /** Attempts of this process. */
  #rows: BackupStatusRow[] = [];
  /** Attempts of earlier ones. */
  #earlierRows: readonly BackupStatusRow[] = [];
  /** True if {@linkcode LocalBackupService.load} has still to be done, or done again. */
  #isHistoryDue = false;
  #loading: Promise<void> = Promise.resolve();
  readonly #closing = new AbortController();
  #running: RunningBackup | null = null;
  #last: Promise<RootManifest | null> = Promise.resolve(null);
  #lastTimestamp = 0n;
  #store: Promise<ObjectStore> | null = null;
  #isStoreChecked = false;
  #instance: string | null = null;
  /** What the instance's record said when the running attempt began. */
  #isCleanupDue = false;

  constructor(options: BackupServiceOptions) {
    this.#options = options;
  }

  // deno-lint-ignore require-await -- failures must reject, not throw
  async start(): Promise<bigint> {
    const { config, engine, clock } = this.#options;
    if (!config.isEnabled) {
      throw new BackupError("backup is not enabled, set backup.enabled=true and restart");
    }
    if (config.objectStore === null && this.#options.openStore === undefined) {
      throw new BackupError("backup has no object store, set backup.object.store and restart");
    }
    if (this.#running !== null) {
      throw new BackupError("backup is already in progress", {
        started: String(this.#running.row.startTs),
      });
    }
    const pin = engine.pinAll();
    let snapshot;
    try {
      snapshot = takeSnapshot(pin, this.#options);
    } catch (error) {
      pin.release();
      throw error;
    }
    const now = clock.nowMicros();
    const timestamp = now > this.#lastTimestamp ? now : this.#lastTimestamp + 1n;
    this.#lastTimestamp = timestamp;
    const row: MutableRow = {
      status: BackupStatus.IN_PROGRESS,
      progressPercent: 0,
      startTs: timestamp,
      endTs: null,
      backupError: null,
      cleanupError: null,
    };
    const running: RunningBackup = {
      row,
      controller: new AbortController(),
      done: Promise.resolve(null),
    };
    this.#running = running;
    running.done = this.#run(running, snapshot, pin).finally(() => {
      this.#rows = [...this.#rows, row].slice(-HISTORY_ROWS_MAX);
      this.#running = null;
      if (this.#isHistoryDue && !this.#closing.signal.aborted) this.load();
    });
    this.#last = running.done;
    return timestamp;
  }

  async abort(): Promise<{ status: "aborted" | "not running"; backupId: bigint | null }> {
    const running = this.#running;
    if (running === null) return { status: "not running", backupId: null };
    running.controller.abort(new BackupError("backup was aborted"));
    const manifest = await running.done;
    // A backup whose manifest is stored cannot be called back.
    if (manifest !== null) return { status: "not running", backupId: null };
    return { status: "aborted", backupId: running.row.startTs };
  }

  list(): BackupStatusRow[] {
    const rows = mergeRows(this.#earlierRows, this.#rows);
    if (this.#running !== null) rows.push({ ...this.#running.row });
    return rows;
  }

  instanceName(): string | null {
    this.#instance ??= readInstanceName(this.#options.fs, this.#options.dbRoot);
    return this.#instance;
  }

  load(): Promise<void> {
    const { config, fs, dbRoot } = this.#options;
    const instance = this.instanceName();
    if (!config.isEnabled || instance === null) return Promise.resolve();
    const known = readKnownBackups(fs, dbRoot);
    // Timestamps never go back, even if the clock did while the server was down.
    for (const timestamp of known) this.#raiseTimestamp(timestamp);
    this.#earlierRows = mergeRows(known.map(completedRow), this.#earlierRows);
    this.#isHistoryDue = false;
    return this.#loading = this.#loading.then(() => this.#readHistory(instance));
  }

  async #readHistory(instance: string): Promise<void> {
    const { log } = this.#options;
    const { signal } = this.#closing;
    try {
      const rows = await readHistory(await this.#openStore(), new InstanceKeys(instance), {
        signal,
        onProblem: (key, error) =>
          log.error(COMPONENT, "history record cannot be read", { key, ...reason(error) }),
      });
      for (const { startTs } of rows) this.#raiseTimestamp(startTs);
      this.#earlierRows = mergeRows(this.#earlierRows, rows);
    } catch (error) {
      if (signal.aborted) return;
      this.#isHistoryDue = true;
      log.error(COMPONENT, "history of backups cannot be read", reason(error));
    }
  }

  #raiseTimestamp(timestamp: bigint): void {
    if (timestamp > this.#lastTimestamp) this.#lastTimestamp = timestamp;
  }

  async validate(request: {
    readonly timestamp: bigint | null;
    readonly level: string;
    readonly signal: AbortSignal;
  }): Promise<BackupValidationRow[]> {
    const { engine, tasks, productVersion } = this.#options;
    const level = VALIDATION_LEVELS.find((known) => known === request.level.toLowerCase());
    if (level === undefined) {
      throw new BackupError("no such level of validation", {
        level: request.level,
        levels: VALIDATION_LEVELS.join("|"),
      });
    }
    const instance = this.instanceName();
    if (instance === null) throw new BackupError("there is no backup of this database yet");
    const { timestamp, tables } = await validateBackup({
      ...request,
      store: await this.#openStore(),
      core: engine.core,
      tasks,
      productVersion,
      level,
      instance,
    });
    return tables.map((table) => ({ backupTimestamp: timestamp, ...table }));
  }

  async planRestore(request: {
    readonly timestamp: bigint | null;
    readonly instance: string | null;
    readonly signal: AbortSignal;
  }): Promise<RestorePlanRow> {
    return await planRestore({
      ...this.#options,
      ...request,
      instance: request.instance ?? this.instanceName(),
      store: await this.#openStore(),
      core: this.#options.engine.core,
      installRoot: null,
    });
  }

  idle(): Promise<RootManifest | null> {
    return this.#last;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new BackupError("server is stopping"));
    await this.abort();
    await this.#loading;
    if (this.#store === null) return;
    const store = await this.#store;
    await store[Symbol.asyncDispose]();
  }

  async #run(
    running: RunningBackup,
    snapshot: ReturnType<typeof takeSnapshot>,
    pin: Disposable,
  ): Promise<RootManifest | null> {
    const { log, clock } = this.#options;
    const { row, controller } = running;
    let store: ObjectStore | null = null;
    let instance: BackupInstance | null = null;
    let manifest: RootManifest | null = null;
    try {
      log.info(COMPONENT, "backup started", { timestamp: String(row.startTs) });
      store = await this.#openStore();
      await this.#checkStore(store, controller.signal);
      manifest = await runBackup({
        ...this.#options,
        core: this.#options.engine.core,
        sync: () => this.#options.engine.sync(),
        store,
        snapshot,
        timestamp: row.startTs,
        signal: controller.signal,
        onProgress: (fraction) => {
          row.progressPercent = Math.min(99, Math.floor(fraction * 100));
        },
        onInstance: (opened) => {
          instance = opened;
          this.#instance = opened.name;
          this.#isCleanupDue = opened.isCleanupDue;
          opened.setCleanupDue(true); // until this attempt has got to its end
        },
      });
      row.status = BackupStatus.COMPLETE;
      row.progressPercent = 100;
      log.info(COMPONENT, "backup complete", {
        timestamp: manifest.timestamp,
        instance: manifest.instance,
        ...manifest.stats,
      });
    } catch (error) {
      row.status = BackupStatus.FAILED;
      row.backupError = error instanceof Error ? error.message : String(error);
      log.critical(COMPONENT, "backup failed", reason(error));
    } finally {
      this.#unpin(pin);
    }
    row.endTs = clock.nowMicros();
    await this.#record(store, row, writeHistory);
    if (manifest !== null && store !== null && instance !== null) {
      await this.#cleanUp(running, { store, instance });
    }
    return manifest;
  }

  /** Lets go of the pinned state. What cannot be removed behind it is of no concern to the backup. */
  #unpin(pin: Disposable): void {
    try {
      pin[Symbol.dispose]();
    } catch (error) {
      this.#options.log.critical(COMPONENT, "tables cannot be released", reason(error));
    }
  }

  /** Keeps to retention after a backup; its failure never fails the backup. */
  async #cleanUp(
    running: RunningBackup,
    target: { readonly store: ObjectStore; readonly instance: BackupInstance },
  ): Promise<void> {
    const { engine, config, productVersion, log } = this.#options;
    const { row, controller } = running;
    const { store, instance } = target;
    try {
      instance.addBackup(row.startTs);
      if (!this.#isCleanupDue && instance.backups.length <= config.keepLatestCount) {
        return instance.setCleanupDue(false);
      }
      row.status = BackupStatus.CLEANUP_IN_PROGRESS;
      const result = await cleanUp({
        store,
        core: engine.core,
        productVersion,
        keys: instance.keys,
        leaseKey: instance.leaseKey,
        keepCount: config.keepLatestCount,
        knownBackups: instance.backups,
        signal: controller.signal,
        onDeleted: (timestamps) => instance.removeBackups(timestamps),
      });
      instance.setCleanupDue(false);
      row.status = BackupStatus.CLEANUP_COMPLETE;
      log.info(COMPONENT, "cleanup complete", { ...result });
    } catch (error) {
      row.status = BackupStatus.CLEANUP_FAILED;
      row.cleanupError = error instanceof Error ? error.message : String(error);
      log.error(COMPONENT, "cleanup failed", reason(error));
    }
    await this.#record(store, row, writeCleanupHistory);
  }

  /** Keeps the outcome beside the backups; it decides nothing, so a failure is only logged. */
  async #record(
    store: ObjectStore | null,
    row: BackupStatusRow,
    write: typeof writeHistory,
  ): Promise<void> {
    if (store === null || this.#instance === null) return;
    try {
      await write(store, new InstanceKeys(this.#instance), row);
    } catch (error) {
      this.#options.log.error(COMPONENT, "history record cannot be written", reason(error));
    }
  }

  /** Before the first backup: does the store do what backups rely on? @throws {BackupError} if it does not. */
  async #checkStore(store: ObjectStore, signal: AbortSignal): Promise<void> {
    if (this.#isStoreChecked || this.#options.openStore !== undefined) return;
    const rows = await checkStore(store, { ...this.#options, signal, bulkBytes: 0 });
    for (const { check, result, detail } of rows) {
      if (result === "ok") continue;
      if (result === "fail") {
        throw new BackupError(`object store cannot hold backups: ${check}: ${detail}`);
      }
      this.#options.log.error(COMPONENT, "object store has a restriction", { check, detail });
    }
    this.#isStoreChecked = true;
  }

  #openStore(): Promise<ObjectStore> {
    if (this.#store === null) {
      const { openStore, config } = this.#options;
      const store = openStore?.() ?? openObjectStore(config.objectStore!, this.#options);
      this.#store = store;
      store.catch(() => {
        this.#store = null; // the next backup tries again
      });
    }
    return this.#store;
  }
}

/** An attempt of which only its completion is known. */
function completedRow(startTs: bigint): BackupStatusRow {
  const status = BackupStatus.COMPLETE;
  return {
    status,
    progressPercent: 100,
    startTs,
    endTs: null,
    backupError: null,
    cleanupError: null,
  };
}

/** Joins rows by the start of the attempt, in its order; of two of one attempt the later given counts. */
function mergeRows(
  rows: readonly BackupStatusRow[],
  over: readonly BackupStatusRow[],
): BackupStatusRow[] {
  const byStart = new Map([...rows, ...over].map((row) => [row.startTs, row]));
  return [...byStart.values()]
    .sort((a, b) => a.startTs < b.startTs ? -1 : 1)
    .slice(-HISTORY_ROWS_MAX);
}

function reason(error: unknown): ErrorContext {
  return { error: error instanceof Error ? error.message : String(error) };
}

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
import {
  checkStore,
  type ObjectStore,
  openObjectStore,
  withBandwidth,
  withSignal,
} from "../objectstore/mod.ts";
import type { Clock, FileSystem, Log, Random, Timers } from "../platform/mod.ts";
import type { TaskRunner } from "../wasm/mod.ts";
import type { BackupConfig } from "./backup_config.ts";
import {
  BackupStatus,
  HISTORY_ROWS_MAX,
  readHistory,
  writeCleanupHistory,
  writeHistory,
} from "./backup_history.ts";
import {
  type BackupInstance,
  readInstanceName,
  readInterruptedAttempt,
  readKnownBackups,
} from "./backup_instance.ts";
import { runBackup } from "./backup_job.ts";
import {
  type BackupRecord,
  finishedRow,
  type MutableRecord,
  runningRow,
  withCounters,
} from "./backup_progress.ts";
import { cleanUp } from "./cleanup.ts";
import { type DatabaseSnapshot, takeSnapshot } from "./database_snapshot.ts";
import { InstanceKeys } from "./object_keys.ts";
import { newCounters, type UploadCounters } from "./pack_uploader.ts";
import { Pressure } from "./pressure.ts";
import { planRestore } from "./restore_plan.ts";
import type { RootManifest } from "./root_manifest.ts";
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
  /** For waiting: without them backups take no account of others, nor of a bound on their bytes per second. */
  readonly timers?: Timers;
  /** `backup.max.bytes.per.second` as it counts now; 0: no bound. */
  readonly bytesPerSecondMax?: () => number;
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
  readonly record: MutableRecord;
  readonly counters: UploadCounters;
  readonly controller: AbortController;
  /** What is done, 0…1. */
  fraction: number;
  /** Resolves to the manifest once the backup is complete, to `null` once it failed; before any cleanup. */
  readonly outcome: PromiseWithResolvers<RootManifest | null>;
  /** Resolves when the cleanup is over, too. */
  done: Promise<RootManifest | null>;
}

class LocalBackupService implements RunnableBackupService {
  readonly #options: BackupServiceOptions;
  /** Attempts of this process. */
  #records: BackupRecord[] = [];
  /** Attempts of earlier ones. */
  #earlier: readonly BackupRecord[] = [];
  /** True if {@linkcode LocalBackupService.load} has still to be done, or done again. */
  #isHistoryDue = false;
  #loading: Promise<void> = Promise.resolve();
  #running: RunningBackup | null = null;
  #last: Promise<RootManifest | null> = Promise.resolve(null);
  #lastTimestamp = 0n;
  #store: Promise<ObjectStore> | null = null;
  #isStoreChecked = false;
  /** An attempt that has no record in the store yet. */
  #interrupted: BackupRecord | null = null;
  /** Ends cleanups and the reading of the history when the service ends. */
  readonly #closing = new AbortController();
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
        started: String(this.#running.record.startTs),
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
    const running: RunningBackup = {
      record: newRecord(timestamp),
      counters: newCounters(),
      controller: new AbortController(),
      fraction: 0,
      outcome: Promise.withResolvers(),
      done: Promise.resolve(null),
    };
    this.#running = running;
    running.done = this.#run(running, snapshot, pin).finally(() => {
      this.#records = [...this.#records, running.record].slice(-HISTORY_ROWS_MAX);
      this.#running = null;
      if (this.#isHistoryDue && !this.#closing.signal.aborted) this.load();
    });
    this.#last = running.done;
    return timestamp;
  }

  async abort(): Promise<{ status: "aborted" | "not running"; backupId: bigint | null }> {
    const running = this.#running;
    // A backup that is complete cannot be called back; the cleanup behind it goes on.
    if (running?.record.status !== BackupStatus.IN_PROGRESS) {
      return { status: "not running", backupId: null };
    }
    running.controller.abort(new BackupError("backup was aborted"));
    const manifest = await running.outcome.promise;
    if (manifest !== null) return { status: "not running", backupId: null };
    await running.done; // another one can be started now
    return { status: "aborted", backupId: running.record.startTs };
  }

  list(): BackupStatusRow[] {
    const rows = mergeRecords(this.#earlier, this.#records).map(finishedRow);
    const running = this.#running;
    if (running === null) return rows;
    const isBackup = running.record.status === BackupStatus.IN_PROGRESS;
    const state = { ...running, now: this.#options.clock.nowMicros() };
    rows.push(isBackup ? runningRow(running.record, state) : finishedRow(running.record));
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
    for (const timestamp of [...known.complete, ...known.unsure]) this.#raiseTimestamp(timestamp);
    this.#earlier = mergeRecords(known.complete.map(completedRecord), this.#earlier);
    this.#noteInterrupted();
    this.#isHistoryDue = false;
    return this.#loading = this.#loading.then(() => this.#readHistory(instance));
  }

  /** The attempt in whose middle the server stopped could not say what became of it. */
  #noteInterrupted(): void {
    const { fs, dbRoot } = this.#options;
    const timestamp = this.#running === null ? readInterruptedAttempt(fs, dbRoot) : null;
    if (timestamp === null || this.#earlier.some(({ startTs }) => startTs === timestamp)) return;
    this.#raiseTimestamp(timestamp);
    this.#interrupted = {
      ...newRecord(timestamp),
      status: BackupStatus.FAILED,
      backupError: "the server stopped during the backup",
    };
    this.#earlier = mergeRecords(this.#earlier, [this.#interrupted]);
  }

  async #readHistory(instance: string): Promise<void> {
    const { log } = this.#options;
    const { signal } = this.#closing;
    try {
      const store = await this.#openStore(), keys = new InstanceKeys(instance);
      const records = await readHistory(store, keys, {
        signal,
        onProblem: (key, error) =>
          log.error(COMPONENT, "history record cannot be read", { key, ...reason(error) }),
      });
      for (const { startTs } of records) this.#raiseTimestamp(startTs);
      this.#earlier = mergeRecords(this.#earlier, records);
      await this.#checkInterrupted(store, keys, records);
    } catch (error) {
      if (signal.aborted) return;
      this.#isHistoryDue = true;
      log.error(COMPONENT, "history of backups cannot be read", reason(error));
    }
  }

  /** The server may have stopped after the backup was complete, or even after that was written down. */
  async #checkInterrupted(
    store: ObjectStore,
    keys: InstanceKeys,
    records: readonly BackupRecord[],
  ): Promise<void> {
    const interrupted = this.#interrupted;
    if (interrupted === null) return;
    const { startTs } = interrupted;
    if (records.some((record) => record.startTs === startTs)) this.#interrupted = null;
    else if (await store.head(keys.manifest(startTs), { signal: this.#closing.signal }) !== null) {
      this.#interrupted = completedRecord(startTs);
      this.#earlier = mergeRecords(this.#earlier, [this.#interrupted]);
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
    await this.#running?.done;
    if (this.#store === null) return;
    const store = await this.#store;
    await store[Symbol.asyncDispose]();
  }

  async #run(
    running: RunningBackup,
    snapshot: DatabaseSnapshot,
    pin: Disposable,
  ): Promise<RootManifest | null> {
    const { log, clock } = this.#options;
    const { record, counters, outcome } = running;
    const opened: Opened = { store: null, instance: null };
    let manifest: RootManifest | null = null;
    try {
      log.info(COMPONENT, "backup started", { timestamp: String(record.startTs) });
      manifest = await this.#backUp(running, snapshot, opened);
      record.status = BackupStatus.COMPLETE;
      record.progressPercent = 100;
    } catch (error) {
      record.status = BackupStatus.FAILED;
      record.backupError = error instanceof Error ? error.message : String(error);
      log.critical(COMPONENT, "backup failed", reason(error));
    } finally {
      this.#unpin(pin);
    }
    record.endTs = clock.nowMicros();
    Object.assign(record, withCounters(record, counters));
    outcome.resolve(manifest);
    const { store, instance } = opened;
    if (instance !== null && this.#interrupted !== null) { // the lease tells that nobody else has said more of it
      await this.#record(store, this.#interrupted, writeHistory);
      this.#interrupted = null;
    }
    await this.#record(store, record, writeHistory);
    this.#endAttempt(instance);
    if (manifest !== null && store !== null && instance !== null) {
      await this.#cleanUp(running, { store, instance });
    }
    return manifest;
  }

  #endAttempt(instance: BackupInstance | null): void {
    try {
      instance?.endAttempt();
    } catch (error) {
      this.#options.log.critical(COMPONENT, "record of backups cannot be written", reason(error));
    }
  }

  /** Stores the pinned state. @param opened is told what there is to go on with afterwards. */
  async #backUp(
    running: RunningBackup,
    snapshot: DatabaseSnapshot,
    opened: Opened,
  ): Promise<RootManifest> {
    const { timers, engine, log } = this.#options;
    const { record, counters, controller: { signal } } = running;
    const store = opened.store = await this.#openStore();
    await this.#checkStore(store, signal);
    const publishStore = this.#bounded(store);
    await using pressure = timers === undefined ? null : this.#pressure(timers);
    pressure?.run();
    const manifest = await runBackup({
      ...this.#options,
      core: engine.core,
      sync: () => engine.sync(),
      store: withSignal(publishStore, signal),
      publishStore,
      snapshot,
      timestamp: record.startTs,
      signal,
      counters,
      giveWay: () => pressure?.giveWay(signal) ?? Promise.resolve(),
      onProgress(fraction) {
        running.fraction = fraction;
        record.progressPercent = Math.min(99, Math.floor(fraction * 100));
      },
      onInstance: (instance) => {
        opened.instance = instance;
        this.#instance = instance.name;
        this.#isCleanupDue = instance.isCleanupDue;
        instance.beginAttempt(record.startTs);
      },
    });
    log.info(COMPONENT, "backup complete", {
      timestamp: manifest.timestamp,
      instance: manifest.instance,
      ...manifest.stats,
      yielded_ms: pressure?.yieldedMillis ?? 0,
    });
    return manifest;
  }

  #pressure(timers: Timers): Pressure {
    const { clock, tasks } = this.#options;
    return new Pressure({
      clock,
      timers,
      takeQueueDelayMillis: () => tasks.takeQueueDelayMillis?.() ?? 0,
    });
  }

  #bounded(store: ObjectStore): ObjectStore {
    const { clock, timers, bytesPerSecondMax } = this.#options;
    if (timers === undefined || bytesPerSecondMax === undefined) return store;
    return withBandwidth(store, { clock, timers, bytesPerSecondMax });
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
    const row = running.record;
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
        checkLease: () => instance.checkLease(),
        keepCount: config.keepLatestCount,
        knownBackups: instance.backups,
        unsureBackups: instance.unsureBackups,
        signal: this.#closing.signal,
        onFound: (timestamp) => instance.addBackup(timestamp),
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
    row: BackupRecord,
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

interface Opened {
  store: ObjectStore | null;
  instance: BackupInstance | null;
}

function newRecord(startTs: bigint): BackupRecord {
  return {
    status: BackupStatus.IN_PROGRESS,
    progressPercent: 0,
    startTs,
    endTs: null,
    backupError: null,
    cleanupError: null,
    bytesRead: 0,
    bytesUploaded: 0,
    bytesReused: 0,
    objectCount: 0,
  };
}

function completedRecord(startTs: bigint): BackupRecord {
  return { ...newRecord(startTs), status: BackupStatus.COMPLETE, progressPercent: 100 };
}

/** Joins records by the start of the attempt, in its order; of two of one attempt the later given counts. */
function mergeRecords(
  records: readonly BackupRecord[],
  over: readonly BackupRecord[],
): BackupRecord[] {
  const byStart = new Map([...records, ...over].map((record) => [record.startTs, record]));
  return [...byStart.values()]
    .sort((a, b) => a.startTs < b.startTs ? -1 : 1)
    .slice(-HISTORY_ROWS_MAX);
}

function reason(error: unknown): ErrorContext {
  return { error: error instanceof Error ? error.message : String(error) };
}

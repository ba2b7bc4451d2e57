/**
 * Brings the parts of the server up in order, and down in the opposite one.
 *
 * ```
 * configuration ─► root lock ─► layout of a new root ─► memory, workers ─► restore or recovery ─► engine ─► services ─► HTTP
 * ```
 * Invariants:
 * 1. Nothing on the root is touched without the lock, but the root directory itself and the lock file.
 * 2. If a step fails, the steps before it are undone before the failure is reported.
 *
 * @module
 */
import {
  BackupSchedule,
  createBackupService,
  INSTANCE_FILE,
  restoreIfTriggered,
  type RunnableBackupService,
  ScheduleRecord,
} from "../backup/mod.ts";
import { checkpointRoots, createCheckpointService, recoverCheckpoint } from "../checkpoint/mod.ts";
import { LiveConfiguration, PROPERTIES, writeServerConf } from "../config/mod.ts";
import { Engine } from "../engine/mod.ts";
import {
  type Clock,
  type FileSystem,
  joinPath,
  parentPath,
  type Random,
  RootLock,
  SystemTimers,
  type TextLog,
} from "../platform/mod.ts";
import { SqlEngine } from "../sql/mod.ts";
import {
  createSharedMemory,
  loadCore,
  planRegions,
  type WasmCore,
  WorkerPool,
} from "../wasm/mod.ts";
import { checkBackupStore } from "./backup_store.ts";
import { type NamedUrl, startHttp } from "./http.ts";
import { backupConfigOf, engineConfigOf } from "./settings.ts";
import { VERSION } from "./version.ts";

const COMPONENT = "server";

/** What a server is started with. */
export interface ServerOptions {
  /** Absolute path of the install root; made on first start. */
  readonly installRoot: string;
  /** `KEY=VALUE` texts of the command line. */
  readonly settings: readonly string[];
  /** The process environment. */
  readonly variables: Readonly<Record<string, string>>;
  readonly fs: FileSystem;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: TextLog;
  readonly cpuCount: number;
  readonly processId: number;
  /** The module that serves tasks in worker scope. */
  readonly workerUrl: string;
  /** Called with the bytes that a restore at the start has restored, and their total. */
  readonly onRestoreProgress?: (doneBytes: number, totalBytes: number) => void;
}

/** A running server; disposing stops it in order. */
export interface RunningServer extends AsyncDisposable {
  readonly installRoot: string;
  /** What it answers on. */
  readonly urls: readonly NamedUrl[];
  /** Where backups go, without secrets; `null` if they are off. */
  readonly backupStore: string | null;
  /** Resolves with the reason when the server cannot go on and the process should end; never rejects. */
  readonly failed: Promise<Error>;
}

/** The configuration of a running server. */
export type ServerLiveConfiguration = LiveConfiguration<typeof PROPERTIES>;

/** What the steps of a start hand on. */
interface Parts {
  readonly live: ServerLiveConfiguration;
  readonly dbRoot: string;
  readonly core: WasmCore;
  readonly tasks: WorkerPool;
}

/** Starts a server. @throws whatever keeps it from starting; the root is unlocked again. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  await using startup = new AsyncDisposableStack();
  const { installRoot, log, fs } = options;
  const { engine, parts, backupStore } = await openDatabase(startup, options);
  const { live } = parts;
  startup.use(startSchedule(engine, options, live));
  const sql = new SqlEngine(engine, {
    fs,
    config: engineConfigOf(live.current),
    insertBatchRows: live.current.sql.insertBatchRows,
  });
  const urls = startHttp(startup, {
    sql,
    engine,
    log,
    clock: options.clock,
    configuration: () => live.current,
  });
  const resources = startup.move();
  return {
    installRoot,
    urls,
    backupStore,
    failed: parts.tasks.died,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** A database that is open in this process. */
export interface OpenDatabase {
  readonly engine: Engine;
  readonly backup: RunnableBackupService;
  readonly parts: Parts;
  /** Where backups go, without secrets; `null` if they are off. */
  readonly backupStore: string | null;
}

/**
 * Locks a root, restores or recovers it if it is asked for, opens its database and registers the services. What is opened is
 * handed to the stack.
 *
 * @throws whatever keeps it from opening.
 */
export async function openDatabase(
  startup: AsyncDisposableStack,
  options: ServerOptions,
): Promise<OpenDatabase> {
  const { installRoot, log, fs, processId } = options;
  const live = loadConfiguration(options); // before anything is made: a bad value leaves no trace
  fs.mkdir(installRoot);
  startup.use(RootLock.acquire(fs, installRoot, processId));
  if (writeServerConf(fs, installRoot, PROPERTIES)) {
    fs.syncDir(parentPath(installRoot));
    log.info(COMPONENT, "created the root", { root: installRoot });
  }
  const backupStore = await checkBackupStore(live, options);
  const memory = createSharedMemory();
  const { workerCount } = live.current.wal;
  const tasks = startup.use(
    await WorkerPool.start({ workerUrl: options.workerUrl, workerCount, memory }),
  );
  const parts: Parts = {
    live,
    dbRoot: databaseRoot(installRoot, live.current.cairo.root),
    core: loadCore(memory, planRegions(workerCount).main),
    tasks,
  };
  await restore(options, parts);
  await recoverCheckpoint({ ...options, ...checkpointOptionsOf(options, parts) });
  const engine = startup.use(await openEngine(options, parts));
  startup.use(registerServices(engine, options, parts));
  const backup = engine.services.backup as RunnableBackupService;
  // Not waited for: a store that cannot be reached delays no start.
  backup.load();
  return { engine, backup, parts, backupStore };
}

/** The database root: `cairo.root`, relative to the install root unless absolute. */
export function databaseRoot(installRoot: string, cairoRoot: string): string {
  return absolutePath(installRoot, cairoRoot);
}

function absolutePath(installRoot: string, path: string): string {
  return path.startsWith("/") ? path : joinPath(installRoot, path);
}

function loadConfiguration(options: ServerOptions): ServerLiveConfiguration {
  const live = new LiveConfiguration(PROPERTIES, {
    ...options,
    environment: options.variables,
  });
  options.log.isVerbose = live.current.log.isVerbose;
  for (const { level, message, context } of live.notes) {
    options.log[level]("config", message, context);
  }
  return live;
}

async function restore(options: ServerOptions, parts: Parts): Promise<void> {
  const { objectStore, verifiesPartitionHashes } = backupConfigOf(parts.live.current);
  await restoreIfTriggered({
    ...options,
    ...parts,
    configuredStore: objectStore,
    verifiesPartitionHashes,
    productVersion: VERSION,
    ...options.onRestoreProgress === undefined ? {} : { onProgress: options.onRestoreProgress },
  });
}

/** What checkpoints and the recovery from them have in common. */
function checkpointOptionsOf(options: ServerOptions, parts: Parts) {
  const { checkpoint } = parts.live.current;
  const { installRoot } = options;
  const configured = checkpoint.root === "" ? "" : absolutePath(installRoot, checkpoint.root);
  const timers = new SystemTimers();
  return {
    dbRoot: parts.dbRoot,
    roots: checkpointRoots(parts.dbRoot, configured),
    instanceId: checkpoint.instanceId,
    productVersion: VERSION,
    isEnabled: checkpoint.isRecoveryEnabled && checkpoint.isSnapshotRecoveryEnabled,
    isIndexRebuilt: checkpoint.isIndexRebuilt,
    // Of backups, the root is a clone now: its transactions get the numbers of others that are backed up.
    laterStates: [INSTANCE_FILE],
    sleep: (millis: number) => timers.sleep(millis),
  };
}

async function openEngine(options: ServerOptions, parts: Parts): Promise<Engine> {
  const { dbRoot, core, tasks, live } = parts;
  const { fs, clock, random, log, installRoot } = options;
  const config = engineConfigOf(live.current);
  return await Engine.open({
    root: installRoot,
    dbRoot,
    config,
    fs,
    core,
    tasks,
    clock,
    random,
    log,
  });
}

function startSchedule(
  engine: Engine,
  options: ServerOptions,
  live: ServerLiveConfiguration,
): BackupSchedule {
  const schedule = new BackupSchedule({
    ...options,
    timers: new SystemTimers(),
    record: new ScheduleRecord({ ...options, dbRoot: engine.options.dbRoot }),
    settings: () => ({
      cron: live.current.backup.isEnabled ? live.current.backup.cron : "",
      timeZone: live.current.backup.timeZone,
    }),
    start: () => engine.services.backup!.start(),
  });
  schedule.run();
  return schedule;
}

/** Registers what SQL reaches through the engine. @returns what to dispose before the engine. */
function registerServices(
  engine: Engine,
  options: ServerOptions,
  parts: Parts,
): AsyncDisposable {
  const services = new AsyncDisposableStack();
  const backup = services.use(createBackupService({
    ...options,
    ...parts,
    engine,
    config: backupConfigOf(parts.live.current),
    timers: new SystemTimers(),
    bytesPerSecondMax: () => parts.live.current.backup.bytesPerSecondMax,
    productVersion: VERSION,
  }));
  engine.services.backup = backup;
  engine.services.checkpoint = services.use(
    createCheckpointService({ ...options, ...checkpointOptionsOf(options, parts), engine }),
  );
  engine.services.configuration = parts.live;
  return services;
}

/**
 * `tidemark backup`: makes a backup. A running server is asked over HTTP; of a stopped root the database is opened under its lock,
 * without listening anywhere.
 *
 * @module
 */
import { BackupError, formatTimestampMicros, QuestError, StorageError } from "../common/mod.ts";
import { RootLock, SystemTimers, TextLog } from "../platform/mod.ts";
import {
  type BackupArguments,
  type BackupEnvironment,
  configurationOf,
  EXIT_FAILURE,
  EXIT_USAGE,
  UsageError,
} from "./backup_session.ts";
import { ProgressBar } from "./progress_bar.ts";
import { databaseRoot, openDatabase } from "./server.ts";
import { query, serverAddress } from "./server_client.ts";
import { runStoreCommand } from "./store_commands.ts";

const POLL_MILLIS = 200;
/** Files in the install root that ask the next start for something; a backup does not do it in passing. */
const TRIGGERS = ["_backup_restore", "_restore"];

/** What a backup came to. */
interface BackupOutcome {
  readonly instance: string | null;
  readonly timestamp: string;
  readonly status: string;
  readonly error: string | null;
}

/** Runs a command on backups. @returns the exit code; failures are told on stderr. */
export async function runBackupCommand(
  args: BackupArguments,
  environment: BackupEnvironment,
): Promise<number> {
  try {
    return args.command === "backup"
      ? await backUp(args, environment)
      : await runStoreCommand(args, environment);
  } catch (error) {
    if (!(error instanceof QuestError)) throw error;
    environment.writeError(`tidemark: ${args.command} failed: ${error.message}\n`);
    return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILURE;
  }
}

async function backUp(args: BackupArguments, environment: BackupEnvironment): Promise<number> {
  const outcome = args.url === null && isStopped(args, environment)
    ? await backUpStopped(args, environment)
    : await backUpRunning(args, environment);
  if (outcome.error !== null) {
    throw new BackupError(outcome.error, { timestamp: outcome.timestamp });
  }
  environment.writeOut(
    args.isJson
      ? `${JSON.stringify(outcome)}\n`
      : `${outcome.status} [instance=${outcome.instance}, timestamp=${outcome.timestamp}]\n`,
  );
  return 0;
}

/** Tells whether no server holds the root. @throws {QuestError} if there is no database in it. */
function isStopped(args: BackupArguments, environment: BackupEnvironment): boolean {
  const { fs, processId } = environment;
  const { installRoot } = args;
  if (fs.stat(installRoot) === null) {
    throw new UsageError("there is no such root; give one with -d", { root: installRoot });
  }
  try {
    RootLock.acquire(fs, installRoot, processId)[Symbol.dispose]();
    return true;
  } catch (error) {
    if (error instanceof StorageError && error.context.holder !== undefined) return false;
    throw error;
  }
}

async function backUpStopped(
  args: BackupArguments,
  environment: BackupEnvironment,
): Promise<BackupOutcome> {
  checkOpenable(args, environment);
  const store = args.store === null ? [] : [`backup.object.store=${args.store}`];
  await using resources = new AsyncDisposableStack();
  const { backup } = await openDatabase(resources, {
    ...environment,
    installRoot: args.installRoot,
    settings: [...args.settings, "backup.enabled=true", ...store],
    log: failureLog(environment),
  });
  const started = await backup.start();
  using bar = new ProgressBar("backup", environment.writeTerminal);
  const timers = new SystemTimers();
  const ended = backup.idle().then(() => true);
  while (!await Promise.race([ended, timers.sleep(POLL_MILLIS).then(() => false)])) {
    bar.showPercent(backup.list().at(-1)?.progressPercent ?? 0);
  }
  const row = backup.list().findLast(({ startTs }) => startTs === started)!;
  if (row.backupError === null) bar.showPercent(100);
  return {
    instance: backup.instanceName(),
    timestamp: formatTimestampMicros(started),
    status: row.status,
    error: row.backupError,
  };
}

/** Opening a root must not make a database, nor do what the next start of the server was asked for. @throws {QuestError} */
function checkOpenable(args: BackupArguments, environment: BackupEnvironment): void {
  const { fs } = environment;
  const { installRoot } = args;
  const trigger = TRIGGERS.find((name) => fs.stat(`${installRoot}/${name}`) !== null);
  if (trigger !== undefined) {
    throw new BackupError("the next start of the server is to restore this root; start it first", {
      file: `${installRoot}/${trigger}`,
    });
  }
  const { cairo } = configurationOf(installRoot, args, environment);
  const dbRoot = databaseRoot(installRoot, cairo.root);
  if (fs.stat(`${dbRoot}/.data_id`) === null) {
    throw new BackupError("there is no database in this root", { directory: dbRoot });
  }
}

async function backUpRunning(
  args: BackupArguments,
  environment: BackupEnvironment,
): Promise<BackupOutcome> {
  if (args.store !== null) {
    throw new UsageError("--store is for a stopped root; a running server has its own store");
  }
  const server = serverAddress(args, environment);
  const timestamp = String((await query(server, "BACKUP DATABASE")).dataset?.[0]?.[0]);
  using bar = new ProgressBar("backup", environment.writeTerminal);
  const timers = new SystemTimers();
  const sql = "SELECT status, progress_percent, backup_error FROM backups() WHERE start_ts = " +
    `'${timestamp}'`;
  while (true) {
    const { dataset } = await query(server, sql);
    const [status, percent, error] = dataset?.[0] ?? [];
    if (status === undefined) throw new BackupError("the server lost the backup", { timestamp });
    bar.showPercent(Number(percent));
    if (!String(status).endsWith("in progress")) {
      const name = await query(server, "SELECT backup_instance_name");
      return {
        instance: name.dataset?.[0]?.[0] as string | null ?? null,
        timestamp,
        status: String(status),
        error: error === null ? null : String(error),
      };
    }
    await timers.sleep(POLL_MILLIS);
  }
}

/** The server's log, of which only what went wrong is shown. */
function failureLog(environment: BackupEnvironment): TextLog {
  const write = (bytes: Uint8Array) => {
    const lines = new TextDecoder().decode(bytes).split("\n");
    const failures = lines.filter((line) => /^\S+ [CE] /.test(line));
    if (failures.length > 0) environment.writeError(failures.join("\n") + "\n");
    return Promise.resolve();
  };
  return new TextLog({ writer: { write }, clock: environment.clock });
}

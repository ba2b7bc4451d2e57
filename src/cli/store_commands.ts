/**
 * `tidemark backups`, `validate` and `restore`: they read a store and need no server.
 *
 * ```
 * backups    what is in the store
 * validate   is it whole?                  exit code 3 if not
 * restore    into an install root           with --dry-run: would it work? exit code 3 if not
 * ```
 *
 * @module
 */
import {
  listStoredBackups,
  planRestore,
  restoreBackup,
  validateBackup,
  VALIDATION_LEVELS,
} from "../backup/mod.ts";
import { formatTimestampMicros } from "../common/mod.ts";
import { openObjectStore } from "../objectstore/mod.ts";
import { RootLock } from "../platform/mod.ts";
import {
  type BackupArguments,
  type BackupEnvironment,
  commandLog,
  configurationOf,
  connectionOf,
  EXIT_NO,
  timestampOf,
  UsageError,
  Workshop,
} from "./backup_session.ts";
import { formatBytes, ProgressBar } from "./progress_bar.ts";
import { databaseRoot } from "./server.ts";
import { formatTable } from "./text_table.ts";
import { VERSION } from "./version.ts";

const DEFAULT_LEVEL = "hashes";

/** Runs a command that works on a store. @returns the exit code. */
export async function runStoreCommand(
  args: BackupArguments,
  environment: BackupEnvironment,
): Promise<number> {
  if (args.command === "restore") return await restore(args, environment);
  await using store = await openObjectStore(connectionOf(args, environment), environment);
  const { workerCount } = configurationOf(args.installRoot, args, environment).wal;
  await using workshop = await Workshop.start(workerCount, environment.workerUrl);
  const context = { store, core: workshop.core, tasks: workshop.tasks, productVersion: VERSION };
  return args.command === "backups"
    ? await listBackups(context, args, environment)
    : await validate(context, args, environment);
}

type Context = Parameters<typeof listStoredBackups>[0] & Pick<Workshop, "tasks">;

async function listBackups(
  context: Context,
  args: BackupArguments,
  environment: BackupEnvironment,
): Promise<number> {
  const backups = await listStoredBackups(context, args.instance);
  const rows = backups.map(({ instance, timestamp, manifest, error }) => {
    const tables = manifest?.tables ?? [];
    const sum = (field: "rows" | "raw_bytes" | "stored_bytes") =>
      tables.reduce((all, table) => all + table[field], 0);
    return {
      instance,
      timestamp: formatTimestampMicros(timestamp),
      tables: tables.length,
      rows: sum("rows"),
      raw_bytes: sum("raw_bytes"),
      stored_bytes: sum("stored_bytes"),
      uploaded_bytes: manifest?.stats.bytes_uploaded ?? 0,
      written_by: manifest?.product_version ?? null,
      data_id: manifest?.data_id ?? null,
      error,
    };
  });
  if (args.isJson) writeJson(environment, rows);
  else if (rows.length === 0) environment.writeOut(`no backups in ${context.store.description}\n`);
  else {
    const columns = [
      "instance",
      "timestamp",
      "tables",
      "rows",
      "data",
      "stored",
      "uploaded",
      "status",
    ];
    environment.writeOut(formatTable([
      columns,
      ...rows.map((row) => [
        row.instance,
        row.timestamp,
        row.tables,
        row.rows,
        formatBytes(row.raw_bytes),
        formatBytes(row.stored_bytes),
        formatBytes(row.uploaded_bytes),
        row.error ?? "complete",
      ]),
    ]));
  }
  return rows.length === 0 || rows.some(({ error }) => error !== null) ? EXIT_NO : 0;
}

async function validate(
  context: Context,
  args: BackupArguments,
  environment: BackupEnvironment,
): Promise<number> {
  const wanted = args.level ?? DEFAULT_LEVEL;
  const level = VALIDATION_LEVELS.find((known) => known === wanted.toLowerCase());
  if (level === undefined) {
    throw new UsageError(`--level is one of ${VALIDATION_LEVELS.join(", ")}`, { level: wanted });
  }
  const timestamp = timestampOf(args);
  using bar = new ProgressBar("validate", environment.writeTerminal);
  const found = await validateBackup({
    ...context,
    level,
    timestamp,
    instance: args.instance,
    signal: new AbortController().signal,
    onProgress: (done, total) => bar.showBytes(done, total),
  });
  bar[Symbol.dispose]();
  const isDamaged = found.tables.some(({ error }) => error !== null);
  const backup = { instance: found.instance, timestamp: formatTimestampMicros(found.timestamp) };
  const status = isDamaged ? "damaged" : "ok";
  if (args.isJson) writeJson(environment, { ...backup, level, status, tables: found.tables });
  else {
    environment.writeOut(`${backup.instance} ${backup.timestamp}, level ${level}\n`);
    environment.writeOut(formatTable([
      ["table", "objects", "bytes", "status"],
      ...found.tables.map((row) => [
        row.table === "" ? "(database files)" : row.table,
        row.objects,
        row.bytes,
        row.error === null ? "ok" : `damaged: ${row.error}`,
      ]),
    ]));
    environment.writeOut(isDamaged ? "The backup is damaged.\n" : "The backup is whole.\n");
  }
  return isDamaged ? EXIT_NO : 0;
}

async function restore(args: BackupArguments, environment: BackupEnvironment): Promise<number> {
  const { to } = args;
  if (to === null) throw new UsageError("restore needs --to DIRECTORY, the install root to make");
  const timestamp = timestampOf(args);
  const { fs } = environment;
  const configuration = configurationOf(to, args, environment);
  const dbRoot = databaseRoot(to, configuration.cairo.root);
  // Of a dry run nothing may be left, not even the directory.
  if (!args.isDryRun) fs.mkdir(to);
  using _lock = args.isDryRun ? null : RootLock.acquire(fs, to, environment.processId);
  const connection = connectionOf(args, environment);
  await using workshop = await Workshop.start(configuration.wal.workerCount, environment.workerUrl);
  const { tasks, core } = workshop;
  const parts = { ...environment, tasks, core, installRoot: to, dbRoot, productVersion: VERSION };
  const request = { instance: args.instance, timestamp };
  if (args.isDryRun) {
    const { signal } = new AbortController();
    await using store = await openObjectStore(connection, environment);
    const plan = await planRestore({ ...parts, ...request, store, signal });
    return showPlan(plan, args, environment);
  }
  using bar = new ProgressBar("restore", environment.writeTerminal);
  const started = environment.clock.monotonicMillis();
  const summary = await restoreBackup({
    ...parts,
    log: commandLog(environment),
    configuredStore: connection,
    verifiesPartitionHashes: configuration.backup.verifiesPartitionHashes,
    onProgress: (done, total) => bar.showBytes(done, total),
  }, { ...request, objectStore: null, timestampText: args.timestamp });
  bar[Symbol.dispose]();
  const seconds = (environment.clock.monotonicMillis() - started) / 1000;
  const { instance, tableCount, rowCount, bytes, fetchedBytes, reusedBytes } = summary;
  if (args.isJson) {
    writeJson(environment, {
      instance,
      timestamp: summary.timestamp,
      root: to,
      tables: tableCount,
      rows: rowCount,
      bytes,
      fetched_bytes: fetchedBytes,
      reused_bytes: reusedBytes,
      seconds,
    });
  } else {
    const reused = reusedBytes === 0 ? "" : `, ${formatBytes(reusedBytes)} were there already`;
    environment.writeOut(
      `restored ${instance} ${summary.timestamp} into ${to}\n` +
        `${tables(tableCount)}, ${rowCount} rows, ${formatBytes(bytes)} in ${
          seconds.toFixed(1)
        } s; ` +
        `${formatBytes(fetchedBytes)} fetched${reused}\n`,
    );
  }
  return 0;
}

function showPlan(
  plan: Awaited<ReturnType<typeof planRestore>>,
  args: BackupArguments,
  environment: BackupEnvironment,
): number {
  const isRefused = plan.problems.length > 0;
  const timestamp = formatTimestampMicros(plan.timestamp);
  if (args.isJson) {
    writeJson(environment, {
      instance: plan.instance,
      timestamp,
      written_by: plan.writtenBy,
      tables: plan.tableCount,
      rows: plan.rowCount,
      objects: plan.objectCount,
      objects_missing: plan.missingCount,
      bytes_to_fetch: plan.fetchBytes,
      disk_needed: plan.diskNeeded,
      disk_free: plan.diskFree,
      estimated_seconds: plan.estimatedSeconds,
      status: isRefused ? "refused" : "ok",
      problems: plan.problems,
    });
    return isRefused ? EXIT_NO : 0;
  }
  const seconds = plan.estimatedSeconds;
  const lines = [
    ["backup", `${plan.instance} ${timestamp}, written by ${plan.writtenBy ?? "?"}`],
    ["holds", `${tables(plan.tableCount)}, ${plan.rowCount} rows`],
    ["objects", `${plan.objectCount}, ${plan.missingCount} missing`],
    ["to fetch", formatBytes(plan.fetchBytes)],
    [
      "disk",
      `${formatBytes(plan.diskNeeded)} needed, ${
        plan.diskFree === null ? "unknown" : formatBytes(plan.diskFree)
      } free`,
    ],
    ["time", seconds === null ? "unknown" : `about ${seconds.toFixed(1)} s`],
    ...plan.problems.map((problem) => ["problem", problem]),
  ];
  environment.writeOut(lines.map(([name, text]) => `${name.padEnd(10)}${text}\n`).join(""));
  environment.writeOut(isRefused ? "A restore would be refused.\n" : "A restore can be done.\n");
  return isRefused ? EXIT_NO : 0;
}

function tables(count: number): string {
  return count === 1 ? "1 table" : `${count} tables`;
}

function writeJson(environment: BackupEnvironment, value: unknown): void {
  environment.writeOut(`${JSON.stringify(value)}\n`);
}

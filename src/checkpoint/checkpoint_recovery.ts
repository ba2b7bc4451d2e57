/**
 * Recovery at start: makes a copied root the database that was checkpointed.
 *
 * ```
 * trigger, or another instance id ─► what tells of later states removed ─► registry ─► each table ─► tables and files of later removed ─► sync(2)
 *                                 ─► checkpoint renamed to `recovered` ─► trigger removed ─► `recovered` removed
 * ```
 * Invariants:
 * 1. Every step can be done again: a recovery that failed or was killed leaves the checkpoint and the trigger, and the next
 *    start begins again.
 * 2. The rename is the moment from which the recovery counts as done; it comes after everything before it is durable.
 *    A start that finds `recovered` only cleans up.
 * 3. Nothing of a table's committed rows is ever changed here: files are cut off, rebuilt from them, or removed whole.
 *
 * @module
 */
import { QuestError } from "../common/mod.ts";
import { checkStorageVersion } from "../engine/mod.ts";
import { type FileSystem, joinPath, type Log, parentPath, readFile } from "../platform/mod.ts";
import { writeFileSynced } from "../storage/mod.ts";
import {
  CHECKPOINT_DATABASE,
  CHECKPOINT_META,
  type CheckpointRoots,
  PREFERENCES_FILE,
  readCheckpointVersion,
  readInstanceId,
  RECOVERED_DIRECTORY,
  RECOVERY_TRIGGER,
} from "./checkpoint_layout.ts";
import { recoverTable, type RecoveryCounts } from "./table_recovery.ts";

const COMPONENT = "checkpoint";
const REGISTRY_FILE = /^tables\.d\.\d+$/;
const REGISTRY_BYTES_MAX = 1 << 30;

/** Why the server must not start on this root. */
export class RecoveryError extends QuestError {}

/** What a recovery runs with. */
export interface RecoveryOptions {
  readonly fs: FileSystem;
  readonly log: Log;
  /** Directory of the trigger file. */
  readonly installRoot: string;
  readonly dbRoot: string;
  readonly roots: CheckpointRoots;
  /** `cairo.checkpoint.recovery.enabled`. */
  readonly isEnabled: boolean;
  /** `cairo.snapshot.instance.id`. */
  readonly instanceId: string;
  /** `cairo.checkpoint.recovery.rebuild.column.indexes`. */
  readonly isIndexRebuilt: boolean;
  readonly productVersion: string;
  /**
   * Names below the database root that tell of states later than the checkpoint: they go first, so that nobody goes by them
   * once the tables are back.
   */
  readonly laterStates: readonly string[];
  /** Gives other work a turn, for 0, or waits. */
  readonly sleep: (millis: number) => Promise<void>;
}

/** What a recovery did. */
export interface RecoverySummary extends RecoveryCounts {
  /** Why it ran. */
  readonly trigger: "file" | "snapshot id";
  readonly tableCount: number;
}

/**
 * Recovers if the root asks for it; to be called with the root locked, before the engine opens it.
 *
 * @returns `null` if there was nothing to do.
 * @throws {RecoveryError} if the checkpoint cannot be used; the trigger file stays.
 */
export async function recoverCheckpoint(options: RecoveryOptions): Promise<RecoverySummary | null> {
  if (!options.isEnabled) return null;
  finishRecovered(options);
  const source = findSource(options);
  if (source === null) return null;
  checkVersions(options, source.directory);
  const { log, roots } = options;
  const word = parentPath(source.directory) === roots.legacy ? "snapshot" : "checkpoint";
  const ids = { currentId: options.instanceId, previousId: source.instanceId };
  log.info(COMPONENT, `starting ${word} recovery`, {
    trigger: source.trigger,
    ...(source.trigger === "file" ? {} : ids),
  });
  for (const name of options.laterStates) {
    const path = joinPath(options.dbRoot, name);
    if (options.fs.stat(path) !== null) options.fs.removeTree(path);
  }
  options.fs.syncDir(options.dbRoot);
  const counts = {
    metaFilesCount: 0,
    txnFilesCount: 0,
    cvFilesCount: 0,
    walFilesCount: 0,
    symbolFilesCount: 0,
  };
  const directories = options.fs.readDir(source.directory).filter((entry) => entry.isDirectory)
    .map((entry) => entry.name);
  restoreRegistry(options, source.directory);
  for (const name of directories) {
    await options.sleep(0);
    const table = {
      ...options,
      source: joinPath(source.directory, name),
      tableDir: joinPath(options.dbRoot, name),
    };
    try {
      await recoverTable(table, counts);
    } catch (error) {
      throw fatal("Checkpoint recovery failed", { table: name }, error);
    }
  }
  restorePreferences(options, source.directory);
  removeYoungerTables(options, new Set(directories));
  await finish(options, source.directory);
  log.info(COMPONENT, `${word} recovery finished`, { ...counts });
  return { trigger: source.trigger, tableCount: directories.length, ...counts };
}

interface RecoverySource {
  /** `<checkpoint root>/db`. */
  readonly directory: string;
  readonly trigger: "file" | "snapshot id";
  readonly instanceId: string;
}

/** Finds the checkpoint to recover from; `null` if none is asked for. @throws {RecoveryError} */
function findSource(options: RecoveryOptions): RecoverySource | null {
  const { fs, roots, log } = options;
  const trigger = joinPath(options.installRoot, RECOVERY_TRIGGER);
  const isTriggered = fs.stat(trigger) !== null;
  const candidates = [roots.current, roots.inside, roots.legacy]
    .map((root) => joinPath(root, CHECKPOINT_DATABASE));
  const directory = candidates.find((path) => fs.stat(path)?.isDirectory);
  if (directory === undefined) {
    if (!isTriggered) return null;
    throw new RecoveryError(
      "checkpoint trigger file found, but the checkpoint directory does not exist",
      { dir: candidates[0], trigger },
    );
  }
  const instanceId = readInstanceId(fs, directory);
  if (instanceId === null) {
    if (!isTriggered) return null;
    throw new RecoveryError(
      "checkpoint trigger file found, but the checkpoint metadata file does not exist",
      { file: joinPath(directory, CHECKPOINT_META), trigger },
    );
  }
  if (isTriggered) return { directory, trigger: "file", instanceId };
  const isOtherInstance = instanceId !== "" && options.instanceId !== "" &&
    instanceId !== options.instanceId;
  if (isOtherInstance) return { directory, trigger: "snapshot id", instanceId };
  log.info(COMPONENT, "skipping recovery from checkpoint", {
    currentId: options.instanceId,
    previousId: instanceId,
  });
  return null;
}

/** Nothing has been changed yet. @throws {RecoveryError} if this version must not open what was checkpointed. */
function checkVersions(options: RecoveryOptions, source: string): void {
  const { fs, dbRoot, productVersion } = options;
  checkStorageVersion(fs, dbRoot);
  const created = readCheckpointVersion(fs, source);
  if (created === null || created.split(".")[0] === productVersion.split(".")[0]) return;
  throw new RecoveryError(
    "restoring data is only possible if the original and the backup have the same major version number",
    { checkpoint: created, version: productVersion },
  );
}

/** Replaces the registry of table names by the checkpoint's. */
function restoreRegistry(options: RecoveryOptions, source: string): void {
  const { fs, dbRoot } = options;
  const file = joinPath(source, "tables.d.0");
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = readFile(fs, file, REGISTRY_BYTES_MAX);
  } catch (error) {
    throw fatal("Could not copy registry file", { src: file, dst: dbRoot }, error);
  }
  for (const { name } of fs.readDir(dbRoot).filter((entry) => REGISTRY_FILE.test(entry.name))) {
    try {
      fs.remove(joinPath(dbRoot, name));
    } catch (error) {
      throw fatal("Could not remove registry file", { file: joinPath(dbRoot, name) }, error);
    }
  }
  try {
    writeFileSynced(fs, joinPath(dbRoot, "tables.d.0"), bytes);
  } catch (error) {
    throw fatal("Could not copy registry file", { src: file, dst: dbRoot }, error);
  }
}

function restorePreferences(options: RecoveryOptions, source: string): void {
  const { fs, dbRoot } = options;
  const saved = joinPath(source, PREFERENCES_FILE), live = joinPath(dbRoot, PREFERENCES_FILE);
  if (fs.stat(saved) !== null) {
    writeFileSynced(fs, live, readFile(fs, saved, REGISTRY_BYTES_MAX));
  } else if (fs.stat(live) !== null) fs.remove(live);
}

/** Tables created after the checkpoint, and whatever else this server keeps in directories of the database root. */
function removeYoungerTables(options: RecoveryOptions, known: ReadonlySet<string>): void {
  const { fs, dbRoot, roots, log } = options;
  const checkpointRoots = new Set([roots.current, roots.legacy, roots.inside]);
  for (const { name, isDirectory } of fs.readDir(dbRoot)) {
    const path = joinPath(dbRoot, name);
    if (!isDirectory || known.has(name) || checkpointRoots.has(path)) continue;
    log.info(COMPONENT, "removing a directory that the checkpoint does not have", { dir: path });
    try {
      fs.removeTree(path);
    } catch (error) {
      throw fatal(
        "Checkpoint recovery failed. Aborting QuestDB startup; could not remove orphan table directory, remove it manually to continue",
        { dir: path },
        error,
      );
    }
  }
}

async function finish(options: RecoveryOptions, source: string): Promise<void> {
  const { fs } = options;
  await fs.syncAll();
  const recovered = joinPath(parentPath(source), RECOVERED_DIRECTORY);
  fs.removeTree(recovered);
  fs.rename(source, recovered);
  fs.syncDir(parentPath(source));
  finishRecovered(options);
}

/** Removes the trigger and the checkpoint of a recovery that is done. */
function finishRecovered(options: RecoveryOptions): void {
  const { fs, roots, installRoot } = options;
  for (const root of [roots.current, roots.inside, roots.legacy]) {
    const recovered = joinPath(root, RECOVERED_DIRECTORY);
    if (fs.stat(recovered) === null) continue;
    // A checkpoint beside it is a newer one, copied here since, and so is the trigger then.
    if (fs.stat(joinPath(root, CHECKPOINT_DATABASE)) === null) removeTrigger(fs, installRoot);
    fs.removeTree(recovered);
    fs.syncDir(root);
  }
}

function removeTrigger(fs: FileSystem, installRoot: string): void {
  const file = joinPath(installRoot, RECOVERY_TRIGGER);
  if (fs.stat(file) === null) return;
  try {
    fs.remove(file);
    fs.syncDir(installRoot);
  } catch (error) {
    throw fatal("could not remove restore trigger file. file permission issues?", { file }, error);
  }
}

function fatal(message: string, context: Record<string, string>, cause: unknown): RecoveryError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RecoveryError(message, { ...context, reason }, { cause });
}

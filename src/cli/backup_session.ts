/**
 * What the commands on backups have in common: how they are called, which store they work on, and the workers that decode.
 *
 * @module
 */
import { parseTimestampMicros, QuestError } from "../common/mod.ts";
import { loadConfiguration, PROPERTIES, type ServerConfiguration } from "../config/mod.ts";
import type { Clock, FileSystem, Log, Random } from "../platform/mod.ts";
import {
  createSharedMemory,
  loadCore,
  planRegions,
  type TaskRunner,
  type WasmCore,
  WorkerPool,
} from "../wasm/mod.ts";

/** Exit code of a command that failed. */
export const EXIT_FAILURE = 1;
/** Exit code of a command that makes no sense. */
export const EXIT_USAGE = 2;
/** Exit code of a command that worked and whose answer is no: damaged, refused, none. */
export const EXIT_NO = 3;

/** A command on backups. */
export type BackupCommand = "backup" | "backups" | "restore" | "validate";

/** What a command was called with. */
export interface BackupArguments {
  readonly command: BackupCommand;
  /** Absolute path of the install root whose configuration is used. */
  readonly installRoot: string;
  /** Connection string; `null`: `backup.object.store` of the root's configuration. */
  readonly store: string | null;
  readonly instance: string | null;
  /** As written. */
  readonly timestamp: string | null;
  /** Absolute path of the install root to restore into. */
  readonly to: string | null;
  /** Level of validation, as written. */
  readonly level: string | null;
  /** Base URL of a running server. */
  readonly url: string | null;
  readonly isDryRun: boolean;
  readonly isJson: boolean;
  readonly settings: readonly string[];
}

/** What the commands need of their process. */
export interface BackupEnvironment {
  readonly fs: FileSystem;
  readonly clock: Clock;
  readonly random: Random;
  readonly variables: Readonly<Record<string, string>>;
  readonly cpuCount: number;
  readonly processId: number;
  /** The module that serves tasks in worker scope. */
  readonly workerUrl: string;
  writeOut(text: string): void;
  writeError(text: string): void;
  /** Writes to the terminal; `null` if there is none. */
  readonly writeTerminal: ((text: string) => void) | null;
}

/** An option that cannot be used. */
export class UsageError extends QuestError {}

/** Reads the timestamp of a command. @throws {UsageError} */
export function timestampOf(args: BackupArguments): bigint | null {
  if (args.timestamp === null) return null;
  const timestamp = parseTimestampMicros(args.timestamp);
  if (timestamp === null) {
    throw new UsageError("--timestamp is no timestamp; give it like 2026-01-31T12:00:00.000000Z", {
      value: JSON.stringify(args.timestamp),
    });
  }
  return timestamp;
}

/** The configuration of a root. @throws {ConfigError} */
export function configurationOf(
  installRoot: string,
  args: BackupArguments,
  environment: BackupEnvironment,
): ServerConfiguration {
  return loadConfiguration(PROPERTIES, {
    fs: environment.fs,
    installRoot,
    settings: args.settings,
    environment: environment.variables,
    cpuCount: environment.cpuCount,
  }).configuration;
}

/** The connection string of a command's store. @throws {UsageError} if there is none. */
export function connectionOf(args: BackupArguments, environment: BackupEnvironment): string {
  const connection = args.store ??
    configurationOf(args.installRoot, args, environment).backup.objectStore;
  if (connection === "") {
    throw new UsageError("no store is configured; set backup.object.store or give --store");
  }
  return connection;
}

/** Workers and a core of their memory, without a database. */
export class Workshop implements AsyncDisposable {
  readonly tasks: TaskRunner;
  readonly core: WasmCore;

  private constructor(tasks: TaskRunner, core: WasmCore) {
    this.tasks = tasks;
    this.core = core;
  }

  /** Starts the workers. */
  static async start(workerCount: number, workerUrl: string): Promise<Workshop> {
    const memory = createSharedMemory();
    const tasks = await WorkerPool.start({ workerUrl, workerCount, memory });
    return new Workshop(tasks, loadCore(memory, planRegions(workerCount).main));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tasks[Symbol.asyncDispose]();
  }
}

/** A log for commands: what went wrong goes to stderr; the command itself tells the rest. */
export function commandLog(environment: BackupEnvironment): Log {
  return {
    info: () => {},
    error: (_, message) => environment.writeError(`tidemark: ${message}\n`),
    critical: (_, message) => environment.writeError(`tidemark: ${message}\n`),
  };
}

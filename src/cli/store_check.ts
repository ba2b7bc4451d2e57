/**
 * `tidemark store check`: finds out whether a store can hold backups, and how fast it is.
 *
 * ```
 * s3 [bucket=b, root=/db]
 *   write and read back   ok     write 12 ms, read 4.1 ms
 *   conditional write     ok     one of 4 writers won
 *   …
 * The store can hold backups.
 * ```
 *
 * @module
 */
import { ConfigError, QuestError } from "../common/mod.ts";
import { loadConfiguration, PROPERTIES } from "../config/mod.ts";
import {
  checkStore,
  openObjectStore,
  STORE_CHECK_BULK_BYTES,
  type StoreCheckRow,
} from "../objectstore/mod.ts";
import type { Clock, FileSystem, Random } from "../platform/mod.ts";

const EXIT_FAILURE = 1;
const NAME_WIDTH = 22;
const RESULT_WIDTH = 7;

/** What the command was called with. */
export interface StoreCheckArguments {
  /** Connection string; `null`: `backup.object.store` of the root's configuration. */
  readonly connection: string | null;
  /** Absolute path of the install root. */
  readonly installRoot: string;
  readonly settings: readonly string[];
}

/** What the command needs of its process. */
export interface StoreCheckEnvironment {
  readonly fs: FileSystem;
  readonly clock: Clock;
  readonly random: Random;
  readonly variables: Readonly<Record<string, string>>;
  readonly cpuCount: number;
  writeOut(text: string): void;
  writeError(text: string): void;
}

/** Runs the command. @returns the exit code: 1 if the store cannot be opened or must not be used. */
export async function runStoreCheck(
  args: StoreCheckArguments,
  environment: StoreCheckEnvironment,
): Promise<number> {
  try {
    const rows = await check(args, environment);
    const isUsable = rows.every(({ result }) => result !== "fail");
    environment.writeOut(
      isUsable ? "The store can hold backups.\n" : "The store must not be used for backups.\n",
    );
    return isUsable ? 0 : EXIT_FAILURE;
  } catch (error) {
    if (!(error instanceof QuestError)) throw error;
    environment.writeError(`tidemark: store check failed: ${error.message}\n`);
    return EXIT_FAILURE;
  }
}

async function check(
  args: StoreCheckArguments,
  environment: StoreCheckEnvironment,
): Promise<StoreCheckRow[]> {
  const connection = args.connection ?? configuredStore(args, environment);
  await using store = await openObjectStore(connection, environment);
  environment.writeOut(`${store.description}\n`);
  return await checkStore(store, {
    ...environment,
    bulkBytes: STORE_CHECK_BULK_BYTES,
    onRow: (row) => environment.writeOut(formatRow(row)),
  });
}

function configuredStore(args: StoreCheckArguments, environment: StoreCheckEnvironment): string {
  const { configuration } = loadConfiguration(PROPERTIES, {
    installRoot: args.installRoot,
    settings: args.settings,
    environment: environment.variables,
    fs: environment.fs,
    cpuCount: environment.cpuCount,
  });
  const { objectStore } = configuration.backup;
  if (objectStore === "") {
    throw new ConfigError("no store is configured, set backup.object.store or name one");
  }
  return objectStore;
}

function formatRow({ check, result, detail }: StoreCheckRow): string {
  return `  ${check.padEnd(NAME_WIDTH)}${result.padEnd(RESULT_WIDTH)}${detail}\n`;
}

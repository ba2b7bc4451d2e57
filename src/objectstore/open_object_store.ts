/**
 * From a connection string to a store.
 *
 * @module
 */
import {
  type Clock,
  type FileSystem,
  type Log,
  type Random,
  SILENT_LOG,
  SystemClock,
  SystemTimers,
  type Timers,
} from "../platform/mod.ts";
import {
  InvalidObjectStoreConfigurationError,
  type ObjectStoreConnection,
  parseConnectionString,
  requireKeys,
} from "./connection_string.ts";
import { FsObjectStore } from "./fs/fs_object_store.ts";
import type { ObjectStore } from "./object_store.ts";
import type { RemoteEnvironment } from "./remote/wrap_remote.ts";
import { StoreMetrics } from "./wrappers/metrics.ts";

/** What stores need of the platform; what is left out is the system's. */
export interface ObjectStoreEnvironment {
  readonly fs: FileSystem;
  readonly random: Random;
  readonly clock?: Clock;
  readonly timers?: Timers;
  readonly log?: Log;
  /** Where requests are counted. */
  readonly metrics?: StoreMetrics;
}

/** How long an upload into a directory can be gone on with, as at the providers: a week. */
const TEMPORARY_MILLIS_MAX = 7 * 86_400_000;

type Opener = (
  connection: ObjectStoreConnection,
  environment: RemoteEnvironment,
) => Promise<ObjectStore>;

/** By scheme. A remote store's code, and the client that it loads, cost nothing until it is used. */
const OPENERS: ReadonlyMap<string, Opener> = new Map<string, Opener>([
  ["fs", (connection, environment) => Promise.resolve(openFs(connection, environment))],
  ["s3", async (...args) => await (await import("./s3/open_s3.ts")).openS3(...args)],
  ["azblob", async (...args) => await (await import("./azure/open_azure.ts")).openAzure(...args)],
  ["gcs", async (...args) => await (await import("./gcs/open_gcs.ts")).openGcs(...args)],
]);

/**
 * Opens the store that a connection string names. Everything that can be told without a request is checked.
 *
 * @throws {InvalidObjectStoreConfigurationError} if the string cannot be used, naming the key.
 */
export async function openObjectStore(
  text: string,
  environment: ObjectStoreEnvironment,
): Promise<ObjectStore> {
  const connection = parseConnectionString(text);
  const opener = OPENERS.get(connection.scheme);
  if (opener === undefined) {
    throw new InvalidObjectStoreConfigurationError("unknown scheme", {
      scheme: connection.scheme,
      supported: [...OPENERS.keys()].join("|"),
    });
  }
  return await opener(connection, {
    fs: environment.fs,
    random: environment.random,
    clock: environment.clock ?? new SystemClock(),
    timers: environment.timers ?? new SystemTimers(),
    log: environment.log ?? SILENT_LOG,
    metrics: environment.metrics ?? new StoreMetrics(),
  });
}

function openFs(
  connection: ObjectStoreConnection,
  environment: RemoteEnvironment,
): ObjectStore {
  requireKeys(connection, { required: ["root", "atomic_write_dir"], optional: [] });
  const store = FsObjectStore.open({
    root: connection.values.get("root")!,
    atomicWriteDir: connection.values.get("atomic_write_dir")!,
    ...environment,
  });
  const { clock, log } = environment;
  try {
    store.sweepTemporary(Number(clock.nowMicros() / 1000n) - TEMPORARY_MILLIS_MAX);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log.error("objectstore", "old temporary files cannot be removed", { error: reason });
  }
  return store;
}

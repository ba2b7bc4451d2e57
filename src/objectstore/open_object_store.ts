/**
 * From a connection string to a store.
 *
 * @module
 */
import type { FileSystem, Random } from "../platform/mod.ts";
import {
  InvalidObjectStoreConfigurationError,
  type ObjectStoreConnection,
  parseConnectionString,
  requireKeys,
} from "./connection_string.ts";
import { FsObjectStore } from "./fs_object_store.ts";
import type { ObjectStore } from "./object_store.ts";

/** What stores need of the platform. */
export interface ObjectStoreEnvironment {
  readonly fs: FileSystem;
  readonly random: Random;
}

/** Schemes of the documentation that this release does not open yet. */
const LATER_SCHEMES = new Set(["s3", "azblob", "gcs"]);

/**
 * Opens the store that a connection string names. Asynchronous because remote stores load their client on demand.
 *
 * @throws {InvalidObjectStoreConfigurationError} if the string cannot be used.
 */
export function openObjectStore(
  text: string,
  environment: ObjectStoreEnvironment,
): Promise<ObjectStore> {
  return Promise.resolve().then(() => {
    const connection = parseConnectionString(text);
    if (connection.scheme === "fs") return openFs(connection, environment);
    if (LATER_SCHEMES.has(connection.scheme)) {
      throw new InvalidObjectStoreConfigurationError("scheme is not supported yet", {
        scheme: connection.scheme,
        supported: "fs",
      });
    }
    throw new InvalidObjectStoreConfigurationError("unknown scheme", {
      scheme: connection.scheme,
      supported: "fs",
    });
  });
}

function openFs(
  connection: ObjectStoreConnection,
  environment: ObjectStoreEnvironment,
): ObjectStore {
  requireKeys(connection, { required: ["root", "atomic_write_dir"], optional: [] });
  return FsObjectStore.open({
    root: connection.values.get("root")!,
    atomicWriteDir: connection.values.get("atomic_write_dir")!,
    ...environment,
  });
}

/**
 * Where backups go. A store that the operator named is tried at the start, so that a mistake shows then; the default one,
 * beside the root, is not touched before the first backup.
 *
 * @module
 */
import { ConfigError } from "../common/mod.ts";
import { openObjectStore, parseConnectionString } from "../objectstore/mod.ts";
import type { FileSystem, Random } from "../platform/mod.ts";
import type { ServerLiveConfiguration } from "./server.ts";

const KEY = "backup.object.store";

/**
 * Finds out where backups go.
 *
 * @returns the store as people read it, without secrets; `null` if backups are off.
 * @throws {ConfigError} if the operator named a store that cannot be used.
 */
export async function checkBackupStore(
  live: ServerLiveConfiguration,
  platform: { readonly fs: FileSystem; readonly random: Random },
): Promise<string | null> {
  const { isEnabled, objectStore } = live.current.backup;
  if (!isEnabled || objectStore === "") return null;
  const { valueSource } = live.parameters().find(({ propertyPath }) => propertyPath === KEY)!;
  if (valueSource === "default") return describe(objectStore);
  try {
    await using store = await openObjectStore(objectStore, platform);
    return store.description;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ConfigError(message, { key: KEY, source: valueSource }, { cause: error });
  }
}

function describe(connection: string): string {
  const { scheme, values } = parseConnectionString(connection);
  return `${scheme} [root=${values.get("root")}]`;
}

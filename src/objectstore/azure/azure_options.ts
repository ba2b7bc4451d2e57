/**
 * Connection strings of Azure Blob Storage: `azblob::endpoint=…;container=…;root=…;account_name=…;account_key=…;`.
 *
 * @module
 */
import type { FileSystem } from "../../platform/mod.ts";
import {
  InvalidObjectStoreConfigurationError,
  type ObjectStoreConnection,
  readBoolean,
  readEndpoint,
  readRootPrefix,
  requireKeys,
} from "../connection_string.ts";
import { readAuthorities, TLS_KEYS } from "../remote/tls.ts";
import { readTuning, type RemoteTuning, TUNING_KEYS } from "../remote/tuning.ts";

/** A parsed `azblob::` connection string. */
export interface AzureOptions {
  /** Address of the account. */
  readonly endpoint: URL;
  readonly container: string;
  /** Prefix of every key, with a `/` at its end, or empty. */
  readonly prefix: string;
  readonly accountName: string | undefined;
  /** `undefined`: managed identity and the rest of the default chain. */
  readonly accountKey: string | undefined;
  readonly sasToken: string | undefined;
  readonly isAnonymous: boolean;
  readonly authorities: readonly string[] | null;
  readonly tuning: RemoteTuning;
}

const OPTIONAL_KEYS: readonly string[] = [
  "root",
  "account_name",
  "account_key",
  "sas_token",
  "skip_signature",
  ...TLS_KEYS,
  ...TUNING_KEYS,
];
const CONTAINER = /^(\$root|\$web|[a-z0-9](?:-?[a-z0-9]){2,62})$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Reads the options. @throws {InvalidObjectStoreConfigurationError} naming the key that cannot be used. */
export function readAzureOptions(connection: ObjectStoreConnection, fs: FileSystem): AzureOptions {
  requireKeys(connection, { required: ["endpoint", "container"], optional: OPTIONAL_KEYS });
  const { scheme, values } = connection;
  const fail = (reason: string, key: string) =>
    new InvalidObjectStoreConfigurationError(reason, { scheme, key });
  const text = (key: string) => {
    const value = values.get(key)?.trim();
    if (value === "") throw fail("value is empty", key);
    return value;
  };
  const container = text("container")!;
  if (!CONTAINER.test(container)) throw fail("value is no container name", "container");
  const accountKey = text("account_key");
  if (accountKey !== undefined && !BASE64.test(accountKey)) {
    throw fail("value is not base64", "account_key");
  }
  const sasToken = text("sas_token")?.replace(/^\?/, "");
  const accountName = text("account_name");
  if (accountKey !== undefined && accountName === undefined) {
    throw fail("key is missing", "account_name");
  }
  if (accountKey !== undefined && sasToken !== undefined) {
    throw fail("key excludes account_key", "sas_token");
  }
  const endpoint = readEndpoint(connection)!;
  const isAnonymous = readBoolean(connection, "skip_signature") ?? false;
  const isIdentity = accountKey === undefined && sasToken === undefined && !isAnonymous;
  if (isIdentity && endpoint.protocol !== "https:") {
    throw fail("address must begin with https:// where no account_key is given", "endpoint");
  }
  return {
    endpoint,
    container,
    prefix: readRootPrefix(connection),
    accountName,
    accountKey,
    sasToken,
    isAnonymous,
    authorities: readAuthorities(connection, fs),
    tuning: readTuning(connection),
  };
}

/**
 * Connection strings of Google Cloud Storage: `gcs::bucket=…;root=…;credential=…;`.
 *
 * @module
 */
import type { FileSystem } from "../../platform/mod.ts";
import { readFile } from "../../platform/mod.ts";
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

/** Account keys and other sources of tokens, as Google's JSON files hold them. */
export type GcsCredential = Readonly<Record<string, unknown>> & { readonly type: string };

/** A parsed `gcs::` connection string. */
export interface GcsOptions {
  readonly bucket: string;
  /** Prefix of every key, with a `/` at its end, or empty. */
  readonly prefix: string;
  readonly endpoint: URL;
  /** A token obtained elsewhere; wins over the rest. */
  readonly token: string | undefined;
  /** `undefined`, without a token: Application Default Credentials. */
  readonly credential: GcsCredential | undefined;
  readonly isAnonymous: boolean;
  readonly storageClass: string | undefined;
  readonly authorities: readonly string[] | null;
  readonly tuning: RemoteTuning;
}

const OPTIONAL_KEYS: readonly string[] = [
  "root",
  "endpoint",
  "credential",
  "credential_path",
  "token",
  "skip_signature",
  "default_storage_class",
  ...TLS_KEYS,
  ...TUNING_KEYS,
];
const BUCKET = /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/;
const CREDENTIAL_BYTES_MAX = 65_536;
const DEFAULT_ENDPOINT = new URL("https://storage.googleapis.com");

/** Reads the options. @throws {InvalidObjectStoreConfigurationError} naming the key that cannot be used. */
export function readGcsOptions(connection: ObjectStoreConnection, fs: FileSystem): GcsOptions {
  requireKeys(connection, { required: ["bucket"], optional: OPTIONAL_KEYS });
  const { scheme, values } = connection;
  const fail = (reason: string, key: string) =>
    new InvalidObjectStoreConfigurationError(reason, { scheme, key });
  const text = (key: string) => {
    const value = values.get(key)?.trim();
    if (value === "") throw fail("value is empty", key);
    return value;
  };
  const bucket = text("bucket")!;
  if (!BUCKET.test(bucket)) throw fail("value is no bucket name", "bucket");
  const token = text("token");
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw fail("value is no token", "token");
  }
  const credential = readCredential(text, fail, fs);
  const isAnonymous = readBoolean(connection, "skip_signature") ?? false;
  const authorities = readAuthorities(connection, fs);
  if (authorities !== null && token === undefined && !isAnonymous) {
    // Tokens are fetched with the built-in roots; behind a private authority there is nothing to fetch them from.
    throw fail(
      "key is missing: behind a private certificate authority a token has to be given",
      "token",
    );
  }
  return {
    bucket,
    prefix: readRootPrefix(connection),
    endpoint: readEndpoint(connection) ?? DEFAULT_ENDPOINT,
    token,
    credential,
    isAnonymous,
    storageClass: text("default_storage_class"),
    authorities,
    tuning: readTuning(connection),
  };
}

function readCredential(
  text: (key: string) => string | undefined,
  fail: (reason: string, key: string) => Error,
  fs: FileSystem,
): GcsCredential | undefined {
  const encoded = text("credential");
  const path = text("credential_path");
  if (encoded !== undefined && path !== undefined) {
    throw fail("key excludes credential", "credential_path");
  }
  if (encoded === undefined && path === undefined) return undefined;
  const key = encoded === undefined ? "credential_path" : "credential";
  let json: string;
  try {
    json = encoded === undefined
      ? new TextDecoder().decode(readFile(fs, path!, CREDENTIAL_BYTES_MAX))
      : new TextDecoder().decode(Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0)));
  } catch {
    throw fail(encoded === undefined ? "file cannot be read" : "value is not base64", key);
  }
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    value = null; // the parser's message would quote the secret
  }
  const isCredential = typeof value === "object" && value !== null &&
    typeof (value as { type?: unknown }).type === "string";
  if (!isCredential) throw fail("value holds no credential: expected JSON with a type", key);
  return value as GcsCredential;
}

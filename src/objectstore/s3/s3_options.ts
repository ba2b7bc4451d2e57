/**
 * Connection strings of S3 and everything that speaks its protocol: `s3::bucket=…;root=…;region=…;…`.
 *
 * @module
 */
import type { FileSystem } from "../../platform/mod.ts";
import {
  InvalidObjectStoreConfigurationError,
  type ObjectStoreConnection,
  readBoolean,
  readEndpoint,
  readInteger,
  readRootPrefix,
  requireKeys,
} from "../connection_string.ts";
import { readAuthorities, TLS_KEYS } from "../remote/tls.ts";
import { readTuning, type RemoteTuning, TUNING_KEYS } from "../remote/tuning.ts";

/** How bodies are protected on their way: see {@linkcode S3Options.checksum}. */
export type S3Checksum = "crc32" | "md5" | "none";

/** A parsed `s3::` connection string. */
export interface S3Options {
  readonly bucket: string;
  /** Prefix of every key, with a `/` at its end, or empty. */
  readonly prefix: string;
  /** `undefined`: from the environment, else asked of the server. */
  readonly region: string | undefined;
  /** `undefined`: Amazon's. */
  readonly endpoint: URL | undefined;
  /** `undefined`: the chain of the environment, profiles, web identity, containers and instances. */
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  } | undefined;
  readonly isAnonymous: boolean;
  readonly isPathStyle: boolean;
  /** Checksum header of bodies. `crc32` is Amazon's default; some servers know only `md5`. */
  readonly checksum: S3Checksum;
  /** False for servers that refuse or ignore If-None-Match: the key is then looked up first, which is safe for one writer. */
  readonly hasConditionalPut: boolean;
  /** Largest object of one PUT. */
  readonly singlePutBytesMax: number;
  readonly serverSideEncryption: string | undefined;
  readonly kmsKeyId: string | undefined;
  readonly storageClass: string | undefined;
  readonly authorities: readonly string[] | null;
  readonly tuning: RemoteTuning;
}

const OPTIONAL_KEYS: readonly string[] = [
  "root",
  "region",
  "endpoint",
  "access_key_id",
  "secret_access_key",
  "session_token",
  "skip_signature",
  "enable_virtual_host_style",
  "checksum_algorithm",
  "conditional_put",
  "single_put_max",
  "server_side_encryption",
  "server_side_encryption_aws_kms_key_id",
  "default_storage_class",
  ...TLS_KEYS,
  ...TUNING_KEYS,
];

/** Largest PUT that Amazon takes. */
const SINGLE_PUT_BYTES_MAX = 5_368_709_120;
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/;

/** Reads the options. @throws {InvalidObjectStoreConfigurationError} naming the key that cannot be used. */
export function readS3Options(connection: ObjectStoreConnection, fs: FileSystem): S3Options {
  requireKeys(connection, { required: ["bucket"], optional: OPTIONAL_KEYS });
  const { scheme, values } = connection;
  const text = (key: string) => {
    const value = values.get(key)?.trim();
    if (value === "") throw fail("value is empty", key);
    return value;
  };
  const fail = (reason: string, key: string) =>
    new InvalidObjectStoreConfigurationError(reason, { scheme, key });
  const bucket = text("bucket")!;
  if (!BUCKET.test(bucket)) throw fail("value is no bucket name", "bucket");
  const checksum = text("checksum_algorithm")?.toLowerCase() ?? "crc32";
  if (checksum !== "crc32" && checksum !== "md5" && checksum !== "none") {
    throw fail("value must be crc32, md5 or none", "checksum_algorithm");
  }
  const isVirtualHost = readBoolean(connection, "enable_virtual_host_style") ?? false;
  return {
    bucket,
    prefix: readRootPrefix(connection),
    region: text("region"),
    endpoint: readEndpoint(connection),
    credentials: readCredentials(text, fail),
    isAnonymous: readBoolean(connection, "skip_signature") ?? false,
    isPathStyle: !isVirtualHost,
    checksum,
    hasConditionalPut: readBoolean(connection, "conditional_put") ?? true,
    singlePutBytesMax: readInteger(connection, "single_put_max", {
      min: 1,
      max: SINGLE_PUT_BYTES_MAX,
    }) ?? SINGLE_PUT_BYTES_MAX,
    serverSideEncryption: text("server_side_encryption"),
    kmsKeyId: text("server_side_encryption_aws_kms_key_id"),
    storageClass: text("default_storage_class"),
    authorities: readAuthorities(connection, fs),
    tuning: readTuning(connection),
  };
}

function readCredentials(
  text: (key: string) => string | undefined,
  fail: (reason: string, key: string) => Error,
): S3Options["credentials"] {
  const accessKeyId = text("access_key_id");
  const secretAccessKey = text("secret_access_key");
  const sessionToken = text("session_token");
  if (accessKeyId === undefined && secretAccessKey === undefined) {
    if (sessionToken !== undefined) throw fail("key needs access_key_id", "session_token");
    return undefined;
  }
  if (accessKeyId === undefined) throw fail("key is missing", "access_key_id");
  if (secretAccessKey === undefined) throw fail("key is missing", "secret_access_key");
  return { accessKeyId, secretAccessKey, ...sessionToken === undefined ? {} : { sessionToken } };
}

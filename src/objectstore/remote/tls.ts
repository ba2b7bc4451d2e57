/**
 * Which certificate authorities data requests trust, and the connections that are made with them.
 *
 * ```
 * ca_cert_file=…                          built-in roots and the file's certificates
 * ca_cert_file=…;ca_builtin_roots=false   the file's certificates only
 * ```
 *
 * @module
 */
import { X509Certificate } from "node:crypto";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { rootCertificates } from "node:tls";
import { type FileSystem, readFile } from "../../platform/mod.ts";
import {
  InvalidObjectStoreConfigurationError,
  type ObjectStoreConnection,
  readBoolean,
} from "../connection_string.ts";

/** Keys that every remote store takes. */
export const TLS_KEYS: readonly string[] = ["ca_cert_file", "ca_builtin_roots"];

/** Longest bundle of certificates. */
const BUNDLE_BYTES_MAX = 4_194_304;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;
/** Idle connections kept by one store. */
const IDLE_SOCKETS_MAX = 32;

/**
 * Reads the certificate authorities of a connection.
 *
 * @returns PEM texts, or `null` for the built-in roots alone.
 * @throws {InvalidObjectStoreConfigurationError} if the file cannot be read or holds anything but certificates.
 */
export function readAuthorities(
  connection: ObjectStoreConnection,
  fs: FileSystem,
): readonly string[] | null {
  const { scheme, values } = connection;
  const file = values.get("ca_cert_file");
  const hasBuiltIn = readBoolean(connection, "ca_builtin_roots") ?? true;
  if (file === undefined) {
    if (values.has("ca_builtin_roots")) {
      throw new InvalidObjectStoreConfigurationError("key needs ca_cert_file", {
        scheme,
        key: "ca_builtin_roots",
      });
    }
    return null;
  }
  const fail = (reason: string, cause?: unknown) =>
    new InvalidObjectStoreConfigurationError(reason, { scheme, key: "ca_cert_file", file }, {
      cause,
    });
  let text: string;
  try {
    text = new TextDecoder().decode(readFile(fs, file, BUNDLE_BYTES_MAX));
  } catch (error) {
    throw fail(`certificates cannot be read: ${(error as Error).message}`, error);
  }
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) throw fail("file holds no PEM certificate");
  for (const certificate of certificates) {
    try {
      new X509Certificate(certificate);
    } catch (error) {
      throw fail(`certificate cannot be parsed: ${(error as Error).message}`, error);
    }
  }
  return hasBuiltIn ? [...rootCertificates, ...certificates] : certificates;
}

/** Connections of one store. */
export interface Agents extends Disposable {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

/** Makes the agents of a store: kept-alive connections, trusting the authorities given. */
export function makeAgents(authorities: readonly string[] | null): Agents {
  const options = { keepAlive: true, maxFreeSockets: IDLE_SOCKETS_MAX };
  const http = new HttpAgent(options);
  const https = new HttpsAgent(
    authorities === null ? options : { ...options, ca: [...authorities] },
  );
  return {
    http,
    https,
    [Symbol.dispose]() {
      http.destroy();
      https.destroy();
    },
  };
}

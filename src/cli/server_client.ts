/**
 * Asks a running server over its HTTP interface, for commands that work on one. Address and credentials are those of the root's
 * configuration, unless an address is given.
 *
 * @module
 */
import { ConfigError, QuestError } from "../common/mod.ts";
import { loadConfiguration, PROPERTIES } from "../config/mod.ts";
import type { FileSystem } from "../platform/mod.ts";

/** Some statements wait for the disk. */
const REQUEST_TIMEOUT_MILLIS = 30 * 60_000;
/** Hosts that a server listens on but nobody can connect to. */
const WILDCARD_HOSTS = new Set(["0.0.0.0", "::", "[::]"]);

/** Where a server's root and its configuration are. */
export interface ServerLocation {
  /** Absolute path of the install root whose configuration tells where the server is. */
  readonly installRoot: string;
  /** Base URL of the server; overrides the configuration. */
  readonly url: string | null;
  readonly settings: readonly string[];
}

/** What finding a server takes. */
export interface ClientEnvironment {
  readonly fs: FileSystem;
  readonly variables: Readonly<Record<string, string>>;
  readonly cpuCount: number;
}

/** A server that can be asked. */
export interface ServerAddress {
  readonly url: string;
  /** Value of the `Authorization` header; empty without authentication. */
  readonly authorization: string;
}

/** An answer of `/exec`. */
export interface ServerAnswer {
  readonly error?: string;
  readonly dataset?: readonly (readonly unknown[])[];
}

/** Finds out where the server of a root answers. @throws {ConfigError} if the address cannot be used. */
export function serverAddress(
  location: ServerLocation,
  environment: ClientEnvironment,
): ServerAddress {
  const { configuration } = loadConfiguration(PROPERTIES, {
    fs: environment.fs,
    installRoot: location.installRoot,
    settings: location.settings,
    environment: environment.variables,
    cpuCount: environment.cpuCount,
  });
  const { hostname, port } = configuration.http.bindTo;
  const host = WILDCARD_HOSTS.has(hostname) ? "127.0.0.1" : hostname;
  const url = location.url ?? `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  if (!URL.canParse(url)) {
    throw new ConfigError("Cannot use the address: give it as http://HOST:PORT", { url });
  }
  const { user, password } = configuration.http;
  return { url, authorization: user === "" ? "" : `Basic ${btoa(`${user}:${password}`)}` };
}

/** Runs a statement. @throws {QuestError} with the server's refusal, or if it cannot be reached. */
export async function query(server: ServerAddress, sql: string): Promise<ServerAnswer> {
  let response: Response;
  try {
    response = await fetch(new URL(`/exec?query=${encodeURIComponent(sql)}`, server.url), {
      headers: server.authorization === "" ? {} : { authorization: server.authorization },
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MILLIS),
    });
  } catch (error) {
    throw new QuestError("cannot reach the server; is it running?", {
      url: server.url,
      reason: error instanceof Error ? error.message : String(error),
    }, { cause: error });
  }
  const text = await response.text();
  if (response.status === 401) {
    throw new QuestError("the server refused the credentials; check http.user and http.password", {
      url: server.url,
    });
  }
  let answer: ServerAnswer;
  try {
    answer = JSON.parse(text);
  } catch (error) {
    throw new QuestError("this is not the HTTP interface of a database", {
      url: server.url,
      status: response.status,
    }, { cause: error });
  }
  if (answer.error !== undefined) throw new QuestError(answer.error);
  return answer;
}

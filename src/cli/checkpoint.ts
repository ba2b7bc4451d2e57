/**
 * `tidemark checkpoint`: enters and leaves checkpoint mode of a running server over its HTTP interface, for scripts that copy
 * the root.
 *
 * Address and credentials are those of the root's configuration, unless an address is given.
 *
 * @module
 */
import { ConfigError, QuestError } from "../common/mod.ts";
import { loadConfiguration, PROPERTIES } from "../config/mod.ts";
import type { FileSystem } from "../platform/mod.ts";

/** Exit code of `status` when no checkpoint is active. */
export const EXIT_NO_CHECKPOINT = 3;
const EXIT_FAILURE = 1;
/** CREATE waits for the disk. */
const REQUEST_TIMEOUT_MILLIS = 30 * 60_000;
/** Hosts that a server listens on but nobody can connect to. */
const WILDCARD_HOSTS = new Set(["0.0.0.0", "::", "[::]"]);

/** What the command does. */
export type CheckpointAction = "create" | "release" | "status";

/** What the command was called with. */
export interface CheckpointArguments {
  readonly action: CheckpointAction;
  /** Absolute path of the install root whose configuration tells where the server is. */
  readonly installRoot: string;
  /** Base URL of the server; overrides the configuration. */
  readonly url: string | null;
  readonly settings: readonly string[];
}

/** What the command needs of its process. */
export interface CheckpointEnvironment {
  readonly fs: FileSystem;
  readonly variables: Readonly<Record<string, string>>;
  readonly cpuCount: number;
  writeOut(text: string): void;
  writeError(text: string): void;
}

/** Runs the command. @returns the exit code: 1 if the server refuses, or cannot be reached, with the reason on stderr. */
export async function runCheckpointCommand(
  args: CheckpointArguments,
  environment: CheckpointEnvironment,
): Promise<number> {
  try {
    return await runAction(args, environment);
  } catch (error) {
    if (!(error instanceof QuestError)) throw error;
    environment.writeError(`tidemark: checkpoint ${args.action} failed: ${error.message}\n`);
    return EXIT_FAILURE;
  }
}

async function runAction(
  args: CheckpointArguments,
  environment: CheckpointEnvironment,
): Promise<number> {
  const server = serverAddress(args, environment);
  if (args.action !== "status") {
    await query(server, `CHECKPOINT ${args.action.toUpperCase()}`);
    environment.writeOut(`checkpoint ${args.action === "create" ? "created" : "released"}\n`);
    return 0;
  }
  const { dataset } = await query(server, "SELECT * FROM checkpoint_status()");
  const [isActive, startedAt] = dataset?.[0] ?? [];
  if (isActive !== true) {
    environment.writeOut("no checkpoint\n");
    return EXIT_NO_CHECKPOINT;
  }
  environment.writeOut(`in progress since ${startedAt}\n`);
  return 0;
}

interface ServerAddress {
  readonly url: string;
  /** Value of the `Authorization` header; empty without authentication. */
  readonly authorization: string;
}

function serverAddress(
  args: CheckpointArguments,
  environment: CheckpointEnvironment,
): ServerAddress {
  const { configuration } = loadConfiguration(PROPERTIES, {
    fs: environment.fs,
    installRoot: args.installRoot,
    settings: args.settings,
    environment: environment.variables,
    cpuCount: environment.cpuCount,
  });
  const { hostname, port } = configuration.http.bindTo;
  const host = WILDCARD_HOSTS.has(hostname) ? "127.0.0.1" : hostname;
  const url = args.url ?? `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  if (!URL.canParse(url)) {
    throw new ConfigError("Cannot use the address: give it as http://HOST:PORT", { url });
  }
  const { user, password } = configuration.http;
  return { url, authorization: user === "" ? "" : `Basic ${btoa(`${user}:${password}`)}` };
}

async function query(
  server: ServerAddress,
  sql: string,
): Promise<{ readonly dataset?: readonly (readonly unknown[])[] }> {
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
  let answer: { readonly error?: string; readonly dataset?: readonly (readonly unknown[])[] };
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

/**
 * Starts the HTTP servers of a configuration.
 *
 * @module
 */
import type { BindAddress, ServerConfiguration } from "../config/mod.ts";
import type { Engine } from "../engine/mod.ts";
import { type Clock, type Log, SystemTimers } from "../platform/mod.ts";
import { HealthServer, HttpServer } from "../server/http/mod.ts";
import type { SqlEngine } from "../sql/mod.ts";
import { engineConfigOf } from "./settings.ts";
import { VERSION } from "./version.ts";

/** What the HTTP servers work with. */
export interface HttpParts {
  readonly sql: SqlEngine;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Log;
  /** The configuration of this moment; asked again for what can be reloaded. */
  readonly configuration: () => ServerConfiguration;
}

/** An address that somebody can call. */
export interface NamedUrl {
  readonly name: string;
  readonly url: string;
}

/** Starts the servers that are enabled and hands them to the stack. @throws {Deno.errors.AddrInUse} */
export function startHttp(resources: AsyncDisposableStack, parts: HttpParts): NamedUrl[] {
  const { http, httpMin } = parts.configuration();
  const urls: NamedUrl[] = [];
  if (httpMin.isEnabled) {
    const server = resources.use(listen(httpMin.bindTo, () => HealthServer.start(httpMin.bindTo)));
    urls.push({ name: "health", url: urlOf(httpMin.bindTo, server.port) });
  }
  if (http.isEnabled) {
    const server = resources.use(listen(http.bindTo, () => startMain(parts)));
    urls.unshift({ name: "http", url: urlOf(http.bindTo, server.port) });
  }
  return urls;
}

function startMain(parts: HttpParts): HttpServer {
  const { http } = parts.configuration();
  return HttpServer.start({
    ...parts,
    ...http.bindTo,
    timers: new SystemTimers(),
    get connectionLimit() {
      return parts.configuration().http.connectionLimit;
    },
    isReadonly: http.isReadonly,
    user: http.user,
    password: http.password,
    importDefaults: engineConfigOf(parts.configuration()),
    version: VERSION,
  });
}

/** Starts a server; the system's error does not say which address it is about. */
function listen<T>(address: BindAddress, start: () => T): T {
  try {
    return start();
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    const text = `Address already in use [address=${address.hostname}:${address.port}]`;
    throw new Deno.errors.AddrInUse(text, { cause: error });
  }
}

function urlOf({ hostname }: BindAddress, port: number): string {
  const isEverywhere = hostname === "0.0.0.0" || hostname === "::";
  const host = isEverywhere ? "localhost" : hostname.includes(":") ? `[${hostname}]` : hostname;
  return `http://${host}:${port}`;
}

/**
 * The HTTP server: routes, authentication, limits, orderly close.
 *
 * Invariants:
 * 1. At most `connectionLimit` requests are worked on at a time; more are answered with 503.
 * 2. `close()` ends: requests get {@linkcode CLOSE_GRACE_MILLIS} to finish, then their statements are cancelled and every
 *    connection is broken off; nothing is waited for longer than {@linkcode CLOSE_LIMIT_MILLIS} after that.
 *
 * @module
 */
import { CancelledError } from "../../common/mod.ts";
import type { Engine } from "../../engine/mod.ts";
import type { Clock, Log, Timers } from "../../platform/mod.ts";
import type { SqlEngine } from "../../sql/mod.ts";
import { BasicAuthentication } from "./authentication.ts";
import { endingBody } from "./ending_body.ts";
import { handleExec } from "./exec.ts";
import { handleExp } from "./exp.ts";
import { handleImport } from "./imp.ts";
import type { ImportDefaults } from "./import_options.ts";
import { INFLUX_VERSION, settingsBody, tableStatus, welcomePage } from "./information.ts";
import { ContentType, jsonResponse, textResponse } from "./responses.ts";
import type { StatementServices } from "./statement.ts";

/** How long running requests may go on when the server closes. */
export const CLOSE_GRACE_MILLIS = 5_000;
/** How long `close()` waits for connections that should end by themselves, or were broken off. */
export const CLOSE_LIMIT_MILLIS = 2_000;
const COMPONENT = "http-server";

/** What the server is started with. */
export interface HttpServerOptions {
  readonly hostname: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly sql: SqlEngine;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly connectionLimit: number;
  readonly isReadonly: boolean;
  /** Basic authentication; none if the user is empty. */
  readonly user: string;
  readonly password: string;
  readonly importDefaults: ImportDefaults;
  readonly version: string;
  /** Instead of {@linkcode CLOSE_GRACE_MILLIS}. */
  readonly closeGraceMillis?: number;
}

/** A request together with what its handler may wait for. */
interface Work {
  readonly request: Request;
  readonly url: URL;
  /** Fires when the client goes away or the server closes. */
  readonly signal: AbortSignal;
}

interface Route {
  readonly method: "GET" | "POST";
  /** Answered without a password: what clients and monitors ask before they have one. */
  readonly isOpen?: boolean;
  readonly handle: (work: Work) => Response | Promise<Response>;
}

/** See the module's description. */
export class HttpServer implements AsyncDisposable {
  readonly #options: HttpServerOptions;
  readonly #authentication: BasicAuthentication;
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #closing = new AbortController();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  /** Breaks every connection off. */
  readonly #connections = new AbortController();
  #running = 0;
  #idleWaiters: (() => void)[] = [];
  #isClosing = false;
  #closed: Promise<void> | null = null;

  private constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#authentication = new BasicAuthentication(options.user, options.password);
    this.#routes = routesOf(options);
    this.#server = Deno.serve({
      hostname: options.hostname,
      port: options.port,
      signal: this.#connections.signal,
      onListen: () => {},
      onError: (error) => this.#internalError(error),
    }, (request) => this.#serve(request));
  }

  /** Starts listening. @throws {Deno.errors.AddrInUse} */
  static start(options: HttpServerOptions): HttpServer {
    return new HttpServer(options);
  }

  /** The port it listens on. */
  get port(): number {
    return this.#server.addr.port;
  }

  /** Refuses new requests, lets running ones end, cancels what does not. May be called again. */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    const { closeGraceMillis = CLOSE_GRACE_MILLIS } = this.#options;
    this.#isClosing = true;
    if (await this.#within(closeGraceMillis, this.#whenIdle())) {
      const isDown = await this.#within(CLOSE_LIMIT_MILLIS, this.#server.shutdown());
      if (!isDown) this.#options.log.error(COMPONENT, "connections left behind");
      return;
    }
    this.#options.log.info(COMPONENT, "requests cancelled", { requests: this.#running });
    this.#closing.abort(new CancelledError("server is shutting down"));
    this.#connections.abort();
    await this.#within(CLOSE_LIMIT_MILLIS, Promise.all([this.#server.finished, this.#whenIdle()]));
  }

  /** Tells whether something ends in time. */
  async #within(millis: number, work: Promise<unknown>): Promise<boolean> {
    const ended = new AbortController();
    const patience = this.#options.timers.sleep(millis, ended.signal).then(
      () => false,
      () => true, // the sleep was ended because the work is done
    );
    const isDone = await Promise.race([work.then(() => true), patience]);
    ended.abort();
    return isDone;
  }

  /** Resolves when no request is running. */
  #whenIdle(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#running === 0) resolve();
    else this.#idleWaiters.push(resolve);
    return promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #serve(request: Request): Promise<Response> {
    if (this.#isClosing) return textResponse("server is shutting down\r\n", 503);
    if (this.#running >= this.#options.connectionLimit) {
      return textResponse("too many requests\r\n", 503);
    }
    this.#running++;
    let isReleased = false;
    const release = () => {
      if (!isReleased) this.#release();
      isReleased = true;
    };
    try {
      const response = await this.#answer(request);
      if (response.body === null) {
        release();
        return response;
      }
      const body = endingBody(response.body, { signal: this.#closing.signal, onEnd: release });
      return new Response(body, response);
    } catch (error) {
      release();
      throw error;
    }
  }

  #release(): void {
    this.#running--;
    if (this.#running > 0) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const route = this.#routes.get(url.pathname);
    if (route === undefined && request.method === "GET") return textResponse("Not Found\r\n", 404);
    if (request.method !== route?.method) {
      return textResponse(`Method ${request.method} not supported\r\n`, 405);
    }
    if (!route.isOpen && !this.#authentication.isAllowed(request)) {
      return new Response("Unauthorized\r\n", {
        status: 401,
        headers: { "content-type": ContentType.TEXT, "www-authenticate": 'Basic realm="tidemark"' },
      });
    }
    const signal = AbortSignal.any([request.signal, this.#closing.signal]);
    return await route.handle({ request, url, signal });
  }

  #internalError(error: unknown): Response {
    const message = error instanceof Error ? error.message : String(error);
    this.#options.log.critical(COMPONENT, "unhandled error", { error: message });
    return textResponse("Internal Server Error\r\n", 500);
  }
}

function routesOf(options: HttpServerOptions): ReadonlyMap<string, Route> {
  const { engine, version } = options;
  const services: StatementServices = { ...options, memory: engine.core.memory };
  const page: Route = {
    method: "GET",
    handle: () =>
      new Response(welcomePage(version), { headers: { "content-type": ContentType.HTML } }),
  };
  return new Map<string, Route>([
    ["/exec", {
      method: "GET",
      handle: ({ request, signal }) => handleExec(services, request, signal),
    }],
    ["/exp", {
      method: "GET",
      handle: ({ request, signal }) => handleExp(services, request, signal),
    }],
    ["/imp", {
      method: "POST",
      handle: ({ request, signal }) => handleImport(options, request, signal),
    }],
    ["/chk", { method: "GET", handle: ({ url }) => tableStatus(engine, url.searchParams) }],
    ["/ping", {
      method: "GET",
      isOpen: true,
      handle: () =>
        new Response(null, { status: 204, headers: { "x-influxdb-version": INFLUX_VERSION } }),
    }],
    ["/settings", {
      method: "GET",
      isOpen: true,
      handle: () => jsonResponse(settingsBody(options)),
    }],
    ["/warnings", { method: "GET", isOpen: true, handle: () => warnings() }],
    ["/", page],
    ["/index.html", page],
  ]);
}

/** Nothing this server knows of needs the operator's attention; the console asks all the same. */
function warnings(): Response {
  return new Response("[]", { headers: { "content-type": "application/json" } });
}

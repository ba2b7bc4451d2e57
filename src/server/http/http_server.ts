/**
 * The HTTP server: routes, authentication, limits, orderly close.
 *
 * Invariants:
 * 1. At most `connectionLimit` requests are worked on at a time; more are answered with 503.
 * 2. After `close()` nothing is running: requests get {@linkcode CLOSE_GRACE_MILLIS} to end, then their statements are
 *    cancelled.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { QuestError } from "../../common/mod.ts";
import type { Engine } from "../../engine/mod.ts";
import type { Clock, Log, Timers } from "../../platform/mod.ts";
import type { SqlEngine } from "../../sql/mod.ts";
import { handleExec, handleExp, type StatementServices } from "./exec.ts";
import { handleCheck, handleImport } from "./imp.ts";
import type { ImportDefaults } from "./import_job.ts";
import { ContentType, jsonResponse, textResponse } from "./responses.ts";

/** How long running requests may go on when the server closes. */
export const CLOSE_GRACE_MILLIS = 5_000;
/** Form bodies of /exec, in bytes. */
const FORM_BYTES_MAX = 16 << 20;
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
}

/** See the module's description. */
export class HttpServer implements AsyncDisposable {
  readonly #options: HttpServerOptions;
  readonly #services: StatementServices;
  readonly #closing = new AbortController();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #running = 0;

  private constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#services = {
      sql: options.sql,
      memory: options.engine.core.memory,
      clock: options.clock,
      timers: options.timers,
      isReadonly: options.isReadonly,
    };
    this.#server = Deno.serve({
      hostname: options.hostname,
      port: options.port,
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

  /** Stops accepting, lets running requests end, cancels what does not. */
  async close(): Promise<void> {
    const ended = new AbortController();
    const grace = this.#options.timers.sleep(CLOSE_GRACE_MILLIS, ended.signal).then(
      () => this.#closing.abort(new QuestError("server is shutting down")),
      () => {}, // everything ended in time
    );
    await this.#server.shutdown();
    ended.abort();
    await grace;
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #serve(request: Request): Promise<Response> {
    if (!this.#isAllowed(request)) {
      return new Response("Unauthorized\r\n", {
        status: 401,
        headers: { "content-type": ContentType.TEXT, "www-authenticate": 'Basic realm="tidemark"' },
      });
    }
    if (this.#running >= this.#options.connectionLimit) {
      return textResponse("too many requests\r\n", 503);
    }
    this.#running++;
    let isStreaming = false;
    const release = () => {
      this.#running--;
    };
    try {
      const response = await this.#route(request);
      if (response.body === null) return response;
      isStreaming = true;
      return new Response(onEnd(response.body, release), response);
    } finally {
      if (!isStreaming) release();
    }
  }

  async #route(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const signal = AbortSignal.any([request.signal, this.#closing.signal]);
    switch (url.pathname) {
      case "/exec":
        return await handleExec(this.#services, await parametersOf(request, url), signal);
      case "/exp":
        return await handleExp(this.#services, await parametersOf(request, url), signal);
      case "/imp":
        if (request.method !== "POST") return textResponse("method POST is expected\r\n", 405);
        if (this.#options.isReadonly) return jsonResponse({ status: "permission denied" }, 403);
        return await handleImport(this.#options, request, signal);
      case "/chk":
        return handleCheck(this.#options.engine, url.searchParams);
      case "/ping":
        return new Response(null, { status: 204, headers: { "x-influxdb-version": "v2.7.4" } });
      case "/settings":
        return jsonResponse(settings(this.#options.version));
      case "/warnings":
        return jsonResponse([]);
      case "/":
        return new Response(welcomePage(this.#options.version), {
          headers: { "content-type": ContentType.HTML },
        });
      default:
        return textResponse("Not Found\r\n", 404);
    }
  }

  #isAllowed(request: Request): boolean {
    const { user, password } = this.#options;
    if (user === "") return true;
    const wanted = `Basic ${btoa(`${user}:${password}`)}`;
    const digest = (text: string) => createHash("sha256").update(text).digest();
    return timingSafeEqual(digest(request.headers.get("authorization") ?? ""), digest(wanted));
  }

  #internalError(error: unknown): Response {
    const message = error instanceof Error ? error.message : String(error);
    this.#options.log.critical(COMPONENT, "unhandled error", { error: message });
    return textResponse("Internal Server Error\r\n", 500);
  }
}

/** Calls back once when a body has been read, fails, or is given up. */
function onEnd(body: ReadableStream<Uint8Array>, callback: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let isDone = false;
  const end = () => {
    if (!isDone) callback();
    isDone = true;
  };
  return new ReadableStream({
    async pull(controller) {
      try {
        const { value, done } = await reader.read();
        if (!done) return controller.enqueue(value);
        end();
        controller.close();
      } catch (error) {
        end();
        controller.error(error);
      }
    },
    async cancel(reason) {
      end();
      await reader.cancel(reason);
    },
  });
}

/** Parameters of the query string, and of a form if one was posted. */
async function parametersOf(request: Request, url: URL): Promise<URLSearchParams> {
  const isForm =
    request.headers.get("content-type")?.startsWith("application/x-www-form-urlencoded") ?? false;
  if (request.method !== "POST" || !isForm) return url.searchParams;
  if (Number(request.headers.get("content-length") ?? Infinity) > FORM_BYTES_MAX) {
    throw new QuestError("form is too long", { limit: FORM_BYTES_MAX });
  }
  const parameters = new URLSearchParams(await request.text());
  for (const [name, value] of url.searchParams) parameters.append(name, value);
  return parameters;
}

/** What client libraries and consoles ask for first. */
function settings(version: string): Record<string, unknown> {
  return {
    config: {
      "release.type": "OSS",
      "release.version": version,
      "http.settings.readonly": true,
      "accepting.writes": ["http"],
      "posthog.enabled": false,
      "posthog.api.key": null,
      "cairo.max.file.name.length": 127,
    },
    "preferences.version": 0,
    preferences: {},
  };
}

function welcomePage(version: string): string {
  return `<!doctype html><meta charset="utf-8"><title>Tidemark</title><h1>Tidemark ${version}</h1>
<p>This is the HTTP interface of a Tidemark server. <code>/exec?query=…</code> answers in JSON, <code>/exp?query=…</code> in
CSV, and <code>/imp</code> takes CSV.</p>`;
}

/**
 * A real HTTP server over a real engine on a temporary root.
 *
 * @module
 */
import { DEFAULT_ENGINE_CONFIG, Engine } from "../../src/engine/mod.ts";
import {
  type Log,
  RealFileSystem,
  SILENT_LOG,
  SystemClock,
  SystemRandom,
  SystemTimers,
} from "../../src/platform/mod.ts";
import { HttpServer, type HttpServerOptions } from "../../src/server/http/mod.ts";
import { SqlEngine, sqlEventExecutor } from "../../src/sql/mod.ts";
import { walTasks } from "../../src/wal/mod.ts";
import { createCore, InlineTaskRunner } from "../../src/wasm/mod.ts";
import { TempDir } from "../support/temp_dir.ts";

/** An answer as tests look at it. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** See the module's description. */
export class ServerFixture implements AsyncDisposable {
  readonly engine: Engine;
  readonly server: HttpServer;
  readonly url: string;
  readonly #directory: TempDir;

  private constructor(engine: Engine, server: HttpServer, directory: TempDir) {
    this.engine = engine;
    this.server = server;
    this.url = `http://127.0.0.1:${server.port}`;
    this.#directory = directory;
  }

  /** Starts a server on an empty root. */
  static async start(options: Partial<HttpServerOptions> = {}): Promise<ServerFixture> {
    const directory = new TempDir();
    const core = createCore(), fs = new RealFileSystem(), clock = new SystemClock();
    const log: Log = options.log ?? SILENT_LOG;
    const engine = await Engine.open({
      root: directory.path,
      dbRoot: `${directory.path}/db`,
      config: DEFAULT_ENGINE_CONFIG,
      fs,
      core,
      tasks: new InlineTaskRunner({ core, fs }, walTasks(sqlEventExecutor)),
      clock,
      random: new SystemRandom(),
      log,
    });
    const server = HttpServer.start({
      hostname: "127.0.0.1",
      port: 0,
      sql: new SqlEngine(engine, { fs }),
      engine,
      clock,
      timers: new SystemTimers(),
      log,
      connectionLimit: 16,
      isReadonly: false,
      user: "",
      password: "",
      importDefaults: DEFAULT_ENGINE_CONFIG,
      version: "1.2.3",
      ...options,
    });
    return new ServerFixture(engine, server, directory);
  }

  /** Sends a request and reads the whole answer. */
  async request(
    path: string,
    parameters: Record<string, string> = {},
    init: RequestInit = {},
  ): Promise<Answer> {
    const response = await fetch(`${this.url}${path}?${new URLSearchParams(parameters)}`, init);
    return { status: response.status, headers: response.headers, body: await response.text() };
  }

  /** Runs a statement through /exec and gives the answer's text. */
  async exec(query: string, parameters: Record<string, string> = {}): Promise<string> {
    return (await this.request("/exec", { query, ...parameters })).body;
  }

  /** Imports a document with `fmt=json` and gives the parsed answer. */
  // deno-lint-ignore no-explicit-any
  async import(data: string | Uint8Array<ArrayBuffer>, options: ImportRequest = {}): Promise<any> {
    return JSON.parse((await this.postImport(data, { fmt: "json", ...options })).body);
  }

  /** Posts a document to /imp. */
  async postImport(
    data: string | Uint8Array<ArrayBuffer>,
    options: ImportRequest & { fmt?: string } = {},
  ): Promise<Answer> {
    const { schema, ...parameters } = options;
    const form = new FormData();
    if (schema !== undefined) form.append("schema", schema);
    form.append("data", new Blob([data]), "file.csv");
    return await this.request("/imp", parameters, { method: "POST", body: form });
  }

  /** Waits until everything that was committed is visible. */
  async settle(): Promise<void> {
    for (const token of this.engine.tables()) await this.engine.waitApplied(token);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    await this.engine.close();
    this.#directory[Symbol.dispose]();
  }
}

/** Parameters of an import and its `schema` part. */
export type ImportRequest = Record<string, string> & { readonly schema?: string };

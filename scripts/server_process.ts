/**
 * Runs the server as a child process and talks to it over HTTP, as a user's program would. Used by the demo, the
 * benchmarks and the end-to-end tests.
 *
 * @module
 */

/**
 * Space for young objects, in MiB. The server's data is in wasm memory and in buffers; with V8's default of 16, each thread grows
 * its heap by 48 MiB of garbage before it collects. The task `start` and the executable have it too.
 */
export const V8_FLAGS = "--v8-flags=--max-semi-space-size=4";
const PROJECT = new URL("..", import.meta.url).pathname;
const START_TIMEOUT_MILLIS = 120_000;
const POLL_MILLIS = 25;
const LOG_LIMIT_CHARS = 262_144;

/** JSON answer of /exec. */
export interface ExecAnswer {
  readonly query?: string;
  readonly columns?: { name: string; type: string }[];
  readonly timestamp?: number;
  readonly dataset?: unknown[][];
  readonly count?: number;
  readonly ddl?: string;
  readonly error?: string;
  readonly position?: number;
}

/** How to start the server. */
export interface StartOptions {
  /** Install root (`-d`). */
  readonly root: string;
  /** Extra `key=value` settings (`--set`). */
  readonly settings?: readonly string[];
  /** Path of a compiled executable; the sources are run when left out. */
  readonly executable?: string | undefined;
  /** HTTP port; a free one when left out. */
  readonly port?: number;
  /** Options of the runtime; for the sources only. */
  readonly runtimeOptions?: readonly string[];
}

/** Returns a loopback port that was free a moment ago. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** A server running as a child process. */
export class ServerProcess implements AsyncDisposable {
  readonly port: number;
  readonly #process: Deno.ChildProcess;
  readonly #output: Promise<unknown>;
  #log = "";
  #status: Deno.CommandStatus | null = null;

  private constructor(port: number, process: Deno.ChildProcess) {
    this.port = port;
    this.#process = process;
    this.#output = Promise.all([this.#collect(process.stdout), this.#collect(process.stderr)]);
    process.status.then((status) => {
      this.#status = status;
    });
  }

  /** Spawns the server without waiting for it to answer. */
  static spawn(options: StartOptions): ServerProcess {
    const port = options.port ?? freePort();
    const settings = [
      `http.net.bind.to=127.0.0.1:${port}`,
      "http.min.enabled=false",
      ...options.settings ?? [],
    ];
    const args = [
      "start",
      "-d",
      options.root,
      ...settings.flatMap((setting) => ["--set", setting]),
    ];
    const command = options.executable === undefined
      ? new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "-A",
          "--no-prompt",
          V8_FLAGS,
          ...options.runtimeOptions ?? [],
          "src/main.ts",
          ...args,
        ],
        cwd: PROJECT,
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      })
      : new Deno.Command(options.executable, {
        args,
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      });
    return new ServerProcess(port, command.spawn());
  }

  /** Spawns the server and waits until it answers. @throws {Error} with its output if it ends or stays silent. */
  static async start(options: StartOptions): Promise<ServerProcess> {
    const server = ServerProcess.spawn(options);
    const deadline = performance.now() + START_TIMEOUT_MILLIS;
    while (server.#status === null && performance.now() < deadline) {
      try {
        const response = await fetch(`${server.url}/ping`);
        await response.body?.cancel();
        return server;
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // not listening yet
        await delay(POLL_MILLIS);
      }
    }
    await server.kill();
    throw new Error(`The server did not start on "${options.root}":\n${server.log}`);
  }

  /** Base URL of the HTTP server. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Its process id. */
  get pid(): number {
    return this.#process.pid;
  }

  /** The tail of what it printed so far, stdout and stderr together. */
  get log(): string {
    return this.#log;
  }

  /** Runs a statement; an answer with `error` is returned, not thrown. */
  async tryExec(sql: string): Promise<ExecAnswer> {
    const response = await fetch(`${this.url}/exec?query=${encodeURIComponent(sql)}`);
    return await response.json() as ExecAnswer;
  }

  /** Runs a statement. @throws {Error} if the server answers with an error. */
  async exec(sql: string): Promise<ExecAnswer> {
    const answer = await this.tryExec(sql);
    if (answer.error !== undefined) {
      throw new Error(`${answer.error} [position=${answer.position}, sql=${sql}]`);
    }
    return answer;
  }

  /** Runs a query and returns its first value. */
  async scalar(sql: string): Promise<unknown> {
    return (await this.exec(sql)).dataset![0][0];
  }

  /** Runs a query through /exp and returns the response whose body is the CSV. */
  async exp(sql: string): Promise<Response> {
    const response = await fetch(`${this.url}/exp?query=${encodeURIComponent(sql)}`);
    if (!response.ok) throw new Error(await response.text());
    return response;
  }

  /** Imports CSV through /imp. @param parameters the query string's values. @returns the parsed JSON answer. */
  async imp(
    csv: Blob,
    parameters: Record<string, string>,
    schema?: unknown,
  ): Promise<Record<string, unknown>> {
    const form = new FormData();
    if (schema !== undefined) form.append("schema", JSON.stringify(schema));
    form.append("data", csv, "data.csv");
    const query = new URLSearchParams({ ...parameters, fmt: "json" });
    const response = await fetch(`${this.url}/imp?${query}`, { method: "POST", body: form });
    const answer = await response.json() as Record<string, unknown>;
    if (answer.status !== "OK") throw new Error(`Import failed: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Waits until every acknowledged transaction is visible. @throws {Error} if a table is suspended. */
  async drain(): Promise<void> {
    while (true) {
      const { dataset } = await this.exec(
        "SELECT name, suspended, writerTxn, sequencerTxn FROM wal_tables()",
      );
      const suspended = dataset!.filter((row) => row[1] === true);
      if (suspended.length > 0) throw new Error(`Suspended: ${JSON.stringify(suspended)}`);
      if (dataset!.every((row) => row[2] === row[3])) return;
      await delay(POLL_MILLIS);
    }
  }

  /**
   * Runs `BACKUP DATABASE` and waits for its end.
   *
   * @param onProgress called with 0–100.
   * @returns the backup's timestamp as text.
   * @throws {Error} if the backup fails.
   */
  async backup(onProgress: (percent: number) => void = () => {}): Promise<string> {
    const timestamp = await this.scalar("BACKUP DATABASE") as string;
    while (true) {
      const { dataset } = await this.exec(
        "SELECT status, progress_percent, start_ts, backup_error FROM backups()",
      );
      const row = dataset!.find((values) => values[2] === timestamp);
      if (row !== undefined) {
        onProgress(row[1] as number);
        if (row[0] === "backup failed") throw new Error(`Backup failed: ${row[3]}`);
        if (!(row[0] as string).endsWith("in progress")) return timestamp;
      }
      await delay(POLL_MILLIS);
    }
  }

  /** Asks it to stop and waits for its end. @returns its exit code. */
  async stop(): Promise<number> {
    this.#signal("SIGTERM");
    return await this.ended();
  }

  /** Kills it at once (SIGKILL) and waits for its end. */
  async kill(): Promise<void> {
    this.#signal("SIGKILL");
    await this.ended();
  }

  /** Waits for its end. @returns its exit code. */
  async ended(): Promise<number> {
    const { code } = await this.#process.status;
    await this.#output;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#status === null) await this.kill();
    else await this.#output;
  }

  #signal(name: Deno.Signal): void {
    if (this.#status !== null) return;
    try {
      this.#process.kill(name);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it ended in the meantime
    }
  }

  async #collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) {
      this.#log = (this.#log + part).slice(-LOG_LIMIT_CHARS);
    }
  }
}

function delay(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

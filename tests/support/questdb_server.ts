/**
 * The real QuestDB as an oracle: fetched through Maven, started on a root of the caller's on loopback, asked over HTTP.
 *
 * The newest release before 9.3.5 that Maven Central serves is used; both write storage version 426.
 *
 * @module
 */

/** Version of the reference server that the interop suite runs. */
export const QUESTDB_VERSION = "9.3.4";
const CACHE = new URL("../../build/questdb/", import.meta.url).pathname;
const START_ATTEMPTS = 300;
const START_POLL_MILLIS = 100;

/** A running reference server. */
export interface QuestDbServer extends AsyncDisposable {
  /** Of its process. */
  readonly pid: number;
  readonly port: number;
  /** Runs a statement through /exec and returns the parsed JSON. @throws {Error} if it answers with an error. */
  exec(sql: string): Promise<QuestDbAnswer>;
  /** Runs a query through /exp and returns the CSV text. */
  exp(sql: string): Promise<string>;
  /** Waits until no WAL table has transactions left to apply. */
  drainWal(): Promise<void>;
  /** Stops it with SIGTERM and waits for its end. */
  stop(): Promise<void>;
}

/** The JSON answer of /exec. */
export interface QuestDbAnswer {
  readonly columns?: { name: string; type: string }[];
  readonly dataset?: unknown[][];
  readonly count?: number;
  readonly ddl?: string;
  readonly error?: string;
  readonly position?: number;
}

async function questDbJar(): Promise<string> {
  const jar = `${CACHE}questdb-${QUESTDB_VERSION}.jar`;
  try {
    await Deno.stat(jar);
    return jar;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const command = new Deno.Command("mvn", {
    args: [
      "-B",
      "-q",
      "dependency:copy",
      `-Dartifact=org.questdb:questdb:${QUESTDB_VERSION}`,
      `-DoutputDirectory=${CACHE}`,
    ],
    stdout: "piped",
    stderr: "piped",
  });
  const { success, stdout } = await command.output();
  if (!success) {
    throw new Error(
      `Cannot fetch QuestDB through Maven: ${new TextDecoder().decode(stdout).slice(-2000)}`,
    );
  }
  return jar;
}

/** Returns a free loopback port. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/**
 * Starts the reference server on a root; `conf/server.conf` is written if missing.
 *
 * @param options `root`: install root; `config`: extra `key=value` lines.
 */
export async function startQuestDb(
  options: { root: string; config?: string[] },
): Promise<QuestDbServer> {
  const jar = await questDbJar();
  const port = freePort();
  await Deno.mkdir(`${options.root}/conf`, { recursive: true });
  await Deno.writeTextFile(
    `${options.root}/conf/server.conf`,
    [
      `http.net.bind.to=127.0.0.1:${port}`,
      "http.min.enabled=false",
      "pg.enabled=false",
      "line.tcp.enabled=false",
      "telemetry.enabled=false",
      "cairo.writer.data.append.page.size=64k",
      ...options.config ?? [],
    ].join("\n") + "\n",
  );
  const process = new Deno.Command("java", {
    args: ["-Xmx1g", "-p", jar, "-m", "io.questdb/io.questdb.ServerMain", "-d", options.root],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const log = collect(process.stdout);
  const errors = collect(process.stderr);
  let hasEnded = false;
  const ended = process.status.then(() => {
    hasEnded = true;
  });
  const server = new RunningQuestDb(port, process, async () => {
    await ended;
    await Promise.all([log.done, errors.done]);
  });
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt++) {
    if (hasEnded) break;
    try {
      await server.exec("SELECT 1");
      return server;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, START_POLL_MILLIS));
    }
  }
  await server.stop();
  throw new Error(
    `QuestDB did not start on "${options.root}":\n${(log.text() + errors.text()).slice(-4000)}`,
  );
}

function collect(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): { text(): string; done: Promise<void> } {
  let text = "";
  const done = (async () => {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) {
      text = (text + part).slice(-65_536);
    }
  })();
  return { text: () => text, done };
}

class RunningQuestDb implements QuestDbServer {
  readonly port: number;
  readonly #process: Deno.ChildProcess;
  readonly #finish: () => Promise<void>;

  constructor(port: number, process: Deno.ChildProcess, finish: () => Promise<void>) {
    this.port = port;
    this.#process = process;
    this.#finish = finish;
  }

  get pid(): number {
    return this.#process.pid;
  }
  async exec(sql: string): Promise<QuestDbAnswer> {
    const response = await fetch(
      `http://127.0.0.1:${this.port}/exec?query=${encodeURIComponent(sql)}`,
    );
    const answer = await response.json() as QuestDbAnswer;
    if (answer.error !== undefined) {
      throw new Error(`${answer.error} [position=${answer.position}, sql=${sql}]`);
    }
    return answer;
  }
  async exp(sql: string): Promise<string> {
    const response = await fetch(
      `http://127.0.0.1:${this.port}/exp?query=${encodeURIComponent(sql)}`,
    );
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return text;
  }
  async drainWal(): Promise<void> {
    for (let attempt = 0; attempt < START_ATTEMPTS; attempt++) {
      const { dataset } = await this.exec(
        "SELECT count() FROM wal_tables() WHERE writerTxn != sequencerTxn AND NOT suspended",
      );
      if (dataset![0][0] === 0) return;
      await new Promise((resolve) => setTimeout(resolve, START_POLL_MILLIS));
    }
    throw new Error("QuestDB did not apply its WAL in time");
  }
  async stop(): Promise<void> {
    try {
      this.#process.kill("SIGTERM");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended already
    }
    await this.#finish();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

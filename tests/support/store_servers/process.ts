/**
 * Starts and stops server processes of tests.
 *
 * @module
 */

const START_ATTEMPTS = 300;
const START_POLL_MILLIS = 100;

/** Some free loopback ports, all different. */
export function freePorts(count: number): number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  const ports = listeners.map(({ addr }) => addr.port);
  for (const listener of listeners) listener.close();
  return ports;
}

/** A process and how to end it. */
export class ServerProcess implements AsyncDisposable {
  readonly pid: number;
  readonly #process: Deno.ChildProcess;
  readonly #log: Promise<string>;
  #hasEnded = false;

  private constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.pid = process.pid;
    this.#log = readAll(process.stderr);
    process.status.then(() => {
      this.#hasEnded = true;
    });
  }

  /** Starts a process. */
  static start(command: string, args: string[], env: Record<string, string> = {}): ServerProcess {
    const process = new Deno.Command(command, { args, env, stdout: "null", stderr: "piped" });
    return new ServerProcess(process.spawn());
  }

  /** Waits until `isReady` resolves to `true`. @throws {Error} with the process's words if it ends or takes too long. */
  async waitReady(isReady: () => Promise<boolean>): Promise<void> {
    for (let attempt = 0; attempt < START_ATTEMPTS && !this.#hasEnded; attempt++) {
      try {
        if (await isReady()) return;
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // nobody listens yet
      }
      await new Promise((resolve) => setTimeout(resolve, START_POLL_MILLIS));
    }
    await this[Symbol.asyncDispose]();
    throw new Error(`A server did not start:\n${(await this.#log).slice(-3000)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) this.#process.kill("SIGKILL"); // its data are of no use to anybody
    await this.#process.status;
    await this.#log;
  }
}

async function readAll(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    text = (text + part).slice(-65_536);
  }
  return text;
}

/** True if an address answers, whatever it says. */
export async function answers(url: string): Promise<boolean> {
  const response = await fetch(url);
  await response.body?.cancel();
  return true;
}

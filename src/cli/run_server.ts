/**
 * The life of the server process: start, banner, wait for a signal, orderly end.
 *
 * The first SIGINT, SIGTERM or SIGHUP ends it in order; a second one ends it at once, which loses nothing that was
 * acknowledged. A signal during the start has its usual effect.
 *
 * @module
 */
import { RealFileSystem, SystemClock, SystemRandom, TextLog } from "../platform/mod.ts";
import { banner } from "./banner.ts";
import type { StartArguments } from "./program.ts";
import { ProgressBar } from "./progress_bar.ts";
import { type RunningServer, startServer } from "./server.ts";
import { describeFailure } from "./startup_failure.ts";

const COMPONENT = "server";
const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
type EndSignal = keyof typeof SIGNAL_NUMBERS;
const EXIT_FAILURE = 1;
const EXIT_SIGNAL_BASE = 128;

/** What a server needs of its process besides what it finds by itself. */
export interface ServerProcess {
  /** The module that serves tasks in worker scope. */
  readonly workerUrl: string;
  /** Writes to the terminal, if there is one. */
  readonly writeTerminal?: ((text: string) => void) | null;
}

/** Runs a server until it is told to stop. @returns the exit code. */
export async function runServer(options: StartArguments & ServerProcess): Promise<number> {
  const clock = new SystemClock();
  const log = new TextLog({ writer: { write: writeStdout }, clock });
  const started = clock.monotonicMillis();
  let server: RunningServer;
  try {
    using bar = new ProgressBar("restore", options.writeTerminal ?? null);
    server = await startServer({
      installRoot: options.installRoot,
      settings: options.settings,
      workerUrl: options.workerUrl,
      onRestoreProgress: (done, total) => bar.showBytes(done, total),
      variables: Deno.env.toObject(),
      fs: new RealFileSystem(),
      clock,
      random: new SystemRandom(),
      log,
      cpuCount: navigator.hardwareConcurrency,
      processId: Deno.pid,
    });
  } catch (error) {
    await log.flush();
    Deno.stderr.writeSync(new TextEncoder().encode(describeFailure(error)));
    return EXIT_FAILURE;
  }
  using signals = new SignalWatch();
  await log.flush();
  await writeStdout(new TextEncoder().encode(banner(server)));
  log.info(COMPONENT, "started", { millis: Math.round(clock.monotonicMillis() - started) });
  const end = await Promise.race([signals.first, server.failed]);
  if (end instanceof Error) {
    // A worker's region of the shared memory may hold anything now; nothing that was acknowledged is lost by going at once.
    log.critical(COMPONENT, `the server ends: ${end.message}`);
    await log.flush();
    Deno.stderr.writeSync(new TextEncoder().encode(describeFailure(end)));
    return EXIT_FAILURE;
  }
  log.info(COMPONENT, "stopping", { signal: end });
  try {
    await server[Symbol.asyncDispose]();
    log.info(COMPONENT, "stopped");
    return 0;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    log.critical(COMPONENT, `could not stop in order: ${message}`);
    return EXIT_FAILURE;
  } finally {
    await log.flush();
  }
}

class SignalWatch implements Disposable {
  /** The first signal that asks the process to end. */
  readonly first: Promise<EndSignal>;
  readonly #listeners = new Map<EndSignal, () => void>();

  constructor() {
    const { promise, resolve } = Promise.withResolvers<EndSignal>();
    this.first = promise;
    let isEnding = false;
    for (const signal of Object.keys(SIGNAL_NUMBERS) as EndSignal[]) {
      const listener = () => {
        if (isEnding) Deno.exit(EXIT_SIGNAL_BASE + SIGNAL_NUMBERS[signal]);
        isEnding = true;
        resolve(signal);
      };
      this.#listeners.set(signal, listener);
      Deno.addSignalListener(signal, listener);
    }
  }
  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
  }
}

async function writeStdout(bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await Deno.stdout.write(bytes.subarray(written));
  }
}

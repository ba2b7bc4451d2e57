/**
 * The entry of the program, in three roles: in worker scope it serves tasks, as the main module it is the command line, and
 * imported it does nothing. One bundle is the whole program.
 *
 * @module
 */
import { backupTasks } from "./backup/mod.ts";
import {
  describeFailure,
  runCheckpointCommand,
  runProgram,
  runServer,
  runStoreCheck,
} from "./cli/mod.ts";
import { RealFileSystem, SystemClock, SystemRandom } from "./platform/mod.ts";
import { sqlEventExecutor } from "./sql/mod.ts";
import { walTasks } from "./wal/mod.ts";
import { startWorker } from "./wasm/mod.ts";

async function main(): Promise<number> {
  const encoder = new TextEncoder();
  try {
    return await runProgram(Deno.args, {
      variables: Deno.env.toObject(),
      currentDirectory: Deno.cwd(),
      writeOut: (text) => Deno.stdout.writeSync(encoder.encode(text)),
      writeError: (text) => Deno.stderr.writeSync(encoder.encode(text)),
      start: (options) => runServer({ ...options, workerUrl: import.meta.url }),
      checkpoint: (options) =>
        runCheckpointCommand(options, {
          fs: new RealFileSystem(),
          variables: Deno.env.toObject(),
          cpuCount: navigator.hardwareConcurrency,
          writeOut: (text) => Deno.stdout.writeSync(encoder.encode(text)),
          writeError: (text) => Deno.stderr.writeSync(encoder.encode(text)),
        }),
      checkStore: (options) =>
        runStoreCheck(options, {
          fs: new RealFileSystem(),
          clock: new SystemClock(),
          random: new SystemRandom(),
          variables: Deno.env.toObject(),
          cpuCount: navigator.hardwareConcurrency,
          writeOut: (text) => Deno.stdout.writeSync(encoder.encode(text)),
          writeError: (text) => Deno.stderr.writeSync(encoder.encode(text)),
        }),
    });
  } catch (error) {
    Deno.stderr.writeSync(encoder.encode(describeFailure(error)));
    return 1;
  }
}

if (typeof WorkerGlobalScope !== "undefined" && globalThis instanceof WorkerGlobalScope) {
  startWorker({ ...walTasks(sqlEventExecutor), ...backupTasks });
} else if (import.meta.main) {
  Deno.exit(await main());
}

/**
 * The entry of the program, in three roles: in worker scope it serves tasks, as the main module it is the command line, and
 * imported it does nothing. One bundle is the whole program.
 *
 * @module
 */
import { backupTasks } from "./backup/mod.ts";
import {
  describeFailure,
  runBackupCommand,
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
  const writeError = (text: string) => Deno.stderr.writeSync(encoder.encode(text));
  const process = {
    fs: new RealFileSystem(),
    clock: new SystemClock(),
    random: new SystemRandom(),
    variables: Deno.env.toObject(),
    cpuCount: navigator.hardwareConcurrency,
    processId: Deno.pid,
    workerUrl: import.meta.url,
    currentDirectory: Deno.cwd(),
    writeOut: (text: string) => Deno.stdout.writeSync(encoder.encode(text)),
    writeError,
    writeTerminal: Deno.stderr.isTerminal() ? writeError : null,
  };
  try {
    return await runProgram(Deno.args, {
      ...process,
      start: (options) => runServer({ ...options, ...process }),
      checkpoint: (options) => runCheckpointCommand(options, process),
      backup: (options) => runBackupCommand(options, process),
      checkStore: (options) => runStoreCheck(options, process),
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

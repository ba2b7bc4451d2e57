/**
 * `tidemark checkpoint`: enters and leaves checkpoint mode of a running server over its HTTP interface, for scripts that copy
 * the root.
 *
 * @module
 */
import { QuestError } from "../common/mod.ts";
import {
  type ClientEnvironment,
  query,
  serverAddress,
  type ServerLocation,
} from "./server_client.ts";

/** Exit code of `status` when no checkpoint is active. */
export const EXIT_NO_CHECKPOINT = 3;
const EXIT_FAILURE = 1;

/** What the command does. */
export type CheckpointAction = "create" | "release" | "status";

/** What the command was called with. */
export interface CheckpointArguments extends ServerLocation {
  readonly action: CheckpointAction;
}

/** What the command needs of its process. */
export interface CheckpointEnvironment extends ClientEnvironment {
  writeOut(text: string): void;
  writeError(text: string): void;
}

/** Runs the command. @returns the exit code: 1 if the server refuses, or cannot be reached, with the reason on stderr. */
export async function runCheckpointCommand(
  args: CheckpointArguments,
  environment: CheckpointEnvironment,
): Promise<number> {
  try {
    return await runAction(args, environment);
  } catch (error) {
    if (!(error instanceof QuestError)) throw error;
    environment.writeError(`tidemark: checkpoint ${args.action} failed: ${error.message}\n`);
    return EXIT_FAILURE;
  }
}

async function runAction(
  args: CheckpointArguments,
  environment: CheckpointEnvironment,
): Promise<number> {
  const server = serverAddress(args, environment);
  if (args.action !== "status") {
    await query(server, `CHECKPOINT ${args.action.toUpperCase()}`);
    environment.writeOut(`checkpoint ${args.action === "create" ? "created" : "released"}\n`);
    return 0;
  }
  const { dataset } = await query(server, "SELECT * FROM checkpoint_status()");
  const [isActive, startedAt] = dataset?.[0] ?? [];
  if (isActive !== true) {
    environment.writeOut("no checkpoint\n");
    return EXIT_NO_CHECKPOINT;
  }
  environment.writeOut(`in progress since ${startedAt}\n`);
  return 0;
}

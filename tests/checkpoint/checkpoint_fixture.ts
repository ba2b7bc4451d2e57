/**
 * A database with a checkpoint service, copies of its root, and recovery of them; below SQL.
 *
 * @module
 */
import {
  checkpointRoots,
  type CheckpointServiceOptions,
  createCheckpointService,
  recoverCheckpoint,
  type RecoveryOptions,
  type RecoverySummary,
} from "../../src/checkpoint/mod.ts";
import { INSTANCE_FILE } from "../../src/backup/mod.ts";
import type { Engine, EngineConfig } from "../../src/engine/mod.ts";
import {
  type FileSystem,
  type Log,
  RealFileSystem,
  SILENT_LOG,
  SystemClock,
  SystemTimers,
} from "../../src/platform/mod.ts";
import { openEngine } from "../support/engine_fixture.ts";

const timers = new SystemTimers();
const sleep = (millis: number) => timers.sleep(millis);

/** A log that is kept. */
export class KeptLog implements Log {
  readonly lines: string[] = [];
  info(_component: string, message: string, context: Record<string, unknown> = {}): void {
    const facts = Object.entries(context).map(([key, value]) => `${key}=${value}`).join(", ");
    this.lines.push(facts === "" ? message : `${message} [${facts}]`);
  }
  error(component: string, message: string, context?: Record<string, unknown>): void {
    this.info(component, message, context);
  }
  critical(component: string, message: string, context?: Record<string, unknown>): void {
    this.info(component, message, context);
  }
}

/** What a database is opened with. */
export interface DatabaseOptions {
  readonly config?: Partial<EngineConfig>;
  readonly fs?: FileSystem;
  readonly instanceId?: string;
  readonly bootId?: string;
  readonly service?: Partial<CheckpointServiceOptions>;
}

/** An engine with its checkpoint service. */
export interface Database extends AsyncDisposable {
  readonly root: string;
  readonly engine: Engine;
  readonly checkpoint: ReturnType<typeof createCheckpointService>;
}

/** Opens a root without recovery. */
export async function openDatabase(root: string, options: DatabaseOptions = {}): Promise<Database> {
  const engine = await openEngine(root, options);
  const checkpoint = createCheckpointService({
    engine,
    clock: new SystemClock(),
    fs: options.fs ?? new RealFileSystem(),
    log: SILENT_LOG,
    dbRoot: `${root}/db`,
    roots: checkpointRoots(`${root}/db`, ""),
    instanceId: options.instanceId ?? "",
    productVersion: "1.2.3",
    sleep,
    ...options.service,
  });
  return {
    root,
    engine,
    checkpoint,
    async [Symbol.asyncDispose]() {
      checkpoint[Symbol.dispose]();
      await engine.close();
    },
  };
}

/** Runs recovery on a root, as a start does. */
export function recover(
  root: string,
  options: Partial<RecoveryOptions> = {},
): Promise<RecoverySummary | null> {
  return recoverCheckpoint({
    fs: new RealFileSystem(),
    log: SILENT_LOG,
    installRoot: root,
    dbRoot: `${root}/db`,
    roots: checkpointRoots(`${root}/db`, ""),
    isEnabled: true,
    instanceId: "",
    productVersion: "1.9.0",
    isIndexRebuilt: false,
    laterStates: [INSTANCE_FILE],
    sleep,
    ...options,
  });
}

/** Copies a root while it is in use, as an operator does. */
export async function copyRoot(from: string, to: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("cp", { args: ["-r", from, to] }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** Asks for recovery at the next start. */
export function touchTrigger(root: string): void {
  Deno.writeTextFileSync(`${root}/_restore`, "");
}

/** True if the path exists. */
export function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

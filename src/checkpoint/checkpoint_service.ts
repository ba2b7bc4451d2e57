/**
 * CHECKPOINT CREATE and RELEASE: pins every table and writes down what is pinned, so that a copy of the root, taken by
 * whatever means until the release, can be made that state again.
 *
 * ```
 * CREATE:  pins, purge held ─► acknowledged transactions durable ─► directory emptied ─► tables written ─► sync(2)
 * RELEASE: directories removed ─► pins and purge released
 * ```
 * Invariants:
 * 1. At most one checkpoint is active, and one command works on it at a time.
 * 2. While it is active, nothing that the pinned transactions refer to is purged, WAL segments included.
 * 3. A CREATE that fails leaves nothing pinned and no directory.
 *
 * @module
 */
import { CancelledError, QuestError } from "../common/mod.ts";
import type { CheckpointService, DatabasePin, Engine } from "../engine/mod.ts";
import { type Clock, type FileSystem, joinPath, type Log } from "../platform/mod.ts";
import type { TableReader } from "../storage/mod.ts";
import { CHECKPOINT_DATABASE, CHECKPOINT_META, type CheckpointRoots } from "./checkpoint_layout.ts";
import { writeCheckpoint } from "./checkpoint_writer.ts";

const COMPONENT = "checkpoint";

/** A checkpoint that cannot be created or released. */
export class CheckpointError extends QuestError {}

/** What the service works with. */
export interface CheckpointServiceOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly fs: FileSystem;
  readonly log: Log;
  readonly dbRoot: string;
  readonly roots: CheckpointRoots;
  /** `cairo.snapshot.instance.id`. */
  readonly instanceId: string;
  readonly productVersion: string;
  /** Gives other work a turn, for 0, or waits. */
  readonly sleep: (millis: number) => Promise<void>;
  /** Told at each release of a checkpoint: when it was created, and each WAL table's last transaction in it. */
  readonly onReleased?: (createdAt: bigint, seqTxns: ReadonlyMap<string, number>) => void;
  /** Where the process runs; by default what Deno says. */
  readonly platform?: string;
}

/** Creates the service. */
export function createCheckpointService(
  options: CheckpointServiceOptions,
): CheckpointService & Disposable {
  return new DirectoryCheckpointService(options);
}

interface ActiveCheckpoint {
  readonly startedAt: bigint;
  readonly pin: DatabasePin;
  readonly readers: TableReader[];
  readonly seqTxns: Map<string, number>;
}

class DirectoryCheckpointService implements CheckpointService, Disposable {
  readonly #options: CheckpointServiceOptions;
  #active: ActiveCheckpoint | null = null;
  #isBusy = false;

  constructor(options: CheckpointServiceOptions) {
    this.#options = options;
  }

  async create(
    command: { readonly isLegacy?: boolean; readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const word = command.isLegacy ? "Snapshot" : "Checkpoint";
    if ((this.#options.platform ?? Deno.build.os) === "windows") {
      throw new CheckpointError(`${word} is not supported on Windows`);
    }
    this.#requireIdle(command.isLegacy ?? false);
    if (this.#active !== null) {
      throw new CheckpointError("Waiting for CHECKPOINT RELEASE to be called");
    }
    this.#isBusy = true;
    const { engine, clock } = this.#options;
    try {
      const active: ActiveCheckpoint = {
        startedAt: clock.nowMicros(),
        pin: engine.pinAll(),
        readers: [],
        seqTxns: new Map(),
      };
      this.#active = active;
      await this.#write(active, command);
    } catch (error) {
      this.#undo();
      throw command.signal?.aborted
        ? new CancelledError("cancelled by user", {}, { cause: error })
        : error;
    } finally {
      this.#isBusy = false;
    }
  }

  release(command: { readonly isLegacy?: boolean } = {}): Promise<void> {
    return Promise.resolve().then(() => {
      this.#requireIdle(command.isLegacy ?? false);
      const active = this.#active;
      this.#removeDirectories();
      this.#unpin();
      if (active === null) return;
      this.#options.log.info(COMPONENT, "checkpoint released");
      this.#reclaim();
      this.#options.onReleased?.(active.startedAt, active.seqTxns);
    });
  }

  status(): { inProgress: boolean; startedAt: bigint | null } {
    return { inProgress: this.#active !== null, startedAt: this.#active?.startedAt ?? null };
  }

  /** Unpins; the directory stays, as after a crash: a copy that is being taken of it may still be restored. */
  [Symbol.dispose](): void {
    this.#unpin();
  }

  #requireIdle(isLegacy: boolean): void {
    if (!this.#isBusy) return;
    throw new CheckpointError(
      `Another ${isLegacy ? "snapshot" : "checkpoint"} command is in progress`,
    );
  }

  async #write(
    active: ActiveCheckpoint,
    command: { readonly isLegacy?: boolean; readonly signal?: AbortSignal },
  ): Promise<void> {
    const { engine, fs, log, roots } = this.#options;
    const { broken, tables } = active.pin;
    if (broken.length > 0) {
      const { token, reason } = broken[0];
      throw new CheckpointError("error creating checkpoint", { table: token.name, error: reason });
    }
    // Whoever copies the root now must find everything that was acknowledged, also after the copy moved to another machine.
    await engine.sync();
    if (command.isLegacy) fs.removeTree(roots.current);
    const root = command.isLegacy ? roots.legacy : roots.current;
    const directory = joinPath(root, CHECKPOINT_DATABASE);
    this.#makeEmpty(directory);
    const count = await writeCheckpoint({
      ...this.#options,
      directory,
      signal: command.signal,
      keep: (reader) => active.readers.push(reader),
      onTable: (token, seqTxn, txn) => {
        if (token.isWal) active.seqTxns.set(token.dirName, seqTxn);
        log.info(COMPONENT, "table included in the checkpoint", { table: token.name, txn, seqTxn });
      },
    }, tables);
    try {
      await fs.syncAll();
    } catch (error) {
      throw new CheckpointError("Could not sync", { reason: reasonOf(error) }, { cause: error });
    }
    log.info(COMPONENT, "checkpoint created", { directory, tables: count });
  }

  #makeEmpty(directory: string): void {
    const { fs } = this.#options;
    try {
      fs.removeTree(directory);
    } catch (error) {
      throw new CheckpointError("Could not remove checkpoint dir", {
        dir: directory,
        reason: reasonOf(error),
      }, { cause: error });
    }
    try {
      fs.mkdir(directory);
    } catch (error) {
      throw new CheckpointError("Could not create", { dir: directory, reason: reasonOf(error) }, {
        cause: error,
      });
    }
  }

  /** Takes back what a CREATE that failed has done; what cannot be removed is removed by the next one. */
  #undo(): void {
    this.#unpin();
    try {
      this.#removeDirectories();
    } catch (error) {
      this.#options.log.error(COMPONENT, "cannot remove an unfinished checkpoint", {
        reason: reasonOf(error),
      });
    }
  }

  #removeDirectories(): void {
    const { fs, roots } = this.#options;
    for (const root of [roots.current, roots.legacy]) {
      const directory = joinPath(root, CHECKPOINT_DATABASE);
      if (fs.stat(directory) === null) continue;
      const meta = joinPath(directory, CHECKPOINT_META);
      if (fs.stat(meta) !== null) {
        // First: what is left of a removal that is cut off must not look like a checkpoint.
        fs.remove(meta);
        fs.syncDir(directory);
      }
      fs.removeTree(directory);
      fs.syncDir(root);
    }
  }

  /** Gives back what was only kept for the checkpoint, in the background. */
  #reclaim(): void {
    this.#options.engine.purge().catch((error) =>
      this.#options.log.error(COMPONENT, "cannot reclaim space", { reason: reasonOf(error) })
    );
  }

  #unpin(): void {
    const active = this.#active;
    this.#active = null;
    if (active === null) return;
    for (const reader of active.readers) reader.close();
    active.pin.release();
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

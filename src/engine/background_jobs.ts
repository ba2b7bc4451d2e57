/**
 * Work that goes on beside statements: making acknowledged WAL data durable, and removing files that nobody needs.
 *
 * @module
 */
import { WalError } from "../common/mod.ts";
import type { FileSystem, Log, Timers } from "../platform/mod.ts";
import { readTableMetadata } from "../storage/mod.ts";
import type { EngineConfig } from "./engine_config.ts";
import { isPurgeable, removeStaleColumnFiles, removeStalePartitions } from "./table_purge.ts";
import type { TableState } from "./table_state.ts";
import { listObsoleteWalDirs } from "./wal_purge.ts";

/** What the jobs need. */
export interface BackgroundJobsOptions {
  readonly fs: FileSystem;
  readonly timers: Timers;
  readonly config: EngineConfig;
  readonly log: Log;
  readonly states: () => Iterable<TableState>;
  /** Whether nothing may be removed now. */
  readonly isPurgeHeld: () => boolean;
  /** Removes directories of dropped tables that are free now. */
  readonly removeDropped: () => void;
}

/** See the module's description. */
export class BackgroundJobs {
  readonly #options: BackgroundJobsOptions;
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[] = [];
  #syncing: Promise<void> | null = null;
  /** The sync behind the running one; not begun yet. */
  #next: Promise<void> | null = null;

  constructor(options: BackgroundJobsOptions) {
    this.#options = options;
  }

  /** Starts the timers. */
  start(): void {
    const { config } = this.#options;
    this.#loops.push(
      this.#every(config.backgroundSyncIntervalMillis, "sync", () => this.sync()),
      this.#every(config.walPurgeIntervalMillis, "purge", () => this.purge()),
    );
  }

  /**
   * Makes everything acknowledged so far durable; a call during a sync makes another one follow.
   *
   * @throws {WalError} if that failed for a table, after all others had their turn.
   */
  sync(): Promise<void> {
    if (this.#syncing === null && this.#next === null) return this.#startSync();
    return this.#next ??= this.#syncAgain();
  }

  /** Removes what nobody needs any more. */
  async purge(): Promise<void> {
    const { fs, isPurgeHeld, removeDropped, states } = this.#options;
    // A sync holds the files of a table that was dropped under it; whoever asked for the sync is told of its failure.
    await Promise.allSettled([this.#syncing]);
    removeDropped();
    for (const state of [...states()]) {
      if (isPurgeHeld() || this.#stop.signal.aborted) return;
      try {
        if (isPurgeable(state)) {
          removeStalePartitions(fs, state, readTableMetadata(fs, state.tableDir));
        }
        await removeStaleColumnFiles(this.#options, state);
        await this.#purgeWal(state);
      } catch (error) {
        this.#report("purge", error, state);
      }
    }
  }

  /** Stops the timers, and waits for what is running. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
    await Promise.allSettled([this.#syncing, this.#next]);
  }

  #startSync(): Promise<void> {
    const syncing = this.#syncAll().finally(() => this.#syncing = null);
    this.#syncing = syncing;
    return syncing;
  }

  /** A sync that runs already may have passed over what its caller wants: only one that begins later will do. */
  async #syncAgain(): Promise<void> {
    while (this.#syncing !== null) await Promise.allSettled([this.#syncing]);
    this.#next = null;
    await this.#startSync();
  }

  /** What only the record of an older durable state has kept goes at once. */
  #removeFreed(state: TableState): void {
    const { fs, isPurgeHeld } = this.#options;
    if (isPurgeHeld() || !isPurgeable(state)) return;
    try {
      removeStalePartitions(fs, state, readTableMetadata(fs, state.tableDir));
    } catch (error) {
      this.#report("purge", error, state);
    }
  }

  async #purgeWal(state: TableState): Promise<void> {
    const { fs, isPurgeHeld, states } = this.#options;
    if (state.token.type !== 1 || state.isDropped) return;
    // A materialized view may still have to read its base table's WAL; views are not refreshed here.
    if ([...states()].some((other) => other.token.type === 2)) return;
    for (const dir of listObsoleteWalDirs(fs, state)) {
      if (isPurgeHeld()) return;
      fs.removeTree(dir);
      await Promise.resolve();
    }
  }

  async #syncAll(): Promise<void> {
    const failures: Error[] = [];
    for (const state of [...this.#options.states()]) {
      if (state.isDropped) continue;
      state.isSyncing = true;
      try {
        if (state.writer?.isDirty) await state.writer.syncAsync();
        if (state.durability.isDirty) {
          await state.durability.sync();
          this.#removeFreed(state);
        }
      } catch (error) {
        this.#report("sync", error, state);
        failures.push(error instanceof Error ? error : new Error(String(error)));
      } finally {
        state.isSyncing = false;
      }
    }
    if (failures.length === 0) return;
    const [first] = failures;
    if (failures.length === 1) throw first;
    throw new WalError("committed data of several tables could not be made durable", {
      tables: failures.length,
      reason: first.message,
    }, { cause: first });
  }

  async #every(millis: number, name: string, run: () => Promise<void>): Promise<void> {
    const { timers, log } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await timers.sleep(millis, signal);
        await run();
      } catch (error) {
        if (signal.aborted) return;
        log.critical("engine", `${name} job failed`, { reason: (error as Error).message });
      }
    }
  }

  #report(job: string, error: unknown, state: TableState): void {
    this.#options.log.critical("engine", `${job} failed`, {
      table: state.token.name,
      reason: error instanceof Error ? error.message : String(error),
    });
  }
}

/**
 * Keeps tables up to date with their WAL: one apply loop per table that is behind, as tasks bound to the table.
 *
 * Invariant: at most one apply task per table is on its way at any time, and nobody else commits to a WAL table.
 *
 * @module
 */
import type { Log } from "../platform/mod.ts";
import { APPLY_WAL_TASK, type ApplyWalArgs, type ApplyWalResult } from "../wal/mod.ts";
import type { TaskRunner } from "../wasm/mod.ts";
import { type EngineConfig, tableWriterOptions } from "./engine_config.ts";
import type { TableState } from "./table_state.ts";

/** What the scheduler needs. */
export interface ApplySchedulerOptions {
  readonly tasks: TaskRunner;
  readonly config: EngineConfig;
  readonly log: Log;
  /** Returns the transaction that the table's files say is applied. */
  readonly readAppliedTxn: (state: TableState) => number;
  /** Called after each step while nobody commits to the table. */
  readonly onStep: (state: TableState) => void;
  /** Called when the log says that the table was dropped. */
  readonly onDropped: (state: TableState) => void;
}

/** See the module's description. */
export class ApplyScheduler {
  readonly #options: ApplySchedulerOptions;

  #isStopped = false;

  constructor(options: ApplySchedulerOptions) {
    this.#options = options;
  }

  /** Starts no more loops; those that run apply what they have to. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Starts the table's loop if it is behind and has none. */
  notify(state: TableState): void {
    if (this.#isStopped || state.applying !== null || !state.isBehind) return;
    state.applying = this.#run(state);
  }

  /** Makes the first step of a table that is not behind wait less. */
  prepare(state: TableState): void {
    if (state.applying !== null) return;
    state.durability.prepare().catch((error) =>
      // The step tries it again, and fails by it.
      this.#options.log.error("apply", "cannot write the record of a durable state", {
        table: state.token.name,
        reason: (error as Error).message,
      })
    );
  }

  async #run(state: TableState): Promise<void> {
    const { log } = this.#options;
    while (state.isBehind) {
      try {
        await this.#step(state);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#refresh(state);
        state.suspend(reason);
        log.critical("apply", "table is suspended", { table: state.token.name, reason });
      }
    }
    // In the same turn as the last look at isBehind, or a commit in between would find a loop that ends.
    state.applying = null;
  }

  async #step(state: TableState): Promise<void> {
    const { log, onStep, onDropped } = this.#options;
    let result: ApplyWalResult;
    state.isBusy = true;
    try {
      const isDeferred = await state.durability.prepare();
      result = await this.#runTask(state, { isSynced: !isDeferred });
      while (result.needsSync !== null && result.blockedReason === null) {
        await state.durability.settle();
        result = await this.#runTask(state, { isSynced: true, ...result.needsSync });
      }
    } finally {
      state.isBusy = false;
    }
    // Lag rows, squashes and symbol tables are committed with the number of the transaction before.
    state.snapshots.invalidate();
    state.advance(result.appliedTxn);
    onStep(state);
    if (result.isDropped) return onDropped(state);
    if (result.blockedReason !== null) {
      state.suspend(result.blockedReason);
      log.critical("apply", "table is suspended", {
        table: state.token.name,
        reason: result.blockedReason,
      });
    }
  }

  async #runTask(
    state: TableState,
    how: Pick<ApplyWalArgs, "isSynced" | "housekeepMicros">,
  ): Promise<ApplyWalResult> {
    const { tasks, config } = this.#options;
    const args: ApplyWalArgs = {
      tableDir: state.tableDir,
      targetTxn: state.sequencer!.lastTxn,
      rowsMax: config.applyBatchRowsMax,
      txnsMax: config.applyBatchTxnsMax,
      writer: tableWriterOptions(config),
      ...how,
    };
    const options = { affinity: Math.max(state.token.id, 0), priority: "apply" as const };
    const result = await tasks.run<ApplyWalResult>(APPLY_WAL_TASK, args, options);
    if (result.image !== null) state.durability.note(result.image);
    state.dedupedRowCount += result.dedupedRowCount;
    if (result.readOnlyRowCount > 0) {
      this.#options.log.critical("apply", "rows of read-only partitions are given up", {
        table: state.token.name,
        rows: result.readOnlyRowCount,
      });
    }
    return result;
  }

  /** After a failure: steps of the task may have been committed before it, and commits of the last transaction that is advanced to already. */
  #refresh(state: TableState): void {
    state.snapshots.invalidate();
    try {
      state.advance(this.#options.readAppliedTxn(state));
      state.durability.noteCommitted();
      this.#options.onStep(state);
    } catch (error) {
      this.#options.log.error("apply", "cannot read the table's state", {
        table: state.token.name,
        reason: (error as Error).message,
      });
    }
  }
}

/**
 * The task that makes committed WAL transactions visible in their table. It works on the table's directory alone: what is
 * applied stands in `_txn`, what is committed in the sequencer's log.
 *
 * Recovery: a step is one table commit, and `_txn.seqTxn` names its last transaction. After a crash the table is at some
 * step; what follows is applied again from the WAL, which nobody purges before.
 *
 * Steps and passes: docs/internals/apply.md.
 *
 * @module
 */
import {
  type TableImage,
  TableWriter,
  type TableWriterOptions,
  type TxnRecord,
} from "../storage/mod.ts";
import type { TaskContext, TaskHandlers } from "../wasm/mod.ts";
import { applyLagRows } from "./apply_lag.ts";
import { type ApplyStep, type DataStep, planStep } from "./apply_plan.ts";
import { writeDataStep } from "./apply_passes.ts";
import type { SqlEventExecutor } from "./sql_event_executor.ts";
import { readStructureOperation } from "./structure_log.ts";
import { TxnLog } from "./txn_log.ts";

/** Name of the task. */
export const APPLY_WAL_TASK = "applyWal";
/** Table commits of one task; other tables get their turn behind it. */
const COMMITS_MAX = 8;
/** Memory that a row may need while it is applied: pair, sort scratch, timestamp, order, a value read and in order, merge. */
const ROW_MEMORY_BYTES = 128;
const INT32_MIN = -0x80000000;

/** Arguments of the task. */
export interface ApplyWalArgs {
  readonly tableDir: string;
  /** Last transaction to apply. */
  readonly targetTxn: number;
  /** Rows and transactions of a step; one transaction at least is taken in. */
  readonly rowsMax: number;
  readonly txnsMax: number;
  /** Settings of the table's writer; QuestDB's defaults when left out. */
  readonly writer?: TableWriterOptions;
  /**
   * Whether table commits are durable on return. If not, the task commits rows only, and stops before and behind what asks for more; somebody
   * else makes durable what it tells.
   */
  readonly isSynced: boolean;
  /** When the last rows were committed, if what follows their commit was left to this task. */
  readonly housekeepMicros?: bigint;
}

/** What the task did. */
export interface ApplyWalResult {
  /** Last transaction that is visible now. */
  readonly appliedTxn: number;
  /** Rows of the transactions that were made visible. */
  readonly rowCount: number;
  /** Rows that deduplication has taken out. */
  readonly dedupedRowCount: number;
  /** Rows that were given up, since their partitions are read-only. */
  readonly readOnlyRowCount: number;
  readonly isDropped: boolean;
  /** Why the next transaction cannot be applied, or `null`. */
  readonly blockedReason: string | null;
  /** The committed state if it may not be durable, else `null`. */
  readonly image: TableImage | null;
  /** What can only go on when all that is committed is durable, by a task whose commits are; else `null`. */
  readonly needsSync: { readonly housekeepMicros?: bigint } | null;
}

/** Version of the column list that a transaction record stands for. */
export function columnStructureVersion(txn: TxnRecord): number {
  const high = Number(BigInt.asIntN(32, txn.structureVersion >> 32n));
  if (high === INT32_MIN) return 0;
  return high === 0 ? Number(BigInt.asIntN(32, txn.structureVersion)) : high;
}

/**
 * Applies transactions up to the target, or until something is in the way.
 *
 * @param executor Runs statements; without one they are in the way.
 * @throws {StorageError} if the table or its WAL is corrupt; steps that were committed before stay.
 */
export async function applyWal(
  context: TaskContext,
  args: ApplyWalArgs,
  executor: SqlEventExecutor | null = null,
): Promise<ApplyWalResult> {
  const { fs, core } = context;
  using log = TxnLog.open(fs, args.tableDir, "read");
  using writer = TableWriter.open({ fs, core, tableDir: args.tableDir }, args.writer);
  const job = new ApplyJob(context, args, { log, writer, executor });
  return await job.run();
}

/** One run of the task. */
class ApplyJob {
  readonly #context: TaskContext;
  readonly #args: ApplyWalArgs;
  readonly #log: TxnLog;
  readonly #writer: TableWriter;
  readonly #executor: SqlEventExecutor | null;
  /** Rows that are written in one pass; fewer after memory ran out. */
  readonly #passRows: number;
  #rowCount = 0;
  #dedupedRowCount = 0;
  #readOnlyRowCount = 0;
  #hasUnsyncedCommits = false;
  #needsSync: ApplyWalResult["needsSync"] = null;

  constructor(
    context: TaskContext,
    args: ApplyWalArgs,
    parts: { log: TxnLog; writer: TableWriter; executor: SqlEventExecutor | null },
  ) {
    this.#context = context;
    this.#args = args;
    this.#log = parts.log;
    this.#writer = parts.writer;
    this.#executor = parts.executor;
    const { region } = context.core.memory;
    const memoryRows = Math.floor((region.end - region.start) / 2 / ROW_MEMORY_BYTES);
    this.#passRows = Math.min(args.rowsMax, memoryRows);
  }

  async run(): Promise<ApplyWalResult> {
    const { fs } = this.#context;
    const { tableDir, targetTxn, txnsMax, isSynced } = this.#args;
    const writer = this.#writer;
    if (isSynced) {
      applyLagRows(this.#context, writer, { sync: true });
      this.#housekeep(this.#args.housekeepMicros);
    }
    for (let count = 0; count < COMMITS_MAX && this.#needsSync === null; count++) {
      const limits = {
        targetTxn,
        rowsMax: this.#passRows,
        txnsMax,
        structureVersion: columnStructureVersion(writer.txn),
      };
      const step = planStep({ fs, tableDir, log: this.#log }, writer.txn.seqTxn, limits);
      if (step.kind === "done") break;
      if (step.kind === "dropped") return this.#result({ isDropped: true });
      if (step.kind === "blocked") {
        return this.#result({ blockedReason: `${step.reason} [seqTxn=${step.txn}]` });
      }
      if (step.kind === "sql" && this.#executor === null) {
        const reason = `statement cannot be run here [sql=${step.event.text}]`;
        return this.#result({ blockedReason: `${reason} [seqTxn=${step.lastTxn}]` });
      }
      if (!isSynced && step.kind !== "data") this.#needsSync = {};
      else await this.#apply(step);
    }
    return this.#result();
  }

  async #apply(step: Exclude<ApplyStep, { kind: "done" | "dropped" | "blocked" }>): Promise<void> {
    const writer = this.#writer;
    const { isSynced } = this.#args;
    const options = { seqTxn: step.lastTxn, sync: isSynced };
    // The log must not be shorter than what the table says it has applied, or numbers would be given out twice.
    if (isSynced) this.#log.sync();
    switch (step.kind) {
      case "data":
        return await this.#applyData(step, options);
      case "truncate":
        writer.truncate({ keepsSymbols: true });
        return writer.commit(options);
      case "structure": {
        const operation = readStructureOperation(this.#context.fs, this.#args.tableDir, {
          version: step.structureVersion,
          metadata: writer.metadata,
        });
        return writer.alter(operation, options);
      }
      case "sql": {
        const { event, commitMicros } = step;
        await this.#executor!.execute(this.#context, writer, { event, commitMicros, ...options });
        if (writer.txn.seqTxn < step.lastTxn) writer.commit(options);
      }
    }
  }

  async #applyData(step: DataStep, options: { seqTxn: number; sync: boolean }): Promise<void> {
    const writer = this.#writer;
    writeDataStep(this.#context, writer, { step, passRows: this.#passRows });
    this.#dedupedRowCount += writer.dedupedRowCount;
    this.#readOnlyRowCount += writer.readOnlyRowCount;
    if (options.sync) await writer.syncAhead();
    writer.commit(options);
    this.#rowCount += step.rowCount;
    if (options.sync) return this.#housekeep(step.commitMicros);
    writer.handOver();
    this.#hasUnsyncedCommits = true;
    const { commitMicros } = step;
    if (writer.needsHousekeeping(commitMicros)) this.#needsSync = { housekeepMicros: commitMicros };
  }

  /** What follows a commit of rows, if it is due. */
  #housekeep(commitMicros: bigint | undefined): void {
    const writer = this.#writer;
    if (commitMicros === undefined || !writer.needsHousekeeping(commitMicros)) return;
    this.#log.sync();
    writer.housekeep(commitMicros, { seqTxn: writer.txn.seqTxn, sync: true });
  }

  #result(rest: Partial<ApplyWalResult> = {}): ApplyWalResult {
    return {
      appliedTxn: this.#writer.txn.seqTxn,
      rowCount: this.#rowCount,
      dedupedRowCount: this.#dedupedRowCount,
      readOnlyRowCount: this.#readOnlyRowCount,
      isDropped: false,
      blockedReason: null,
      image: this.#hasUnsyncedCommits ? this.#writer.image : null,
      needsSync: this.#needsSync,
      ...rest,
    };
  }
}

/** The tasks of this folder. @param executor Runs statements that travel through the WAL; without one they suspend their table. */
export function walTasks(executor: SqlEventExecutor | null = null): TaskHandlers {
  return { [APPLY_WAL_TASK]: (context, args: ApplyWalArgs) => applyWal(context, args, executor) };
}

/**
 * The task that makes committed WAL transactions visible in their table. It works on the table's directory alone: what is
 * applied stands in `_txn`, what is committed in the sequencer's log.
 *
 * Recovery: a step is one table commit, and `_txn.seqTxn` names its last transaction. After a crash the table is at some
 * step; what follows is applied again from the WAL, which nobody purges before.
 *
 * @module
 */
import { LimitError } from "../common/mod.ts";
import { TableWriter, type TxnRecord } from "../storage/mod.ts";
import type { TaskContext, TaskHandlers } from "../wasm/mod.ts";
import { type DataStep, planStep } from "./apply_plan.ts";
import { StepRows } from "./apply_rows.ts";
import type { SqlEventExecutor } from "./sql_event_executor.ts";
import { TxnLog } from "./txn_log.ts";

/** Name of the task. */
export const APPLY_WAL_TASK = "applyWal";
/** Steps of one task; others get their turn behind it. */
const STEPS_MAX = 8;
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
  /** Whether table commits are durable on return. */
  readonly isSynced: boolean;
}

/** What the task did. */
export interface ApplyWalResult {
  /** Last transaction that is visible now. */
  readonly appliedTxn: number;
  /** Rows made visible. */
  readonly rowCount: number;
  readonly isDropped: boolean;
  /** Why the next transaction cannot be applied, or `null`. */
  readonly blockedReason: string | null;
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
 * @throws {StorageError} if the table or its WAL is corrupt; steps that were committed before stay.
 */
export function applyWal(context: TaskContext, args: ApplyWalArgs): ApplyWalResult {
  const { fs, core } = context;
  using log = TxnLog.open(fs, args.tableDir, "read");
  using writer = TableWriter.open({ fs, core, tableDir: args.tableDir });
  const memoryRows = Math.floor(
    (core.memory.region.end - core.memory.region.start) / 2 / ROW_MEMORY_BYTES,
  );
  let limits = {
    targetTxn: args.targetTxn,
    rowsMax: Math.min(args.rowsMax, memoryRows),
    txnsMax: args.txnsMax,
    structureVersion: columnStructureVersion(writer.txn),
  };
  const result = (rowCount: number, rest: Partial<ApplyWalResult> = {}): ApplyWalResult => ({
    appliedTxn: writer.txn.seqTxn,
    rowCount,
    isDropped: false,
    blockedReason: null,
    ...rest,
  });
  let rowCount = 0;
  for (let count = 0; count < STEPS_MAX; count++) {
    const step = planStep({ fs, tableDir: args.tableDir, log }, writer.txn.seqTxn, limits);
    if (step.kind === "done") break;
    if (step.kind === "dropped") return result(rowCount, { isDropped: true });
    if (step.kind === "blocked") {
      const blockedReason = `${step.reason} [seqTxn=${step.txn}]`;
      return result(rowCount, { blockedReason });
    }
    if (step.kind === "truncate") writer.truncate();
    else if (!writeRows(context, writer, step)) {
      limits = { ...limits, rowsMax: Math.floor(step.rowCount / 2) };
      continue;
    }
    // The log must not be shorter than what the table says it has applied, or numbers would be given out twice.
    if (args.isSynced) log.sync();
    writer.commit({ seqTxn: step.lastTxn, sync: args.isSynced });
    if (step.kind === "data") rowCount += step.rowCount;
  }
  return result(rowCount);
}

/** Writes a step's rows; `false` if they take too much memory and fewer transactions should be tried. */
function writeRows(context: TaskContext, writer: TableWriter, step: DataStep): boolean {
  if (step.rowCount === 0) return true;
  try {
    using rows = new StepRows(context, step, writer);
    writer.write(rows);
    return true;
  } catch (error) {
    writer.rollback();
    if (!(error instanceof LimitError)) throw error;
    if (step.slices.length > 1) return false;
    throw new LimitError("transaction is too large to be applied", {
      seqTxn: step.lastTxn,
      rows: step.rowCount,
      reason: error.message,
    }, { cause: error });
  }
}

/** The tasks of this folder. @param executor Runs statements that travel through the WAL; without one they suspend their table. */
export function walTasks(_executor: SqlEventExecutor | null = null): TaskHandlers {
  return { [APPLY_WAL_TASK]: (context, args: ApplyWalArgs) => applyWal(context, args) };
}

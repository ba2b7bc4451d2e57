/**
 * Writes the rows of a step into its table, in as many passes as memory asks for; all of them are one table commit. So a transaction
 * may be larger than memory.
 *
 * @module
 */
import { LimitError } from "../common/mod.ts";
import { NO_ROWS, type TableWriter, type WriteOptions } from "../storage/mod.ts";
import type { TaskContext } from "../wasm/mod.ts";
import { cutStep, type DataStep } from "./apply_plan.ts";
import { StepRows } from "./apply_rows.ts";
import { DedupMode } from "./wal_event.ts";

/**
 * Writes a step's rows; they become visible when the writer commits. When memory runs out, all is written again in smaller passes.
 *
 * @throws {LimitError} if a single row is too large.
 */
export function writeDataStep(
  context: TaskContext,
  writer: TableWriter,
  work: { step: DataStep; passRows: number },
): void {
  const { step } = work;
  for (let passRows = work.passRows;; passRows = Math.floor(passRows / 2)) {
    try {
      return writePasses(context, writer, { step, passRows });
    } catch (error) {
      writer.rollback();
      if (!(error instanceof LimitError)) throw error;
      passRows = Math.min(passRows, step.rowCount);
      if (passRows > 1) continue;
      throw new LimitError("transaction is too large to be applied", {
        seqTxn: step.lastTxn,
        rows: step.rowCount,
        reason: error.message,
      }, { cause: error });
    }
  }
}

function writePasses(
  context: TaskContext,
  writer: TableWriter,
  work: { step: DataStep; passRows: number },
): void {
  const { step, passRows } = work;
  const { rowCount, replaceRange } = step;
  let options: WriteOptions = { isDeduplicated: step.dedupMode !== DedupMode.NO_DEDUP };
  if (replaceRange !== null) {
    if (rowCount === 0 || rowCount > passRows) writer.write(NO_ROWS, { replaceRange });
    else options = { replaceRange };
    if (rowCount > passRows) options = { isDeduplicated: false };
  }
  for (let rowLo = 0; rowLo < rowCount; rowLo += passRows) {
    const rowHi = Math.min(rowLo + passRows, rowCount);
    const isPart = rowHi - rowLo < rowCount;
    const part = isPart ? cutStep(step, rowLo, rowHi) : step;
    using rows = new StepRows(context, part, { writer, isPart });
    writer.write(rows, options);
  }
}

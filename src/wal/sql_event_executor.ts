/**
 * How a statement that travels through the WAL as its text is run when it is applied. The folder of the SQL language implements
 * it; the apply task only knows this interface.
 *
 * @module
 */
import type { TableWriter } from "../storage/mod.ts";
import type { TaskContext } from "../wasm/mod.ts";
import type { SqlEvent } from "./wal_event.ts";

/** Runs UPDATE and non-structural ALTER statements against a table. */
export interface SqlEventExecutor {
  /**
   * Brings a statement's effect to the table. What it writes becomes visible with the transaction that the caller commits, unless the
   * operation commits by itself with `seqTxn`.
   *
   * @throws {QuestError} if the statement cannot be run; the table is suspended then.
   */
  execute(
    context: TaskContext,
    writer: TableWriter,
    statement: SqlStatement,
  ): void | Promise<void>;
}

/** A statement and what it is applied as. */
export interface SqlStatement {
  readonly event: SqlEvent;
  /** Sequencer transaction that carries the statement. */
  readonly seqTxn: number;
  /** When it was committed, microseconds; `now()` of the statement. */
  readonly commitMicros: bigint;
  /** Whether what it commits is durable on return. */
  readonly sync: boolean;
}

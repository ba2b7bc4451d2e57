/**
 * The shape of every query result: typed columns and batches of rows, pulled one at a time.
 *
 * Invariants:
 * 1. A batch is valid until the next call of `next()` or `close()`: its vectors live in memory that is used again.
 * 2. `close()` may be called at any time and any number of times; it releases readers and memory.
 * 3. `next()` after an error, after `null`, or after `close()` gives `null`.
 *
 * @module
 */
import type { Batch } from "../../wasm/mod.ts";

/** Name and type of a result column. */
export interface CursorColumn {
  readonly name: string;
  /** Column type code. */
  readonly type: number;
}

/** Rows of a query. */
export interface RowCursor {
  readonly columns: readonly CursorColumn[];
  /** Index of the designated timestamp column, −1 if the result has none. */
  readonly timestampIndex: number;
  /**
   * Returns the next rows, or `null` at the end. Batches are never empty.
   *
   * @throws {SqlError} if a row cannot be computed. @throws {CancelledError} if the statement was cancelled.
   */
  next(): Promise<Batch | null>;
  /** Releases what the cursor holds. */
  close(): void;
}

/** What a running statement may ask of its caller. */
export interface ExecutionContext {
  /** Fires when the client went away or cancelled. */
  readonly signal: AbortSignal;
  /** `now()` of the statement, microseconds since the epoch. */
  readonly now: bigint;
  /** Lets other work of the isolate run, if this statement has been running for long enough. */
  yieldIfDue(): Promise<void>;
}

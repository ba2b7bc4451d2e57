/**
 * Where statements and imports put rows, with or without a WAL behind it.
 *
 * @module
 */
import type { TableMetadata } from "../storage/mod.ts";
import type { WalBatch } from "./wal_batch.ts";

/** Synchronous: whoever appends and commits without giving up control has the transaction to itself. */
export interface RowWriter {
  /** Columns that batches must have; changes when the table's structure does. */
  readonly metadata: TableMetadata;
  /** Rows appended since the last commit. */
  readonly uncommittedRowCount: number;
  /** Adds rows to the open transaction. @throws {TableError} if a row is not allowed. @throws {WalError} if it cannot be written. */
  append(batch: WalBatch): void;
  /** Commits the open transaction. @returns its sequencer transaction; 0 without WAL. */
  commit(): number;
  /**
   * Like {@linkcode RowWriter.commit}, but several transactions share what makes them durable. The next transaction may begin at once.
   *
   * @returns A promise that resolves when the transaction may be acknowledged.
   */
  commitDurably?(): Promise<number>;
  /** Forgets the open transaction. */
  rollback(): void;
  /**
   * Removes all rows of the table, in a transaction of its own.
   *
   * @param options.keepsSymbols Whether symbols keep their keys; with a WAL they always do.
   * @returns as {@linkcode RowWriter.commit}.
   */
  truncate(options: { keepsSymbols: boolean }): number;
}

/** Commits the open transaction and resolves when it may be acknowledged. Begins at once, like every other call of a writer. */
export function commitDurably(writer: RowWriter): Promise<number> {
  if (writer.commitDurably !== undefined) return writer.commitDurably();
  try {
    return Promise.resolve(writer.commit());
  } catch (error) {
    return Promise.reject(error);
  }
}

/**
 * Writes one WAL of a table (signatures).
 *
 * @module
 */
import type { TableMetadata } from "../storage/mod.ts";
import type { WalBatch } from "./wal_batch.ts";

/** The writer of one WAL of a table. Synchronous, so that appends and commits of concurrent statements never mix. */
export interface WalWriter extends Disposable {
  /** Metadata of the table at the writer's structure version. */
  readonly metadata: TableMetadata;
  /** Rows appended since the last commit. */
  readonly uncommittedRowCount: number;
  /**
   * Appends rows to the open transaction.
   *
   * @throws {TableError} `designated timestamp column cannot be NULL`.
   * @throws {WalError} if a segment file cannot be written; the open transaction is rolled back.
   */
  append(batch: WalBatch): void;
  /**
   * Commits the open transaction and returns its sequencer transaction number; without rows returns the last one.
   *
   * @throws {WalError} if it cannot be made durable; nothing of it is visible then.
   */
  commit(): number;
  /** Forgets the rows appended since the last commit. */
  rollback(): void;
  /** Rolls back and closes the files. */
  close(): void;
}

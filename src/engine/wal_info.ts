/**
 * What can be told about the WAL of a table.
 *
 * @module
 */
import type { TableState } from "./table_state.ts";

/** How far the apply of a WAL table has got. */
export interface WalStatus {
  /** Last committed sequencer transaction. */
  readonly sequencerTxn: number;
  /** Last transaction that is visible in the table. */
  readonly writerTxn: number;
  readonly isSuspended: boolean;
  /** Why the table is suspended or broken, else `null`. */
  readonly errorMessage: string | null;
  /** `sequencerTxn − writerTxn`. */
  readonly lagTxnCount: number;
  /** Rows that deduplication has taken out since the engine was opened. */
  readonly dedupedRowCount: number;
}

/** A row of `wal_tables()`. */
export interface WalTableInfo {
  readonly name: string;
  readonly isSuspended: boolean;
  /** Last transaction that is visible. */
  readonly writerTxn: number;
  /** Transactions that are kept in memory; always 0 here. */
  readonly bufferedTxnSize: number;
  /** Last committed transaction. */
  readonly sequencerTxn: number;
  /** Class of the error that suspended the table, e.g. `DISK FULL`; empty if it has none. */
  readonly errorTag: string;
  /** Why the table is suspended; empty if it is not. */
  readonly errorMessage: string;
  readonly memoryPressure: number;
}

/** Error texts of the operating system and their tags, as QuestDB names them. */
const ERROR_TAGS: readonly (readonly [RegExp, string])[] = [
  [/os error 28\b|No space left/i, "DISK FULL"],
  [/os error 24\b|Too many open files/i, "TOO MANY OPEN FILES"],
  [/os error 12\b|Cannot allocate memory/i, "OUT OF MMAP AREAS"],
  [/memory limit|out of memory/i, "OUT OF MEMORY"],
];

/** How far a table's WAL is applied. */
export function walStatusOf(state: TableState): WalStatus {
  const sequencerTxn = state.sequencer?.lastTxn ?? 0;
  return {
    sequencerTxn,
    writerTxn: state.appliedTxn,
    isSuspended: state.suspension !== null,
    errorMessage: state.failure?.message ?? state.suspension,
    lagTxnCount: Math.max(0, sequencerTxn - state.appliedTxn),
    dedupedRowCount: state.dedupedRowCount,
  };
}

/** A table's row of `wal_tables()`. */
export function walTableInfo(state: TableState): WalTableInfo {
  const { isSuspended, writerTxn, sequencerTxn } = walStatusOf(state);
  const errorMessage = state.suspension ?? "";
  return {
    name: state.token.name,
    isSuspended,
    writerTxn,
    bufferedTxnSize: 0,
    sequencerTxn,
    errorTag: ERROR_TAGS.find(([pattern]) => pattern.test(errorMessage))?.[1] ?? "",
    errorMessage,
    memoryPressure: 0,
  };
}

/**
 * A consistent hold on the whole database for checkpoints and backups.
 *
 * @module
 */
import { QuestError } from "../common/mod.ts";
import type { TableReader } from "../storage/mod.ts";
import type { TableToken } from "./table_token.ts";

/** One pinned table. */
export interface PinnedTable {
  readonly token: TableToken;
  /** A snapshot of the last committed table transaction; owned by the pin. */
  readonly reader: TableReader;
  /** Last committed sequencer transaction at the time of pinning, ≥ `reader.txn.seqTxn`; 0 for tables without WAL. */
  readonly sequencerTxn: number;
}

/** A table that could not be pinned because its files are broken. */
export interface UnpinnableTable {
  readonly token: TableToken;
  readonly reason: string;
}

/** Until released: nothing that the pinned transactions refer to is purged, WAL segments included. */
export interface DatabasePin extends Disposable {
  readonly tables: readonly PinnedTable[];
  /** Views as of the same moment, with their directories; they have no rows to pin. */
  readonly views: readonly { readonly token: TableToken; readonly directory: string }[];
  /** Tables left out, with the reason; a backup decides whether that is an error. */
  readonly broken: readonly UnpinnableTable[];
  /** Releases every pin; further calls do nothing. */
  release(): void;
}

/**
 * Pins tables one after the other. What was pinned before a failure that is not a table's is released.
 *
 * @param onRelease Called once, when everything is released.
 */
export function pinTables(
  tokens: readonly TableToken[],
  pin: (token: TableToken) => PinnedTable,
  onRelease: () => void,
): Omit<DatabasePin, "views"> {
  const tables: PinnedTable[] = [];
  const broken: UnpinnableTable[] = [];
  let isReleased = false;
  const release = () => {
    if (isReleased) return;
    isReleased = true;
    for (const { reader } of tables) reader.close();
    onRelease();
  };
  try {
    for (const token of tokens) {
      try {
        tables.push(pin(token));
      } catch (error) {
        if (!(error instanceof QuestError)) throw error;
        broken.push({ token, reason: error.message });
      }
    }
  } catch (error) {
    release();
    throw error;
  }
  return { tables, broken, release, [Symbol.dispose]: release };
}

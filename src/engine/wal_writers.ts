/**
 * The WAL writers of all tables. Their files are bounded together: those of the longest unused writers are closed, and a writer that is
 * used again goes on in a new segment.
 *
 * Invariant: the files of a writer with an open transaction, or that is being synced, are never closed.
 *
 * @module
 */
import type { WalWriter } from "../wal/mod.ts";
import type { TableState } from "./table_state.ts";

/** Files that WAL writers keep open together, about. */
export const WAL_FILES_MAX = 4096;

/** See the module's description. */
export class WalWriters {
  readonly #open: (state: TableState) => WalWriter;
  readonly #filesMax: number;
  /** Least recently used first. */
  readonly #used = new Set<TableState>();

  /** @param open Opens a table's writer. */
  constructor(open: (state: TableState) => WalWriter, filesMax = WAL_FILES_MAX) {
    this.#open = open;
    this.#filesMax = filesMax;
  }

  /** The writer of a table, opened if it is not. */
  get(state: TableState): WalWriter {
    this.#used.delete(state);
    this.#used.add(state);
    if (state.writer === null || state.writer.openFileCount === 0) this.#makeRoom(state);
    return state.writer ??= this.#open(state);
  }

  #makeRoom(newest: TableState): void {
    let count = 0;
    for (const state of this.#used) {
      if (state.writer === null && state !== newest) this.#used.delete(state);
      else count += state.writer?.openFileCount ?? 0;
    }
    for (const state of this.#used) {
      if (count <= this.#filesMax) return;
      const { writer } = state;
      if (writer === null || state === newest || state.isSyncing || !writer.isIdle) continue;
      count -= writer.openFileCount;
      writer.releaseFiles();
    }
  }
}

/**
 * The writers of all tables, one a table: of its WAL, or of the table itself if it has none. The files of WAL writers are bounded together: those of the longest unused writers are closed, and a writer that is
 * used again goes on in a new segment.
 *
 * Invariant: the files of a writer with an open transaction, or that is being synced, are never closed.
 *
 * @module
 */
import { assert } from "../common/mod.ts";
import type { Clock, FileSystem } from "../platform/mod.ts";
import { syncTail, WalWriter } from "../wal/mod.ts";
import type { WasmCore } from "../wasm/mod.ts";
import { DirectWriter } from "./direct_writer.ts";
import { type EngineConfig, tableWriterOptions } from "./engine_config.ts";
import type { TableState } from "./table_state.ts";

/** Files that WAL writers keep open together, about. */
export const WAL_FILES_MAX = 4096;

/** What writers need. */
export interface TableWritersOptions {
  readonly fs: FileSystem;
  readonly core: WasmCore;
  readonly clock: Clock;
  readonly config: EngineConfig;
  /** Identity of the running machine, `null` if it has none. */
  readonly bootId: string | null;
  readonly walFilesMax?: number;
  /** Called when a WAL of a table is opened: rows are going to be applied. */
  readonly onOpen: (state: TableState) => void;
  /** Called after every commit to a WAL. */
  readonly onCommit: (state: TableState) => void;
}

/** See the module's description. */
export class TableWriters {
  readonly #options: TableWritersOptions;
  readonly #filesMax: number;
  /** Tables with WAL writers, the least recently used first. */
  readonly #used = new Set<TableState>();

  constructor(options: TableWritersOptions) {
    this.#options = options;
    this.#filesMax = options.walFilesMax ?? WAL_FILES_MAX;
  }

  /** The WAL writer of a table, opened if it is not. */
  wal(state: TableState): WalWriter {
    this.#used.delete(state);
    this.#used.add(state);
    if (state.writer === null || state.writer.openFileCount === 0) this.#makeRoom(state);
    return state.writer ??= this.#openWal(state);
  }

  /** The writer of a table without WAL. */
  direct(state: TableState): DirectWriter {
    const { fs, core, clock, config } = this.#options;
    return state.direct ??= new DirectWriter({
      fs,
      core,
      clock,
      tableDir: state.tableDir,
      durability: state.durability,
      writer: tableWriterOptions(config),
      onCommit: (metadata) => {
        state.snapshots.invalidate();
        state.metadata = metadata;
        state.tableMetadataVersion = metadata.metadataVersion;
      },
    });
  }

  #openWal(state: TableState): WalWriter {
    const { fs, core, clock, config, bootId, onOpen, onCommit } = this.#options;
    onOpen(state);
    const { sequencer, metadata } = state;
    assert(sequencer !== null && metadata !== null, "the table has a WAL");
    using reader = state.snapshots.acquire(state.isBusy);
    // What an earlier process left in memory only must not be behind a mark that says it is durable.
    syncTail(fs, state.tableDir, { log: sequencer.log, appliedTxn: state.appliedTxn });
    return new WalWriter({
      fs,
      core,
      clock,
      tableDir: state.tableDir,
      tableName: state.token.name,
      sequencer,
      metadata,
      bootId,
      commitMode: config.commitMode,
      segmentRowsMax: config.walSegmentRolloverRowCount,
      segmentBytesMax: config.walSegmentRolloverBytes,
      reader,
      onCommit: () => onCommit(state),
    });
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

/**
 * Opens what the engine holds about a table. Files that do not make sense make a table that is listed but cannot be used.
 *
 * @module
 */
import { StorageError } from "../common/mod.ts";
import { type FileSystem, joinPath, type Log } from "../platform/mod.ts";
import { readTableMetadata, readTxn, recoverAlter } from "../storage/mod.ts";
import {
  columnStructureVersion,
  cutLostTransactions,
  replayStructure,
  Sequencer,
  txnLogPath,
} from "../wal/mod.ts";
import type { WasmCore } from "../wasm/mod.ts";
import type { EngineConfig } from "./engine_config.ts";
import { TableDurability } from "./table_durability.ts";
import { TableSnapshots } from "./snapshots.ts";
import { TableState } from "./table_state.ts";
import type { TableToken } from "./table_token.ts";

/** What opening a table needs. */
export interface OpenTableContext {
  readonly fs: FileSystem;
  readonly core: WasmCore;
  readonly dbRoot: string;
  readonly log: Log;
  /** Identity of the running machine, `null` if it has none. */
  readonly bootId: string | null;
  readonly config: EngineConfig;
}

/** Opens a table. Never throws for what is wrong with its files. */
export function openTableState(options: OpenTableContext, token: TableToken): TableState {
  const { fs, core } = options;
  const tableDir = joinPath(options.dbRoot, token.dirName);
  const snapshots = new TableSnapshots({ fs, core, tableDir });
  // With `sync` a commit waits for the disk anyway.
  const bootId = options.config.commitMode === "sync" ? null : options.bootId;
  const durability = new TableDurability({ fs, tableDir, bootId });
  let sequencer: Sequencer | null = null;
  try {
    recoverAlter(fs, tableDir);
    makeLastCommitDurable(fs, tableDir);
    const metadata = readTableMetadata(fs, tableDir);
    const { seqTxn } = readTxn(fs, tableDir, metadata.partitionBy);
    if (token.type === 1) cutLost(options, tableDir, seqTxn);
    if (token.type === 1 || token.type === 2) sequencer = Sequencer.open(fs, tableDir);
    if (sequencer !== null && sequencer.lastTxn < seqTxn) {
      throw new StorageError(txnLogPath(tableDir), "log ends before what the table has applied", {
        lastTxn: sequencer.lastTxn,
        seqTxn,
      });
    }
    const state = new TableState(token, tableDir, {
      snapshots,
      durability,
      sequencer,
      metadata,
      appliedTxn: seqTxn,
      failure: null,
    });
    refreshMetadata(fs, state);
    return state;
  } catch (error) {
    sequencer?.close();
    return new TableState(token, tableDir, {
      snapshots,
      durability,
      sequencer: null,
      metadata: null,
      appliedTxn: 0,
      failure: error instanceof Error ? error : new Error(String(error)),
    });
  }
}

/**
 * A process that was killed in the last step of a table commit has left a transaction that everybody sees and that is not on the disk.
 * Its WAL may go from now on, and other transactions are committed behind it, so it must be. All but `_txn` was synced before, or since by
 * `settleTables`; names of files, too, but for those that were being replaced.
 */
function makeLastCommitDurable(fs: FileSystem, tableDir: string): void {
  const path = joinPath(tableDir, "_txn");
  if (fs.stat(path) === null) return; // told by whoever reads it
  using file = fs.open(path, "readWrite");
  file.syncData();
  fs.syncDir(tableDir);
}

/**
 * Reads a table's metadata and brings the columns to where the sequencer is, which may be ahead of the table.
 *
 * @throws {StorageError} if a file does not make sense.
 */
export function refreshMetadata(fs: FileSystem, state: TableState): void {
  const { sequencer, tableDir } = state;
  const metadata = readTableMetadata(fs, tableDir);
  state.tableMetadataVersion = metadata.metadataVersion;
  state.metadata = metadata;
  if (sequencer === null) return;
  const from = columnStructureVersion(readTxn(fs, tableDir, metadata.partitionBy));
  const to = sequencer.structureVersion;
  if (from > to) {
    throw new StorageError(txnLogPath(tableDir), "log is behind the table's structure", {
      structureVersion: to,
      tableStructureVersion: from,
    });
  }
  const steps = replayStructure(fs, tableDir, { metadata, from, to });
  state.metadata = steps.at(-1)?.metadata ?? metadata;
}

/**
 * Gives up the transactions of a table's log that may have gone with the machine's power.
 *
 * @param appliedTxn Last transaction that the table has applied.
 */
export function cutLost(
  options: Pick<OpenTableContext, "fs" | "log" | "bootId">,
  tableDir: string,
  appliedTxn: number,
): void {
  const { fs, log, bootId } = options;
  if (bootId === null) return;
  const count = cutLostTransactions(fs, tableDir, { bootId, appliedTxn });
  if (count === 0) return;
  log.critical("engine", "transactions that were not durable were lost with the machine's power", {
    dir: tableDir,
    transactions: count,
  });
}

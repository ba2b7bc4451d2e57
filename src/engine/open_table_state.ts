/**
 * Opens what the engine holds about a table. Files that do not make sense make a table that is listed but cannot be used.
 *
 * @module
 */
import { joinPath } from "../platform/mod.ts";
import type { FileSystem } from "../platform/mod.ts";
import { readTableMetadata, readTxn } from "../storage/mod.ts";
import { Sequencer } from "../wal/mod.ts";
import type { WasmCore } from "../wasm/mod.ts";
import { TableSnapshots } from "./snapshots.ts";
import { TableState } from "./table_state.ts";
import type { TableToken } from "./table_token.ts";

/** Opens a table. Never throws for what is wrong with its files. */
export function openTableState(
  options: { fs: FileSystem; core: WasmCore; dbRoot: string },
  token: TableToken,
): TableState {
  const { fs, core } = options;
  const tableDir = joinPath(options.dbRoot, token.dirName);
  const snapshots = new TableSnapshots({ fs, core, tableDir });
  let sequencer: Sequencer | null = null;
  try {
    const metadata = readTableMetadata(fs, tableDir);
    const { seqTxn } = readTxn(fs, tableDir, metadata.partitionBy);
    if (token.type === 1 || token.type === 2) sequencer = Sequencer.open(fs, tableDir);
    return new TableState(token, tableDir, {
      snapshots,
      sequencer,
      metadata,
      appliedTxn: seqTxn,
      failure: null,
    });
  } catch (error) {
    sequencer?.close();
    return new TableState(token, tableDir, {
      snapshots,
      sequencer: null,
      metadata: null,
      appliedTxn: 0,
      failure: error instanceof Error ? error : new Error(String(error)),
    });
  }
}

/**
 * Finds the tables of a root: what the registry says, and directories it does not mention.
 *
 * A directory without a registry entry is a table without WAL, or a WAL table whose registry was lost, or a WAL table whose
 * CREATE was cut off before its registry entry. The last never had a transaction and its creation was never acknowledged,
 * so it is removed.
 *
 * @module
 */
import { QuestError } from "../common/mod.ts";
import { type FileSystem, joinPath, type Log } from "../platform/mod.ts";
import {
  readTableMetadata,
  readTableName,
  readTxn,
  readTxnVersion,
  recoverAlter,
} from "../storage/mod.ts";
import { TxnLog } from "../wal/mod.ts";
import { isMarkedDropped } from "./dropped_tables.ts";
import type { TableRegistry } from "./table_registry.ts";
import type { TableKind, TableToken } from "./table_token.ts";

/** Id of a table whose metadata cannot be read. */
export const UNKNOWN_TABLE_ID = -1;

/** What was found. */
export interface DiscoveredTables {
  readonly tokens: readonly TableToken[];
  /** Directories of dropped tables that are still there. */
  readonly droppedDirs: readonly string[];
}

/** Where to look. */
export interface DiscoveryContext {
  readonly fs: FileSystem;
  readonly dbRoot: string;
  readonly registry: TableRegistry;
  readonly log: Log;
}

/** Lists the tables; adopted WAL tables get a registry entry. */
export function discoverTables(context: DiscoveryContext): DiscoveredTables {
  const { fs, dbRoot, registry, log } = context;
  for (const { name, dirName } of registry.lost) {
    log.critical("engine", "table is gone: its directory is not there", {
      table: name,
      dir: dirName,
    });
  }
  const tokens: TableToken[] = registry.entries().map((entry) => ({
    name: entry.name,
    dirName: entry.dirName,
    id: entry.id,
    isWal: entry.kind !== 0,
    type: entry.kind,
  }));
  const knownDirs = new Set(tokens.map((token) => token.dirName));
  const names = new Set(tokens.map((token) => token.name.toLowerCase()));
  const droppedDirs: string[] = [];
  for (const { name: dirName, isDirectory } of fs.readDir(dbRoot)) {
    if (!isDirectory || knownDirs.has(dirName)) continue;
    if (registry.isRemoved(dirName)) {
      droppedDirs.push(dirName);
      continue;
    }
    const tableDir = joinPath(dbRoot, dirName);
    if (isMarkedDropped(fs, tableDir)) {
      fs.syncDir(tableDir); // it must not come back
      droppedDirs.push(dirName);
      continue;
    }
    if (fs.stat(joinPath(tableDir, "_txn")) === null) {
      if (fs.stat(joinPath(tableDir, "_meta")) === null) continue;
      // Of a CREATE that was cut off, or of a table that lost it: nothing tells which, so it stays.
      fs.syncDir(tableDir);
      log.critical(
        "engine",
        "directory ignored: it has no _txn and the registry does not know it",
        {
          dir: dirName,
        },
      );
      continue;
    }
    const token = inspectDirectory(context, dirName);
    if (token === null) {
      log.info("engine", "removing a table whose creation was cut off", { dir: dirName });
      droppedDirs.push(dirName);
    } else if (names.has(token.name.toLowerCase())) {
      log.critical("engine", "directory ignored: another table has its name", {
        dir: dirName,
        table: token.name,
      });
    } else {
      if (token.isWal) registry.add(token);
      names.add(token.name.toLowerCase());
      tokens.push(token);
    }
  }
  return { tokens, droppedDirs };
}

/** Makes a token of an unregistered directory; `null` if it is what a cut-off CREATE left. */
function inspectDirectory(context: DiscoveryContext, dirName: string): TableToken | null {
  const { fs, dbRoot, registry } = context;
  const tableDir = joinPath(dbRoot, dirName);
  if (isUnfinished(fs, tableDir)) return null;
  try {
    recoverAlter(fs, tableDir); // a change that was cut off may have left no `_meta`
    const name = readTableName(fs, tableDir) ?? dirName.replace(/~.*$/, "");
    const { tableId: id, isWalEnabled: isWal } = readTableMetadata(fs, tableDir);
    if (isWal && registry.isComplete && isUntouched(fs, tableDir)) return null;
    return { name, dirName, id, isWal, type: kindOf(fs, tableDir, isWal) };
  } catch (error) {
    if (!(error instanceof QuestError)) throw error;
    // Listed, so that somebody sees it; every use reads the files again and tells what is wrong.
    const isWal = dirName.includes("~");
    return {
      name: dirName.replace(/~.*$/, ""),
      dirName,
      id: UNKNOWN_TABLE_ID,
      isWal,
      type: isWal ? 1 : 0,
    };
  }
}

/** True for a table whose `_txn`, which is written last and before any directory is made, never got its bytes. */
function isUnfinished(fs: FileSystem, tableDir: string): boolean {
  if (fs.readDir(tableDir).some((entry) => entry.isDirectory)) return false;
  try {
    return readTxnVersion(fs, tableDir) === 0 && !isWhole(fs, tableDir);
  } catch (error) {
    if (!(error instanceof QuestError)) throw error;
    return true; // too short for a version
  }
}

function isWhole(fs: FileSystem, tableDir: string): boolean {
  try {
    readTxn(fs, tableDir, readTableMetadata(fs, tableDir).partitionBy);
    return true;
  } catch (error) {
    if (!(error instanceof QuestError)) throw error;
    return false;
  }
}

/** True for a table that never had a transaction, neither in its log nor in its own files. */
function isUntouched(fs: FileSystem, tableDir: string): boolean {
  const { partitionBy } = readTableMetadata(fs, tableDir);
  const { txn, seqTxn, partitions } = readTxn(fs, tableDir, partitionBy);
  if (txn !== 0 || seqTxn !== 0 || partitions.length > 0) return false;
  if (fs.stat(`${tableDir}/txn_seq/_txnlog`) === null) return true;
  using log = TxnLog.open(fs, tableDir, "read");
  return log.lastTxn === 0;
}

function kindOf(fs: FileSystem, tableDir: string, isWal: boolean): TableKind {
  if (fs.stat(`${tableDir}/_view`) !== null) return 3;
  if (fs.stat(`${tableDir}/_mv`) !== null) return 2;
  return isWal ? 1 : 0;
}

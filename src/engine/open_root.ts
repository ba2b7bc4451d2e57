/**
 * Opens what a root consists of, in an order that leaves nothing half open.
 *
 * @module
 */
import {
  type Clock,
  type FileHandle,
  type FileSystem,
  type Log,
  parentPath,
  type Random,
  type Timers,
} from "../platform/mod.ts";
import { settleTables } from "../storage/mod.ts";
import { hasSegments } from "../wal/mod.ts";
import type { TaskRunner, WasmCore } from "../wasm/mod.ts";
import { convertTables } from "./convert_tables.ts";
import { discoverTables } from "./discover_tables.ts";
import type { EngineConfig } from "./engine_config.ts";
import { cutLost, openTableState } from "./open_table_state.ts";
import {
  checkStorageVersion,
  lockDatabaseRoot,
  openDataId,
  readBootId,
  TableIds,
} from "./root_files.ts";
import { TableRegistry } from "./table_registry.ts";
import type { TableState } from "./table_state.ts";

/** What an engine is opened with. */
export interface EngineOptions {
  /** Install root: the parent of `conf/`. */
  readonly root: string;
  /** Database root, normally `<root>/db`. Created if missing. */
  readonly dbRoot: string;
  readonly config: EngineConfig;
  readonly fs: FileSystem;
  /** Core of the calling thread. */
  readonly core: WasmCore;
  /** Runs `walTasks`; owned by the caller, who disposes it after the engine. */
  readonly tasks: TaskRunner;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Defaults to the event loop's timers. */
  readonly timers?: Timers;
  /** Identity of this run of the machine; by default what Linux says. Another one tells that un-synced data may be lost. */
  readonly bootId?: string;
  /** Files that WAL writers keep open together, about; a default when left out. */
  readonly walFilesMax?: number;
}

/** What an engine starts from. */
export interface EngineParts {
  readonly lock: FileHandle;
  readonly bootId: string | null;
  readonly dataId: string;
  readonly registry: TableRegistry;
  readonly tableIds: TableIds;
  readonly states: TableState[];
  readonly droppedDirs: readonly string[];
}

/**
 * Takes a root and opens it.
 *
 * @throws {StorageError} if another process holds the root, or a file of the root itself is corrupt; the root is free again then.
 */
export function openRoot(options: EngineOptions): EngineParts {
  const { fs, dbRoot } = options;
  if (fs.stat(dbRoot) === null) fs.mkdir(dbRoot);
  // Names that a killed process has made and that are seen from now on must not go with the machine's power.
  fs.syncDir(parentPath(dbRoot));
  fs.syncDir(dbRoot);
  const lock = lockDatabaseRoot(fs, dbRoot);
  try {
    return openParts(options, lock);
  } catch (error) {
    lock.close();
    throw error;
  }
}

function openParts(options: EngineOptions, lock: FileHandle): EngineParts {
  const { fs, dbRoot, random, log } = options;
  const dataId = openDataId(fs, dbRoot, random);
  checkStorageVersion(fs, dbRoot);
  const bootId = options.bootId ?? readBootId(fs);
  settle(options, bootId);
  const registry = TableRegistry.open(fs, dbRoot);
  convertTables({ fs, dbRoot, registry, log, clock: options.clock });
  const { tokens, droppedDirs } = discoverTables({ fs, dbRoot, registry, log });
  const highestId = tokens.reduce((highest, { id }) => Math.max(highest, id), 0);
  const tableIds = TableIds.open(fs, dbRoot, highestId);
  const states = tokens.map((token) => openTableState({ ...options, bootId }, token));
  return { lock, bootId, dataId, registry, tableIds, states, droppedDirs };
}

/** Makes whole and durable what a process that was not closed has left of tables. */
function settle(options: EngineOptions, bootId: string | null): void {
  const { fs, dbRoot, log } = options;
  const settled = settleTables(fs, dbRoot, {
    bootId,
    canApplyAgain: (tableDir, seqTxn) => {
      cutLost({ fs, log, bootId }, tableDir, seqTxn);
      return hasSegments(fs, tableDir, seqTxn);
    },
  });
  for (const { dirName, outcome, reason } of settled) {
    const table = { dir: dirName };
    if (outcome === "left") {
      log.critical("engine", "table is left as a loss of power left it", { ...table, reason });
    } else if (outcome === "restored") {
      log.info("engine", "table goes on from its last durable state", table);
    }
  }
}

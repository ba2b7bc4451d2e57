/**
 * Creates a table: its files, its sequencer, `_txn`, its registry entry, in this order and each durable before the next. A crash
 * before `_txn` leaves a directory that is no table and that another CREATE replaces; before the registry entry, one that the next
 * start removes.
 *
 * @module
 */
import {
  isStoredType,
  isTimestamp,
  PartitionBy,
  TableError,
  UnsupportedTypeError,
} from "../common/mod.ts";
import { type Clock, type FileSystem, joinPath } from "../platform/mod.ts";
import { createTableFiles, readTableMetadata, type TableDefinition } from "../storage/mod.ts";
import { createSequencerFiles, saveInitialMetadata } from "../wal/mod.ts";
import type { EngineConfig } from "./engine_config.ts";
import type { TableIds } from "./root_files.ts";
import { checkColumnNames, checkTableName } from "./table_names.ts";
import type { TableRegistry } from "./table_registry.ts";
import type { TableToken } from "./table_token.ts";

/** Where tables are created. */
export interface CreateTableContext {
  readonly fs: FileSystem;
  readonly dbRoot: string;
  readonly config: EngineConfig;
  readonly clock: Clock;
}

/** Creates a table whose name is free. @throws {TableError} if the definition is not allowed. */
export function createTable(
  context: CreateTableContext,
  parts: { definition: TableDefinition; registry: TableRegistry; tableIds: TableIds },
): TableToken {
  const { fs, dbRoot, config, clock } = context;
  const { definition, registry, tableIds } = parts;
  checkDefinition(definition, config);
  const isWal = definition.isWalEnabled;
  if (!isWal) removeUnfinished(fs, joinPath(dbRoot, definition.name), definition.name);
  const id = tableIds.next();
  const token: TableToken = {
    name: definition.name,
    dirName: isWal ? `${definition.name}~${id}` : definition.name,
    id,
    isWal,
    type: isWal ? 1 : 0,
  };
  const tableDir = joinPath(dbRoot, token.dirName);
  // The id is new, so a directory of this name is what an older crash left.
  if (isWal) fs.removeTree(tableDir);
  try {
    const prepare = () => {
      if (!isWal) return;
      const metadata = readTableMetadata(fs, tableDir);
      createSequencerFiles(fs, tableDir, { metadata, createMicros: clock.nowMicros() });
      saveInitialMetadata(fs, tableDir);
    };
    createTableFiles(fs, tableDir, { definition, tableId: id, prepare });
    if (isWal) registry.add(token);
  } catch (error) {
    fs.removeTree(tableDir);
    throw error;
  }
  return token;
}

/** Files of a table before it has `_txn`. */
const UNFINISHED = /^(_meta|_cv|_todo_|_name|_txn\.new|.+\.[ockv])$/;

/** Makes room where an older CREATE was cut off. @throws {TableError} if something else is there. */
function removeUnfinished(fs: FileSystem, tableDir: string, table: string): void {
  if (fs.stat(tableDir) === null) return;
  const isUnfinished = fs.stat(tableDir)!.isDirectory &&
    fs.readDir(tableDir).every(({ name, isDirectory }) => !isDirectory && UNFINISHED.test(name));
  if (!isUnfinished) throw new TableError("name is reserved", { table });
  fs.removeTree(tableDir);
}

function checkDefinition(definition: TableDefinition, config: EngineConfig): void {
  checkTableName(definition.name, config.maxFileNameLength);
  checkColumnNames(definition, config.maxFileNameLength);
  for (const { name, type } of definition.columns) {
    if (!isStoredType(type)) throw new UnsupportedTypeError(name, type);
  }
  const { timestampIndex, partitionBy } = definition;
  if (timestampIndex >= 0 && !isTimestamp(definition.columns[timestampIndex]?.type ?? 0)) {
    throw new TableError("TIMESTAMP column expected", { table: definition.name });
  }
  const isPartitioned = partitionBy !== PartitionBy.NONE;
  if (isPartitioned && timestampIndex < 0) {
    throw new TableError("partitioning is possible only on tables with designated timestamps");
  }
  if (definition.isWalEnabled && !isPartitioned) {
    throw new TableError("WAL is only supported for partitioned tables", {
      table: definition.name,
    });
  }
}

/**
 * Creates a table: its files, its sequencer, its registry entry, in this order and each durable before the next. A crash
 * before the registry entry leaves a directory that the next start removes.
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
  if (!isWal && fs.stat(joinPath(dbRoot, definition.name)) !== null) {
    throw new TableError("name is reserved", { table: definition.name });
  }
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
    createTableFiles(fs, tableDir, { definition, tableId: id });
    if (isWal) {
      const metadata = readTableMetadata(fs, tableDir);
      createSequencerFiles(fs, tableDir, { metadata, createMicros: clock.nowMicros() });
      saveInitialMetadata(fs, tableDir);
      fs.syncDir(tableDir);
      registry.add(token);
    }
  } catch (error) {
    fs.removeTree(tableDir);
    throw error;
  }
  return token;
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

/**
 * What a structural change makes of a table's columns. Pure: the sequencer and the WAL writer know the new columns long before the
 * table has them.
 *
 * @module
 */
import { assert, TableError } from "../common/mod.ts";
import {
  type AlterOperation,
  type ColumnMetadata,
  DEFAULT_INDEX_BLOCK_CAPACITY,
  DEFAULT_SYMBOL_CAPACITY,
  firstInPlace,
  liveOrder,
  type NewColumn,
  type TableMetadata,
} from "../storage/mod.ts";

/** Returns the metadata behind a change. @throws {TableError} if it names a column that is not there, or is already. */
export function changeStructure(
  metadata: TableMetadata,
  operation: AlterOperation,
): TableMetadata {
  const columns = changeColumns(metadata, operation);
  return {
    ...metadata,
    columns,
    liveColumns: liveOrder(columns),
    metadataVersion: metadata.metadataVersion + 1,
  };
}

function changeColumns(
  metadata: TableMetadata,
  operation: AlterOperation,
): readonly ColumnMetadata[] {
  const { columns } = metadata;
  const replace = (index: number, change: Partial<ColumnMetadata>) =>
    columns.map((column) => column.writerIndex === index ? { ...column, ...change } : column);
  switch (operation.kind) {
    case "addColumn":
      requireFree(metadata, operation.column.name);
      return [...columns, newColumn(operation.column, columns.length, -1)];
    case "dropColumn": {
      const { writerIndex, type } = find(metadata, operation.name);
      return replace(writerIndex, { type: -type });
    }
    case "renameColumn": {
      const { writerIndex } = find(metadata, operation.from);
      if (operation.from.toLowerCase() !== operation.to.toLowerCase()) {
        requireFree(metadata, operation.to);
      }
      return replace(writerIndex, { name: operation.to });
    }
    case "changeColumnType": {
      const old = find(metadata, operation.name);
      const column = { ...operation, name: old.name };
      return [
        ...replace(old.writerIndex, { type: -old.type }),
        newColumn(column, columns.length, firstInPlace(columns, old.writerIndex)),
      ];
    }
    case "enableDedup": {
      const keys = new Set(operation.columns.map((name) => find(metadata, name).writerIndex));
      return columns.map((one) => ({ ...one, isDedupKey: keys.has(one.writerIndex) }));
    }
    case "disableDedup":
      return columns.map((one) => ({ ...one, isDedupKey: false }));
    case "renameTable":
      return columns;
    default:
      assert(false, `${operation.kind} is structural`);
  }
}

function newColumn(column: NewColumn, writerIndex: number, replacingIndex: number): ColumnMetadata {
  return {
    name: column.name,
    type: column.type,
    writerIndex,
    isIndexed: column.isIndexed ?? false,
    indexBlockCapacity: column.indexBlockCapacity ?? DEFAULT_INDEX_BLOCK_CAPACITY,
    symbolCapacity: column.symbolCapacity ?? DEFAULT_SYMBOL_CAPACITY,
    isSymbolCached: column.isSymbolCached ?? true,
    isDedupKey: false,
    replacingIndex,
  };
}

function find(metadata: TableMetadata, name: string): ColumnMetadata {
  const wanted = name.toLowerCase();
  const column = metadata.liveColumns.find((one) => one.name.toLowerCase() === wanted);
  if (column === undefined) throw new TableError(`Invalid column: ${name}`);
  return column;
}

function requireFree(metadata: TableMetadata, name: string): void {
  const wanted = name.toLowerCase();
  if (metadata.liveColumns.some((one) => one.name.toLowerCase() === wanted)) {
    throw new TableError("column already exists", { column: name });
  }
}

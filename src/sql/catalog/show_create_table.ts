/**
 * `SHOW CREATE TABLE t`: the statement that makes an equal, empty table.
 *
 * @module
 */
import { ColumnType, partitionByName, typeName, typeTag } from "../../common/mod.ts";
import type { Engine, TableToken } from "../../engine/mod.ts";
import type { ColumnMetadata, TableMetadata } from "../../storage/mod.ts";
import { catalogColumns, type CatalogTable } from "./catalog_table.ts";
import { describeTtl } from "./ttl.ts";

/** One row with the statement. */
export function showCreateTable(engine: Engine, token: TableToken): CatalogTable {
  return {
    columns: catalogColumns("ddl VARCHAR"),
    rows: [[createTableText(token, engine.metadata(token))]],
  };
}

/** Writes the statement as QuestDB does: clauses that hold their default are left out. */
export function createTableText(token: TableToken, metadata: TableMetadata): string {
  const columns = metadata.liveColumns.map((column) => `\t${columnText(column)}`).join(",\n");
  let text = `CREATE TABLE '${token.name}' ( \n${columns}\n)`;
  const timestamp = metadata.columns[metadata.timestampIndex];
  if (timestamp === undefined) return `${text};`;
  text += ` timestamp(${timestamp.name})`;
  text += ` PARTITION BY ${partitionByName(metadata.partitionBy)}`;
  if (metadata.ttlHoursOrMonths !== 0) {
    const { value, unit } = describeTtl(metadata.ttlHoursOrMonths);
    text += ` TTL ${value} ${unit}${value === 1 ? "" : "S"}`;
  }
  if (!token.isWal) text += " BYPASS WAL";
  const keys = metadata.liveColumns.filter((column) => column.isDedupKey);
  if (keys.length > 0) text += `\nDEDUP UPSERT KEYS(${keys.map((key) => key.name).join(",")})`;
  return `${text};`;
}

function columnText(column: ColumnMetadata): string {
  let text = `${column.name} ${typeName(column.type)}`;
  if (typeTag(column.type) !== ColumnType.SYMBOL) return text;
  if (!column.isSymbolCached) text += " NOCACHE";
  if (column.isIndexed) text += ` INDEX CAPACITY ${column.indexBlockCapacity}`;
  return text;
}

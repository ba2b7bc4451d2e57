/**
 * `table_columns('t')` and `SHOW COLUMNS FROM t`.
 *
 * @module
 */
import { ColumnType, typeName, typeTag } from "../../common/mod.ts";
import type { Engine, TableToken } from "../../engine/mod.ts";
import { SymbolMapReader } from "../../storage/mod.ts";
import type { SymbolTable } from "../../wasm/mod.ts";
import { catalogColumns, type CatalogTable } from "./catalog_table.ts";

const COLUMNS = catalogColumns(
  "column STRING, type STRING, indexed BOOLEAN, indexBlockCapacity INT, symbolCached BOOLEAN, symbolCapacity INT, " +
    "symbolTableSize INT, designated BOOLEAN, upsertKey BOOLEAN",
);

/** One row a live column, in SELECT * order. */
export function tableColumnsTable(engine: Engine, token: TableToken): CatalogTable {
  const reader = engine.acquireReader(token);
  try {
    const { metadata } = reader;
    const rows = metadata.liveColumns.map((column) => {
      const isSymbol = typeTag(column.type) === ColumnType.SYMBOL;
      return [
        column.name,
        typeName(column.type),
        column.isIndexed,
        column.indexBlockCapacity,
        isSymbol && column.isSymbolCached,
        isSymbol ? column.symbolCapacity : 0,
        // Without WAL, TRUNCATE drops the symbols, too; with it they stay.
        isSymbol && (token.isWal || reader.rowCount > 0)
          ? distinctValues(reader.symbolTable(column.writerIndex))
          : 0,
        column.writerIndex === metadata.timestampIndex,
        column.isDedupKey,
      ];
    });
    return { columns: COLUMNS, rows };
  } finally {
    reader.close();
  }
}

/** QuestDB counts NULL as a value of the column. */
function distinctValues(symbols: SymbolTable): number {
  const hasNull = symbols instanceof SymbolMapReader && symbols.hasNull;
  return symbols.count + (hasNull ? 1 : 0);
}

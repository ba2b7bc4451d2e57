/**
 * SHOW statements.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import type { FileSystem } from "../../platform/mod.ts";
import type { ShowStatement } from "../ast/mod.ts";
import type { RowCursor } from "../exec/mod.ts";
import type { QueryEnvironment } from "../planner/mod.ts";
import { catalogColumns, catalogCursor, type CatalogTable } from "./catalog_table.ts";
import { requireTable } from "./lookup.ts";
import { parametersTable } from "./services.ts";
import { showCreateTable } from "./show_create_table.ts";
import { tableColumnsTable } from "./table_columns.ts";
import { tablePartitionsTable } from "./table_partitions.ts";
import { tableNamesTable } from "./tables.ts";

/** What PostgreSQL clients ask after connecting: column name and value, as QuestDB answers. */
const SETTINGS: Readonly<Record<string, readonly [string, string | number]>> = {
  "transaction_isolation": ["transaction_isolation", "read committed"],
  "max_identifier_length": ["max_identifier_length", 63],
  "standard_conforming_strings": ["standard_conforming_strings", "on"],
  "default_transaction_read_only": ["default_transaction_read_only", "off"],
  "search_path": ["search_path", '"$user", public'],
  "datestyle": ["DateStyle", "ISO,YMD"],
  "server_version_num": ["server_version_num", "123000"],
  "time zone": ["TimeZone", "UTC"],
};
const SERVER_VERSION = "12.3 (questdb)";

/** Runs a SHOW statement. @throws {SqlError} if its table does not exist. */
export function showCursor(
  statement: ShowStatement,
  environment: QueryEnvironment,
  fs: FileSystem | null,
): RowCursor {
  return catalogCursor(environment.core, showTable(statement, environment, fs));
}

function showTable(
  statement: ShowStatement,
  environment: QueryEnvironment,
  fs: FileSystem | null,
): CatalogTable {
  const { engine, core } = environment;
  const table = () => requireTable(engine, statement.name ?? "", statement.namePosition);
  switch (statement.what) {
    case "tables":
      return tableNamesTable(engine);
    case "columns":
      return tableColumnsTable(engine, table());
    case "partitions":
      return tablePartitionsTable(engine, table(), { core, fs });
    case "createTable":
      return showCreateTable(engine, table());
    case "parameters":
      return parametersTable(engine);
    case "serverVersion":
      return { columns: catalogColumns("server_version STRING"), rows: [[SERVER_VERSION]] };
    case "setting": {
      const setting = SETTINGS[statement.name ?? ""];
      if (setting === undefined) throw new SqlError(statement.position, "unknown setting");
      const [name, value] = setting;
      const type = typeof value === "number" ? "INT" : "STRING";
      return { columns: catalogColumns(`${name} ${type}`), rows: [[value]] };
    }
  }
}

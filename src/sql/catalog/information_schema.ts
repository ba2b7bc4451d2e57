/**
 * `information_schema`: tables and columns in the standard's form.
 *
 * @module
 */
import { typeName } from "../../common/mod.ts";
import type { Engine } from "../../engine/mod.ts";
import { catalogColumns, type CatalogTable, type CatalogValue } from "./catalog_table.ts";
import { postgresType } from "./postgres_types.ts";

const CATALOG = "qdb", SCHEMA = "public";

/** The tables by name. */
export const INFORMATION_SCHEMA: Readonly<Record<string, (engine: Engine) => CatalogTable>> = {
  tables,
  columns: (engine) => columnsTable(engine, (type) => postgresType(type).name),
  questdb_columns: (engine) => columnsTable(engine, typeName),
  character_sets: characterSets,
};

function tables(engine: Engine): CatalogTable {
  const columns = catalogColumns(
    "table_catalog STRING, table_schema STRING, table_name STRING, table_type STRING, " +
      "self_referencing_column_name STRING, reference_generation STRING, user_defined_type_catalog STRING, " +
      "user_defined_type_schema STRING, user_defined_type_name STRING, is_insertable_into BOOLEAN, is_typed BOOLEAN, " +
      "commit_action STRING",
  );
  const rows = engine.tables().map((token): CatalogValue[] => [
    ...[CATALOG, SCHEMA, token.name, "BASE TABLE", null, null, null, null, null],
    ...[true, false, null],
  ]);
  return { columns, rows };
}

function columnsTable(engine: Engine, nameOf: (type: number) => string): CatalogTable {
  const columns = catalogColumns(
    "table_catalog STRING, table_schema STRING, table_name STRING, column_name STRING, ordinal_position INT, " +
      "column_default STRING, is_nullable STRING, data_type STRING",
  );
  const rows = engine.tables().flatMap((token) =>
    engine.metadata(token).liveColumns.map(({ name, type }, index): CatalogValue[] => [
      ...[CATALOG, SCHEMA, token.name, name, index, null, "yes", nameOf(type)],
    ])
  );
  return { columns, rows };
}

function characterSets(): CatalogTable {
  const columns = catalogColumns(
    "character_set_catalog STRING, character_set_schema STRING, character_set_name STRING, " +
      "character_repertoire STRING, form_of_use STRING, default_collate_catalog STRING, " +
      "default_collate_schema STRING, default_collate_name STRING",
  );
  const row = [null, null, "UTF8", "UCS", "UTF8", SCHEMA, SCHEMA, "en_US.utf8"];
  // QuestDB's name of the last column ends in a blank.
  const named = columns.map((column) =>
    column.name === "default_collate_name" ? { ...column, name: `${column.name} ` } : column
  );
  return { columns: named, rows: [row] };
}

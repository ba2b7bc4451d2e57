/**
 * Table functions of the catalog by name.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import type { TableToken } from "../../engine/mod.ts";
import type { FileSystem } from "../../platform/mod.ts";
import type { FunctionRef } from "../ast/mod.ts";
import type { RowCursor } from "../exec/mod.ts";
import type { QueryEnvironment } from "../planner/mod.ts";
import { catalogCursor, type CatalogTable } from "./catalog_table.ts";
import { requireTable } from "./lookup.ts";
import { backupsTable, checkpointStatusTable } from "./services.ts";
import { tableColumnsTable } from "./table_columns.ts";
import { tablePartitionsTable } from "./table_partitions.ts";
import { tableNamesTable, tablesTable, walTablesTable } from "./tables.ts";

/** Catalog functions without arguments. */
const PLAIN: Readonly<Record<string, (environment: QueryEnvironment) => CatalogTable>> = {
  all_tables: ({ engine }) => tableNamesTable(engine),
  backups: ({ engine }) => backupsTable(engine),
  checkpoint_status: ({ engine }) => checkpointStatusTable(engine),
  tables: ({ engine }) => tablesTable(engine),
  wal_tables: ({ engine }) => walTablesTable(engine),
};

/** Catalog functions that may be written without parentheses. */
export const BARE_TABLE_FUNCTIONS: ReadonlySet<string> = new Set(Object.keys(PLAIN));

/** Makes the lookup that {@linkcode QueryEnvironment.tableFunctions} asks for. */
export function tableFunctions(
  fs: FileSystem | null,
): (reference: FunctionRef, environment: QueryEnvironment) => RowCursor | null {
  return (reference, environment) => {
    const { core, engine } = environment;
    const plain = PLAIN[reference.name];
    if (plain !== undefined) {
      checkNoArguments(reference);
      return catalogCursor(core, plain(environment));
    }
    switch (reference.name) {
      case "table_columns":
        return catalogCursor(
          core,
          tableColumnsTable(engine, tableArgument(reference, environment)),
        );
      case "table_partitions": {
        const token = tableArgument(reference, environment);
        return catalogCursor(core, tablePartitionsTable(engine, token, { core, fs }));
      }
      default:
        return null;
    }
  };
}

function checkNoArguments(reference: FunctionRef): void {
  if (reference.args.length > 0) {
    throw new SqlError(reference.position, `unexpected argument for function: ${reference.name}`);
  }
}

/** The table a function's only argument, a text, names. */
function tableArgument(reference: FunctionRef, environment: QueryEnvironment): TableToken {
  const { name, args, position } = reference;
  if (args.length === 0) {
    throw new SqlError(
      position,
      `function \`${name}\` requires arguments: ${name}(STRING constant)`,
    );
  }
  const [argument] = args;
  if (args.length > 1 || argument.kind !== "literal" || argument.literal !== "string") {
    throw new SqlError(
      argument.position,
      `argument type mismatch for function \`${name}\` at #1 expected: STRING constant`,
    );
  }
  return requireTable(environment.engine, argument.text, argument.position);
}

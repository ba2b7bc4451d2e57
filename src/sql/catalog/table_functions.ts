/**
 * Table functions of the catalog by name.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import type { Engine, TableToken } from "../../engine/mod.ts";
import type { FileSystem } from "../../platform/mod.ts";
import type { FunctionRef } from "../ast/mod.ts";
import type { RowCursor } from "../exec/mod.ts";
import type { QueryEnvironment } from "../planner/mod.ts";
import {
  EMPTY_FUNCTIONS,
  memoryMetricsTable,
  queryActivityTable,
  type RunningStatement,
} from "./activity.ts";
import { catalogCursor, type CatalogTable } from "./catalog_table.ts";
import { functionsTable, keywordsTable } from "./functions_table.ts";
import { INFORMATION_SCHEMA } from "./information_schema.ts";
import { requireTable } from "./lookup.ts";
import { PG_CATALOG } from "./pg_catalog.ts";
import { backupsTable, checkpointStatusTable } from "./services.ts";
import { tableColumnsTable } from "./table_columns.ts";
import { tablePartitionsTable } from "./table_partitions.ts";
import { tableNamesTable, tablesTable, tableStorageTable, walTablesTable } from "./tables.ts";
import { textArgument, walTransactionsTable } from "./wal_transactions.ts";

/** A catalog function without arguments. */
type PlainFunction = (environment: QueryEnvironment, context: CatalogContext) => CatalogTable;

/** What the catalog needs besides the query's environment. */
export interface CatalogContext {
  /** Where sizes are looked up; without it they are NULL. */
  readonly fs: FileSystem | null;
  /** Statements that are running. */
  readonly running: () => Iterable<RunningStatement>;
}

const PLAIN: Readonly<Record<string, PlainFunction>> = {
  ...EMPTY_FUNCTIONS,
  ...schema(PG_CATALOG, ["", "pg_catalog."]),
  ...schema(INFORMATION_SCHEMA, ["information_schema."]),
  all_tables: ({ engine }) => tableNamesTable(engine),
  backups: ({ engine }) => backupsTable(engine),
  checkpoint_status: ({ engine }) => checkpointStatusTable(engine),
  functions: functionsTable,
  keywords: keywordsTable,
  memory_metrics: ({ engine }) => memoryMetricsTable(engine),
  query_activity: (_, { running }) => queryActivityTable(running()),
  table_storage: ({ engine }, { fs }) => tableStorageTable(engine, fs),
  tables: ({ engine }) => tablesTable(engine),
  wal_tables: ({ engine }) => walTablesTable(engine),
};

/** The tables of a schema under the prefixes by which they can be named. */
function schema(
  tables: Readonly<Record<string, (engine: Engine) => CatalogTable>>,
  prefixes: readonly string[],
): Record<string, PlainFunction> {
  return Object.fromEntries(
    prefixes.flatMap((prefix) =>
      Object.entries(tables).map(([name, make]) => [
        prefix + name,
        ({ engine }: QueryEnvironment) => make(engine),
      ])
    ),
  );
}

/** Catalog functions that may be written without parentheses. */
export const BARE_TABLE_FUNCTIONS: ReadonlySet<string> = new Set(Object.keys(PLAIN));

/** Makes the lookup that {@linkcode QueryEnvironment.tableFunctions} asks for. */
export function tableFunctions(
  context: CatalogContext,
): (reference: FunctionRef, environment: QueryEnvironment) => RowCursor | null {
  return (reference, environment) => {
    const { core, engine } = environment;
    const plain = PLAIN[reference.name];
    if (plain !== undefined) {
      checkNoArguments(reference);
      return catalogCursor(core, plain(environment, context));
    }
    switch (reference.name) {
      case "table_columns":
        return catalogCursor(
          core,
          tableColumnsTable(engine, tableArgument(reference, environment)),
        );
      case "table_partitions": {
        const token = tableArgument(reference, environment);
        return catalogCursor(core, tablePartitionsTable(engine, token, { core, fs: context.fs }));
      }
      case "wal_transactions":
        return catalogCursor(core, walTransactionsTable(engine, textArgument(reference)));
      default:
        return null;
    }
  };
}

function checkNoArguments(reference: FunctionRef): void {
  if (reference.args.length > 0) {
    throw new SqlError(
      reference.position,
      `wrong number of arguments for function \`${reference.name}\`; expected: 0, provided: ${reference.args.length}`,
    );
  }
}

/** The table a function's only argument, a text, names. */
function tableArgument(reference: FunctionRef, environment: QueryEnvironment): TableToken {
  const argument = textArgument(reference);
  return requireTable(environment.engine, argument.text, argument.position);
}

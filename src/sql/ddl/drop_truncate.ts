/**
 * DROP TABLE, DROP ALL TABLES, TRUNCATE TABLE. They return when the change is committed; TRUNCATE of a WAL table becomes
 * visible when the apply reaches it.
 *
 * @module
 */
import type { DropTable, TruncateTable } from "../ast/mod.ts";
import { requireTable } from "../catalog/mod.ts";
import type { StatementEnvironment } from "./statement_environment.ts";

/** Runs DROP TABLE. @throws {SqlError} if the table does not exist, unless IF EXISTS is said. */
export function dropTable(statement: DropTable, environment: StatementEnvironment): void {
  const { engine } = environment;
  const { text, position } = statement.table;
  if (statement.ifExists && engine.findTable(text) === null) return;
  engine.dropTable(requireTable(engine, text, position));
}

/** Runs DROP ALL TABLES. */
export function dropAllTables(environment: StatementEnvironment): void {
  for (const token of environment.engine.tables()) environment.engine.dropTable(token);
}

/** Runs TRUNCATE TABLE; no table is touched unless all exist. @throws {SqlError} */
export function truncateTables(statement: TruncateTable, environment: StatementEnvironment): void {
  const { engine } = environment;
  const tokens = statement.tables
    .filter((name) => !(statement.ifExists && engine.findTable(name.text) === null))
    .map((name) => requireTable(engine, name.text, name.position));
  for (const token of tokens) engine.truncateTable(token);
}

/**
 * DROP TABLE, DROP ALL TABLES, TRUNCATE TABLE, RENAME TABLE, VACUUM TABLE. They return when the change is committed; TRUNCATE of a WAL table becomes
 * visible when the apply reaches it.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import type { DropTable, RenameTable, TruncateTable, VacuumTable } from "../ast/mod.ts";
import { requireTable } from "../catalog/mod.ts";
import type { StatementEnvironment } from "./statement_environment.ts";
import { isValidTableName } from "./table_name.ts";

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
export async function truncateTables(
  statement: TruncateTable,
  environment: StatementEnvironment,
): Promise<void> {
  const { engine } = environment;
  const tokens = statement.tables
    .filter((name) => !(statement.ifExists && engine.findTable(name.text) === null))
    .map((name) => requireTable(engine, name.text, name.position));
  for (const token of tokens) {
    const options = { keepsSymbols: statement.keepsSymbols };
    await environment.withWriter(token, () => {
      return Promise.resolve(engine.truncateTable(token, options));
    });
  }
}

/** Runs RENAME TABLE. @throws {SqlError} */
export async function renameTable(
  statement: RenameTable,
  environment: StatementEnvironment,
): Promise<void> {
  const { engine, tableDefaults } = environment;
  const { table, to } = statement;
  // QuestDB points at the start of the statement whatever is wrong.
  const token = requireTable(engine, table.text, 0);
  if (!isValidTableName(to.text, tableDefaults.maxFileNameLength)) {
    throw new SqlError(0, `invalid table name [table=${to.text}]`);
  }
  const taken = engine.findTable(to.text);
  if (taken?.dirName === token.dirName) return; // names ignore case
  if (taken !== null) {
    if (!token.isWal) throw new SqlError(0, "Rename target exists");
    throw new SqlError(
      0,
      `cannot rename table, new name is already in use [table=${table.text}, toTableName=${to.text}]`,
    );
  }
  await environment.withWriter(token, () => engine.renameTable(token, to.text));
}

/** Runs VACUUM TABLE: versions that nobody reads are removed now instead of by the timer. @throws {SqlError} */
export async function vacuumTable(
  statement: VacuumTable,
  environment: StatementEnvironment,
): Promise<void> {
  const { engine } = environment;
  const { text, position } = statement.table;
  requireTable(engine, text, position);
  if (engine.services.checkpoint?.status().inProgress) {
    throw new SqlError(position, "cannot vacuum while checkpoint is in progress");
  }
  await engine.purge();
}

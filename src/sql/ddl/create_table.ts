/**
 * CREATE TABLE with columns, LIKE, and AS SELECT.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import type { TableToken } from "../../engine/mod.ts";
import type { TableDefinition } from "../../storage/mod.ts";
import type { CreateTable } from "../ast/mod.ts";
import type { RowCursor } from "../exec/mod.ts";
import { planQuery } from "../planner/mod.ts";
import { resolveBareNames } from "../catalog/mod.ts";
import { copyRows } from "./row_copier.ts";
import type { StatementEnvironment } from "./statement_environment.ts";
import { defineFromColumns, defineFromQuery, defineLike } from "./table_definition.ts";
import { isValidTableName } from "./table_name.ts";

/** Runs the statement. @throws {SqlError} with QuestDB's text where it has one. */
export async function createTable(
  statement: CreateTable,
  environment: StatementEnvironment,
): Promise<void> {
  const { engine, tableDefaults } = environment;
  const { name } = statement;
  if (engine.findTable(name.text) !== null) {
    if (statement.ifNotExists) return;
    throw new SqlError(name.position, "table already exists");
  }
  if (!isValidTableName(name.text, tableDefaults.maxFileNameLength)) {
    throw new SqlError(
      name.position,
      `Could not create table, invalid table name [table=${name.text}]`,
    );
  }
  if (statement.query !== null) return await createTableAs(statement, environment);
  const definition = statement.like === null
    ? defineFromColumns(statement, environment)
    : defineLike(statement, environment);
  engine.createTable(definition, { ifNotExists: statement.ifNotExists });
}

/** CREATE TABLE … AS: the table goes away again if its rows cannot all be written. */
async function createTableAs(
  statement: CreateTable,
  environment: StatementEnvironment,
): Promise<void> {
  const { engine } = environment;
  const cursor = planQuery(resolveBareNames(statement.query!, engine), environment);
  try {
    const definition = defineFromQuery(statement, cursor, environment);
    const token = engine.createTable(definition, { ifNotExists: statement.ifNotExists });
    // Nobody gets in between: the lock is taken in the turn that makes the table.
    await environment.withWriter(token, async () => {
      try {
        await copyInto(token, cursor, { statement, definition, environment });
      } catch (error) {
        engine.dropTable(token);
        throw error;
      }
    });
  } finally {
    cursor.close();
  }
}

async function copyInto(
  token: TableToken,
  cursor: RowCursor,
  options: {
    statement: CreateTable;
    definition: TableDefinition;
    environment: StatementEnvironment;
  },
): Promise<void> {
  const { statement, definition, environment } = options;
  await copyRows({
    cursor,
    writer: environment.engine.rowWriter(token),
    mapping: definition.columns.map(({ type }, index) => ({ source: index, target: index, type })),
    timestampIndex: definition.timestampIndex,
    commitRows: statement.isAtomic ? Infinity : statement.batchSize ?? environment.insertBatchRows,
  }, environment);
}

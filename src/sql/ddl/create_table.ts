/**
 * CREATE TABLE with columns, LIKE, and AS SELECT.
 *
 * @module
 */
import { isStoredType, SqlError, typeName } from "../../common/mod.ts";
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
  create(definition, statement, environment);
}

/** Makes the table; only what the engine can keep true is accepted. */
function create(
  definition: TableDefinition,
  statement: CreateTable,
  environment: StatementEnvironment,
): TableToken {
  refuseUnsupported(definition, statement);
  return environment.engine.createTable(definition, { ifNotExists: statement.ifNotExists });
}

function refuseUnsupported(definition: TableDefinition, statement: CreateTable): void {
  for (const column of definition.columns) {
    if (isStoredType(column.type)) continue;
    const written = statement.columns?.find((candidate) => candidate.name.text === column.name);
    throw new SqlError(
      written?.type.position ?? statement.name.position,
      `column type is not supported yet [column=${column.name}, type=${typeName(column.type)}]`,
    );
  }
  if (statement.dedupKeys !== null) {
    throw new SqlError(statement.dedupKeys[0].position, "DEDUP is not supported yet");
  }
  if (definition.ttlHoursOrMonths !== 0) {
    throw new SqlError(
      statement.ttl?.position ?? statement.name.position,
      "TTL is not supported yet",
    );
  }
  const indexed = definition.columns.find((column) => column.isIndexed === true);
  if (indexed !== undefined) {
    throw new SqlError(
      indexPosition(statement, indexed.name),
      `INDEX is not supported yet [column=${indexed.name}]`,
    );
  }
  if (!definition.isWalEnabled) {
    const position = statement.wal === false ? statement.walPosition : statement.name.position;
    throw new SqlError(
      position,
      "tables without WAL are not supported yet, please add TIMESTAMP(column) PARTITION BY unit WAL",
    );
  }
}

function indexPosition(statement: CreateTable, name: string): number {
  const key = name.toLowerCase();
  const clause = statement.indexes.find((index) => index.column.text.toLowerCase() === key);
  const column = statement.columns?.find((candidate) => candidate.name.text.toLowerCase() === key);
  return clause?.column.position ?? column?.name.position ?? statement.name.position;
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
    const token = create(definition, statement, environment);
    try {
      await copyInto(token, cursor, { statement, definition, environment });
    } catch (error) {
      engine.dropTable(token);
      throw error;
    }
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
    writer: environment.engine.walWriter(token),
    mapping: definition.columns.map(({ type }, index) => ({ source: index, target: index, type })),
    timestampIndex: definition.timestampIndex,
    commitRows: statement.isAtomic ? Infinity : statement.batchSize ?? environment.insertBatchRows,
  }, environment);
}

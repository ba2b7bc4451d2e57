/**
 * `INSERT INTO t [(columns)] VALUES (…), …`. All rows are converted before the first is written, and committed at once:
 * the statement is atomic.
 *
 * @module
 */
import { ColumnType, SqlError, typeTag } from "../../common/mod.ts";
import { OutOfOrderRowError, type TableToken } from "../../engine/mod.ts";
import type { ColumnMetadata, TableMetadata } from "../../storage/mod.ts";
import { commitDurably } from "../../wal/mod.ts";
import type { Expression, Insert } from "../ast/mod.ts";
import { compileScalar, rowsCursor, type ScalarValue } from "../exec/mod.ts";
import { expressionToken } from "./expression_token.ts";
import { convertScalar, inconvertibleTypes, isValueInsertable } from "./implicit_conversion.ts";
import { requireColumn, timestampFault } from "./insert_target.ts";
import { literalValue, type TypedValue } from "./literal_value.ts";
import type { StatementEnvironment } from "./statement_environment.ts";

/** What an INSERT did. */
export interface InsertedRows {
  readonly rowCount: number;
  /** Resolves when the rows may be acknowledged; the table's writer is free before. */
  readonly durable: Promise<number>;
}

/** Runs the statement. @throws {SqlError} */
export async function insertValues(
  statement: Insert,
  token: TableToken,
  environment: StatementEnvironment,
): Promise<InsertedRows> {
  const { engine, core } = environment;
  const metadata = engine.metadata(token);
  const columns = targetColumns(statement, metadata);
  const rows = convertRows(statement, { columns, metadata, environment });
  const cursor = rowsCursor(
    core,
    columns.map((column) => ({ name: column.name, type: vectorType(column.type) })),
    rows,
  );
  const writer = engine.rowWriter(token);
  try {
    for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
      const vectors = metadata.columns.map((column) => {
        const index = columns.indexOf(column);
        return index < 0 ? null : batch!.vectors[index];
      });
      writer.append({ rowCount: batch.rowCount, columns: vectors });
    }
  } catch (error) {
    writer.rollback();
    throw error instanceof OutOfOrderRowError
      ? outOfOrder(error, statement, columns.findIndex(isTimestampOf(metadata)))
      : error;
  } finally {
    cursor.close();
  }
  return { rowCount: rows.length, durable: commitDurably(writer) };
}

function isTimestampOf(metadata: TableMetadata): (column: ColumnMetadata) => boolean {
  return (column) => column.writerIndex === metadata.timestampIndex;
}

/** The same error at the value that is too old. */
function outOfOrder(error: OutOfOrderRowError, statement: Insert, timestamp: number): SqlError {
  const { position } = statement.rows![error.row].values[timestamp];
  return new SqlError(position, error.message, { cause: error });
}

/** A WAL writer interns the texts of a SYMBOL column itself. */
function vectorType(type: number): number {
  return typeTag(type) === ColumnType.SYMBOL ? ColumnType.VARCHAR : type;
}

function targetColumns(statement: Insert, metadata: TableMetadata): ColumnMetadata[] {
  const columns = statement.columns === null
    ? [...metadata.liveColumns]
    : statement.columns.map((name) => requireColumn(metadata, name));
  const hasTimestamp = metadata.timestampIndex < 0 ||
    columns.some(isTimestampOf(metadata));
  // QuestDB counts the first row's values before it misses the timestamp.
  checkRowLength(statement, 0, columns.length);
  if (!hasTimestamp) throw new SqlError(0, "insert statement must populate timestamp");
  return columns;
}

function checkRowLength(statement: Insert, row: number, expected: number): void {
  const actual = statement.rows![row].values.length;
  if (actual === expected) return;
  throw new SqlError(
    statement.rowEnds[row],
    `row value count does not match column count [expected=${expected}, actual=${actual}, tuple=${
      row + 1
    }]`,
  );
}

interface Target {
  readonly columns: readonly ColumnMetadata[];
  readonly metadata: TableMetadata;
  readonly environment: StatementEnvironment;
}

function convertRows(statement: Insert, target: Target): ScalarValue[][] {
  const { columns, metadata } = target;
  return statement.rows!.map(({ values }, row) => {
    checkRowLength(statement, row, columns.length);
    return values.map((expression, index) => {
      const column = columns[index];
      const isTimestamp = column.writerIndex === metadata.timestampIndex;
      return isTimestamp
        ? convertTimestamp(expression, { column, row, target })
        : convertValue(expression, column, target);
    });
  });
}

function evaluate(expression: Expression, environment: StatementEnvironment): TypedValue {
  const literal = literalValue(expression);
  if (literal !== null) return literal;
  const compiled = compileScalar(expression, environment);
  return { type: compiled.type, value: compiled.value() };
}

function convertValue(
  expression: Expression,
  column: ColumnMetadata,
  target: Target,
): ScalarValue {
  const { type, value } = evaluate(expression, target.environment);
  if (!isValueInsertable(type, column.type)) {
    throw inconvertibleTypes(
      expression.position,
      { type, text: expressionToken(expression) },
      column,
    );
  }
  try {
    return convertScalar(value, type, column.type);
  } catch (error) {
    // Symbols are converted while the statement is compiled, so that their errors have a place.
    if (!(error instanceof SqlError) || typeTag(type) !== ColumnType.SYMBOL) throw error;
    throw new SqlError(expression.position, error.message, { cause: error });
  }
}

/** The designated timestamp: never NULL, within its range, and errors tell the row. */
function convertTimestamp(
  expression: Expression,
  place: { column: ColumnMetadata; row: number; target: Target },
): ScalarValue {
  let value: ScalarValue;
  try {
    value = convertValue(expression, place.column, place.target);
  } catch (error) {
    const isValueError = error instanceof SqlError &&
      error.message.startsWith("inconvertible value") && error.message.endsWith("TIMESTAMP]");
    if (!isValueError) throw error;
    throw new SqlError(error.position, `${error.message} tuple: ${place.row}`, { cause: error });
  }
  const fault = timestampFault(value as bigint | null, place.column.type);
  if (fault !== null) throw new SqlError(expression.position, fault);
  return value;
}

/**
 * `INSERT INTO t [(columns)] SELECT …`.
 *
 * @module
 */
import { ColumnType, isTimestamp, SqlError, typeName, typeTag } from "../../common/mod.ts";
import type { TableToken } from "../../engine/mod.ts";
import type { TableMetadata } from "../../storage/mod.ts";
import type { Insert } from "../ast/mod.ts";
import type { RowCursor } from "../exec/mod.ts";
import { planQuery } from "../planner/mod.ts";
import { resolveBareNames } from "../catalog/mod.ts";
import { inconvertibleTypes, isInsertable } from "./implicit_conversion.ts";
import { requireColumn } from "./insert_target.ts";
import { type ColumnMapping, copyRows } from "./row_copier.ts";
import type { StatementEnvironment } from "./statement_environment.ts";

/** Runs the statement. @returns Rows inserted. @throws {SqlError} */
export async function insertSelect(
  statement: Insert,
  token: TableToken,
  environment: StatementEnvironment,
): Promise<number> {
  const { engine } = environment;
  const metadata = engine.metadata(token);
  const query = resolveBareNames(statement.query!, engine);
  const cursor = planQuery(query, environment);
  try {
    const mapping = statement.columns === null
      ? mapByPosition(statement, metadata, cursor)
      : mapByName(statement, metadata, cursor);
    return await copyRows({
      cursor,
      writer: engine.rowWriter(token),
      mapping,
      timestampIndex: metadata.timestampIndex,
      commitRows: statement.isAtomic
        ? Infinity
        : statement.batchSize ?? environment.insertBatchRows,
    }, environment);
  } finally {
    cursor.close();
  }
}

function mapByName(statement: Insert, metadata: TableMetadata, cursor: RowCursor): ColumnMapping[] {
  const names = statement.columns!;
  const tablePosition = statement.table.position;
  if (names.length !== cursor.columns.length) {
    throw new SqlError(tablePosition, "column count mismatch");
  }
  const mapping = names.map((name, source): ColumnMapping => {
    const column = requireColumn(metadata, name);
    const { type, name: text } = cursor.columns[source];
    const { isNull } = selectedItem(statement, source, names.length);
    if (!isNull && !isInsertable(type, column.type)) {
      // QuestDB names the table's column of the same number.
      const { name: counted } = metadata.liveColumns[source];
      throw inconvertibleTypes(name.position, { type, text }, { ...column, name: counted });
    }
    if (column.writerIndex === metadata.timestampIndex) checkTimestampType(type, tablePosition);
    return { source, target: column.writerIndex, type: column.type };
  });
  const hasTimestamp = metadata.timestampIndex < 0 ||
    mapping.some((entry) => entry.target === metadata.timestampIndex);
  if (!hasTimestamp) {
    throw new SqlError(tablePosition, "select clause must provide timestamp column");
  }
  return mapping;
}

function mapByPosition(
  statement: Insert,
  metadata: TableMetadata,
  cursor: RowCursor,
): ColumnMapping[] {
  const columns = metadata.liveColumns;
  const timestamp = columns.findIndex((column) => column.writerIndex === metadata.timestampIndex);
  if (timestamp >= 0 && timestamp < cursor.columns.length) {
    checkTimestampType(cursor.columns[timestamp].type, statement.table.position);
  }
  if (timestamp >= cursor.columns.length) {
    throw new SqlError(statement.table.position, "select clause must provide timestamp column");
  }
  const query = statement.query!;
  if (cursor.columns.length < columns.length) {
    throw new SqlError(query.position, "not enough columns selected");
  }
  if (cursor.columns.length > columns.length) {
    throw new SqlError(statement.table.position, "column count mismatch");
  }
  return columns.map((column, source): ColumnMapping => {
    const { type, name: text } = cursor.columns[source];
    const { position, isNull } = selectedItem(statement, source, columns.length);
    if (!isNull && !isInsertable(type, column.type)) {
      throw inconvertibleTypes(position, { type, text }, column);
    }
    return { source, target: column.writerIndex, type: column.type };
  });
}

/** Where a column of the query is written, and whether it is a bare `null`, which fits every column. */
function selectedItem(
  statement: Insert,
  index: number,
  columnCount: number,
): { position: number; isNull: boolean } {
  const { items, position } = statement.query!;
  const star = items.findIndex((item) => item.expression.kind === "star");
  const own = star < 0 || index < star
    ? index
    : Math.max(star, index - (columnCount - items.length));
  const item = items[own]?.expression;
  if (item === undefined) return { position, isNull: false };
  return { position: item.position, isNull: item.kind === "literal" && item.literal === "null" };
}

/** Only a TIMESTAMP, or a text that spells one, fills the designated timestamp from a query. */
function checkTimestampType(type: number, position: number): void {
  const tag = typeTag(type);
  const isText = tag === ColumnType.STRING || tag === ColumnType.VARCHAR;
  if (isTimestamp(type) || isText) return;
  throw new SqlError(position, `expected timestamp column but type is ${typeName(type)}`);
}

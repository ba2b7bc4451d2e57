/**
 * Errors about values that do not fit their column.
 *
 * @module
 */
import { ColumnType, SqlError, typeName, typeTag } from "../../common/mod.ts";

/** Makes QuestDB's error; values are met while rows are written, so it has no position. */
export function inconvertibleValue(value: string, from: number, to: number): SqlError {
  return new SqlError(
    0,
    `inconvertible value: ${value} [${typeName(from)} -> ${typeName(to)}]`,
  );
}

/** The error about a text; single characters come without quotes. */
export function textError(value: string, from: number, to: number): SqlError {
  if (typeTag(from) === ColumnType.CHAR) return inconvertibleValue(value, from, to);
  const source = typeTag(from) === ColumnType.VARCHAR ? from : ColumnType.STRING;
  return inconvertibleValue(`\`${value}\``, source, to);
}

/**
 * UNION ALL: members brought to common column types.
 *
 * @module
 */
import { ColumnType, SqlError, typeTag } from "../../common/mod.ts";
import type { SelectQuery } from "../ast/mod.ts";
import { choiceMeet, coerce, columnExpression } from "../functions/mod.ts";
import { ProjectCursor } from "../exec/project_cursor.ts";
import type { CursorColumn, RowCursor } from "../exec/row_cursor.ts";
import { UnionAllCursor } from "../exec/union_cursor.ts";
import type { Plan } from "./plan.ts";

/** Type that two members' columns become. Texts win, dictionaries do not survive. */
function unionType(a: number, b: number): number {
  const meet = choiceMeet(a, b) ?? ColumnType.STRING;
  const isMixed = typeTag(a) !== typeTag(b);
  const isText = typeTag(meet) === ColumnType.SYMBOL ||
    (isMixed && typeTag(meet) === ColumnType.VARCHAR);
  return isText ? ColumnType.STRING : meet;
}

/** Joins the members' cursors. @throws {SqlError} if they have different numbers of columns. */
export function unionCursor(
  plan: Plan,
  members: readonly { readonly query: SelectQuery; readonly cursor: RowCursor }[],
): RowCursor {
  const [first, ...rest] = members;
  let types = first.cursor.columns.map((column) => column.type);
  for (const { query, cursor } of rest) {
    if (cursor.columns.length !== types.length) {
      throw new SqlError(query.position, "queries have different number of columns");
    }
    types = types.map((type, i) => unionType(type, cursor.columns[i].type));
  }
  const columns = first.cursor.columns.map(({ name }, i) => ({ name, type: types[i] }));
  return new UnionAllCursor(members.map(({ cursor }) => converted(plan, cursor, columns)));
}

function converted(plan: Plan, cursor: RowCursor, columns: readonly CursorColumn[]): RowCursor {
  const expressions = columns.map(({ type }, i) =>
    coerce(plan.compile, columnExpression(i, cursor.columns[i].type), { type, isExplicit: true })
  );
  return new ProjectCursor(cursor, expressions, { columns, timestampIndex: -1 });
}

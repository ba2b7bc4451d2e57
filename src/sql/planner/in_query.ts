/**
 * `text IN (SELECT …)`: the subquery runs once, before the first row.
 *
 * @module
 */
import { ColumnType, LimitError, SqlError, typeName, typeTag } from "../../common/mod.ts";
import {
  isTextual,
  type PlacedExpression,
  rowExpression,
  symbolPredicate,
  valueReader,
  type VectorExpression,
} from "../functions/mod.ts";
import type { RowCursor } from "../exec/row_cursor.ts";
import type { Plan } from "./plan.ts";

/** Values a subquery of IN may give. */
const VALUES_MAX = 10_000_000;

/** Compiles the test. @throws {SqlError} if the operand is no text, as in QuestDB. */
export function inQueryExpression(
  plan: Plan,
  operand: PlacedExpression,
  subquery: { readonly cursor: RowCursor; readonly position: number },
): VectorExpression {
  const { expression } = operand;
  const { cursor, position } = subquery;
  plan.own(cursor);
  if (!isTextual(expression.type)) {
    throw new SqlError(position, `cannot compare ${typeName(expression.type)} with type CURSOR`);
  }
  const values = new Set<string | null>();
  plan.prepare(async () => {
    const { memory } = plan.compile.core;
    while (true) {
      const batch = await cursor.next();
      if (batch === null) return;
      const read = valueReader(memory, batch.vectors[0]);
      for (let row = 0; row < batch.rowCount; row++) {
        const value = read(row);
        values.add(value === null ? null : String(value));
      }
      if (values.size > VALUES_MAX) throw new LimitError("too many values", { limit: VALUES_MAX });
      await plan.execution.yieldIfDue();
    }
  });
  if (typeTag(expression.type) === ColumnType.SYMBOL) {
    // The dictionary is looked at when the first batch comes, which is after the subquery has run.
    const test = (text: string) => values.has(text);
    const isText = symbolPredicate(plan.compile, expression, { isTrueForNull: false, test });
    return { ...isText, isVolatile: true };
  }
  const test = rowExpression(
    plan.compile,
    { type: ColumnType.BOOLEAN, args: [expression] },
    (value) => value !== null && values.has(value as string),
  );
  return { ...test, isVolatile: true };
}

/**
 * UPDATE: names and types of a statement against the table's metadata.
 *
 * @module
 */
import { ColumnType, SqlError, typeName, typeTag } from "../../common/mod.ts";
import { type ColumnMetadata, findColumn, type TableMetadata } from "../../storage/mod.ts";
import type { SqlEvent } from "../../wal/mod.ts";
import { Binder, type Interval, isAggregateCall, Scope } from "../analyzer/mod.ts";
import type { Expression, Update } from "../ast/mod.ts";
import { coerce, type CompileContext, type VectorExpression } from "../functions/mod.ts";
import { planWhere } from "../planner/mod.ts";
import { isAssignable } from "./assignable.ts";
import { bindConstants } from "./bind_values.ts";
import { textAssignment } from "./text_assignment.ts";

/** What a statement is bound against. */
export interface UpdateTarget {
  readonly metadata: TableMetadata;
  readonly context: CompileContext;
  /** The statement's text. */
  readonly text: string;
  readonly bindVariables: SqlEvent["bindVariables"];
}

/** A column and its new values. */
export interface Assignment {
  readonly column: ColumnMetadata;
  /** Of the column's type. */
  readonly value: VectorExpression;
}

/** An UPDATE of one table, ready to run. */
export interface BoundUpdate {
  /** Its `used` columns are the inputs of the expressions. */
  readonly scope: Scope;
  /** Only rows of these times; `null`: all. */
  readonly intervals: readonly Interval[] | null;
  /** Only rows where it holds; `null`: all. */
  readonly condition: VectorExpression | null;
  readonly assignments: readonly Assignment[];
}

/** Binds an UPDATE without FROM. @throws {SqlError} */
export function bindUpdate(statement: Update, target: UpdateTarget): BoundUpdate {
  const { metadata, context, text, bindVariables } = target;
  const live = metadata.liveColumns;
  const columns = requireColumns(statement, metadata);
  const scope = new Scope(live.map(({ name, type }) => ({ name, type })), {
    timestampIndex: live.findIndex((column) => column.writerIndex === metadata.timestampIndex),
    names: [statement.table.text, statement.alias?.text ?? null],
  });
  const { where } = statement;
  const values = statement.assignments.map((assignment) => assignment.value);
  const replacements = bindConstants(
    context,
    where === null ? values : [...values, where],
    bindVariables,
  );
  const binder = new Binder({ context, scope, source: text, replacements });
  const assignments = statement.assignments.map(({ value }, index) => ({
    column: columns[index],
    value: bindValue(binder, value, { column: columns[index], context }),
  }));
  const planned = planWhere(context, where, { binder, scope, isTable: true });
  return { scope, ...planned, assignments };
}

/** Finds the columns that are set. @throws {SqlError} */
export function requireColumns(statement: Update, metadata: TableMetadata): ColumnMetadata[] {
  return statement.assignments.map(({ column: name }) => {
    const column = findColumn(metadata, name.text);
    if (column === null) throw new SqlError(name.position, `Invalid column: ${name.text}`);
    if (column.writerIndex === metadata.timestampIndex) {
      throw new SqlError(name.position, "Designated timestamp column cannot be updated");
    }
    return column;
  });
}

function bindValue(
  binder: Binder,
  expression: Expression,
  to: { column: ColumnMetadata; context: CompileContext },
): VectorExpression {
  const { column, context } = to;
  if (expression.kind === "call" && isAggregateCall(expression)) {
    throw new SqlError(expression.position, "Unsupported function in SET clause");
  }
  const value = binder.bind(expression);
  checkAssignable(
    { type: value.type, isConstant: value.constant !== undefined },
    column,
    expression.position,
  );
  return textAssignment(context, value, column.type) ??
    coerce(context, asInput(value), { type: column.type });
}

/** A constant text is converted when there is a row to take it, so that one that does not fit is no error before. */
function asInput(value: VectorExpression): VectorExpression {
  const tag = typeTag(value.type);
  const isConstantText = value.constant !== undefined && value.constant.value !== null &&
    (tag === ColumnType.STRING || tag === ColumnType.VARCHAR || tag === ColumnType.CHAR);
  return isConstantText ? { type: value.type, evaluate: (batch) => value.evaluate(batch) } : value;
}

/** @throws {SqlError} if the column does not take values of the type. */
export function checkAssignable(
  from: { readonly type: number; readonly isConstant: boolean },
  column: ColumnMetadata,
  position: number,
): void {
  if (isAssignable(from, column.type)) return;
  throw new SqlError(
    position,
    `inconvertible types: ${typeName(from.type)} -> ${
      typeName(column.type)
    } [from=, to=${column.name}]`,
  );
}

/**
 * Values of bind variables as they lie in the WAL.
 *
 * @module
 */
import { ColumnType, SqlError, typeTag } from "../../common/mod.ts";
import type { BindValue, SqlEvent } from "../../wal/mod.ts";
import { fixedVector } from "../../wasm/mod.ts";
import { childrenOf } from "../analyzer/mod.ts";
import type { BindVariable, Expression } from "../ast/mod.ts";
import {
  type CompileContext,
  constantExpression,
  readValue,
  type ScalarValue,
  type VectorExpression,
} from "../functions/mod.ts";

/** Finds the bind variables of expressions and what stands for them. @throws {SqlError} if one has no value. */
export function bindConstants(
  context: CompileContext,
  expressions: readonly Expression[],
  values: SqlEvent["bindVariables"],
): Map<Expression, VectorExpression> {
  const constants = new Map<Expression, VectorExpression>();
  const visit = (expression: Expression): void => {
    if (expression.kind === "bind") {
      constants.set(expression, constantOf(context, expression, values));
    }
    for (const child of childrenOf(expression)) visit(child);
  };
  for (const expression of expressions) visit(expression);
  return constants;
}

function constantOf(
  context: CompileContext,
  variable: BindVariable,
  values: SqlEvent["bindVariables"],
): VectorExpression {
  const { index, name, position } = variable;
  const value = index !== null
    ? values.indexed[index - 1]
    : values.named.find((candidate) => candidate.name === name)?.value;
  if (value === undefined) throw new SqlError(position, "undefined bind variable");
  const { type, scalar } = decode(context, value, position);
  return constantExpression(context, type, scalar);
}

function decode(
  context: CompileContext,
  value: BindValue,
  position: number,
): { type: number; scalar: ScalarValue } {
  const { type, bytes } = value;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (typeTag(type)) {
    case ColumnType.STRING:
    case ColumnType.SYMBOL: {
      const isNull = view.getInt32(0, true) < 0;
      const text = new TextDecoder("utf-16le").decode(bytes.subarray(4));
      return { type: ColumnType.STRING, scalar: isNull ? null : text };
    }
    case ColumnType.VARCHAR: {
      const isNull = view.getInt32(0, true) === -1;
      return { type, scalar: isNull ? null : new TextDecoder().decode(bytes.subarray(4)) };
    }
    case ColumnType.BINARY:
    case ColumnType.ARRAY:
      throw new SqlError(position, "bind variables of this type are not supported yet");
  }
  const { memory } = context.core;
  const data = context.arena.alloc(bytes.length);
  memory.u8.set(bytes, data);
  return { type, scalar: readValue(memory, fixedVector(type, data), 0) };
}

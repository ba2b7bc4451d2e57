/**
 * `+ - * / % & | ^`, unary minus and `~`.
 *
 * @module
 */
import { ColumnType, SqlError, typeName, typeTag } from "../../common/mod.ts";
import type { BinaryOperator } from "../ast/mod.ts";
import { coerce, foldIfConstant } from "./coerce.ts";
import { isSpecialArithmetic, specialArithmetic } from "./special_arithmetic.ts";
import { isInteger, isNullType, isNumeric, isTextual, isTime, numericMeet } from "./type_class.ts";
import {
  type CompileContext,
  kernelExpression,
  operandOf,
  type VectorExpression,
} from "./vector_expression.ts";

/** Codes of core-wasm/expr/arithmetic.ts. */
const CODES: Readonly<Partial<Record<BinaryOperator, number>>> = {
  "+": 0,
  "-": 1,
  "*": 2,
  "/": 3,
  "%": 4,
  "&": 5,
  "|": 6,
  "^": 7,
};
const BITWISE_CODE = 5;

/** An operator and its operands. */
export interface BinaryOperation {
  readonly operator: BinaryOperator;
  readonly left: VectorExpression;
  readonly right: VectorExpression;
  readonly position: number;
}

/** QuestDB's error for operands an operator has no variant for. */
export function noMatchingOperator(operation: BinaryOperation): SqlError {
  const { operator, left, right, position } = operation;
  return new SqlError(
    position,
    `there is no matching operator \`${operator}\` with the argument types: ` +
      `${typeName(left.type)} ${operator} ${typeName(right.type)}`,
  );
}

/** Tells whether the operator is arithmetic. */
export function isArithmetic(operator: BinaryOperator): boolean {
  return CODES[operator] !== undefined;
}

/** Types to compute in and to call the result. `null` if the operator takes no such operands. */
function resultTypes(operation: BinaryOperation): { compute: number; result: number } | null {
  const { operator, left, right } = operation;
  let a = left.type, b = right.type;
  if (isNullType(a) && isNullType(b)) return { compute: ColumnType.INT, result: ColumnType.INT };
  if (isNullType(a) || (isTextual(a) && isNumeric(b))) a = b;
  if (isNullType(b) || (isTextual(b) && isNumeric(a))) b = a;
  if (!isNumeric(a) || !isNumeric(b)) return null;
  const compute = numericMeet(a, b);
  const isBitwise = CODES[operator]! >= BITWISE_CODE;
  if (isBitwise && !(isInteger(a) && isInteger(b))) return null;
  const isSum = operator === "+" || operator === "-";
  if (!isSum || typeTag(compute) !== ColumnType.LONG || !(isTime(a) || isTime(b))) {
    return { compute, result: compute };
  }
  // A difference of two times is a LONG, unless the right one is constant: QuestDB adds its negation then.
  const isDifference = operator === "-" && isTime(left.type) && isTime(right.type) &&
    !isLiteral(right);
  return { compute, result: isTime(left.type) && !isDifference ? a : ColumnType.LONG };
}

/** Known before the statement is run. */
function isLiteral(expression: VectorExpression): boolean {
  return expression.constant !== undefined && expression.isOfStatement !== true;
}

/** QuestDB moves dates as timestamps, and takes constant ones away so; what is added to a time is taken as it is. */
function withMovedDates(context: CompileContext, operation: BinaryOperation): BinaryOperation {
  const { operator, left, right } = operation;
  if (operator !== "+" && operator !== "-") return operation;
  const isDate = ({ type }: VectorExpression) => typeTag(type) === ColumnType.DATE;
  const isDifference = operator === "-" && isTime(right.type);
  const isMoved = isInteger(right.type) || isTime(right.type) || isNullType(right.type);
  const movesLeft = isDate(left) && isMoved && (!isDifference || isLiteral(right));
  const movesRight = isDifference && isTime(left.type) && isDate(right) && isLiteral(right);
  const move = (expression: VectorExpression) =>
    coerce(context, expression, { type: ColumnType.TIMESTAMP });
  return {
    ...operation,
    left: movesLeft ? move(left) : left,
    right: movesRight ? move(right) : right,
  };
}

/**
 * Compiles an arithmetic operator.
 *
 * @throws {SqlError} `there is no matching operator …`.
 */
export function arithmeticExpression(
  context: CompileContext,
  operation: BinaryOperation,
): VectorExpression {
  if (isSpecialArithmetic(operation)) return specialArithmetic(context, operation);
  const moved = withMovedDates(context, operation);
  const types = resultTypes(moved);
  if (types === null) throw noMatchingOperator(operation);
  const isFloat = typeTag(types.compute) === ColumnType.FLOAT;
  const compute = isFloat ? ColumnType.DOUBLE : types.compute;
  const a = coerce(context, moved.left, { type: compute });
  const b = coerce(context, moved.right, { type: compute });
  const { kernels } = context.core;
  const code = CODES[operation.operator]!;
  const kernel = compute === ColumnType.DOUBLE
    ? kernels.arithF64
    : compute === ColumnType.LONG
    ? kernels.arithI64
    : kernels.arithI32;
  const type = isFloat ? ColumnType.DOUBLE : types.result;
  const expression = kernelExpression(context, type, (batch, out) => {
    const x = operandOf(a, batch), y = operandOf(b, batch);
    kernel(code, x.pointer, x.stride, y.pointer, y.stride, out, batch.rowCount);
  });
  const result = isFloat
    ? coerce(context, expression, { type: ColumnType.FLOAT, isExplicit: true })
    : expression;
  return foldIfConstant(context, result, [a, b]);
}

/** Unary operators of core-wasm/expr/arithmetic.ts that work on all numbers. */
export type UnaryCode = 0 | 1 | 2;

/** Compiles a unary operator: 0 minus, 1 absolute value, 2 bitwise not. */
export function unaryExpression(
  context: CompileContext,
  code: UnaryCode,
  operand: VectorExpression,
): VectorExpression {
  const { kernels } = context.core;
  const type = typeTag(operand.type);
  const isNarrow = type === ColumnType.BYTE || type === ColumnType.SHORT;
  const isFloat = type === ColumnType.FLOAT;
  const compute = isNullType(type) || isNarrow
    ? ColumnType.INT
    : isFloat
    ? ColumnType.DOUBLE
    : operand.type;
  const a = coerce(context, operand, { type: compute });
  const kernel = compute === ColumnType.DOUBLE
    ? kernels.unaryF64
    : compute === ColumnType.INT
    ? kernels.unaryI32
    : kernels.unaryI64;
  // `-ts` is a LONG.
  const result = isTime(compute) ? ColumnType.LONG : compute;
  const expression = kernelExpression(context, result, (batch, out) => {
    kernel(code, a.evaluate(batch).data, out, batch.rowCount);
  });
  const back = isNarrow || isFloat
    ? coerce(context, expression, { type, isExplicit: true })
    : expression;
  return foldIfConstant(context, back, [a]);
}

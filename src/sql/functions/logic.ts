/**
 * AND, OR, NOT, IN, BETWEEN.
 *
 * @module
 */
import { ColumnType, parseIpv4, parseUuid, SqlError, typeName, typeTag } from "../../common/mod.ts";
import { comparisonExpression, isNullExpression, notExpression } from "./comparison.ts";
import { coerce, foldIfConstant } from "./coerce.ts";
import { isSpecial } from "./special_comparison.ts";
import { symbolPredicate } from "./symbol_predicate.ts";
import { isNullType, isNumeric, isReal, isTextual, isTime } from "./type_class.ts";
import { parseText } from "./value_text.ts";
import {
  type CompileContext,
  constantExpression,
  kernelExpression,
  type VectorExpression,
} from "./vector_expression.ts";

/** An operand with its place in the statement. */
export interface PlacedExpression {
  readonly expression: VectorExpression;
  readonly position: number;
  /** Of the operator it stands left of, where errors point there. */
  readonly operatorPosition?: number;
}

/** Compiles AND (`isOr` false) or OR of two conditions; a constant side decides or vanishes. */
export function connective(
  context: CompileContext,
  isOr: boolean,
  operands: readonly [PlacedExpression, PlacedExpression],
): VectorExpression {
  for (const { expression, position } of operands) {
    if (typeTag(expression.type) === ColumnType.BOOLEAN) continue;
    const actual = typeName(expression.type);
    throw new SqlError(position, `expression type mismatch, expected: BOOLEAN, actual: ${actual}`);
  }
  const [a, b] = operands.map((operand) => operand.expression);
  if (a.constant !== undefined) return a.constant.value === isOr ? a : b;
  if (b.constant !== undefined) return b.constant.value === isOr ? b : a;
  return combine(context, { isOr, a, b });
}

function combine(
  context: CompileContext,
  { isOr, a, b }: { isOr: boolean; a: VectorExpression; b: VectorExpression },
): VectorExpression {
  const { kernels } = context.core;
  const kernel = isOr ? kernels.booleanOr : kernels.booleanAnd;
  const expression = kernelExpression(context, ColumnType.BOOLEAN, (batch, out) => {
    kernel(a.evaluate(batch).data, b.evaluate(batch).data, out, batch.rowCount);
  });
  return foldIfConstant(context, expression, [a, b]);
}

/** Compiles NOT. @throws {SqlError} if the operand is no condition. */
export function negation(context: CompileContext, operand: PlacedExpression): VectorExpression {
  if (typeTag(operand.expression.type) !== ColumnType.BOOLEAN) {
    const actual = typeName(operand.expression.type);
    throw new SqlError(
      operand.position,
      `argument type mismatch for function \`not\` at #1 expected: BOOLEAN, actual: ${actual}`,
    );
  }
  return notExpression(context, operand.expression);
}

/** Compiles `operand BETWEEN low AND high`; the bounds may come in either order. */
export function betweenExpression(
  context: CompileContext,
  options: {
    operand: PlacedExpression;
    low: PlacedExpression;
    high: PlacedExpression;
    position: number;
  },
): VectorExpression {
  const { operand, low, high, position } = options;
  if ([operand, low, high].some(({ expression }) => isSpecial(expression.type))) {
    const actual = (place: PlacedExpression, index: number) =>
      ` at #${index} expected: TIMESTAMP, actual: ${typeName(place.expression.type)}`;
    throw new SqlError(
      high.position,
      `argument type mismatch for function \`between\`${actual(operand, 1)}${actual(low, 2)}${
        actual(high, 3)
      }`,
    );
  }
  const test = (operator: ">=" | "<=", bound: PlacedExpression) =>
    comparisonExpression(context, {
      operator,
      left: operand.expression,
      right: bound.expression,
      position,
      leftPosition: operand.position,
      rightPosition: bound.position,
    });
  const forward = combine(context, { isOr: false, a: test(">=", low), b: test("<=", high) });
  const backward = combine(context, { isOr: false, a: test(">=", high), b: test("<=", low) });
  return combine(context, { isOr: true, a: forward, b: backward });
}

/**
 * Compiles `operand IN (list)` over constants and expressions (no timestamp intervals).
 *
 * @throws {SqlError} `cannot compare …`.
 */
export function inExpression(
  context: CompileContext,
  operand: PlacedExpression,
  list: readonly PlacedExpression[],
): VectorExpression {
  if (isSpecial(operand.expression.type)) return inSpecial(context, operand, list);
  const { expression } = operand;
  if (typeTag(expression.type) === ColumnType.BOOLEAN) checkFlags(operand, list);
  if (typeTag(expression.type) === ColumnType.CHAR) checkLetters(list);
  const numbers = textNumbers(context, expression.type, list);
  if (numbers !== null) return inExpression(context, operand, numbers);
  for (const item of list) checkComparable(expression, item);
  const isConstantList = list.every((item) => item.expression.constant !== undefined);
  if (
    typeTag(expression.type) === ColumnType.SYMBOL && isConstantList &&
    expression.constant === undefined
  ) {
    const texts = new Set(list.map((item) => textOf(item.expression)));
    return symbolPredicate(context, expression, {
      isTrueForNull: texts.has(null),
      test: (text) => texts.has(text),
    });
  }
  const tests = list.map((item) =>
    isNullType(item.expression.type)
      ? isNullExpression(context, expression)
      : comparisonExpression(context, {
        operator: "=",
        left: expression,
        right: item.expression,
        position: operand.position,
        leftPosition: operand.position,
        rightPosition: item.position,
      })
  );
  return tests.reduce(
    (a, b) => combine(context, { isOr: true, a, b }),
    constantExpression(context, ColumnType.BOOLEAN, false),
  );
}

function checkFlags(operand: PlacedExpression, list: readonly PlacedExpression[]): void {
  if (!list.some((item) => isTextual(item.expression.type))) return;
  throw new SqlError(
    operand.operatorPosition ?? operand.position,
    `there is no matching operator \`in\` with the argument type: ${
      typeName(operand.expression.type)
    }`,
  );
}

function checkLetters(list: readonly PlacedExpression[]): void {
  for (const { expression, position } of list) {
    const value = expression.constant?.value;
    const isText = typeof value === "string" && value.length > 1;
    if (isText) throw new SqlError(position, "CHAR constant expected");
  }
}

/** Constant texts in a list about numbers, read as numbers; `null` if there are none. */
function textNumbers(
  context: CompileContext,
  type: number,
  list: readonly PlacedExpression[],
): PlacedExpression[] | null {
  const isNumber = isNumeric(type) && !isTime(type);
  const isTextItem = ({ expression }: PlacedExpression) =>
    isTextual(expression.type) && typeof expression.constant?.value === "string";
  if (!isNumber || !list.some(isTextItem)) return null;
  const target = isReal(type) ? ColumnType.DOUBLE : ColumnType.LONG;
  return list.map((item) => {
    if (!isTextItem(item)) return item;
    const text = String(item.expression.constant?.value);
    const value = parseText(text, target);
    if (value === undefined) {
      throw new SqlError(item.position, `invalid ${typeName(target)} value [${text}]`);
    }
    return { ...item, expression: constantExpression(context, target, value) };
  });
}

/** IN over UUID, IPv4 and LONG256; the other types without kernels have none. */
function inSpecial(
  context: CompileContext,
  operand: PlacedExpression,
  list: readonly PlacedExpression[],
): VectorExpression {
  const { expression } = operand;
  const tag = typeTag(expression.type);
  if (tag === ColumnType.LONG256) {
    const low = coerce(context, expression, { type: ColumnType.LONG, isExplicit: true });
    return inExpression(context, { ...operand, expression: low }, list);
  }
  if (tag !== ColumnType.UUID && tag !== ColumnType.IPV4) {
    throw new SqlError(
      operand.operatorPosition ?? operand.position,
      `there is no matching operator \`in\` with the argument type: ${typeName(expression.type)}`,
    );
  }
  const tests = list.flatMap((item) => {
    const text = item.expression.constant?.value;
    if (isNullType(item.expression.type)) return [isNullExpression(context, expression)];
    if (tag === ColumnType.IPV4 && typeof text === "string" && parseIpv4(text) === null) return [];
    if (tag === ColumnType.UUID && typeof text === "string" && parseUuid(text) === null) {
      throw new SqlError(item.position, `invalid UUID value [${text}]`);
    }
    return [comparisonExpression(context, {
      operator: "=",
      left: expression,
      right: item.expression,
      position: operand.position,
      leftPosition: operand.position,
      rightPosition: item.position,
    })];
  });
  return tests.reduce(
    (a, b) => combine(context, { isOr: true, a, b }),
    constantExpression(context, ColumnType.BOOLEAN, false),
  );
}

function textOf(expression: VectorExpression): string | null {
  const value = expression.constant?.value ?? null;
  return value === null ? null : String(value);
}

function checkComparable(operand: VectorExpression, item: PlacedExpression): void {
  const a = operand.type, b = item.expression.type;
  if (isNullType(a) || isNullType(b)) return;
  const isSameFamily = (isTextual(a) && isTextual(b)) ||
    (isNumeric(a) && isNumeric(b)) || (isTime(a) && isTextual(b)) || typeTag(a) === typeTag(b);
  if (isSameFamily) return;
  throw new SqlError(
    item.position,
    `cannot compare ${typeName(a)} with type ${typeName(b)}`,
  );
}

/** Makes sure that an expression is a condition. @throws {SqlError} `boolean expression expected`. */
export function requireCondition(
  context: CompileContext,
  operand: PlacedExpression,
): VectorExpression {
  const tag = typeTag(operand.expression.type);
  if (tag !== ColumnType.BOOLEAN) {
    throw new SqlError(operand.position, "boolean expression expected");
  }
  return coerce(context, operand.expression, { type: ColumnType.BOOLEAN });
}

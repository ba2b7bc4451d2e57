/**
 * `= != < <= > >=` over all types. NULL equals NULL.
 *
 * @module
 */
import {
  ColumnType,
  parseTimestampMicros,
  parseTimestampNanos,
  SqlError,
  typeTag,
} from "../../common/mod.ts";
import type { Batch, SymbolTable, Vector } from "../../wasm/mod.ts";
import type { BinaryOperator } from "../ast/mod.ts";
import { type BinaryOperation, noMatchingOperator } from "./arithmetic.ts";
import { coerce, foldIfConstant } from "./coerce.ts";
import { compareSpecial, isSpecial, refusesNull } from "./special_comparison.ts";
import {
  isNanos,
  isNullType,
  isNumeric,
  isTextual,
  isTime,
  numericMeet,
  timeMeet,
} from "./type_class.ts";
import { parseText } from "./value_text.ts";
import { isWhole } from "./wide_value.ts";
import { symbolPredicate } from "./symbol_predicate.ts";
import {
  type CompileContext,
  constantExpression,
  isText,
  isVariable,
  kernelExpression,
  operandOf,
  type VectorExpression,
  vectorStride,
} from "./vector_expression.ts";

/** Codes of core-wasm/expr/compare.ts. */
const CODES: Readonly<Partial<Record<BinaryOperator, number>>> = {
  "=": 0,
  "!=": 1,
  "<": 2,
  "<=": 3,
  ">": 4,
  ">=": 5,
};
const EQUAL = 0, NOT_EQUAL = 1;
/** The code with operands exchanged. */
const MIRRORED = [0, 1, 4, 5, 2, 3];

/** Comparison with the places of its operands, for errors about constants. */
export interface Comparison extends BinaryOperation {
  readonly leftPosition: number;
  readonly rightPosition: number;
}

/** Tells whether the operator compares. */
export function isComparison(operator: BinaryOperator): boolean {
  return CODES[operator] !== undefined;
}

/**
 * Compiles a comparison.
 *
 * @throws {SqlError} `there is no matching operator …`, `Invalid date …`, `inconvertible value: …`.
 */
export function comparisonExpression(
  context: CompileContext,
  comparison: Comparison,
): VectorExpression {
  const { left, right } = comparison;
  const code = CODES[comparison.operator]!;
  if (isNullType(left.type) && isNullType(right.type)) {
    return constantExpression(
      context,
      ColumnType.BOOLEAN,
      code === EQUAL || code === 3 || code === 5,
    );
  }
  if (refusesNull(left.type, right.type)) throw noMatchingOperator(comparison);
  const hasNull = isNullType(left.type) || isNullType(right.type);
  if (!hasNull && (isSpecial(left.type) || isSpecial(right.type))) {
    return compareSpecial(context, {
      ...comparison,
      code,
      compare: (inner) => comparisonExpression(context, inner),
    });
  }
  const isBoolean = [left, right].some((side) => typeTag(side.type) === ColumnType.BOOLEAN);
  if (isBoolean && !hasNull) return compareBooleans(context, comparison, code);
  const compiled = isTextual(left.type) && isTextual(right.type)
    ? compareTexts(context, comparison, code)
    : isNullType(left.type)
    ? compareWithNull(context, { ...comparison, code: MIRRORED[code], operand: right })
    : isNullType(right.type)
    ? compareWithNull(context, { ...comparison, code, operand: left })
    : compareNumbers(context, comparison, code);
  return foldIfConstant(context, compiled, [left, right]);
}

function compareBooleans(
  context: CompileContext,
  comparison: Comparison,
  code: number,
): VectorExpression {
  const fits = (side: VectorExpression) =>
    typeTag(side.type) === ColumnType.BOOLEAN || isNullType(side.type);
  if (code > NOT_EQUAL || !fits(comparison.left) || !fits(comparison.right)) {
    throw noMatchingOperator(comparison);
  }
  const a = coerce(context, comparison.left, { type: ColumnType.BOOLEAN });
  const b = coerce(context, comparison.right, { type: ColumnType.BOOLEAN });
  const { kernels } = context.core;
  const expression = kernelExpression(context, ColumnType.BOOLEAN, (batch, out) => {
    const x = operandOf(a, batch), y = operandOf(b, batch);
    kernels.compareU8(code, x.pointer, x.stride, y.pointer, y.stride, out, batch.rowCount);
  });
  return foldIfConstant(context, expression, [a, b]);
}

function compareWithNull(
  context: CompileContext,
  options: Comparison & { readonly code: number; readonly operand: VectorExpression },
): VectorExpression {
  const { operand, code } = options;
  if (typeTag(operand.type) === ColumnType.BOOLEAN) {
    return constantExpression(context, ColumnType.BOOLEAN, code === NOT_EQUAL);
  }
  if (code === 2 || code === 4) return constantExpression(context, ColumnType.BOOLEAN, false);
  const isNull = isNullExpression(context, operand);
  return code === NOT_EQUAL ? notExpression(context, isNull) : isNull;
}

/** True where the operand is NULL. */
export function isNullExpression(
  context: CompileContext,
  operand: VectorExpression,
): VectorExpression {
  const { kernels } = context.core;
  const tag = typeTag(operand.type);
  const narrow: readonly number[] = [ColumnType.BOOLEAN, ColumnType.BYTE, ColumnType.SHORT];
  if (narrow.includes(tag)) return constantExpression(context, ColumnType.BOOLEAN, false);
  if (tag === ColumnType.CHAR) return isZeroChar(context, operand);
  if (tag === ColumnType.IPV4 || isWhole(operand.type)) return isNullPattern(context, operand);
  const kind = tag === ColumnType.DOUBLE
    ? 1
    : tag === ColumnType.FLOAT
    ? 2
    : isVariable(tag)
    ? 3
    : 0;
  const size = tag === ColumnType.INT || tag === ColumnType.SYMBOL ? 4 : 8;
  const expression = kernelExpression(context, ColumnType.BOOLEAN, (batch, out) => {
    kernels.isNullRows(kind, size, operand.evaluate(batch).data, out, batch.rowCount);
  });
  return foldIfConstant(context, expression, [operand]);
}

/** True where the operand has the bytes of its type's NULL. */
function isNullPattern(context: CompileContext, operand: VectorExpression): VectorExpression {
  const { kernels } = context.core;
  const size = vectorStride(operand.type);
  const missing = constantExpression(context, operand.type, null);
  const expression = kernelExpression(context, ColumnType.BOOLEAN, (batch, out) => {
    const value = operandOf(operand, batch), pattern = operandOf(missing, batch);
    const { rowCount } = batch;
    kernels.equalRows(size, value.pointer, value.stride, pattern.pointer, 0, out, rowCount);
  });
  return foldIfConstant(context, expression, [operand]);
}

function isZeroChar(context: CompileContext, operand: VectorExpression): VectorExpression {
  const number = { ...operand, type: ColumnType.SHORT };
  const wide = coerce(context, {
    ...number,
    evaluate: (batch) => ({ ...operand.evaluate(batch), type: ColumnType.SHORT }),
  }, { type: ColumnType.INT });
  const zero = constantExpression(context, ColumnType.INT, 0);
  return numberComparison(context, { a: wide, b: zero, code: EQUAL });
}

/** 1 − operand. */
export function notExpression(
  context: CompileContext,
  operand: VectorExpression,
): VectorExpression {
  const expression = kernelExpression(context, ColumnType.BOOLEAN, (batch, out) => {
    context.core.kernels.booleanNot(operand.evaluate(batch).data, out, batch.rowCount);
  });
  return foldIfConstant(context, expression, [operand]);
}

function compareNumbers(
  context: CompileContext,
  comparison: Comparison,
  code: number,
): VectorExpression {
  const { left, right } = comparison;
  if (!isNumeric(left.type) && !isNumeric(right.type)) throw noMatchingOperator(comparison);
  if (isTextual(left.type) || isTextual(right.type)) {
    const text = isTextual(left.type) ? left : right;
    const number = text === left ? right : left;
    if (isForeignChar(text) && code <= NOT_EQUAL && !isTime(number.type)) {
      return constantExpression(context, ColumnType.BOOLEAN, code === NOT_EQUAL);
    }
    if (isForeignText(text, number.type) && code <= NOT_EQUAL) {
      return constantExpression(context, ColumnType.BOOLEAN, code === NOT_EQUAL);
    }
    const position = text === left ? comparison.leftPosition : comparison.rightPosition;
    const converted = textAs(context, text, { type: number.type, position });
    return text === left
      ? compareNumbers(context, { ...comparison, left: converted }, code)
      : compareNumbers(context, { ...comparison, right: converted }, code);
  }
  if (!isNumeric(left.type) || !isNumeric(right.type)) throw noMatchingOperator(comparison);
  const isBothTime = isTime(left.type) && isTime(right.type);
  const type = isBothTime
    ? timeMeet(left.type, right.type)
    : widened(numericMeet(left.type, right.type));
  const meet = (side: VectorExpression) =>
    coerce(context, side, {
      type: isBothTime ? type : isTime(side.type) && type === ColumnType.LONG ? side.type : type,
    });
  return numberComparison(context, { a: meet(left), b: meet(right), code });
}

/** FLOAT is compared as DOUBLE. */
function widened(type: number): number {
  return typeTag(type) === ColumnType.FLOAT ? ColumnType.DOUBLE : type;
}

/** A one-letter constant that is no digit: QuestDB compares it to integers as false. */
function isForeignChar(text: VectorExpression): boolean {
  const value = text.constant?.value;
  return typeTag(text.type) === ColumnType.CHAR && typeof value === "string" && !/\d/.test(value);
}

/** A constant that spells no number equals no BYTE, SHORT or INT; other numbers refuse it. */
function isForeignText(text: VectorExpression, type: number): boolean {
  const value = text.constant?.value;
  const tag = typeTag(type);
  const isNarrow = tag === ColumnType.BYTE || tag === ColumnType.SHORT || tag === ColumnType.INT;
  return isNarrow && typeof value === "string" && value.length > 1 &&
    parseText(value, ColumnType.LONG) === undefined;
}

/** A text operand as a number or time. */
function textAs(
  context: CompileContext,
  text: VectorExpression,
  target: { type: number; position: number },
): VectorExpression {
  const value = text.constant?.value;
  if (typeTag(target.type) === ColumnType.DATE && typeof value === "string") {
    const micros = parseTimestampMicros(value);
    if (micros === null) throw new SqlError(target.position, `Invalid date [str=${value}]`);
    return constantExpression(context, ColumnType.TIMESTAMP, micros);
  }
  if (typeTag(target.type) === ColumnType.TIMESTAMP && typeof value === "string") {
    const time = isNanos(target.type) ? parseTimestampNanos(value) : parseTimestampMicros(value);
    if (time === null) throw new SqlError(target.position, `Invalid date [str=${value}]`);
    return constantExpression(context, target.type, time);
  }
  return coerce(context, text, { type: widened(target.type) });
}

function numberComparison(
  context: CompileContext,
  { a, b, code }: { a: VectorExpression; b: VectorExpression; code: number },
): VectorExpression {
  const { kernels } = context.core;
  const tag = typeTag(a.type);
  const kernel = tag === ColumnType.DOUBLE
    ? kernels.compareF64
    : tag === ColumnType.INT
    ? kernels.compareI32
    : kernels.compareI64;
  return kernelExpression(context, ColumnType.BOOLEAN, (batch, out) => {
    const x = operandOf(a, batch), y = operandOf(b, batch);
    kernel(code, x.pointer, x.stride, y.pointer, y.stride, out, batch.rowCount);
  });
}

function compareTexts(
  context: CompileContext,
  comparison: Comparison,
  code: number,
): VectorExpression {
  const { left, right } = comparison;
  const isSymbol = (side: VectorExpression) =>
    typeTag(side.type) === ColumnType.SYMBOL && side.constant === undefined;
  if (isSymbol(left) && right.constant !== undefined) {
    return symbolToConstant(context, { symbol: left, value: right.constant.value, code });
  }
  if (isSymbol(right) && left.constant !== undefined) {
    const value = left.constant.value;
    return symbolToConstant(context, { symbol: right, value, code: MIRRORED[code] });
  }
  const asText = (side: VectorExpression) =>
    isText(side.type) ? side : coerce(context, side, { type: ColumnType.STRING });
  const a = asText(left), b = asText(right);
  const compareText = kernelExpression(context, ColumnType.BOOLEAN, (batch, out) => {
    const x = operandOf(a, batch), y = operandOf(b, batch);
    textKernel(context, { code, x, y }, { out, rowCount: batch.rowCount });
  });
  if (!isSymbol(left) || !isSymbol(right) || code > NOT_EQUAL) return compareText;
  return sameDictionary(context, { left, right, code, otherwise: compareText });
}

function textKernel(
  context: CompileContext,
  operands: {
    code: number;
    x: { stride: number; vector: Vector };
    y: { stride: number; vector: Vector };
  },
  { out, rowCount }: { out: number; rowCount: number },
): void {
  const { code, x, y } = operands;
  context.core.kernels.compareVarchar(
    code,
    x.vector.data,
    x.stride,
    x.vector.heap,
    x.vector.heapOffset,
    y.vector.data,
    y.stride,
    y.vector.heap,
    y.vector.heapOffset,
    out,
    rowCount,
  );
}

/** Two symbols of one dictionary are equal if their keys are. */
function sameDictionary(
  context: CompileContext,
  options: {
    left: VectorExpression;
    right: VectorExpression;
    code: number;
    otherwise: VectorExpression;
  },
): VectorExpression {
  const { left, right, code, otherwise } = options;
  const keys = kernelExpression(context, ColumnType.BOOLEAN, (batch, out) => {
    const a = left.evaluate(batch).data, b = right.evaluate(batch).data;
    context.core.kernels.compareI32(code, a, 4, b, 4, out, batch.rowCount);
  });
  return {
    type: ColumnType.BOOLEAN,
    evaluate(batch: Batch) {
      const isShared = left.evaluate(batch).symbols === right.evaluate(batch).symbols;
      return (isShared ? keys : otherwise).evaluate(batch);
    },
  };
}

function symbolToConstant(
  context: CompileContext,
  options: { symbol: VectorExpression; value: unknown; code: number },
): VectorExpression {
  const { symbol, code } = options;
  if (options.value === null) return compareWithNull(context, nullOperation(symbol, code));
  const text = String(options.value);
  if (code > NOT_EQUAL) {
    return symbolPredicate(context, symbol, {
      isTrueForNull: false,
      test: (value) =>
        code === 2
          ? value < text
          : code === 3
          ? value <= text
          : code === 4
          ? value > text
          : value >= text,
    });
  }
  const constant = context.arena.alloc(4);
  let known: SymbolTable | null = null;
  return kernelExpression(context, ColumnType.BOOLEAN, (batch, out) => {
    const vector = symbol.evaluate(batch);
    if (vector.symbols !== known || known === null) {
      known = vector.symbols;
      context.core.memory.i32[constant >> 2] = known!.find(text);
    } else if (context.core.memory.i32[constant >> 2] < 0) {
      context.core.memory.i32[constant >> 2] = known.find(text); // a growing dictionary may have it by now
    }
    context.core.kernels.compareI32(code, vector.data, 4, constant, 0, out, batch.rowCount);
  });
}

function nullOperation(operand: VectorExpression, code: number) {
  return {
    operator: "=" as const,
    left: operand,
    right: operand,
    position: 0,
    leftPosition: 0,
    rightPosition: 0,
    code,
    operand,
  };
}

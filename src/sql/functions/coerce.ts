/**
 * Conversion as an expression, and the folding of constants.
 *
 * @module
 */
import { ColumnType, isDecimal, isGeohash, typeTag } from "../../common/mod.ts";
import type { Batch } from "../../wasm/mod.ts";
import { type ConversionOptions, convertVector, reusableConversion } from "./convert.ts";
import { readValue } from "./scalar_value.ts";
import { type GrowingSymbolTable, internSymbols } from "./symbol_interning.ts";
import { isTime } from "./type_class.ts";
import {
  type CompileContext,
  constantExpression,
  isText,
  type VectorExpression,
} from "./vector_expression.ts";

/** What a conversion is to do. */
export interface Coercion {
  readonly type: number;
  /** Implicit by default: text that is no number is an error. */
  readonly isExplicit?: boolean;
  /** Position for errors; 0 by default, as in QuestDB, which meets bad values while it runs. */
  readonly position?: number;
}

const ONE_ROW: Batch = { rowCount: 1, vectors: [] };

/**
 * Makes an expression of another type. Constants are converted at once.
 *
 * @throws {SqlError} if the types have no conversion, or a constant text is no value of the type.
 */
export function coerce(
  context: CompileContext,
  expression: VectorExpression,
  coercion: Coercion,
): VectorExpression {
  const { type } = coercion;
  if (expression.type === type || isSameForm(expression.type, type)) {
    return retype(expression, type);
  }
  if (typeTag(expression.type) === ColumnType.NULL) return constantExpression(context, type, null);
  if (isText(expression.type) && isText(type)) return retype(expression, type);
  const options = reusableConversion(context.core, context.arena, {
    type,
    isImplicit: coercion.isExplicit !== true,
    position: coercion.position ?? 0,
  });
  const converted = {
    type,
    ...(expression.isVolatile === true ? { isVolatile: true } : {}),
    evaluate(batch: Batch) {
      options.begin();
      return convert(expression, batch, options);
    },
  };
  return expression.constant === undefined ? converted : fold(context, converted);
}

/** Values of both types look the same in memory: one plain type, under two codes at most. */
function isSameForm(a: number, b: number): boolean {
  return typeTag(a) === typeTag(b) && !isTime(a) && !isDecimal(a) && !isGeohash(a) &&
    typeTag(a) !== ColumnType.ARRAY;
}

function convert(
  expression: VectorExpression,
  batch: Batch,
  options: ConversionOptions & { symbols: GrowingSymbolTable },
) {
  const vector = expression.evaluate(batch);
  if (typeTag(options.type) === ColumnType.SYMBOL) {
    const text = isText(vector.type)
      ? vector
      : convertVector(vector, batch.rowCount, { ...options, isImplicit: true });
    return internSymbols(text, batch.rowCount, options);
  }
  return convertVector(vector, batch.rowCount, options);
}

function retype(expression: VectorExpression, type: number): VectorExpression {
  if (expression.type === type) return expression;
  return {
    ...expression,
    type,
    evaluate: (batch) => ({ ...expression.evaluate(batch), type }),
  };
}

/** Replaces an expression whose inputs are constants by its value. */
export function fold(context: CompileContext, expression: VectorExpression): VectorExpression {
  const vector = expression.evaluate(ONE_ROW);
  return constantExpression(
    context,
    expression.type,
    typeTag(expression.type) === ColumnType.DOUBLE
      ? context.core.memory.f64[vector.data >> 3] // keeps infinities and signed zeros
      : readValue(context.core.memory, vector, 0),
  );
}

/** Folds the expression if all its inputs are constants and chance has no part in it. */
export function foldIfConstant(
  context: CompileContext,
  expression: VectorExpression,
  inputs: readonly VectorExpression[],
): VectorExpression {
  if (inputs.some((input) => input.isVolatile === true)) return { ...expression, isVolatile: true };
  if (!inputs.every((input) => input.constant !== undefined)) return expression;
  const folded = fold(context, expression);
  return [expression, ...inputs].some((input) => input.isOfStatement === true)
    ? { ...folded, isOfStatement: true }
    : folded;
}

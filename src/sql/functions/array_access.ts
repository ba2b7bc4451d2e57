/**
 * `ARRAY[…]` and `array[…]`.
 *
 * @module
 */
import {
  ARRAY_DIMENSIONS_MAX,
  ARRAY_ELEMENTS_MAX,
  arrayDimensions,
  arrayType,
  type ArrayValue,
  ColumnType,
  LimitError,
  SqlError,
  typeName,
  typeTag,
} from "../../common/mod.ts";
import { coerce, foldIfConstant } from "./coerce.ts";
import type { PlacedExpression } from "./logic.ts";
import { rowExpression } from "./row_function.ts";
import { isInteger, isNullType, isTextual } from "./type_class.ts";
import {
  type CompileContext,
  constantExpression,
  type VectorExpression,
} from "./vector_expression.ts";

const { ARRAY, DOUBLE, LONG } = ColumnType;
/** Bits of a type code that name the elements. */
const ELEMENT_BITS = 0x3f << 8;
/** The type of `ARRAY[]`: its elements are of no type. */
const EMPTY_ARRAY_TYPE = arrayType(1) & ~ELEMENT_BITS;

/** One index of an access: a number, or a range whose upper end is left out of the result. */
export type ArrayIndex =
  | { readonly kind: "index"; readonly at: PlacedExpression }
  | {
    readonly kind: "range";
    readonly low: PlacedExpression;
    readonly high: PlacedExpression | null;
  };

function isArray(expression: VectorExpression): boolean {
  return typeTag(expression.type) === ARRAY;
}

/**
 * Compiles an array from its elements: numbers, or arrays of one shape.
 *
 * @throws {SqlError} `array shapes don't match`, `mixed array and non-array elements`.
 */
export function arrayLiteral(
  context: CompileContext,
  elements: readonly PlacedExpression[],
): VectorExpression {
  if (elements.length === 0) {
    const empty = { shape: [0], values: new Float64Array(0) };
    return constantExpression(context, EMPTY_ARRAY_TYPE, empty);
  }
  const [first] = elements;
  const isNested = isArray(first.expression);
  for (const { expression, position } of elements) {
    if (isArray(expression) !== isNested) {
      throw new SqlError(position, "mixed array and non-array elements");
    }
    if (!isNested) continue;
    const isSameDepth = arrayDimensions(expression.type) === arrayDimensions(first.expression.type);
    if (!isSameDepth || !isSameShape(first.expression, expression)) {
      throw new SqlError(position, "array shapes don't match");
    }
  }
  if (isNested) return nestArrays(context, elements);
  const numbers = elements.map(({ expression }) => coerce(context, expression, { type: DOUBLE }));
  const type = arrayType(1);
  const built = rowExpression(context, { type, args: numbers }, (...values) => ({
    shape: [values.length],
    values: Float64Array.from(values, (value) => value === null ? NaN : Number(value)),
  }));
  return foldIfConstant(context, built, numbers);
}

/** Constants can be compared at once; other arrays when rows are there. */
function isSameShape(a: VectorExpression, b: VectorExpression): boolean {
  if (a.constant === undefined || b.constant === undefined) return true;
  const x = a.constant.value as ArrayValue | null, y = b.constant.value as ArrayValue | null;
  return x === null || y === null || String(x.shape) === String(y.shape);
}

function nestArrays(
  context: CompileContext,
  elements: readonly PlacedExpression[],
): VectorExpression {
  const args = elements.map((element) => element.expression);
  const dimensions = arrayDimensions(args[0].type) + 1;
  if (dimensions > ARRAY_DIMENSIONS_MAX) {
    throw new SqlError(elements[0].position, "too many array dimensions");
  }
  const isEmpty = args.every((arg) => (arg.type & ELEMENT_BITS) === 0);
  const type = isEmpty ? arrayType(dimensions) & ~ELEMENT_BITS : arrayType(dimensions);
  const { position } = elements[0];
  const built = rowExpression(context, { type, args }, (...values) => {
    if (values.includes(null)) return null;
    const arrays = values as ArrayValue[];
    const [{ shape }] = arrays;
    if (arrays.some((array) => String(array.shape) !== String(shape))) {
      throw new SqlError(position, "array shapes don't match");
    }
    return {
      shape: [arrays.length, ...shape],
      values: joined(arrays.map((array) => array.values)),
    };
  });
  return foldIfConstant(context, built, args);
}

/** Puts arrays of elements behind each other. @throws {LimitError} beyond {@linkcode ARRAY_ELEMENTS_MAX}. */
export function joined(parts: readonly Float64Array[]): Float64Array {
  const count = parts.reduce((sum, part) => sum + part.length, 0);
  if (count > ARRAY_ELEMENTS_MAX) {
    throw new LimitError("array is too large", { elements: count, limit: ARRAY_ELEMENTS_MAX });
  }
  const values = new Float64Array(count);
  let at = 0;
  for (const part of parts) {
    values.set(part, at);
    at += part.length;
  }
  return values;
}

/**
 * Compiles `array[i, j, low:high]`. Indexes count from 1, negative ones from the end; fewer indexes than dimensions give an
 * array, and places outside give NULL.
 *
 * @throws {SqlError} if there are too many indexes, or one is no number, or 0.
 */
export function arrayAccess(
  context: CompileContext,
  access: { array: PlacedExpression; indexes: readonly ArrayIndex[]; position: number },
): VectorExpression {
  const { array, indexes, position } = access;
  const { expression } = array;
  if (!isArray(expression)) throw noAccess(expression, indexes, position);
  const dimensions = arrayDimensions(expression.type);
  if (indexes.length > dimensions) {
    throw new SqlError(
      placeOf(indexes[0]),
      `too many array access arguments [nDims=${dimensions}, nArgs=${indexes.length}]`,
    );
  }
  const bounds = indexes.map((index, i) => compileIndex(context, { access, index, dimension: i }));
  const args = [expression, ...bounds.flatMap((bound) => bound.args)];
  const ranges = indexes.filter((index) => index.kind === "range").length;
  const left = dimensions - indexes.length + ranges;
  const type = left === 0 ? DOUBLE : arrayType(left);
  const picked = rowExpression(context, { type, args }, (value, ...rest) => {
    if (value === null || rest.includes(null)) return null;
    let next = 0;
    const picks = bounds.map(({ args, kind }) => {
      const own = rest.slice(next, next + args.length).map(Number);
      next += args.length;
      return { kind, low: own[0], high: own[1] ?? Infinity };
    });
    for (const [i, pick] of picks.entries()) checkZero(pick.low, i, placeOf(indexes[i]));
    return pickFrom(value as ArrayValue, picks);
  });
  return foldIfConstant(context, picked, args);
}

function placeOf(index: ArrayIndex): number {
  return index.kind === "index" ? index.at.position : index.low.position;
}

function noAccess(
  array: VectorExpression,
  indexes: readonly ArrayIndex[],
  position: number,
): SqlError {
  const types = indexes.map((index) =>
    index.kind === "index" ? typeName(index.at.expression.type) : "INTERVAL"
  );
  return new SqlError(
    position,
    `there is no matching function \`[]\` with the argument types: (${
      [typeName(array.type), ...types].join(", ")
    })`,
  );
}

function compileIndex(
  context: CompileContext,
  options: {
    access: { array: PlacedExpression; indexes: readonly ArrayIndex[]; position: number };
    index: ArrayIndex;
    dimension: number;
  },
): { kind: "index" | "range"; args: VectorExpression[] } {
  const { access, index, dimension } = options;
  const places = index.kind === "index"
    ? [index.at]
    : index.high === null
    ? [index.low]
    : [index.low, index.high];
  const args = places.map((place) => {
    const { expression } = place;
    const isNumber = isInteger(expression.type) || isNullType(expression.type) ||
      isTextual(expression.type);
    if (!isNumber) throw noAccess(access.array.expression, access.indexes, access.position);
    return coerce(context, expression, { type: LONG });
  });
  const first = args[0].constant?.value;
  if (typeof first === "bigint") checkZero(Number(first), dimension, placeOf(index));
  return { kind: index.kind, args };
}

function checkZero(index: number, dimension: number, position: number): void {
  if (index !== 0) return;
  throw new SqlError(position, `array index must be non-zero [dim=${dimension + 1}, index=0]`);
}

interface Pick {
  readonly kind: "index" | "range";
  readonly low: number;
  /** Behind the last place of a range. */
  readonly high: number;
}

/** The element or part of an array that the picks name; `null` outside. */
function pickFrom(array: ArrayValue, picks: readonly Pick[]): number | ArrayValue | null {
  const { shape, values } = array;
  const spans = shape.map((length, i) => spanOf(picks[i], length));
  if (spans.some((span, i) => picks[i]?.kind === "index" && span.length === 0)) return null;
  const kept = shape.flatMap((_, i) => picks[i]?.kind === "index" ? [] : [spans[i].length]);
  const strides = stridesOf(shape);
  const count = spans.reduce((product, span) => product * span.length, 1);
  const out = new Float64Array(count);
  let next = 0;
  const walk = (level: number, at: number): void => {
    if (level === shape.length) {
      out[next++] = values[at];
      return;
    }
    const { start, length } = spans[level];
    for (let i = 0; i < length; i++) walk(level + 1, at + (start + i) * strides[level]);
  };
  if (count > 0) walk(0, 0);
  if (kept.length > 0) return { shape: kept, values: out };
  return Number.isNaN(out[0]) ? null : out[0];
}

function spanOf(pick: Pick | undefined, length: number): { start: number; length: number } {
  if (pick === undefined) return { start: 0, length };
  const resolve = (index: number) => index < 0 ? length + index : index - 1;
  const low = resolve(pick.low);
  if (pick.kind === "index") {
    return low >= 0 && low < length ? { start: low, length: 1 } : { start: 0, length: 0 };
  }
  const start = Math.min(length, Math.max(0, low));
  const end = Math.min(length, Math.max(start, resolve(pick.high)));
  return { start, length: end - start };
}

/** Elements between neighbours of each dimension. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

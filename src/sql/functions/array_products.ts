/**
 * Functions that make arrays of numbers and other arrays: `matmul`, `array_build`, `array_elem_…`, `round`.
 *
 * @module
 */
import {
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
import { joined } from "./array_access.ts";
import { coerce } from "./coerce.ts";
import type { CallSite, Overload } from "./overloads.ts";
import { rowExpression, strictRowExpression } from "./row_function.ts";
import type { ScalarValue } from "./scalar_value.ts";
import type { VectorExpression } from "./vector_expression.ts";

const { ARRAY, BOOLEAN, DOUBLE, INT, LONG } = ColumnType;

type Registry = Readonly<Record<string, readonly Overload[]>>;

const MATRIX_PRODUCT: Overload = {
  parameters: [ARRAY, ARRAY],
  compile(args, site) {
    for (const [i, { type }] of args.entries()) {
      if (arrayDimensions(type) === 2) continue;
      throw new SqlError(
        site.positions[i],
        `${i === 0 ? "left" : "right"} array is not two-dimensional`,
      );
    }
    return strictRowExpression(
      site,
      { type: arrayType(2), args },
      (a, b) => multiply(a as ArrayValue, b as ArrayValue, site),
    );
  },
};

function multiply(a: ArrayValue, b: ArrayValue, site: CallSite): ArrayValue {
  const [rows, inner] = a.shape, [height, columns] = b.shape;
  if (inner !== height) {
    throw new SqlError(
      site.positions[0],
      `left array row length doesn't match right array column length [leftRowLen=${inner}, rightColLen=${height}]`,
    );
  }
  if (rows * columns > ARRAY_ELEMENTS_MAX) {
    throw new LimitError("array is too large", { limit: ARRAY_ELEMENTS_MAX });
  }
  const values = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += a.values[i * inner + k] * b.values[k * columns + j];
      values[i * columns + j] = sum;
    }
  }
  return { shape: [rows, columns], values };
}

/** `array_build(dimensions, length, filler …)`: rows of one length, given as a number or by an array. */
const BUILD: Overload = {
  parameters: [LONG],
  isVariadic: true,
  compile(args, site) {
    const dimensions = Number(args[0].constant?.value ?? 0);
    if (dimensions !== 1 && dimensions !== 2) {
      throw new SqlError(site.positions[0], "array_build: nDims must be 1 or 2");
    }
    const fillers = args.slice(2);
    if (fillers.length === 0 || (dimensions === 1 && fillers.length !== 1)) {
      throw new SqlError(site.position, "array_build: wrong number of fillers");
    }
    const numbers = args.slice(1).map((arg) =>
      typeTag(arg.type) === ARRAY ? arg : coerce(site, arg, { type: DOUBLE })
    );
    return rowExpression(site, { type: arrayType(dimensions), args: numbers }, (size, ...rest) => {
      const length = lengthOf(size);
      const rows = rest.map((filler) => filled(filler, length));
      const shape = dimensions === 1 ? [length] : [rows.length, length];
      return { shape, values: joined(rows) };
    });
  },
};

function isArrayValue(value: ScalarValue): value is ArrayValue {
  return value !== null && typeof value === "object" && "shape" in value;
}

function lengthOf(size: ScalarValue): number {
  const length = isArrayValue(size) ? size.values.length : Math.max(0, Number(size ?? 0));
  if (length > ARRAY_ELEMENTS_MAX) {
    throw new LimitError("array is too large", { elements: length, limit: ARRAY_ELEMENTS_MAX });
  }
  return length;
}

function filled(filler: ScalarValue, length: number): Float64Array {
  const row = new Float64Array(length).fill(NaN);
  if (isArrayValue(filler)) row.set(filler.values.subarray(0, length));
  else if (filler !== null) row.fill(Number(filler));
  return row;
}

/** Folds arrays of any length place by place; NULL elements are left out. */
function elementwise(fold: (values: readonly number[]) => number): Overload {
  return {
    parameters: [ARRAY],
    isVariadic: true,
    compile(args, site) {
      for (const [i, { type }] of args.entries()) {
        if (typeTag(type) === ARRAY && arrayDimensions(type) === 1) continue;
        throw new SqlError(site.positions[i], `unsupported type: ${typeName(type)}`);
      }
      return rowExpression(site, { type: arrayType(1), args }, (...values) => {
        const arrays = values.filter((value) => value !== null) as ArrayValue[];
        if (arrays.length === 0) return null;
        const length = Math.max(...arrays.map((array) => array.values.length));
        const folded = Float64Array.from({ length }, (_, i) => {
          const present = arrays.map((array) => array.values[i] ?? NaN).filter(Number.isFinite);
          return present.length === 0 ? NaN : fold(present);
        });
        return { shape: [length], values: folded };
      });
    },
  };
}

const total = (values: readonly number[]) => values.reduce((a, b) => a + b);

const ROUND: Overload = {
  parameters: [ARRAY, INT],
  compile: (args, site) =>
    strictRowExpression(site, { type: args[0].type, args }, (array, places) => {
      const { shape, values } = array as ArrayValue;
      const factor = 10 ** Number(places);
      const round = (value: number) =>
        Math.sign(value) * Math.floor(Math.abs(value) * factor + 0.5) / factor;
      return { shape, values: values.map(round) };
    }),
};

/** Where a value would be inserted into a sorted array: behind its equals, or with `true` before them. */
function insertionPoint(args: readonly VectorExpression[], site: CallSite): VectorExpression {
  return strictRowExpression(site, { type: INT, args }, (array, value, isBefore) => {
    const { values } = array as ArrayValue;
    const wanted = Number(value);
    let low = 0, high = values.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const isLeft = isBefore === true ? values[middle] < wanted : values[middle] <= wanted;
      if (isLeft) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  });
}

/** Functions by name. */
export const ARRAY_PRODUCTS: Registry = {
  array_build: [BUILD],
  array_elem_avg: [elementwise((values) => total(values) / values.length)],
  array_elem_max: [elementwise((values) => values.reduce((a, b) => a > b ? a : b))],
  array_elem_min: [elementwise((values) => values.reduce((a, b) => a < b ? a : b))],
  array_elem_sum: [elementwise(total)],
  insertion_point: [
    { parameters: [ARRAY, DOUBLE], compile: insertionPoint },
    { parameters: [ARRAY, DOUBLE, BOOLEAN], compile: insertionPoint },
  ],
  matmul: [MATRIX_PRODUCT],
  round: [ROUND],
};

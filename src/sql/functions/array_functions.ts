/**
 * Functions over arrays. NULL elements (NaN) are left out of sums and counts.
 *
 * @module
 */
import {
  arrayDimensions,
  arrayType,
  type ArrayValue,
  ColumnType,
  SqlError,
  typeName,
} from "../../common/mod.ts";
import { stridesOf } from "./array_access.ts";
import type { Overload } from "./overloads.ts";
import { rowExpression, strictRowExpression } from "./row_function.ts";
import type { ScalarValue } from "./scalar_value.ts";

const { ARRAY, BOOLEAN, DOUBLE, INT } = ColumnType;

type Registry = Readonly<Record<string, readonly Overload[]>>;

/** A function of the elements that are not NULL. */
function summary(type: number, run: (values: readonly number[]) => ScalarValue): Overload {
  return {
    parameters: [ARRAY],
    compile: (args, site) =>
      rowExpression(site, { type, args }, (value) => {
        if (value === null) return null;
        return run(Array.from((value as ArrayValue).values).filter((v) => Number.isFinite(v)));
      }),
  };
}

/** A function that keeps the argument's dimensions. */
function mapped(
  run: (value: ArrayValue, ...rest: ScalarValue[]) => ArrayValue,
  rest: number[] = [],
) {
  const overload: Overload = {
    parameters: [ARRAY, ...rest],
    compile: (args, site) =>
      strictRowExpression(
        site,
        { type: args[0].type, args },
        (value, ...more) => run(value as ArrayValue, ...more),
      ),
  };
  return overload;
}

function requireFlat(type: number, position: number): void {
  if (arrayDimensions(type) === 1) return;
  throw new SqlError(position, `array is not one-dimensional [type=${typeName(type)}]`);
}

function sum(values: readonly number[]): number {
  // Kahan's summation, as QuestDB sums.
  let total = 0, lost = 0;
  for (const value of values) {
    const y = value - lost, t = total + y;
    lost = (t - total) - y;
    total = t;
  }
  return total;
}

function variance(values: readonly number[], isSample: boolean): number | null {
  const divisor = values.length - (isSample ? 1 : 0);
  if (divisor < 1) return null;
  const mean = sum(values) / values.length;
  return sum(values.map((value) => (value - mean) ** 2)) / divisor;
}

function deviation(isSample: boolean): Overload {
  return summary(DOUBLE, (values) => {
    const square = variance(values, isSample);
    return square === null ? null : Math.sqrt(square);
  });
}

function runningSum(value: ArrayValue): ArrayValue | null {
  if (value.values.length === 0) return null;
  let total = 0, hasValue = false;
  const values = value.values.map((element) => {
    if (Number.isFinite(element)) {
      total += element;
      hasValue = true;
    }
    return hasValue ? total : NaN;
  });
  return { shape: [values.length], values };
}

function reversed({ shape, values }: ArrayValue): ArrayValue {
  return { shape, values: values.toReversed() };
}

function sorted(value: ArrayValue, isDescending: boolean, isNullFirst: boolean): ArrayValue {
  const present = value.values.filter((element) => !Number.isNaN(element)).sort();
  if (isDescending) present.reverse();
  const values = new Float64Array(value.values.length).fill(NaN);
  values.set(present, isNullFirst ? values.length - present.length : 0);
  return { shape: value.shape, values };
}

function transposed({ shape, values }: ArrayValue): ArrayValue {
  const to = shape.toReversed();
  const strides = stridesOf(shape).reverse();
  const out = new Float64Array(values.length);
  let next = 0;
  const walk = (level: number, at: number): void => {
    if (level === to.length) {
      out[next++] = values[at];
      return;
    }
    for (let i = 0; i < to[level]; i++) walk(level + 1, at + i * strides[level]);
  };
  if (values.length > 0) walk(0, 0);
  return { shape: to, values: out };
}

function shifted({ shape, values }: ArrayValue, by: number, filler: number): ArrayValue {
  const row = shape[shape.length - 1];
  const out = values.map((_, i) => {
    const place = i % Math.max(1, row);
    const from = place - by;
    return from >= 0 && from < row ? values[i - by] : filler;
  });
  return { shape, values: out };
}

const FLATTEN: Overload = {
  parameters: [ARRAY],
  compile: (args, site) =>
    rowExpression(site, { type: arrayType(1), args }, (value) => {
      const values = (value as ArrayValue | null)?.values ?? new Float64Array(0);
      return { shape: [values.length], values };
    }),
};

const CUMULATIVE_SUM: Overload = {
  parameters: [ARRAY],
  compile: (args, site) =>
    strictRowExpression(
      site,
      { type: arrayType(1), args },
      (value) => runningSum(value as ArrayValue),
    ),
};

const POSITION: Overload = {
  parameters: [ARRAY, DOUBLE],
  compile(args, site) {
    requireFlat(args[0].type, site.positions[0]);
    return rowExpression(site, { type: INT, args }, (array, wanted) => {
      if (array === null) return null;
      const { values } = array as ArrayValue;
      const index = values.findIndex((element) =>
        wanted === null ? !Number.isFinite(element) : element === Number(wanted)
      );
      return index < 0 ? null : index + 1;
    });
  },
};

const DIMENSION_LENGTH: Overload = {
  parameters: [ARRAY, INT],
  compile(args, site) {
    const wanted = args[1].constant?.value;
    const dimensions = arrayDimensions(args[0].type);
    if (typeof wanted === "number" && (wanted < 1 || wanted > dimensions)) {
      throw new SqlError(
        site.positions[1],
        `array dimension out of bounds [dim=${wanted}, dims=${dimensions}]`,
      );
    }
    return rowExpression(
      site,
      { type: INT, args },
      (array, dimension) => (array as ArrayValue | null)?.shape[Number(dimension) - 1] ?? 0,
    );
  },
};

const DOT_PRODUCT: Overload = {
  parameters: [ARRAY, ARRAY],
  compile: (args, site) =>
    rowExpression(site, { type: DOUBLE, args }, (a, b) => {
      if (a === null || b === null) return 0; // as QuestDB
      const x = a as ArrayValue, y = b as ArrayValue;
      if (String(x.shape) !== String(y.shape)) {
        throw new SqlError(
          site.positions[0],
          `arrays have different shapes [leftShape=[${x.shape}], rightShape=[${y.shape}]]`,
        );
      }
      return sum(Array.from(x.values, (v, i) => v * y.values[i]).filter((v) => Number.isFinite(v)));
    }),
};

/** Functions over arrays, by name. */
export const ARRAY_FUNCTIONS: Registry = {
  array_sum: [summary(DOUBLE, (values) => values.length === 0 ? null : sum(values))],
  array_avg: [
    summary(DOUBLE, (values) => values.length === 0 ? null : sum(values) / values.length),
  ],
  array_count: [{
    parameters: [ARRAY],
    compile: (args, site) =>
      rowExpression(
        site,
        { type: INT, args },
        (value) =>
          value === null
            ? 0
            : Array.from((value as ArrayValue).values).filter((v) => Number.isFinite(v)).length,
      ),
  }],
  array_min: [
    summary(
      DOUBLE,
      (values) => values.length === 0 ? null : values.reduce((a, b) => a < b ? a : b),
    ),
  ],
  array_max: [
    summary(
      DOUBLE,
      (values) => values.length === 0 ? null : values.reduce((a, b) => a > b ? a : b),
    ),
  ],
  array_stddev: [deviation(true)],
  array_stddev_samp: [deviation(true)],
  array_stddev_pop: [deviation(false)],
  array_cum_sum: [CUMULATIVE_SUM],
  array_position: [POSITION],
  array_reverse: [mapped(reversed)],
  array_sort: [
    mapped((value) => sorted(value, false, false)),
    mapped((value, isDescending) => sorted(value, isDescending === true, isDescending === true), [
      BOOLEAN,
    ]),
    mapped(
      (value, isDescending, isNullFirst) =>
        sorted(value, isDescending === true, isNullFirst === true),
      [BOOLEAN, BOOLEAN],
    ),
  ],
  dim_length: [DIMENSION_LENGTH],
  dot_product: [DOT_PRODUCT],
  flatten: [FLATTEN],
  shift: [
    mapped((value, by) => shifted(value, Number(by), NaN), [INT]),
    mapped((value, by, filler) => shifted(value, Number(by), Number(filler)), [INT, DOUBLE]),
  ],
  transpose: [mapped(transposed)],
};

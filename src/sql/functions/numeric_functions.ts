/**
 * Mathematical functions.
 *
 * @module
 */
import { ColumnType, isDecimal, SqlError, typeName, typeTag } from "../../common/mod.ts";
import type { Batch } from "../../wasm/mod.ts";
import { unaryExpression } from "./arithmetic.ts";
import { choiceExpression } from "./choice.ts";
import { comparisonExpression, isNullExpression } from "./comparison.ts";
import { coerce } from "./coerce.ts";
import { connective } from "./logic.ts";
import { ANY, type CallSite, type Overload } from "./overloads.ts";
import { rowExpression, strictRowExpression } from "./row_function.ts";
import { decimalMeet, isNullType, isNumeric, isTime, numericMeet, timeMeet } from "./type_class.ts";
import {
  constantExpression,
  kernelExpression,
  operandOf,
  type VectorExpression,
} from "./vector_expression.ts";

const { BYTE, SHORT, INT, LONG, FLOAT, DOUBLE, STRING } = ColumnType;

type Registry = Readonly<Record<string, readonly Overload[]>>;

/** A function of doubles, looped over typed arrays. */
function realFunction(arity: 1 | 2, run: (x: number, y: number) => number): Overload {
  return {
    parameters: arity === 1 ? [DOUBLE] : [DOUBLE, DOUBLE],
    compile(args, site) {
      const { f64 } = site.core.memory;
      return kernelExpression(site, DOUBLE, (batch: Batch, out) => {
        const x = operandOf(args[0], batch);
        const y = arity === 1 ? x : operandOf(args[1], batch);
        const xStep = x.stride >> 3, yStep = y.stride >> 3;
        let xi = x.pointer >> 3, yi = y.pointer >> 3;
        const end = (out >> 3) + batch.rowCount;
        for (let i = out >> 3; i < end; i++, xi += xStep, yi += yStep) {
          f64[i] = run(f64[xi], f64[yi]);
        }
      });
    },
  };
}

/** A unary kernel over doubles; also for FLOAT, whose result stays FLOAT. */
function roundingKernel(code: number): readonly Overload[] {
  const overload = (type: number): Overload => ({
    parameters: [type],
    compile(args, site) {
      const a = coerce(site, args[0], { type: DOUBLE });
      const expression = kernelExpression(site, DOUBLE, (batch, out) => {
        site.core.kernels.unaryF64(code, repeated(a, batch), out, batch.rowCount);
      });
      return coerce(site, expression, { type, isExplicit: true });
    },
  });
  return [overload(FLOAT), overload(DOUBLE)];
}

function repeated(expression: VectorExpression, batch: Batch): number {
  return expression.evaluate(batch).data;
}

function absolute(type: number): Overload {
  return { parameters: [type], compile: (args, site) => unaryExpression(site, 1, args[0]) };
}

/** Powers of ten that a scale may ask for; QuestDB answers NULL beyond. */
const SCALE_MAX = 17;

/** Rounding to a number of decimals. Multiplies by the exact power, as QuestDB does, which shows in the last digit. */
function scaled(round: (magnitude: number) => number): Overload {
  return {
    parameters: [DOUBLE, INT],
    compile: (args, site) =>
      strictRowExpression(site, { type: DOUBLE, args }, (value, scale) => {
        const x = Number(value), places = Number(scale);
        if (Math.abs(places) > SCALE_MAX) return null;
        const up = 10 ** Math.abs(places);
        const down = Number(`1e-${Math.abs(places)}`);
        const [into, back] = places >= 0 ? [up, down] : [down, up];
        return Math.sign(x) * round(Math.abs(x) * into) * back;
      }),
  };
}

function halfUpScaled(): Overload {
  return {
    parameters: [DOUBLE, INT],
    compile: (args, site) =>
      strictRowExpression(site, { type: DOUBLE, args }, (value, scale) => {
        const x = Number(value), places = Number(scale);
        if (Math.abs(places) > SCALE_MAX) return null;
        const factor = 10 ** Math.abs(places);
        const magnitude = Math.abs(x);
        const rounded = places >= 0
          ? Math.floor(magnitude * factor + 0.5) / factor
          : Math.floor(magnitude / factor + 0.5) * factor;
        return Math.sign(x) * rounded;
      }),
  };
}

/** The nearest whole number, ties to even. */
function halfEven(magnitude: number): number {
  const floor = Math.floor(magnitude);
  const rest = magnitude - floor;
  if (rest !== 0.5) return Math.round(magnitude);
  return floor % 2 === 0 ? floor : floor + 1;
}

function extreme(name: string, isGreatest: boolean): Overload {
  return {
    parameters: [ANY],
    isVariadic: true,
    compile: (args, site) => compileExtreme(args, { site, name, isGreatest }),
  };
}

/** `greatest` and `least` with a decimal among whole numbers; `null` if there is none. NULL is left out. */
function decimalExtreme(
  args: readonly VectorExpression[],
  site: CallSite,
  isGreatest: boolean,
): VectorExpression | null {
  const known = args.filter((arg) => !isNullType(arg.type));
  if (!known.some((arg) => isDecimal(arg.type))) return null;
  let type: number | null = known[0].type;
  for (const arg of known.slice(1)) type = type === null ? null : decimalMeet(type, arg.type);
  if (type === null || !isDecimal(type)) return null;
  const target = type;
  return rowExpression(
    site,
    { type: target, args: known.map((arg) => coerce(site, arg, { type: target })) },
    (...values) => {
      let best: bigint | null = null;
      for (const value of values as (bigint | null)[]) {
        if (value !== null && (best === null || (value > best) === isGreatest)) best = value;
      }
      return best;
    },
  );
}

function compileExtreme(
  args: readonly VectorExpression[],
  { site, isGreatest }: { site: CallSite; name: string; isGreatest: boolean },
): VectorExpression {
  const decimal = decimalExtreme(args, site, isGreatest);
  if (decimal !== null) return decimal;
  for (const [i, arg] of args.entries()) {
    if (isNumeric(arg.type) || isNullType(arg.type)) continue;
    throw new SqlError(site.positions[i], `unsupported type: ${typeName(arg.type)}`);
  }
  const known = args.filter((arg) => !isNullType(arg.type));
  if (known.length === 0) return constantExpression(site, ColumnType.NULL, null);
  const type = known.map((arg) => arg.type).reduce((a, b) =>
    isTime(a) && isTime(b) ? timeMeet(a, b) : typeTag(a) === typeTag(b) ? a : numericMeet(a, b)
  );
  const values = known.map((arg) => coerce(site, arg, { type }));
  return values.reduce((a, b) => {
    const place = { position: site.position };
    const wins = comparisonExpression(site, {
      operator: isGreatest ? ">=" : "<=",
      left: a,
      right: b,
      ...place,
      leftPosition: 0,
      rightPosition: 0,
    });
    const condition = connective(site, true, [
      { expression: wins, ...place },
      { expression: isNullExpression(site, b), ...place },
    ]);
    return choiceExpression(site, [
      { condition, value: a, ...place },
      { condition: null, value: b, ...place },
    ]);
  });
}

const SIZE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/** Bytes as `117.7 MiB`. */
export function prettySize(bytes: number): string {
  let unit = 0, value = bytes;
  while (value >= 1024 && unit < SIZE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(1)} ${SIZE_UNITS[unit]}`;
}

/** Decimal logarithm, `NaN` for what has none. */
const signFunction = (type: number): Overload => ({
  parameters: [type],
  compile: (args, site) =>
    strictRowExpression(
      site,
      { type: type === DOUBLE ? DOUBLE : INT, args },
      (value) => Math.sign(Number(value)),
    ),
});

/** Mathematical functions by name. */
export const NUMERIC_FUNCTIONS: Registry = {
  abs: [
    absolute(BYTE),
    absolute(SHORT),
    absolute(INT),
    absolute(LONG),
    absolute(FLOAT),
    absolute(DOUBLE),
  ],
  sqrt: [realFunction(1, Math.sqrt)],
  floor: roundingKernel(3),
  ceil: roundingKernel(4),
  ceiling: roundingKernel(4),
  round: [realFunction(1, (x) => Math.floor(x + 0.5)), halfUpScaled()],
  round_half_even: [scaled(halfEven)],
  round_up: [scaled(Math.ceil)],
  round_down: [scaled(Math.floor)],
  exp: [realFunction(1, Math.exp)],
  ln: [realFunction(1, Math.log)],
  log: [realFunction(1, Math.log10)],
  power: [realFunction(2, (x, y) => x ** y)],
  sign: [signFunction(INT), signFunction(LONG), signFunction(DOUBLE)],
  sin: [realFunction(1, Math.sin)],
  cos: [realFunction(1, Math.cos)],
  tan: [realFunction(1, Math.tan)],
  cot: [realFunction(1, (x) => 1 / Math.tan(x))],
  asin: [realFunction(1, Math.asin)],
  acos: [realFunction(1, Math.acos)],
  atan: [realFunction(1, Math.atan)],
  atan2: [realFunction(2, Math.atan2)],
  degrees: [realFunction(1, (x) => x * 180 / Math.PI)],
  radians: [realFunction(1, (x) => x / 180 * Math.PI)],
  pi: [{ parameters: [], compile: (_args, site) => constantExpression(site, DOUBLE, Math.PI) }],
  greatest: [extreme("greatest", true)],
  least: [extreme("least", false)],
  size_pretty: [{
    parameters: [LONG],
    compile: (args, site) =>
      strictRowExpression(site, { type: STRING, args }, (value) => prettySize(Number(value))),
  }],
};

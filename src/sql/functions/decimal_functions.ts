/**
 * Functions over decimals. Rounding to `s` digits gives DECIMAL(whole + s, s), with one more whole digit where it may carry.
 *
 * @module
 */
import {
  ColumnType,
  DECIMAL_PRECISION_MAX,
  decimalPrecision,
  decimalScale,
  decimalType,
  SqlError,
} from "../../common/mod.ts";
import { type CallSite, DECIMAL, type Overload } from "./overloads.ts";
import { strictRowExpression } from "./row_function.ts";
import type { VectorExpression } from "./vector_expression.ts";

type Registry = Readonly<Record<string, readonly Overload[]>>;

/** Decides about the digits that fall away: `rest` of `unit`, both positive, behind an even or odd quotient. */
type Rounding = (
  rest: bigint,
  unit: bigint,
  sign: { isNegative: boolean; isOdd: boolean },
) => boolean;

const DOWN: Rounding = () => false;
const UP: Rounding = (rest) => rest > 0n;
const HALF_UP: Rounding = (rest, unit) => 2n * rest >= unit;
const HALF_EVEN: Rounding = (rest, unit, { isOdd }) =>
  2n * rest > unit || (2n * rest === unit && isOdd);
const FLOOR: Rounding = (rest, _unit, { isNegative }) => rest > 0n && isNegative;
const CEILING: Rounding = (rest, _unit, { isNegative }) => rest > 0n && !isNegative;

/** Rounds a whole number to a multiple of `unit`, given in units. */
function roundTo(value: bigint, unit: bigint, rounding: Rounding): bigint {
  const isNegative = value < 0n;
  const size = isNegative ? -value : value;
  const quotient = size / unit, rest = size % unit;
  const isUp = rounding(rest, unit, { isNegative, isOdd: quotient % 2n === 1n });
  const rounded = isUp ? quotient + 1n : quotient;
  return isNegative ? -rounded : rounded;
}

function placesOf(args: readonly VectorExpression[], site: CallSite): number {
  if (args.length < 2) return 0;
  const value = args[1].constant?.value;
  if (typeof value !== "number") throw new SqlError(site.positions[1], "constant expected");
  return Math.max(-DECIMAL_PRECISION_MAX, Math.min(DECIMAL_PRECISION_MAX, value));
}

function rounded(rounding: Rounding): Overload[] {
  const carry = rounding === DOWN ? 0 : 1;
  const compile: Overload["compile"] = (args, site) => {
    const [value] = args;
    const places = placesOf(args, site), own = decimalScale(value.type);
    const scale = Math.max(0, places);
    if (places >= own) return rescaled(value, site, places);
    const whole = decimalPrecision(value.type) - own;
    const type = decimalType(
      Math.min(DECIMAL_PRECISION_MAX, Math.max(1, whole + scale + carry)),
      scale,
    );
    const unit = 10n ** BigInt(own - places), back = 10n ** BigInt(scale - places);
    return strictRowExpression(
      site,
      { type, args: [value] },
      (number) => roundTo(number as bigint, unit, rounding) * back,
    );
  };
  return [
    { parameters: [DECIMAL], compile },
    { parameters: [DECIMAL, ColumnType.INT], compile },
  ];
}

/** Nothing to round: zeros are added. */
function rescaled(value: VectorExpression, site: CallSite, places: number): VectorExpression {
  const own = decimalScale(value.type);
  if (places === own) return value;
  const whole = decimalPrecision(value.type) - own;
  const type = decimalType(Math.min(DECIMAL_PRECISION_MAX, whole + places), places);
  const factor = 10n ** BigInt(places - own);
  return strictRowExpression(
    site,
    { type, args: [value] },
    (number) => (number as bigint) * factor,
  );
}

const ABSOLUTE: Overload = {
  parameters: [DECIMAL],
  compile: (args, site) =>
    strictRowExpression(site, { type: args[0].type, args }, (value) => {
      const number = value as bigint;
      return number < 0n ? -number : number;
    }),
};

const SIGN: Overload = {
  parameters: [DECIMAL],
  compile: (args, site) =>
    strictRowExpression(site, { type: decimalType(1, 0), args }, (value) => {
      const number = value as bigint;
      return number === 0n ? 0n : number < 0n ? -1n : 1n;
    }),
};

/** Variants for decimals of functions that other numbers have, too. */
export const DECIMAL_FUNCTIONS: Registry = {
  abs: [ABSOLUTE],
  sign: [SIGN],
  floor: rounded(FLOOR),
  ceil: rounded(CEILING),
  ceiling: rounded(CEILING),
  round: rounded(HALF_UP),
  round_half_even: rounded(HALF_EVEN),
  round_up: rounded(UP),
  round_down: rounded(DOWN),
};

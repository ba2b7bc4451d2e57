/**
 * Function signatures and how a call finds its variant: the sum of the distances from the types of the arguments to those
 * of the signature decides. Source of the distances: QuestDB's overload priorities, as far as they show in its answers.
 *
 * @module
 */
import { ColumnType, isDecimal, SqlError, typeName, typeTag } from "../../common/mod.ts";
import { coerce, foldIfConstant } from "./coerce.ts";
import type { CompileContext, VectorExpression } from "./vector_expression.ts";

const {
  ARRAY,
  BOOLEAN,
  BYTE,
  SHORT,
  CHAR,
  INT,
  LONG,
  DATE,
  TIMESTAMP,
  FLOAT,
  DOUBLE,
  STRING,
  SYMBOL,
  VARCHAR,
  NULL,
} = ColumnType;

/** Types an argument may become, nearest first. */
const PRIORITIES: Readonly<Record<number, readonly number[]>> = {
  [BOOLEAN]: [BOOLEAN],
  [ColumnType.LONG256]: [ColumnType.LONG256, LONG],
  [ColumnType.UUID]: [ColumnType.UUID, STRING, VARCHAR],
  [BYTE]: [BYTE, SHORT, INT, LONG, FLOAT, DOUBLE],
  [SHORT]: [SHORT, INT, LONG, FLOAT, DOUBLE],
  [CHAR]: [CHAR, STRING, VARCHAR],
  [INT]: [INT, LONG, FLOAT, DOUBLE, TIMESTAMP, DATE],
  [LONG]: [LONG, DOUBLE, TIMESTAMP, DATE],
  [DATE]: [DATE, TIMESTAMP, LONG, DOUBLE],
  [TIMESTAMP]: [TIMESTAMP, LONG, DATE, DOUBLE],
  [FLOAT]: [FLOAT, DOUBLE],
  [DOUBLE]: [DOUBLE],
  [STRING]: [STRING, VARCHAR, CHAR, DOUBLE, LONG, INT, FLOAT, SHORT, BYTE, TIMESTAMP, DATE, SYMBOL],
  [SYMBOL]: [SYMBOL, STRING, VARCHAR, CHAR, DOUBLE, LONG, INT, FLOAT, SHORT, BYTE, TIMESTAMP, DATE],
  [VARCHAR]: [
    VARCHAR,
    STRING,
    CHAR,
    DOUBLE,
    LONG,
    INT,
    FLOAT,
    SHORT,
    BYTE,
    TIMESTAMP,
    DATE,
    SYMBOL,
  ],
  [NULL]: [
    STRING,
    VARCHAR,
    DOUBLE,
    FLOAT,
    LONG,
    TIMESTAMP,
    DATE,
    INT,
    CHAR,
    SHORT,
    BYTE,
    BOOLEAN,
    SYMBOL,
  ],
};

/** Matches any type, which the function then sees as it is. */
export const ANY = -1;
/** Matches any text, which the function sees as STRING or VARCHAR. */
export const TEXT = -2;
/** Matches a DECIMAL of any precision and scale. */
export const DECIMAL = -3;
/** Matches what TIMESTAMP does; a TIMESTAMP_NS stays one. */
export const TIME = -4;

/** A call's surroundings. */
export interface CallSite extends CompileContext {
  /** Position of the function's name. */
  readonly position: number;
  /** Positions of the arguments. */
  readonly positions: readonly number[];
}

/** One variant of a function. */
export interface Overload {
  /** Types of the arguments: type codes, {@linkcode ANY} or {@linkcode TEXT}. */
  readonly parameters: readonly number[];
  /** Any number of further arguments of any type follow. */
  readonly isVariadic?: boolean;
  /** The value depends on chance or on the row. */
  readonly isVolatile?: boolean;
  /** Compiles a call. Arguments have the parameters' types. */
  compile(args: readonly VectorExpression[], site: CallSite): VectorExpression;
}

/** A call to be compiled. */
export interface FunctionCall {
  /** Name as written. */
  readonly name: string;
  readonly position: number;
  readonly args: readonly { readonly expression: VectorExpression; readonly position: number }[];
}

function distance(from: number, to: number): number {
  if (to === ANY) return 0;
  if (to === TIME) return distance(from, TIMESTAMP);
  if (to === DECIMAL) return isDecimal(from) ? 0 : -1;
  const tag = typeTag(from);
  if (to === TEXT) return tag === CHAR || tag === SYMBOL ? 1 : isTextType(tag) ? 0 : -1;
  return PRIORITIES[tag]?.indexOf(typeTag(to)) ?? (tag === typeTag(to) ? 0 : -1);
}

function isTextType(tag: number): boolean {
  return tag === STRING || tag === VARCHAR || tag === NULL;
}

function totalDistance(overload: Overload, types: readonly number[]): number {
  const { parameters } = overload;
  const fits = overload.isVariadic === true
    ? types.length >= parameters.length
    : types.length === parameters.length;
  if (!fits) return -1;
  let total = 0;
  for (const [i, parameter] of parameters.entries()) {
    const one = distance(types[i], parameter);
    if (one < 0) return -1;
    total += one;
  }
  return total;
}

/** `f(INT,DOUBLE)` of an unknown function. */
export function unknownFunction(call: FunctionCall): SqlError {
  const types = call.args.map((arg) => typeName(arg.expression.type)).join(",");
  return new SqlError(call.position, `unknown function name: ${call.name}(${types})`);
}

function noMatch(call: FunctionCall, overloads: readonly Overload[]): SqlError {
  const { name, position, args } = call;
  if (args.length === 0) return new SqlError(position, `function \`${name}\` requires arguments`);
  const [only] = overloads;
  if (
    overloads.length === 1 && only.isVariadic !== true && only.parameters.length !== args.length
  ) {
    const expected = only.parameters.length;
    return new SqlError(
      position,
      `wrong number of arguments for function \`${name}\`; expected: ${expected}, provided: ${args.length}`,
    );
  }
  const types = args.map((arg) => typeName(arg.expression.type)).join(", ");
  return new SqlError(
    position,
    `there is no matching function \`${name}\` with the argument types: (${types})`,
  );
}

/**
 * Picks the nearest overload and compiles the call.
 *
 * @throws {SqlError} if none fits.
 */
export function compileCall(
  context: CompileContext,
  call: FunctionCall,
  overloads: readonly Overload[],
): VectorExpression {
  const types = call.args.map((arg) => arg.expression.type);
  let best: Overload | null = null;
  let bestDistance = Infinity;
  for (const overload of overloads) {
    const total = totalDistance(overload, types);
    if (total >= 0 && total < bestDistance) {
      best = overload;
      bestDistance = total;
    }
  }
  if (best === null) throw noMatch(call, overloads);
  const args = call.args.map((arg, i) =>
    convertArgument(context, arg.expression, best.parameters[i])
  );
  const site = { ...context, position: call.position, positions: call.args.map((a) => a.position) };
  const compiled = best.compile(args, site);
  return best.isVolatile === true
    ? { ...compiled, isVolatile: true }
    : foldIfConstant(context, compiled, args);
}

function convertArgument(
  context: CompileContext,
  argument: VectorExpression,
  parameter: number | undefined,
): VectorExpression {
  if (parameter === undefined || parameter === ANY) return argument;
  if (parameter === ARRAY || parameter === DECIMAL) return argument; // of any size
  if (parameter === TIME) {
    const isFine = argument.type === ColumnType.TIMESTAMP_NS;
    return isFine ? argument : coerce(context, argument, { type: TIMESTAMP });
  }
  if (parameter !== TEXT) return coerce(context, argument, { type: parameter });
  const isVarchar = typeTag(argument.type) === VARCHAR;
  return coerce(context, argument, { type: isVarchar ? VARCHAR : STRING });
}

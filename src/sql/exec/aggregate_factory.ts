/**
 * From an aggregate call to its accumulators.
 *
 * @module
 */
import {
  ColumnType,
  DECIMAL_PRECISION_MAX,
  decimalBytes,
  decimalPrecision,
  decimalScale,
  decimalType,
  isDecimal,
  isGeohash,
  SqlError,
  typeName,
  typeTag,
} from "../../common/mod.ts";
import { type Batch, fixedVector, type Vector } from "../../wasm/mod.ts";
import {
  coerce,
  type FunctionCall,
  isSpecial,
  isText,
  lazyBuffer,
  type PlacedExpression,
  type VectorExpression,
} from "../functions/mod.ts";
import {
  type AggregateContext,
  type Aggregator,
  CountAggregator,
  ExtremeAggregator,
  KeepAggregator,
  type RowSpan,
  SumAggregator,
} from "./aggregates.ts";
import { DistinctAggregator, WholeDistinctAggregator } from "./distinct_aggregator.ts";
import { GrowableBuffer } from "./query_memory.ts";
import {
  covarianceFold,
  DISTANCE_FOLD,
  modeFold,
  TIME_WEIGHTED_FOLD,
  WEIGHTED_FOLD,
} from "./pair_aggregates.ts";
import {
  long256Sum,
  SymbolAggregator,
  ValueAggregator,
  valueKeeper,
  valueSum,
} from "./value_aggregator.ts";
import { MomentsAggregator, RowAggregator, textJoiner, textKeeper } from "./text_aggregator.ts";

const { BOOLEAN, BYTE, CHAR, DOUBLE, FLOAT, INT, LONG, SHORT, STRING, SYMBOL, VARCHAR, NULL } =
  ColumnType;

/** An aggregate call with bound arguments. */
export interface AggregateCall extends FunctionCall {
  /** Lower-case name. */
  readonly key: string;
  readonly args: readonly PlacedExpression[];
  /** True for `count(*)`. */
  readonly isStar: boolean;
  /** True if the query has a single group. */
  readonly isWhole: boolean;
}

const INTEGER_CODES: Readonly<Record<number, number>> = { [SHORT]: 2, [CHAR]: 3, [INT]: 4 };

/** Gives int64 results back in the argument's own, narrower type. */
class NarrowedAggregator implements Aggregator {
  readonly type: number;
  readonly #inner: Aggregator;
  readonly #context: AggregateContext;
  readonly #result: GrowableBuffer;

  constructor(context: AggregateContext, inner: Aggregator, type: number) {
    this.#context = context;
    this.#inner = inner;
    this.type = type;
    this.#result = new GrowableBuffer(context.memory, 8);
  }
  reserve(groupCount: number): void {
    this.#inner.reserve(groupCount);
  }
  begin(batch: Batch): void {
    this.#inner.begin(batch);
  }
  add(span: RowSpan): void {
    this.#inner.add(span);
  }
  result(groupCount: number): Vector {
    const { data } = this.#inner.result(groupCount);
    const { kernels } = this.#context.memory.core;
    this.#result.reserve(groupCount);
    const out = this.#result.pointer;
    if (typeTag(this.type) === FLOAT) kernels.convertReal(7, 6, data, out, groupCount);
    else kernels.convertInteger(5, INTEGER_CODES[typeTag(this.type)], data, out, groupCount);
    return fixedVector(this.type, out);
  }
}

function noMatch(call: AggregateCall): SqlError {
  if (call.args.length === 0) {
    return new SqlError(call.position, `function \`${call.name}\` requires arguments`);
  }
  const types = call.args.map((arg) => typeName(arg.expression.type)).join(", ");
  return new SqlError(
    call.position,
    `there is no matching function \`${call.name}\` with the argument types: (${types})`,
  );
}

/**
 * Makes the accumulators of a call.
 *
 * @throws {SqlError} if there is no such aggregate for the arguments.
 */
export function createAggregator(context: AggregateContext, call: AggregateCall): Aggregator {
  const [argument] = call.args;
  if (call.key === "count") {
    if (call.args.length > 1) throw noMatch(call);
    const isRows = call.isStar || argument === undefined;
    const tag = argument === undefined ? NULL : typeTag(argument.expression.type);
    if (tag === ColumnType.ARRAY || tag === ColumnType.BINARY || tag === BOOLEAN) {
      throw noMatch(call);
    }
    return new CountAggregator(context, isRows ? null : argument.expression);
  }
  const several = createSeveral(context, call);
  if (several !== null) return several;
  const isScaledAverage = call.key === "avg" && call.args.length === 2 &&
    isDecimal(call.args[0].expression.type);
  const arity = call.key.startsWith("string_") || isScaledAverage ? 2 : 1;
  if (call.args.length !== arity) throw noMatch(call);
  switch (call.key) {
    case "sum":
    case "ksum":
    case "nsum":
    case "avg":
      return createSum(context, call);
    case "min":
    case "max":
      return createExtreme(context, call);
    case "first":
    case "last":
    case "first_not_null":
    case "last_not_null":
      return createKeeper(context, call);
    case "count_distinct":
      return createDistinct(context, call);
    case "string_agg":
    case "string_distinct_agg":
      return createJoiner(context, call);
    case "bool_and":
    case "bool_or":
      return createFlag(context, call);
    default:
      return createMoments(context, call);
  }
}

function createSum(context: AggregateContext, call: AggregateCall): Aggregator {
  const { expression } = call.args[0];
  const tag = typeTag(expression.type);
  const isAverage = call.key === "avg";
  if (isSpecial(expression.type)) return createSpecialSum(context, call);
  if (tag === BOOLEAN && !isAverage) throw noMatch(call);
  if (tag === SYMBOL) {
    if (isAverage) throw noMatch(call);
    return createSum(context, {
      ...call,
      args: [{ ...call.args[0], expression: symbolKeys(expression) }],
    });
  }
  const isText = tag === STRING || tag === VARCHAR || tag === CHAR || tag === NULL;
  const isReal = tag === DOUBLE || tag === FLOAT || isText || call.key === "ksum" ||
    call.key === "nsum";
  const compute = isReal ? DOUBLE : LONG;
  const argument = coerce(context.compile, expression, { type: compute });
  const options = { isAverage, type: isAverage ? DOUBLE : compute };
  const sum = new SumAggregator(context, argument, options);
  return tag === FLOAT && call.key === "sum" ? new NarrowedAggregator(context, sum, FLOAT) : sum;
}

/** Sums and averages of DECIMAL, sums of LONG256. */
function createSpecialSum(context: AggregateContext, call: AggregateCall): Aggregator {
  const { expression } = call.args[0];
  const { type } = expression;
  if (typeTag(type) === ColumnType.LONG256 && call.key === "sum") {
    return new ValueAggregator(context, expression, long256Sum());
  }
  if (!isDecimal(type) || (call.key !== "sum" && call.key !== "avg")) throw noMatch(call);
  const scale = decimalScale(type);
  if (call.key === "sum") {
    const wide = decimalType(DECIMAL_SUM_PRECISIONS[decimalBytes(type)], scale);
    return new ValueAggregator(context, expression, valueSum(wide, (sum) => sum));
  }
  const { result, places } = averageType(call, type);
  return new ValueAggregator(
    context,
    expression,
    valueSum(result, (sum, count) => divideHalfUp(sum * 10n ** BigInt(places - scale), count)),
  );
}

/** Precision of a DECIMAL sum by the bytes of what is summed. */
const DECIMAL_SUM_PRECISIONS: Readonly<Record<number, number>> = {
  1: 18,
  2: 18,
  4: 38,
  8: 38,
  16: DECIMAL_PRECISION_MAX,
  32: DECIMAL_PRECISION_MAX,
};

/** `avg(x, scale)` has digits of its own behind the point. */
function averageType(call: AggregateCall, type: number): { result: number; places: number } {
  const scale = decimalScale(type);
  if (call.args.length < 2) return { result: type, places: scale };
  const wanted = Number(call.args[1].expression.constant?.value ?? scale);
  const precision = Math.min(DECIMAL_PRECISION_MAX, decimalPrecision(type) - scale + wanted);
  return { result: decimalType(precision, wanted), places: wanted };
}

function divideHalfUp(a: bigint, b: bigint): bigint {
  const half = a < 0n ? -b : b;
  return (2n * a + half) / (2n * b);
}

/** A SYMBOL's dictionary keys as INT: what QuestDB sums. */
function symbolKeys(symbol: VectorExpression): VectorExpression {
  return { type: INT, evaluate: (batch) => fixedVector(INT, symbol.evaluate(batch).data) };
}

function createExtreme(context: AggregateContext, call: AggregateCall): Aggregator {
  const { expression } = call.args[0];
  const tag = typeTag(expression.type);
  const isMax = call.key === "max";
  if (isSpecial(expression.type)) return createSpecialExtreme(context, call);
  if (isText(tag) || tag === SYMBOL) {
    const type = tag === VARCHAR ? VARCHAR : STRING;
    return new RowAggregator(context, coerce(context.compile, expression, { type }), {
      type,
      accumulate: textKeeper(isMax ? "max" : "min"),
      finish: (state) => state ?? null,
    });
  }
  const isReal = tag === DOUBLE || tag === FLOAT || tag === BOOLEAN;
  const isWide = tag === LONG || tag === ColumnType.TIMESTAMP || tag === ColumnType.DATE;
  const compute = isReal ? DOUBLE : isWide ? expression.type : LONG;
  const argument = tag === CHAR
    ? charCodes(context, expression)
    : coerce(context.compile, expression, { type: compute, isExplicit: true });
  const extreme = new ExtremeAggregator(context, argument, { isMax });
  if (isWide || tag === DOUBLE || tag === BOOLEAN) return extreme;
  return new NarrowedAggregator(
    context,
    extreme,
    tag === BYTE || tag === SHORT ? INT : expression.type,
  );
}

function createSpecialExtreme(context: AggregateContext, call: AggregateCall): Aggregator {
  const { expression } = call.args[0];
  const { type } = expression;
  const tag = typeTag(type);
  const converted = (target: number): AggregateCall => ({
    ...call,
    args: [{
      ...call.args[0],
      expression: coerce(context.compile, expression, { type: target, isExplicit: true }),
    }],
  });
  if (tag === ColumnType.UUID) return createExtreme(context, converted(STRING));
  if (tag === ColumnType.LONG256) return createExtreme(context, converted(LONG));
  if (tag !== ColumnType.IPV4 && !isDecimal(type)) throw noMatch(call);
  const rule = call.key === "max" ? "max" : "min";
  return new ValueAggregator(context, expression, valueKeeper(type, rule));
}

/** CHAR as LONG codes; no letter is NULL. */
function charCodes(context: AggregateContext, expression: VectorExpression): VectorExpression {
  const buffer = lazyBuffer(context.compile, 8);
  const { memory } = context.memory.core;
  return {
    type: LONG,
    evaluate(batch) {
      const from = expression.evaluate(batch).data >> 1, out = buffer();
      for (let row = 0; row < batch.rowCount; row++) {
        const code = memory.u16[from + row];
        memory.u32[(out >> 2) + 2 * row] = code;
        memory.u32[(out >> 2) + 2 * row + 1] = code === 0 ? 0x80000000 : 0;
      }
      return fixedVector(LONG, out);
    },
  };
}

function createKeeper(context: AggregateContext, call: AggregateCall): Aggregator {
  const { expression } = call.args[0];
  const isLast = call.key.startsWith("last");
  const skipsNull = call.key.endsWith("not_null");
  const tag = typeTag(expression.type);
  if (tag === ColumnType.BINARY) throw noMatch(call);
  if (tag === ColumnType.LONG256) {
    const low = coerce(context.compile, expression, { type: LONG, isExplicit: true });
    return createKeeper(context, { ...call, args: [{ ...call.args[0], expression: low }] });
  }
  if (tag === ColumnType.ARRAY) {
    const rule = isLast ? skipsNull ? "lastNotNull" : "last" : skipsNull ? "firstNotNull" : "first";
    return new ValueAggregator(context, expression, valueKeeper(expression.type, rule));
  }
  if (!isText(expression.type)) {
    return new KeepAggregator(context, expression, { isLast, skipsNull });
  }
  const rule = isLast ? skipsNull ? "lastNotNull" : "last" : skipsNull ? "firstNotNull" : "first";
  const type = typeTag(expression.type) === VARCHAR ? VARCHAR : STRING;
  return new RowAggregator(context, coerce(context.compile, expression, { type }), {
    type,
    accumulate: textKeeper(rule),
    finish: (state) => state ?? null,
  });
}

function createDistinct(context: AggregateContext, call: AggregateCall): Aggregator {
  const { expression } = call.args[0];
  const { type } = expression;
  const tag = typeTag(type);
  const isUnknown = tag === DOUBLE || tag === FLOAT || isGeohash(type) || isDecimal(type) ||
    typeTag(type) === ColumnType.ARRAY ||
    typeTag(type) === ColumnType.BINARY;
  if (isUnknown) throw noMatch(call);
  const argument = typeTag(expression.type) === NULL
    ? coerce(context.compile, expression, { type: LONG })
    : expression;
  return call.isWhole
    ? new WholeDistinctAggregator(context, argument)
    : new DistinctAggregator(context, argument);
}

function createJoiner(context: AggregateContext, call: AggregateCall): Aggregator {
  const [text, separator] = call.args;
  const tag = typeTag(text.expression.type);
  if (!isText(tag) && tag !== SYMBOL && tag !== CHAR) throw noMatch(call);
  const value = separator.expression.constant?.value;
  if (typeof value !== "string") throw new SqlError(separator.position, "constant expected");
  return new RowAggregator(context, coerce(context.compile, text.expression, { type: STRING }), {
    type: STRING,
    accumulate: textJoiner(value, call.key === "string_distinct_agg"),
    finish: (state) => state?.text ?? null,
  });
}

function createFlag(context: AggregateContext, call: AggregateCall): Aggregator {
  const { expression } = call.args[0];
  if (typeTag(expression.type) !== BOOLEAN) throw noMatch(call);
  const isAnd = call.key === "bool_and";
  return new RowAggregator<boolean>(context, expression, {
    type: BOOLEAN,
    accumulate: (state, value) =>
      isAnd ? (state ?? true) && value === true : state === true || value === true,
    finish: (state) => state ?? false,
  });
}

/** Aggregates over several arguments, and `mode`; `null` for other names. */
function createSeveral(context: AggregateContext, call: AggregateCall): Aggregator | null {
  const { key, args } = call;
  const numbers = (count: number) => {
    if (args.length !== count) throw noMatch(call);
    return args.map(({ expression }) => {
      if (isSpecial(expression.type) || typeTag(expression.type) === BOOLEAN) throw noMatch(call);
      return coerce(context.compile, expression, { type: DOUBLE });
    });
  };
  const covariance = covarianceFold(key);
  if (covariance !== undefined) return new ValueAggregator(context, numbers(2), covariance);
  switch (key) {
    case "vwap":
    case "weighted_avg":
      return new ValueAggregator(context, numbers(2), WEIGHTED_FOLD);
    case "twap":
      return new ValueAggregator(context, numbers(2), TIME_WEIGHTED_FOLD);
    case "haversine_dist_deg":
      return new ValueAggregator(context, numbers(3), DISTANCE_FOLD);
    case "mode":
      return createMode(context, call);
    default:
      return null;
  }
}

function createMode(context: AggregateContext, call: AggregateCall): Aggregator {
  if (call.args.length !== 1) throw noMatch(call);
  const { expression } = call.args[0];
  if (typeTag(expression.type) !== SYMBOL) {
    const isTime = typeTag(expression.type) === ColumnType.TIMESTAMP ||
      typeTag(expression.type) === ColumnType.DATE;
    return new ValueAggregator(context, expression, modeFold(isTime ? LONG : expression.type));
  }
  const text = coerce(context.compile, expression, { type: STRING });
  return new SymbolAggregator(new ValueAggregator(context, text, modeFold(STRING)), context);
}

function createMoments(context: AggregateContext, call: AggregateCall): Aggregator {
  if (isSpecial(call.args[0].expression.type)) throw noMatch(call);
  const argument = coerce(context.compile, call.args[0].expression, { type: DOUBLE });
  return new MomentsAggregator(context, argument, {
    isSample: !call.key.endsWith("_pop"),
    isRoot: call.key.startsWith("stddev"),
  });
}

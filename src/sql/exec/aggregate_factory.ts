/**
 * From an aggregate call to its accumulators.
 *
 * @module
 */
import { ColumnType, SqlError, typeName, typeTag } from "../../common/mod.ts";
import { type Batch, fixedVector, type Vector } from "../../wasm/mod.ts";
import {
  coerce,
  type FunctionCall,
  isText,
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
    return new CountAggregator(context, isRows ? null : argument.expression);
  }
  const arity = call.key.startsWith("string_") ? 2 : 1;
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
  return tag === FLOAT && !isAverage ? new NarrowedAggregator(context, sum, FLOAT) : sum;
}

/** A SYMBOL's dictionary keys as INT: what QuestDB sums. */
function symbolKeys(symbol: VectorExpression): VectorExpression {
  return { type: INT, evaluate: (batch) => fixedVector(INT, symbol.evaluate(batch).data) };
}

function createExtreme(context: AggregateContext, call: AggregateCall): Aggregator {
  const { expression } = call.args[0];
  const tag = typeTag(expression.type);
  const isMax = call.key === "max";
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
  return new NarrowedAggregator(context, extreme, tag === BYTE ? INT : expression.type);
}

/** CHAR as LONG codes. */
function charCodes(context: AggregateContext, expression: VectorExpression): VectorExpression {
  const codes: VectorExpression = {
    type: SHORT,
    evaluate: (batch) => ({ ...expression.evaluate(batch), type: SHORT }),
  };
  return coerce(context.compile, codes, { type: LONG });
}

function createKeeper(context: AggregateContext, call: AggregateCall): Aggregator {
  const { expression } = call.args[0];
  const isLast = call.key.startsWith("last");
  const skipsNull = call.key.endsWith("not_null");
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

function createMoments(context: AggregateContext, call: AggregateCall): Aggregator {
  const argument = coerce(context.compile, call.args[0].expression, { type: DOUBLE });
  return new MomentsAggregator(context, argument, {
    isSample: !call.key.endsWith("_pop"),
    isRoot: call.key.startsWith("stddev"),
  });
}

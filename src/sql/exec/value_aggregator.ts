/**
 * Aggregates over types that have no kernels: the state of a group is a value in JavaScript.
 *
 * @module
 */
import { ColumnType, fixedSize, LimitError } from "../../common/mod.ts";
import { type Arena, type Batch, fixedVector, type Vector } from "../../wasm/mod.ts";
import {
  appendValue,
  arenaConversion,
  internSymbols,
  isVariable,
  type ScalarValue,
  valueReader,
  VarcharBuilder,
  type VectorExpression,
  writeFixed,
} from "../functions/mod.ts";
import type { AggregateContext, Aggregator, RowSpan } from "./aggregates.ts";

/** Groups whose values live outside column memory, at most. */
export const VALUE_GROUPS_MAX = 4_194_304;

/** How a group's state comes about. `undefined` is the empty state. */
export interface ValueFold<S> {
  /** Type of the result. */
  readonly type: number;
  /** `rest`: values of the call's further arguments. */
  accumulate(
    state: S | undefined,
    value: ScalarValue,
    rest: readonly ScalarValue[],
  ): S | undefined;
  finish(state: S | undefined): ScalarValue;
}

/** See the module's description. */
export class ValueAggregator<S> implements Aggregator {
  readonly type: number;
  readonly #context: AggregateContext;
  readonly #arguments: readonly VectorExpression[];
  readonly #fold: ValueFold<S>;
  readonly #states: (S | undefined)[] = [];
  readonly #arena: Arena;
  #readers: ((row: number) => ScalarValue)[] = [];

  constructor(
    context: AggregateContext,
    args: VectorExpression | readonly VectorExpression[],
    fold: ValueFold<S>,
  ) {
    this.#context = context;
    this.#arguments = [args].flat();
    this.#fold = fold;
    this.type = fold.type;
    this.#arena = context.compile.arena;
  }
  reserve(groupCount: number): void {
    if (groupCount > VALUE_GROUPS_MAX) {
      throw new LimitError("too many groups", { limit: VALUE_GROUPS_MAX });
    }
    while (this.#states.length < groupCount) this.#states.push(undefined);
  }
  begin(batch: Batch): void {
    const { memory } = this.#context.memory.core;
    this.#readers = this.#arguments.map((argument) =>
      valueReader(memory, argument.evaluate(batch))
    );
  }
  add(span: RowSpan): void {
    const { i32 } = this.#context.memory.core.memory;
    const fold = this.#fold;
    const [read, ...others] = this.#readers;
    const rest: ScalarValue[] = new Array(others.length);
    for (let row = span.low; row < span.high; row++) {
      const group = span.ids === 0 ? span.group : i32[(span.ids >> 2) + row];
      for (let i = 0; i < others.length; i++) rest[i] = others[i](row);
      this.#states[group] = fold.accumulate(this.#states[group], read(row), rest);
    }
  }
  result(groupCount: number): Vector {
    const { type } = this;
    const valueOf = (group: number) => this.#fold.finish(this.#states[group]);
    if (isVariable(type)) {
      const builder = new VarcharBuilder(this.#arena, Math.max(1, groupCount));
      for (let group = 0; group < groupCount; group++) appendValue(builder, type, valueOf(group));
      return builder.finish(type);
    }
    const { memory } = this.#context.memory.core;
    const data = this.#arena.alloc(Math.max(1, groupCount) * fixedSize(type));
    for (let group = 0; group < groupCount; group++) {
      writeFixed(memory, type, { data, row: group, value: valueOf(group) });
    }
    return fixedVector(type, data);
  }
}

/** Keeps one value by a rule; NULL counts only where the rule says so. */
export function valueKeeper(
  type: number,
  rule: "first" | "last" | "firstNotNull" | "lastNotNull" | "min" | "max",
): ValueFold<{ value: ScalarValue }> {
  const finish = (state: { value: ScalarValue } | undefined) => state?.value ?? null;
  const isBetter = (value: ScalarValue, held: ScalarValue) =>
    held === null || (rule === "min" ? value! < held : value! > held);
  switch (rule) {
    case "first":
      return { type, finish, accumulate: (state, value) => state ?? { value } };
    case "last":
      return { type, finish, accumulate: (_state, value) => ({ value }) };
    case "firstNotNull":
      return {
        type,
        finish,
        accumulate: (state, value) => state ?? (value === null ? undefined : { value }),
      };
    case "lastNotNull":
      return { type, finish, accumulate: (state, value) => value === null ? state : { value } };
    default:
      return {
        type,
        finish,
        accumulate: (state, value) =>
          value !== null && (state === undefined || isBetter(value, state.value))
            ? { value }
            : state,
      };
  }
}

/** Sums whole numbers; `finish` turns sum and count into the result. */
export function valueSum(
  type: number,
  finish: (sum: bigint, count: bigint) => ScalarValue,
): ValueFold<{ sum: bigint; count: bigint }> {
  return {
    type,
    accumulate(state, value) {
      if (value === null) return state;
      const { sum, count } = state ?? { sum: 0n, count: 0n };
      return { sum: sum + (value as bigint), count: count + 1n };
    },
    finish: (state) => state === undefined ? null : finish(state.sum, state.count),
  };
}

/** Adds LONG256 values; the sum wraps at 256 bits. */
export function long256Sum(): ValueFold<{ sum: bigint; count: bigint }> {
  return valueSum(ColumnType.LONG256, (sum) => BigInt.asUintN(256, sum));
}

/** Texts of another aggregate as symbols of a dictionary of their own. */
export class SymbolAggregator implements Aggregator {
  readonly type = ColumnType.SYMBOL;
  readonly #inner: Aggregator;
  readonly #context: AggregateContext;

  constructor(inner: Aggregator, context: AggregateContext) {
    this.#inner = inner;
    this.#context = context;
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
    const { core, arena } = this.#context.compile;
    return internSymbols(
      this.#inner.result(groupCount),
      groupCount,
      arenaConversion(core, arena, {
        type: ColumnType.SYMBOL,
        isImplicit: false,
        position: 0,
        rowCount: groupCount,
      }),
    );
  }
}

/**
 * Aggregates over types that have no kernels: the state of a group is a value in JavaScript.
 *
 * @module
 */
import { ColumnType, fixedSize, LimitError } from "../../common/mod.ts";
import { type Arena, type Batch, fixedVector, type Vector } from "../../wasm/mod.ts";
import {
  appendValue,
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
  accumulate(state: S | undefined, value: ScalarValue): S | undefined;
  finish(state: S | undefined): ScalarValue;
}

/** See the module's description. */
export class ValueAggregator<S> implements Aggregator {
  readonly type: number;
  readonly #context: AggregateContext;
  readonly #argument: VectorExpression;
  readonly #fold: ValueFold<S>;
  readonly #states: (S | undefined)[] = [];
  readonly #arena: Arena;
  #read: (row: number) => ScalarValue = () => null;

  constructor(context: AggregateContext, argument: VectorExpression, fold: ValueFold<S>) {
    this.#context = context;
    this.#argument = argument;
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
    this.#read = valueReader(this.#context.memory.core.memory, this.#argument.evaluate(batch));
  }
  add(span: RowSpan): void {
    const { i32 } = this.#context.memory.core.memory;
    const fold = this.#fold;
    for (let row = span.low; row < span.high; row++) {
      const group = span.ids === 0 ? span.group : i32[(span.ids >> 2) + row];
      this.#states[group] = fold.accumulate(this.#states[group], this.#read(row));
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

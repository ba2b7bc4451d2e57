/**
 * Aggregates over texts and flags, group by group in JavaScript, and running moments.
 *
 * @module
 */
import { ColumnType } from "../../common/mod.ts";
import { type Arena, type Batch, fixedVector, type Vector } from "../../wasm/mod.ts";
import {
  type ScalarValue,
  valueReader,
  VarcharBuilder,
  type VectorExpression,
} from "../functions/mod.ts";
import { type AggregateContext, type Aggregator, GroupIds, type RowSpan } from "./aggregates.ts";
import { GrowableBuffer, type QueryMemory } from "./query_memory.ts";

/** Joins a value to a group's state; `undefined` is the empty state. */
export type Accumulate<S> = (state: S | undefined, value: ScalarValue) => S | undefined;

/** Bytes a group's text may take, summed over groups: texts live outside column memory. */
const TEXT_STATE_CHARS_MAX = 268_435_456;

/** An aggregate whose state is a JavaScript value per group and whose result is a text or a flag. */
export class RowAggregator<S> implements Aggregator {
  readonly type: number;
  readonly #context: AggregateContext;
  readonly #argument: VectorExpression;
  readonly #accumulate: Accumulate<S>;
  readonly #finish: (state: S | undefined) => string | boolean | null;
  readonly #states: (S | undefined)[] = [];
  readonly #arena: Arena;
  #read: (row: number) => ScalarValue = () => null;

  constructor(
    context: AggregateContext,
    argument: VectorExpression,
    options: {
      type: number;
      accumulate: Accumulate<S>;
      finish: (state: S | undefined) => string | boolean | null;
    },
  ) {
    this.#context = context;
    this.#argument = argument;
    this.type = options.type;
    this.#accumulate = options.accumulate;
    this.#finish = options.finish;
    this.#arena = context.compile.arena;
  }
  reserve(groupCount: number): void {
    while (this.#states.length < groupCount) this.#states.push(undefined);
  }
  begin(batch: Batch): void {
    this.#read = valueReader(this.#context.memory.core.memory, this.#argument.evaluate(batch));
  }
  add(span: RowSpan): void {
    const { i32 } = this.#context.memory.core.memory;
    for (let row = span.low; row < span.high; row++) {
      const group = span.ids === 0 ? span.group : i32[(span.ids >> 2) + row];
      this.#states[group] = this.#accumulate(this.#states[group], this.#read(row));
    }
  }
  result(groupCount: number): Vector {
    if (this.type === ColumnType.BOOLEAN) {
      const data = this.#arena.alloc(groupCount);
      const { u8 } = this.#context.memory.core.memory;
      for (let i = 0; i < groupCount; i++) {
        u8[data + i] = this.#finish(this.#states[i]) === true ? 1 : 0;
      }
      return fixedVector(this.type, data);
    }
    const builder = new VarcharBuilder(this.#arena, Math.max(1, groupCount));
    for (let i = 0; i < groupCount; i++) {
      builder.append(this.#finish(this.#states[i]) as string | null);
    }
    return builder.finish(this.type);
  }
}

/** Keeps a text by a rule: first, last, least, greatest. */
export function textKeeper(
  rule: "first" | "last" | "firstNotNull" | "lastNotNull" | "min" | "max",
): Accumulate<string | null> {
  switch (rule) {
    case "first":
      return (state, value) => state === undefined ? value as string | null : state;
    case "last":
      return (_state, value) => value as string | null;
    case "firstNotNull":
      return (state, value) => state ?? value as string | null;
    case "lastNotNull":
      return (state, value) => value as string | null ?? state;
    case "min":
      return (state, value) =>
        value === null || (state != null && state <= (value as string)) ? state : value as string;
    case "max":
      return (state, value) =>
        value === null || (state != null && state >= (value as string)) ? state : value as string;
  }
}

/** Joins texts with a separator; `isDistinct` leaves repetitions out. */
export function textJoiner(
  separator: string,
  isDistinct: boolean,
): Accumulate<{ text: string; seen: Set<string> | null }> {
  return (state, value) => {
    if (value === null) return state;
    const text = value as string;
    if (state === undefined) return { text, seen: isDistinct ? new Set([text]) : null };
    if (state.seen?.has(text) || state.text.length > TEXT_STATE_CHARS_MAX) return state;
    state.seen?.add(text);
    state.text += separator + text;
    return state;
  };
}

/** `stddev…` and `var…`. */
export class MomentsAggregator implements Aggregator {
  readonly type = ColumnType.DOUBLE;
  readonly #memory: QueryMemory;
  readonly #argument: VectorExpression;
  readonly #isSample: boolean;
  readonly #isRoot: boolean;
  readonly #moments: GrowableBuffer;
  readonly #result: GrowableBuffer;
  readonly #ids: GroupIds;
  #data = 0;

  constructor(
    context: AggregateContext,
    argument: VectorExpression,
    options: { isSample: boolean; isRoot: boolean },
  ) {
    this.#memory = context.memory;
    this.#argument = argument;
    this.#isSample = options.isSample;
    this.#isRoot = options.isRoot;
    this.#moments = new GrowableBuffer(context.memory, 24, "zero");
    this.#result = new GrowableBuffer(context.memory, 8);
    this.#ids = new GroupIds(context.memory);
  }
  reserve(groupCount: number): void {
    this.#moments.reserve(groupCount);
  }
  begin(batch: Batch): void {
    this.#data = this.#argument.evaluate(batch).data;
  }
  add(span: RowSpan): void {
    const data = this.#data + 8 * span.low;
    const n = span.high - span.low;
    this.#memory.core.kernels.momentsF64By(data, this.#ids.of(span), n, this.#moments.pointer);
  }
  result(groupCount: number): Vector {
    this.#result.reserve(groupCount);
    const { f64 } = this.#memory.core.memory;
    for (let group = 0; group < groupCount; group++) {
      const at = (this.#moments.pointer >> 3) + 3 * group;
      const divisor = f64[at] - (this.#isSample ? 1 : 0);
      const variance = divisor > 0 ? f64[at + 2] / divisor : NaN;
      f64[(this.#result.pointer >> 3) + group] = this.#isRoot ? Math.sqrt(variance) : variance;
    }
    return fixedVector(this.type, this.#result.pointer);
  }
}

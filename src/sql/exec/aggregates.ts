/**
 * Aggregate functions over groups: arrays of accumulators in column memory, updated a batch at a time.
 *
 * @module
 */
import { ColumnType, typeTag } from "../../common/mod.ts";
import { type Batch, fixedVector, type Vector } from "../../wasm/mod.ts";
import {
  type CompileContext,
  isNullExpression,
  isWhole,
  type VectorExpression,
  vectorStride,
  writeWhole,
} from "../functions/mod.ts";
import { GrowableBuffer, type QueryMemory } from "./query_memory.ts";

/** Rows of the current batch that are added. */
export interface RowSpan {
  readonly low: number;
  readonly high: number;
  /** Pointer to the group ids (int32) of the whole batch; 0: all rows belong to `group`. */
  readonly ids: number;
  readonly group: number;
}

/** Accumulators of one aggregate call. */
export interface Aggregator {
  /** Type of the result. */
  readonly type: number;
  /** Makes room for groups; fresh ones are empty. */
  reserve(groupCount: number): void;
  /** Evaluates the argument for a batch; `add` refers to it. */
  begin(batch: Batch): void;
  add(span: RowSpan): void;
  /** Results of all groups. */
  result(groupCount: number): Vector;
}

/** What aggregators work with. */
export interface AggregateContext {
  readonly compile: CompileContext;
  readonly memory: QueryMemory;
}

/** A span of one group as group ids: for kernels that exist only by id. */
export class GroupIds {
  readonly #memory: QueryMemory;
  readonly #buffer: GrowableBuffer;

  constructor(memory: QueryMemory) {
    this.#memory = memory;
    this.#buffer = new GrowableBuffer(memory, 4);
  }
  /** Pointer to the ids of the span's first row. */
  of(span: RowSpan): number {
    if (span.ids !== 0) return span.ids + 4 * span.low;
    const n = span.high - span.low;
    this.#buffer.reserve(n);
    this.#memory.core.kernels.sequenceI32(span.group, 0, this.#buffer.pointer, n);
    return this.#buffer.pointer;
  }
}

/** `count()`, and `count(x)` of what is not NULL. */
export class CountAggregator implements Aggregator {
  readonly type = ColumnType.LONG;
  readonly #memory: QueryMemory;
  readonly #nulls: VectorExpression | null;
  readonly #counts: GrowableBuffer;
  #mask = 0;

  /** @param argument `null` counts rows. */
  constructor(context: AggregateContext, argument: VectorExpression | null) {
    this.#memory = context.memory;
    const nulls = argument === null ? null : isNullExpression(context.compile, argument);
    this.#nulls = nulls?.constant?.value === false ? null : nulls;
    this.#counts = new GrowableBuffer(context.memory, 8, "zero");
  }
  reserve(groupCount: number): void {
    this.#counts.reserve(groupCount);
  }
  begin(batch: Batch): void {
    this.#mask = this.#nulls === null ? 0 : this.#nulls.evaluate(batch).data;
  }
  add(span: RowSpan): void {
    const { kernels, memory } = this.#memory.core;
    const n = span.high - span.low;
    if (span.ids === 0) {
      const nulls = this.#mask === 0 ? 0 : kernels.countTrue(this.#mask + span.low, n);
      memory.i64[(this.#counts.pointer >> 3) + span.group] += BigInt(n - nulls);
      return;
    }
    const ids = span.ids + 4 * span.low;
    if (this.#mask === 0) kernels.countBy(ids, n, this.#counts.pointer);
    else kernels.countNotNullBy(this.#mask + span.low, ids, n, this.#counts.pointer);
  }
  result(): Vector {
    return fixedVector(this.type, this.#counts.pointer);
  }
}

/** `sum` and `avg` of int64 or double arguments. */
export class SumAggregator implements Aggregator {
  readonly type: number;
  readonly #memory: QueryMemory;
  readonly #argument: VectorExpression;
  readonly #isReal: boolean;
  readonly #isAverage: boolean;
  readonly #sums: GrowableBuffer;
  readonly #result: GrowableBuffer;
  #data = 0;

  constructor(
    context: AggregateContext,
    argument: VectorExpression,
    options: { isAverage: boolean; type: number },
  ) {
    this.#memory = context.memory;
    this.#argument = argument;
    this.#isReal = typeTag(argument.type) === ColumnType.DOUBLE;
    this.#isAverage = options.isAverage;
    this.type = options.type;
    this.#sums = new GrowableBuffer(context.memory, 16, "zero");
    this.#result = new GrowableBuffer(context.memory, 8);
  }
  reserve(groupCount: number): void {
    this.#sums.reserve(groupCount);
  }
  begin(batch: Batch): void {
    this.#data = this.#argument.evaluate(batch).data;
  }
  add(span: RowSpan): void {
    const { kernels } = this.#memory.core;
    const n = span.high - span.low;
    const data = this.#data + 8 * span.low;
    const sums = this.#sums.pointer;
    if (span.ids === 0) {
      const at = sums + 16 * span.group;
      if (this.#isReal) kernels.sumF64Range(data, n, at);
      else kernels.sumI64Range(data, n, at);
    } else {
      const ids = span.ids + 4 * span.low;
      if (this.#isReal) kernels.sumF64By(data, ids, n, sums);
      else kernels.sumI64By(data, ids, n, sums);
    }
  }
  result(groupCount: number): Vector {
    this.#result.reserve(groupCount);
    const { f64, i64 } = this.#memory.core.memory;
    const isLong = typeTag(this.type) !== ColumnType.DOUBLE &&
      typeTag(this.type) !== ColumnType.FLOAT;
    for (let group = 0; group < groupCount; group++) {
      const from = (this.#sums.pointer >> 3) + 2 * group;
      const to = (this.#result.pointer >> 3) + group;
      const count = i64[from + 1];
      if (isLong && !this.#isAverage) i64[to] = count === 0n ? -0x8000000000000000n : i64[from];
      else {
        const sum = this.#isReal ? f64[from] : Number(i64[from]);
        f64[to] = count === 0n ? NaN : this.#isAverage ? sum / Number(count) : sum;
      }
    }
    return fixedVector(isLong ? this.type : ColumnType.DOUBLE, this.#result.pointer);
  }
}

/** `min` and `max` of int64 or double arguments. */
export class ExtremeAggregator implements Aggregator {
  readonly type: number;
  readonly #memory: QueryMemory;
  readonly #argument: VectorExpression;
  readonly #isMax: boolean;
  readonly #isReal: boolean;
  readonly #best: GrowableBuffer;
  readonly #ids: GroupIds;
  #data = 0;

  constructor(context: AggregateContext, argument: VectorExpression, options: { isMax: boolean }) {
    this.#memory = context.memory;
    this.#argument = argument;
    this.#isMax = options.isMax;
    this.#isReal = typeTag(argument.type) === ColumnType.DOUBLE;
    this.type = argument.type;
    this.#best = new GrowableBuffer(context.memory, 8, this.#isReal ? "nan" : "longNull");
    this.#ids = new GroupIds(context.memory);
  }
  reserve(groupCount: number): void {
    this.#best.reserve(groupCount);
  }
  begin(batch: Batch): void {
    this.#data = this.#argument.evaluate(batch).data;
  }
  add(span: RowSpan): void {
    const { kernels } = this.#memory.core;
    const n = span.high - span.low;
    const data = this.#data + 8 * span.low;
    if (span.ids === 0) {
      const at = this.#best.pointer + 8 * span.group;
      if (this.#isReal) (this.#isMax ? kernels.maxF64Range : kernels.minF64Range)(data, n, at);
      else (this.#isMax ? kernels.maxI64Range : kernels.minI64Range)(data, n, at);
      return;
    }
    const ids = this.#ids.of(span);
    const best = this.#best.pointer;
    if (this.#isReal) (this.#isMax ? kernels.maxF64By : kernels.minF64By)(data, ids, n, best);
    else (this.#isMax ? kernels.maxI64By : kernels.minI64By)(data, ids, n, best);
  }
  result(): Vector {
    return fixedVector(this.type, this.#best.pointer);
  }
}

/** `first`, `last`, `first_not_null`, `last_not_null` of fixed-width arguments. */
export class KeepAggregator implements Aggregator {
  readonly type: number;
  readonly #memory: QueryMemory;
  readonly #argument: VectorExpression;
  readonly #nulls: VectorExpression | null;
  readonly #isLast: boolean;
  readonly #size: number;
  readonly #values: GrowableBuffer;
  readonly #seen: GrowableBuffer;
  readonly #ids: GroupIds;
  #vector: Vector | null = null;
  #mask = 0;
  #reserved = 0;

  constructor(
    context: AggregateContext,
    argument: VectorExpression,
    options: { isLast: boolean; skipsNull: boolean },
  ) {
    this.#memory = context.memory;
    this.#argument = argument;
    this.#isLast = options.isLast;
    const nulls = options.skipsNull ? isNullExpression(context.compile, argument) : null;
    this.#nulls = nulls?.constant === undefined ? nulls : null;
    this.type = argument.type;
    this.#size = vectorStride(argument.type);
    this.#values = new GrowableBuffer(context.memory, this.#size);
    this.#seen = new GrowableBuffer(context.memory, 1, "zero");
    this.#ids = new GroupIds(context.memory);
  }
  reserve(groupCount: number): void {
    if (groupCount <= this.#reserved) return;
    this.#values.reserve(groupCount);
    this.#seen.reserve(groupCount);
    const { memory } = this.#memory.core;
    for (let group = this.#reserved; group < groupCount; group++) this.#clear(memory, group);
    this.#reserved = groupCount;
  }
  begin(batch: Batch): void {
    this.#vector = this.#argument.evaluate(batch);
    this.#mask = this.#nulls === null ? 0 : this.#nulls.evaluate(batch).data;
  }
  add(span: RowSpan): void {
    const { kernels, memory } = this.#memory.core;
    if (span.ids === 0 && this.#mask === 0) {
      if (!this.#isLast && memory.u8[this.#seen.pointer + span.group] !== 0) return;
      const row = this.#isLast ? span.high - 1 : span.low;
      const from = this.#vector!.data + this.#size * row;
      const to = this.#values.pointer + this.#size * span.group;
      memory.u8.copyWithin(to, from, from + this.#size);
      memory.u8[this.#seen.pointer + span.group] = 1;
      return;
    }
    kernels.keepBy(
      this.#isLast ? 1 : 0,
      this.#size,
      this.#vector!.data + this.#size * span.low,
      this.#mask === 0 ? 0 : this.#mask + span.low,
      this.#ids.of(span),
      span.high - span.low,
      this.#values.pointer,
      this.#seen.pointer,
    );
  }
  result(): Vector {
    const symbols = this.#vector?.symbols ?? null;
    const isSymbol = typeTag(this.type) === ColumnType.SYMBOL;
    const dictionary = isSymbol ? symbols ?? { count: 0, text: () => "", find: () => -1 } : null;
    return fixedVector(this.type, this.#values.pointer, dictionary);
  }

  #clear(memory: QueryMemory["core"]["memory"], group: number): void {
    const at = this.#values.pointer + this.#size * group;
    const tag = typeTag(this.type);
    if (isWhole(this.type)) writeWhole(memory, this.type, { at, value: null });
    else if (tag === ColumnType.DOUBLE) memory.f64[at >> 3] = NaN;
    else if (this.#size === 8) memory.i64[at >> 3] = -0x8000000000000000n;
    else if (tag === ColumnType.FLOAT) memory.u32[at >> 2] = 0x7fc00000;
    else if (this.#size === 4 && tag !== ColumnType.IPV4) memory.i32[at >> 2] = -0x80000000;
    else memory.u8.fill(0, at, at + this.#size);
  }
}

/**
 * `count_distinct`. NULL does not count.
 *
 * @module
 */
import { ColumnType } from "../../common/mod.ts";
import { type Batch, fixedVector, type Vector } from "../../wasm/mod.ts";
import { isNullExpression, type VectorExpression } from "../functions/mod.ts";
import { type AggregateContext, type Aggregator, GroupIds, type RowSpan } from "./aggregates.ts";
import { type KeyColumn, keyColumn, LongKeyTable } from "./key_table.ts";
import { GrowableBuffer, type QueryMemory } from "./query_memory.ts";

/** Counts distinct values of the whole input: the key column's own count. */
export class WholeDistinctAggregator implements Aggregator {
  readonly type = ColumnType.LONG;
  readonly #memory: QueryMemory;
  readonly #argument: VectorExpression;
  readonly #nulls: VectorExpression;
  readonly #keys: KeyColumn;
  readonly #seen: GrowableBuffer;
  readonly #result: GrowableBuffer;
  #hasNull = false;

  constructor(context: AggregateContext, argument: VectorExpression) {
    this.#memory = context.memory;
    this.#argument = argument;
    this.#nulls = isNullExpression(context.compile, argument);
    this.#keys = keyColumn(context.memory, argument.type);
    this.#seen = new GrowableBuffer(context.memory, 1, "zero");
    this.#result = new GrowableBuffer(context.memory, 8);
  }
  reserve(): void {
    // One group: the key column holds everything.
  }
  begin(batch: Batch): void {
    const { kernels } = this.#memory.core;
    const ids = this.#keys.ids(this.#argument.evaluate(batch), batch.rowCount);
    if (!this.#hasNull) {
      const nulls = this.#nulls.evaluate(batch).data;
      this.#hasNull = kernels.countTrue(nulls, batch.rowCount) > 0;
    }
    if (this.#keys.isDense) return;
    this.#seen.reserve(this.#keys.count);
    kernels.markBy(ids, batch.rowCount, this.#seen.pointer);
  }
  add(): void {
    // `begin` took the whole batch.
  }
  result(): Vector {
    const { kernels, memory } = this.#memory.core;
    const known = this.#keys.isDense
      ? this.#keys.count
      : kernels.countTrue(this.#seen.pointer, Math.min(this.#keys.count, this.#seen.capacity));
    this.#result.reserve(1);
    memory.i64[this.#result.pointer >> 3] = BigInt(known - (this.#hasNull ? 1 : 0));
    return fixedVector(this.type, this.#result.pointer);
  }
}

/** Counts distinct values by group: pairs of group and value that are new. */
export class DistinctAggregator implements Aggregator {
  readonly type = ColumnType.LONG;
  readonly #memory: QueryMemory;
  readonly #argument: VectorExpression;
  readonly #nulls: VectorExpression;
  readonly #keys: KeyColumn;
  readonly #pairs: LongKeyTable;
  readonly #counts: GrowableBuffer;
  readonly #ids: GroupIds;
  readonly #pairValues: GrowableBuffer;
  readonly #pairIds: GrowableBuffer;
  readonly #rows: GrowableBuffer;
  readonly #gathered: GrowableBuffer;
  #keyIds = 0;
  #mask = 0;
  #next = 0;

  constructor(context: AggregateContext, argument: VectorExpression) {
    const { memory } = context;
    this.#memory = memory;
    this.#argument = argument;
    this.#nulls = isNullExpression(context.compile, argument);
    this.#keys = keyColumn(memory, argument.type);
    this.#pairs = new LongKeyTable(memory);
    this.#counts = new GrowableBuffer(memory, 8, "zero");
    this.#ids = new GroupIds(memory);
    this.#pairValues = new GrowableBuffer(memory, 8);
    this.#pairIds = new GrowableBuffer(memory, 4);
    this.#rows = new GrowableBuffer(memory, 4);
    this.#gathered = new GrowableBuffer(memory, 8);
  }
  reserve(groupCount: number): void {
    this.#counts.reserve(groupCount);
  }
  begin(batch: Batch): void {
    this.#keyIds = this.#keys.ids(this.#argument.evaluate(batch), batch.rowCount);
    this.#mask = this.#nulls.evaluate(batch).data;
  }
  add(span: RowSpan): void {
    const { kernels } = this.#memory.core;
    const n = span.high - span.low;
    const groups = this.#ids.of(span), keys = this.#keyIds + 4 * span.low;
    if (kernels.countTrue(this.#mask + span.low, n) === 0) {
      this.#addPairs(groups, keys, n);
      return;
    }
    // NULLs are rare: drop their rows by turning the mask around and back.
    const mask = this.#mask + span.low;
    this.#rows.reserve(n + 8);
    kernels.booleanNot(mask, mask, n);
    const count = kernels.selectTrue(mask, this.#rows.pointer, n);
    kernels.booleanNot(mask, mask, n);
    this.#gathered.reserve(n);
    const kept = this.#gathered.pointer;
    kernels.gatherRows(4, groups, this.#rows.pointer, kept, count);
    kernels.gatherRows(4, keys, this.#rows.pointer, kept + 4 * n, count);
    this.#addPairs(kept, kept + 4 * n, count);
  }
  result(): Vector {
    return fixedVector(this.type, this.#counts.pointer);
  }

  #addPairs(groups: number, keys: number, n: number): void {
    const { kernels } = this.#memory.core;
    this.#pairValues.reserve(n);
    this.#pairIds.reserve(n);
    kernels.pairIds(groups, keys, this.#pairValues.pointer, n);
    this.#pairs.intern(this.#pairValues.pointer, n, this.#pairIds.pointer);
    const ids = this.#pairIds.pointer;
    this.#next = kernels.countNewBy(ids, groups, n, this.#next, this.#counts.pointer);
  }
}

/**
 * GROUP BY, DISTINCT, SAMPLE BY and aggregates over everything: reads all input, then hands out one row per group.
 *
 * Group ids: with one key, the key's ids; with more, each further key is paired with the ids so far and the pairs are
 * interned again. SAMPLE BY buckets come first and need no hashing.
 *
 * @module
 */
import { ColumnType } from "../../common/mod.ts";
import { type Batch, BATCH_ROWS, fixedVector, type Vector } from "../../wasm/mod.ts";
import { type VectorExpression, vectorStride } from "../functions/mod.ts";
import type { Aggregator } from "./aggregates.ts";
import { BucketKey, type BucketRule } from "./bucket_key.ts";
import { type KeyColumn, keyColumn, LongKeyTable } from "./key_table.ts";
import { GrowableBuffer, type QueryMemory } from "./query_memory.ts";
import type { CursorColumn, ExecutionContext, RowCursor } from "./row_cursor.ts";

/** What to group by and to compute. */
export interface GroupByOptions {
  readonly memory: QueryMemory;
  readonly execution: ExecutionContext;
  readonly keys: readonly VectorExpression[];
  /** SAMPLE BY: the timestamp and how it is cut. */
  readonly bucket:
    | { readonly timestamp: VectorExpression; readonly rule: BucketRule; readonly position: number }
    | null;
  readonly aggregates: readonly Aggregator[];
  /** Output: the bucket's start if there is one, the keys, the aggregates. */
  readonly columns: readonly CursorColumn[];
}

/** The groups of a finished input. */
export interface Groups {
  /** Pointer to the ids (int32) of the groups, in output order. */
  readonly ids: number;
  readonly count: number;
}

/** See the module's description. */
export class GroupByCursor implements RowCursor {
  readonly columns: readonly CursorColumn[];
  readonly timestampIndex: number;
  readonly #source: RowCursor;
  readonly #options: GroupByOptions;
  readonly #keys: readonly KeyColumn[];
  readonly #buckets: BucketKey | null;
  readonly #stages: LongKeyTable[] = [];
  readonly #stageIds: GrowableBuffer[] = [];
  readonly #pairs: GrowableBuffer;
  readonly #seen: GrowableBuffer;
  readonly #groupIds: GrowableBuffer;
  readonly #outputs: GrowableBuffer[];
  readonly #idScratch: readonly GrowableBuffer[];
  #groups: Groups | null = null;
  #results: readonly Vector[] = [];
  #emitted = 0;

  constructor(source: RowCursor, options: GroupByOptions) {
    const { memory } = options;
    this.#source = source;
    this.#options = options;
    this.columns = options.columns;
    this.timestampIndex = options.bucket === null ? -1 : 0;
    this.#keys = options.keys.map((key) => keyColumn(memory, key.type));
    this.#buckets = options.bucket === null
      ? null
      : new BucketKey(memory, options.bucket.rule, options.bucket.position);
    this.#pairs = new GrowableBuffer(memory, 8);
    this.#seen = new GrowableBuffer(memory, 1, "zero");
    this.#groupIds = new GrowableBuffer(memory, 4);
    this.#outputs = options.columns.map((column) =>
      new GrowableBuffer(memory, vectorStride(column.type))
    );
    this.#idScratch = [0, 1, 2].map(() => new GrowableBuffer(memory, 4));
  }

  async next(): Promise<Batch | null> {
    this.#groups ??= await this.#consume();
    const low = this.#emitted;
    const rowCount = Math.min(BATCH_ROWS, this.#groups.count - low);
    if (rowCount <= 0) return null;
    this.#emitted += rowCount;
    return { rowCount, vectors: this.#emit(this.#groups.ids + 4 * low, rowCount) };
  }
  close(): void {
    this.#source.close();
  }

  /** Number of key parts: bucket and keys. */
  get #isSingleGroup(): boolean {
    return this.#buckets === null && this.#keys.length === 0;
  }
  /** True if group ids are the ids of a single key whose ids need not all have appeared. */
  get #isSparse(): boolean {
    return this.#buckets === null && this.#keys.length === 1 && !this.#keys[0].isDense;
  }

  async #consume(): Promise<Groups> {
    const { aggregates, execution } = this.#options;
    if (this.#isSingleGroup) this.#reserve(1);
    while (true) {
      const batch = await this.#source.next();
      if (batch === null) break;
      this.#add(batch);
      await execution.yieldIfDue();
    }
    const groups = this.#list();
    const idCount = this.#idCount();
    this.#reserve(idCount);
    this.#results = aggregates.map((aggregate) => aggregate.result(idCount));
    return groups;
  }

  #reserve(count: number): void {
    for (const aggregate of this.#options.aggregates) aggregate.reserve(count);
  }

  #add(batch: Batch): void {
    const { aggregates, keys, bucket } = this.#options;
    const runs = this.#buckets?.runs(bucket!.timestamp.evaluate(batch), batch.rowCount) ?? null;
    if (keys.length === 0) {
      this.#reserve(Math.max(1, this.#buckets?.count ?? 1));
      for (const aggregate of aggregates) {
        aggregate.begin(batch);
        if (runs === null) aggregate.add({ low: 0, high: batch.rowCount, ids: 0, group: 0 });
        else {for (const { low, high, bucket } of runs) {
            aggregate.add({ low, high, ids: 0, group: bucket });
          }}
      }
      return;
    }
    const first = runs === null ? 0 : this.#buckets!.ids(runs, batch.rowCount);
    const ids = this.#idsOf(batch, first);
    this.#reserve(this.#idCount());
    if (this.#isSparse) {
      this.#seen.reserve(this.#idCount());
      this.#options.memory.core.kernels.markBy(ids, batch.rowCount, this.#seen.pointer);
    }
    for (const aggregate of aggregates) {
      aggregate.begin(batch);
      aggregate.add({ low: 0, high: batch.rowCount, ids, group: 0 });
    }
  }

  /** Pointer to the group ids of a batch. `ids`: bucket ids, or 0. */
  #idsOf(batch: Batch, ids: number): number {
    const { keys, memory } = this.#options;
    const { rowCount } = batch;
    let current = ids, stage = 0;
    for (const [i, key] of keys.entries()) {
      const keyIds = this.#keys[i].ids(key.evaluate(batch), rowCount);
      if (current === 0) {
        current = keyIds;
        continue;
      }
      this.#pairs.reserve(rowCount);
      memory.core.kernels.pairIds(current, keyIds, this.#pairs.pointer, rowCount);
      const table = this.#stages[stage] ??= new LongKeyTable(memory);
      const out = this.#stageIds[stage] ??= new GrowableBuffer(memory, 4);
      out.reserve(rowCount);
      table.intern(this.#pairs.pointer, rowCount, out.pointer);
      current = out.pointer;
      stage++;
    }
    return current;
  }

  /** Group ids are below this. */
  #idCount(): number {
    if (this.#isSingleGroup) return 1;
    if (this.#keys.length === 0) return this.#buckets!.count;
    const stages = this.#stages.length;
    if (stages > 0) return this.#stages[stages - 1].count;
    return this.#partCount() > 1 ? 0 : this.#keys[0].count;
  }
  #partCount(): number {
    return this.#keys.length + (this.#buckets === null ? 0 : 1);
  }

  /** All groups, in order of their ids. */
  #list(): Groups {
    const { kernels } = this.#options.memory.core;
    const idCount = this.#idCount();
    if (this.#isSparse) {
      this.#seen.reserve(idCount);
      this.#groupIds.reserve(idCount + 8);
      const count = kernels.selectTrue(this.#seen.pointer, this.#groupIds.pointer, idCount);
      return { ids: this.#groupIds.pointer, count };
    }
    this.#groupIds.reserve(idCount);
    kernels.sequenceI32(0, 1, this.#groupIds.pointer, idCount);
    return { ids: this.#groupIds.pointer, count: idCount };
  }

  #emit(ids: number, n: number): Vector[] {
    const keyVectors = this.#keyVectors(ids, n);
    const first = keyVectors.length;
    const values = this.#results.map((result, i) =>
      this.#gather(result, { ids, n, column: first + i })
    );
    return [...keyVectors, ...values];
  }

  #gather(vector: Vector, target: { ids: number; n: number; column: number }): Vector {
    const { ids, n, column } = target;
    const buffer = this.#outputs[column];
    buffer.reserve(n);
    const { kernels } = this.#options.memory.core;
    kernels.gatherRows(vectorStride(vector.type), vector.data, ids, buffer.pointer, n);
    return { ...vector, data: buffer.pointer };
  }

  /** Takes group ids apart, last key first. */
  #keyVectors(ids: number, n: number): Vector[] {
    const { kernels } = this.#options.memory.core;
    const parts = this.#partCount();
    const vectors: Vector[] = new Array(parts);
    let current = ids;
    for (let part = parts - 1; part >= 0; part--) {
      let own = current;
      if (part > 0) {
        this.#pairs.reserve(n);
        for (const buffer of this.#idScratch) buffer.reserve(n);
        const pairs = this.#stages[part - 1].keys;
        kernels.gatherRows(8, pairs, current, this.#pairs.pointer, n);
        const rest = this.#idScratch[part % 2].pointer;
        own = this.#idScratch[2].pointer;
        kernels.unpairIds(this.#pairs.pointer, rest, own, n);
        current = rest;
      }
      vectors[part] = this.#partVector(part, own, n);
    }
    return vectors;
  }
  #partVector(part: number, ids: number, n: number): Vector {
    if (this.#buckets === null) return this.#keys[part].values(ids, n);
    if (part > 0) return this.#keys[part - 1].values(ids, n);
    const starts = fixedVector(ColumnType.TIMESTAMP, this.#buckets.starts);
    return this.#gather(starts, { ids, n, column: 0 });
  }
}

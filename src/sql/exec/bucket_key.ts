/**
 * Buckets of SAMPLE BY: since rows come in timestamp order, a bucket is a run of rows, found by binary search instead of
 * hashing. Bucket ids count up in that order.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import type { Vector } from "../../wasm/mod.ts";
import { GrowableBuffer, type QueryMemory } from "./query_memory.ts";

/** Where buckets begin. */
export interface BucketRule {
  /** Start of the bucket that holds a time. */
  floor(micros: bigint): bigint;
  /** Start of the bucket after one that starts at `start`. */
  next(start: bigint): bigint;
}

/** Rows `low` … `high` − 1 of a batch in one bucket. */
export interface BucketRun {
  readonly low: number;
  readonly high: number;
  readonly bucket: number;
}

/** Assigns buckets to rows. */
export class BucketKey {
  readonly #memory: QueryMemory;
  readonly #rule: BucketRule;
  readonly #position: number;
  readonly #starts: GrowableBuffer;
  readonly #ids: GrowableBuffer;
  #count = 0;
  #end = -(2n ** 63n);

  /** @param position Of SAMPLE BY, for errors. */
  constructor(memory: QueryMemory, rule: BucketRule, position: number) {
    this.#memory = memory;
    this.#rule = rule;
    this.#position = position;
    this.#starts = new GrowableBuffer(memory, 8);
    this.#ids = new GrowableBuffer(memory, 4);
  }

  /** Buckets so far. */
  get count(): number {
    return this.#count;
  }
  /** Pointer to the buckets' starts. */
  get starts(): number {
    return this.#starts.pointer;
  }

  /** Cuts a batch into runs. @throws {SqlError} if rows are not in timestamp order. */
  runs(timestamps: Vector, rowCount: number): BucketRun[] {
    const { kernels, memory } = this.#memory.core;
    const { data } = timestamps;
    const isSorted = kernels.isSortedI64(data, rowCount) !== 0;
    if (!isSorted || (this.#count > 0 && memory.i64[data >> 3] < this.#lastStart())) {
      throw new SqlError(
        this.#position,
        "base query does not provide ASC order over designated TIMESTAMP column",
      );
    }
    const runs: BucketRun[] = [];
    for (let low = 0; low < rowCount;) {
      const first = memory.i64[(data >> 3) + low];
      if (this.#count === 0 || first >= this.#end) this.#open(first);
      const high = low + kernels.lowerBoundI64(data + 8 * low, rowCount - low, this.#end);
      runs.push({ low, high, bucket: this.#count - 1 });
      low = high;
    }
    return runs;
  }
  /** Pointer to the bucket ids of the rows of a batch's runs. */
  ids(runs: readonly BucketRun[], rowCount: number): number {
    this.#ids.reserve(rowCount);
    const { kernels } = this.#memory.core;
    for (const { low, high, bucket } of runs) {
      kernels.sequenceI32(bucket, 0, this.#ids.pointer + 4 * low, high - low);
    }
    return this.#ids.pointer;
  }

  #lastStart(): bigint {
    return this.#memory.core.memory.i64[(this.#starts.pointer >> 3) + this.#count - 1];
  }
  #open(micros: bigint): void {
    const start = this.#rule.floor(micros);
    this.#starts.reserve(this.#count + 1);
    this.#memory.core.memory.i64[(this.#starts.pointer >> 3) + this.#count] = start;
    this.#count++;
    this.#end = this.#rule.next(start);
  }
}

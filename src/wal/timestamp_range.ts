/**
 * Smallest and largest designated timestamp of a transaction, and whether they ever go down.
 *
 * @module
 */
import { TableError } from "../common/mod.ts";
import type { WasmMemory } from "../wasm/mod.ts";

/** First microsecond of the year 10000. */
const BEYOND_MICROS = 253_402_300_800_000_000n;
const BEYOND_HIGH = Number(BEYOND_MICROS >> 32n);
const BEYOND_LOW = Number(BEYOND_MICROS & 0xffffffffn);
const NULL_HIGH = -0x80000000;

/** Collects over the batches of a transaction. */
export class TimestampRange {
  #min = 0n;
  #max = 0n;
  #isEmpty = true;
  #isAscending = true;

  get min(): bigint {
    return this.#min;
  }
  get max(): bigint {
    return this.#max;
  }
  get isAscending(): boolean {
    return this.#isAscending;
  }

  /**
   * Takes in `rowCount` ≥ 1 int64 values.
   *
   * @throws {TableError} in QuestDB's words if one is NULL, before 1970 or beyond 9999; nothing was taken in then.
   */
  add(memory: WasmMemory, timestamps: number, rowCount: number): void {
    const { i32, u32, i64 } = memory;
    const base = timestamps >>> 2;
    let minRow = 0, maxRow = 0, isAscending = true;
    let minHigh = i32[base + 1], minLow = u32[base], maxHigh = minHigh, maxLow = minLow;
    for (let row = 0; row < rowCount; row++) {
      const high = i32[base + 2 * row + 1], low = u32[base + 2 * row];
      if (high < minHigh || (high === minHigh && low < minLow)) {
        minHigh = high;
        minLow = low;
        minRow = row;
      }
      if (high > maxHigh || (high === maxHigh && low >= maxLow)) {
        maxHigh = high;
        maxLow = low;
        maxRow = row;
      } else {
        isAscending = false;
      }
    }
    checkBounds({ high: minHigh, low: minLow }, { high: maxHigh, low: maxLow });
    const min = i64[(timestamps >>> 3) + minRow], max = i64[(timestamps >>> 3) + maxRow];
    const first = i64[timestamps >>> 3];
    this.#isAscending &&= isAscending && (this.#isEmpty || first >= this.#max);
    this.#min = this.#isEmpty || min < this.#min ? min : this.#min;
    this.#max = this.#isEmpty || max > this.#max ? max : this.#max;
    this.#isEmpty = false;
  }

  /** Starts the next transaction. */
  reset(): void {
    this.#isEmpty = true;
    this.#isAscending = true;
  }
}

/** An int64 as its signed high and unsigned low half. */
interface Halves {
  readonly high: number;
  readonly low: number;
}

function checkBounds(min: Halves, max: Halves): void {
  if (min.high === NULL_HIGH && min.low === 0) {
    throw new TableError("designated timestamp column cannot be NULL");
  }
  if (min.high < 0) {
    throw new TableError("designated timestamp before 1970-01-01 is not allowed");
  }
  if (max.high > BEYOND_HIGH || (max.high === BEYOND_HIGH && max.low >= BEYOND_LOW)) {
    throw new TableError("designated timestamp beyond 9999-12-31 is not allowed");
  }
}

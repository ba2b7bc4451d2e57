/**
 * Smallest and largest designated timestamp of a transaction, and whether they ever go down.
 *
 * @module
 */
import { ColumnType, LONG_NULL, TableError } from "../common/mod.ts";
import type { WasmMemory } from "../wasm/mod.ts";

/** First microsecond of the year 10000. */
const BEYOND_MICROS = 253_402_300_800_000_000n;
/** First nanosecond of the year 2262, the last that an int64 can count to the end of is the one before. */
const BEYOND_NANOS = 9_214_646_400_000_000_000n;

/** Collects over the batches of a transaction. */
export class TimestampRange {
  #min = 0n;
  #max = 0n;
  #isEmpty = true;
  #isAscending = true;
  readonly #type: number;

  /** @param type Type code of the designated timestamp. */
  constructor(type: number = ColumnType.TIMESTAMP) {
    this.#type = type;
  }

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
   * @throws {TableError} in QuestDB's words if one is NULL, before 1970 or beyond 9999 (in nanoseconds: 2261); nothing was taken in then.
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
    const min = i64[(timestamps >>> 3) + minRow], max = i64[(timestamps >>> 3) + maxRow];
    checkBounds(this.#type, min, max);
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

function checkBounds(type: number, min: bigint, max: bigint): void {
  if (min === LONG_NULL) throw new TableError("designated timestamp column cannot be NULL");
  if (type === ColumnType.TIMESTAMP_NS) {
    if (min >= 0n && max < BEYOND_NANOS) return;
    throw new TableError(
      "designated timestamp_ns before 1970-01-01 and beyond 2261-12-31 23:59:59.999999999 is not allowed",
    );
  }
  if (min < 0n) {
    throw new TableError("designated timestamp before 1970-01-01 is not allowed");
  }
  if (max >= BEYOND_MICROS) {
    throw new TableError("designated timestamp beyond 9999-12-31 is not allowed");
  }
}

/**
 * Reads a table: row ranges of partitions, only the columns that are looked at, forwards or backwards.
 *
 * Columns are read a frame at a time, because large reads are the fastest, and handed out in batches that fit the
 * processor's cache.
 *
 * @module
 */
import { ColumnType, typeTag } from "../../common/mod.ts";
import type { TableReader } from "../../storage/mod.ts";
import { Arena, type Batch, BATCH_ROWS, type Vector, type WasmCore } from "../../wasm/mod.ts";
import { vectorStride } from "../functions/mod.ts";
import { LazyVectors } from "./lazy_vectors.ts";
import type { CursorColumn, RowCursor } from "./row_cursor.ts";

/** Rows per read: 1 MiB of an 8-byte column. */
export const FRAME_ROWS = 131_072;

/** Rows `low` … `high` − 1 of a partition. */
export interface ScanRange {
  readonly partition: number;
  readonly low: number;
  readonly high: number;
}

/** What to scan. */
export interface ScanOptions {
  readonly core: WasmCore;
  /** Closed by the plan, which may read it through several cursors. */
  readonly reader: TableReader;
  /** Writer indexes of the columns, in output order. */
  readonly writerIndexes: readonly number[];
  readonly columns: readonly CursorColumn[];
  readonly timestampIndex: number;
  /** In ascending order. */
  readonly ranges: readonly ScanRange[];
  /** Batches come from the end; rows inside a batch stay in ascending order. */
  readonly isBackward: boolean;
}

/** See the module's description. */
export class ScanCursor implements RowCursor {
  readonly columns: readonly CursorColumn[];
  readonly timestampIndex: number;
  readonly #options: ScanOptions;
  readonly #arenas: readonly Arena[];
  readonly #frames: (Vector | null)[];
  readonly #lazy: LazyVectors;
  #rangeIndex = 0;
  #frame: ScanRange | null = null;
  #batch: { low: number; high: number } = { low: 0, high: 0 };
  #isClosed = false;

  constructor(options: ScanOptions) {
    this.#options = options;
    this.columns = options.columns;
    this.timestampIndex = options.timestampIndex;
    this.#arenas = options.columns.map(() => new Arena(options.core.memory));
    this.#frames = options.columns.map(() => null);
    this.#lazy = new LazyVectors(options.columns.length, (column) => this.#slice(column));
  }

  next(): Promise<Batch | null> {
    return Promise.resolve(this.nextBatch());
  }
  /** {@linkcode RowCursor.next} without a promise. */
  nextBatch(): Batch | null {
    if (this.#isClosed || !this.#advance()) return null;
    this.#lazy.reset();
    return { rowCount: this.#batch.high - this.#batch.low, vectors: this.#lazy.vectors };
  }
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#dropFrames();
  }

  /** Moves to the next batch of the frame, or to the next frame. */
  #advance(): boolean {
    const { isBackward } = this.#options;
    const frame = this.#frame;
    if (frame !== null) {
      const { low, high } = this.#batch;
      if (isBackward && low > frame.low) {
        this.#batch = { low: Math.max(frame.low, low - BATCH_ROWS), high: low };
        return true;
      }
      if (!isBackward && high < frame.high) {
        this.#batch = { low: high, high: Math.min(frame.high, high + BATCH_ROWS) };
        return true;
      }
    }
    const next = this.#nextFrame();
    if (next === null) return false;
    this.#dropFrames();
    this.#frame = next;
    this.#batch = isBackward
      ? { low: Math.max(next.low, next.high - BATCH_ROWS), high: next.high }
      : { low: next.low, high: Math.min(next.high, next.low + BATCH_ROWS) };
    return true;
  }
  #nextFrame(): ScanRange | null {
    const { ranges, isBackward } = this.#options;
    while (this.#rangeIndex < ranges.length) {
      const index = isBackward ? ranges.length - 1 - this.#rangeIndex : this.#rangeIndex;
      const range = ranges[index];
      const frame = this.#frame;
      const isSame = frame !== null && this.#isInRange(frame, range);
      const low = isSame && !isBackward ? frame.high : range.low;
      const high = isSame && isBackward ? frame.low : range.high;
      if (low < high) {
        return isBackward
          ? { partition: range.partition, low: Math.max(low, high - FRAME_ROWS), high }
          : { partition: range.partition, low, high: Math.min(high, low + FRAME_ROWS) };
      }
      this.#rangeIndex++;
    }
    return null;
  }
  #isInRange(frame: ScanRange, range: ScanRange): boolean {
    return frame.partition === range.partition && frame.low >= range.low &&
      frame.high <= range.high;
  }

  /** The current batch's part of a column. */
  #slice(column: number): Vector {
    const frame = this.#frame!;
    const vector = this.#frames[column] ??= this.#read(column, frame);
    const offset = (this.#batch.low - frame.low) * vectorStride(vector.type);
    return offset === 0 ? vector : { ...vector, data: vector.data + offset };
  }
  #read(column: number, frame: ScanRange): Vector {
    const { reader, writerIndexes, columns } = this.#options;
    const range = { rowLo: frame.low, rowHi: frame.high };
    const vector = reader.readColumn(
      frame.partition,
      writerIndexes[column],
      range,
      this.#arenas[column],
    );
    const { type } = columns[column];
    if (typeTag(type) !== ColumnType.SYMBOL || vector.symbols !== null) return vector;
    return { ...vector, symbols: reader.symbolTable(writerIndexes[column]) };
  }
  #dropFrames(): void {
    for (const arena of this.#arenas) arena.release();
    this.#frames.fill(null);
    this.#frame = this.#isClosed ? null : this.#frame;
  }
}

/**
 * The order in which committed and new rows of a partition are merged, range by range; the same for every column, so it is kept as far as
 * memory allows and found again otherwise.
 *
 * @module
 */
import { Arena, type WasmCore } from "../wasm/mod.ts";
import type { MergeChunk } from "./column_writer.ts";
import type { DedupKeys } from "./dedup_keys.ts";
import { isMixed, type MergeRange, rowsOf } from "./merge_plan.ts";
import type { TableReader } from "./table_reader.ts";

/** Entries of orders that are kept between columns, 4 bytes each. */
const KEPT_ENTRIES_MAX = 1 << 24;

/** Where the rows come from. */
export interface MergeSides {
  readonly core: WasmCore;
  readonly reader: TableReader;
  /** Index of the partition in the reader. */
  readonly partition: number;
  /** Pointer to the source's timestamps. */
  readonly timestamps: number;
  /** Key columns with the batch loaded; `null` without deduplication. */
  readonly keys: DedupKeys | null;
}

/** See the module's description. */
export class MergeOrders implements Disposable {
  /** Rows that are left when all ranges are merged. */
  readonly rowCount: number;
  /** Rows of either side that others with the same keys have taken the place of. */
  readonly droppedRowCount: number;
  readonly ranges: readonly MergeRange[];
  readonly #sides: MergeSides;
  readonly #kept = new Map<MergeRange, MergeChunk>();
  readonly #arena: Arena;
  #keptEntries = 0;

  /** Finds the orders of all ranges if rows may be taken out, else when they are asked for. */
  constructor(sides: MergeSides, ranges: readonly MergeRange[]) {
    this.#sides = sides;
    this.ranges = ranges;
    this.#arena = new Arena(sides.core.memory);
    let rowCount = 0, total = 0;
    try {
      for (const range of ranges) {
        total += rowsOf(range);
        if (sides.keys === null || !isMixed(range)) rowCount += rowsOf(range);
        else this.use(range, (chunk) => rowCount += chunk.rowCount);
      }
    } catch (error) {
      this.#arena.release();
      throw error;
    }
    this.rowCount = rowCount;
    this.droppedRowCount = total - rowCount;
  }

  /** Calls with the order of a range that has rows of both sides; rows count from the first of each side in the range. */
  use(range: MergeRange, work: (chunk: MergeChunk) => void): void {
    const kept = this.#kept.get(range);
    if (kept !== undefined) return work(kept);
    const rows = rowsOf(range);
    const isKept = this.#keptEntries + rows <= KEPT_ENTRIES_MAX;
    using scratch = new Arena(this.#sides.core.memory);
    const chunk = this.#find(range, (isKept ? this.#arena : scratch).alloc(4 * rows));
    if (isKept) {
      this.#keptEntries += rows;
      this.#kept.set(range, chunk);
    }
    work(chunk);
  }
  [Symbol.dispose](): void {
    this.#arena.release();
    this.#kept.clear();
  }

  #find(range: MergeRange, index: number): MergeChunk {
    const { core, reader, partition, timestamps, keys } = this.#sides;
    const { kernels } = core;
    using arena = new Arena(core.memory);
    const rows = { rowLo: range.oldLo, rowHi: range.oldHi };
    const { timestampIndex } = reader.metadata;
    const old = reader.readColumn(partition, timestampIndex, rows, arena).data;
    const oldRows = range.oldHi - range.oldLo, newRows = range.newHi - range.newLo;
    const added = timestamps + 8 * range.newLo;
    if (keys === null) {
      kernels.mergeIndex(old, oldRows, added, newRows, index);
      return { index, rowCount: oldRows + newRows };
    }
    keys.describeBatch(range.newLo);
    keys.describePartition(
      keys.columns.map((column) => reader.readColumn(partition, column.writerIndex, rows, arena)),
    );
    const rowCount = kernels.dedupMerge(
      old,
      oldRows,
      added,
      newRows,
      keys.pointer,
      keys.columns.length,
      index,
      arena.alloc(newRows),
    );
    return { index, rowCount };
  }
}

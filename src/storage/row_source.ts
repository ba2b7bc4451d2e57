/**
 * The rows that a writer is given, a column at a time.
 *
 * @module
 */
import { assert, ColumnType, fixedSize, isVariableSize } from "../common/mod.ts";
import { Arena, fixedVector, type Vector, type WasmCore } from "../wasm/mod.ts";
import { AUX_ENTRY_BYTES } from "./variable_files.ts";

/** Rows to write, in timestamp order; rows with equal timestamps in commit order. */
export interface RowSource {
  readonly rowCount: number;
  /** Pointer to `rowCount` ascending int64 timestamps; unused for a table without a designated timestamp. */
  readonly timestamps: number;
  readonly minTimestamp: bigint;
  readonly maxTimestamp: bigint;
  /** Values of a column in the same order, symbols as keys of the table; `null` when all are NULL. */
  column(writerIndex: number): Vector | null;
  /** Tells that the column's values are not needed any more. */
  release(writerIndex: number): void;
}

/** How rows meet those that the table has. */
export interface WriteOptions {
  /** Whether rows with equal keys are replaced; by default if the table has deduplication enabled. */
  readonly isDeduplicated?: boolean;
  /** Rows of the table in this range (`hi` exclusive) are removed first. Nothing is deduplicated then. */
  readonly replaceRange?: { readonly lo: bigint; readonly hi: bigint };
  /** Whether what lies behind the rows of a partition must stay: it is written anew where rows would go there. */
  readonly keepsTails?: boolean;
}

/** A source without rows; with a range to replace, it only removes. */
export const NO_ROWS: RowSource = {
  rowCount: 0,
  timestamps: 0,
  minTimestamp: 0n,
  maxTimestamp: 0n,
  column: () => null,
  release: () => {},
};

/** Copies the values of `rows` (pointer to `rowCount` uint32 rows) one behind the other. Values in a heap stay where they are. */
export function gatherRows(
  core: WasmCore,
  picked: { vector: Vector; rows: number; rowCount: number },
  arena: Arena,
): Vector {
  const { vector } = picked;
  const width = isVariableSize(vector.type) ? AUX_ENTRY_BYTES : fixedSize(vector.type);
  const data = arena.alloc(width * picked.rowCount);
  const { kernels } = core;
  const gather = {
    1: kernels.gather1,
    2: kernels.gather2,
    4: kernels.gather4,
    8: kernels.gather8,
    16: kernels.gather16,
    32: kernels.gather32,
  }[width];
  assert(gather !== undefined, `width has a kernel: ${width}`);
  gather(vector.data, picked.rows, picked.rowCount, data);
  return { ...vector, data };
}

/** Some rows of another source, in an order of their own. */
export class PickedRows implements RowSource, Disposable {
  readonly rowCount: number;
  readonly timestamps: number;
  readonly #core: WasmCore;
  readonly #source: RowSource;
  readonly #rows: number;
  readonly #arena: Arena;
  readonly #columns = new Map<number, Arena>();

  /** @param picked pointer to ascending timestamps' uint32 rows; it must live as long as this. */
  constructor(core: WasmCore, source: RowSource, picked: { rows: number; rowCount: number }) {
    this.#core = core;
    this.#source = source;
    this.#rows = picked.rows;
    this.rowCount = picked.rowCount;
    this.#arena = new Arena(core.memory);
    const times = fixedVector(ColumnType.TIMESTAMP, source.timestamps);
    // The one block of the arena: if there is no room for it, there is nothing to give back.
    this.timestamps = gatherRows(core, { ...picked, vector: times }, this.#arena).data;
  }

  get minTimestamp(): bigint {
    return this.#source.minTimestamp;
  }
  get maxTimestamp(): bigint {
    return this.#source.maxTimestamp;
  }
  column(writerIndex: number): Vector | null {
    const vector = this.#source.column(writerIndex);
    if (vector === null) return null;
    const arena = new Arena(this.#core.memory);
    this.#columns.set(writerIndex, arena);
    const picked = { vector, rows: this.#rows, rowCount: this.rowCount };
    return gatherRows(this.#core, picked, arena);
  }
  release(writerIndex: number): void {
    this.#columns.get(writerIndex)?.release();
    this.#columns.delete(writerIndex);
    this.#source.release(writerIndex);
  }
  [Symbol.dispose](): void {
    for (const arena of this.#columns.values()) arena.release();
    this.#columns.clear();
    this.#arena.release();
  }
}

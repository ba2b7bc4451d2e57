/**
 * The upsert keys of a table for the kernels of deduplication: which columns, and where their values are on both sides.
 *
 * @module
 */
import { ColumnType, fixedSize, isVariableSize, typeTag } from "../common/mod.ts";
import { Arena, type Vector, type WasmCore } from "../wasm/mod.ts";
import { AUX_ENTRY_BYTES } from "./variable_files.ts";
import type { ColumnMetadata, TableMetadata } from "./metadata.ts";
import { nullVector } from "./null_values.ts";
import { PickedRows, type RowSource } from "./row_source.ts";

/** Bytes of a key column's description, see `core-wasm/dedup/keys.ts`. */
const DESCRIPTION_BYTES = 48;
const BATCH_SIDE = 4;
const PARTITION_SIDE = 24;
const HEAP = 4;
const HEAP_OFFSET = 12;
/** Kinds of variable-width values; a fixed width is its own kind. */
const BYTES_KIND = 64;
const TEXT_KIND = 65;

/** Key columns besides the designated timestamp, in the order in which they are compared; `null` if the table has no upsert keys. */
export function upsertKeys(metadata: TableMetadata): ColumnMetadata[] | null {
  const { timestampIndex, columns } = metadata;
  if (timestampIndex < 0 || !columns[timestampIndex].isDedupKey) return null;
  return columns.filter((column) =>
    column.type > 0 && column.isDedupKey && column.writerIndex !== timestampIndex
  );
}

/** See the module's description. Holds the batch's key values in memory. */
export class DedupKeys implements Disposable {
  /** Key columns besides the designated timestamp. */
  readonly columns: readonly ColumnMetadata[];
  /** Pointer to the descriptions. */
  readonly pointer: number;
  readonly #core: WasmCore;
  readonly #arena: Arena;
  #batch: readonly Vector[] = [];
  #source: RowSource | null = null;

  constructor(core: WasmCore, columns: readonly ColumnMetadata[]) {
    this.#core = core;
    this.columns = columns;
    this.#arena = new Arena(core.memory);
    this.pointer = this.#arena.alloc(DESCRIPTION_BYTES * columns.length);
    for (const [i, { type }] of columns.entries()) {
      const kind = !isVariableSize(type)
        ? fixedSize(type)
        : typeTag(type) === ColumnType.STRING
        ? TEXT_KIND
        : BYTES_KIND;
      core.memory.i32[(this.pointer + DESCRIPTION_BYTES * i) / 4] = kind;
    }
  }

  /** Loads the key values of a batch, unless they are. */
  load(source: RowSource): void {
    if (this.#source === source) return;
    this.unload();
    this.#source = source;
    this.#batch = this.columns.map(({ writerIndex, type }) =>
      source.column(writerIndex) ??
        nullVector(this.#core, { type, rows: source.rowCount }, this.#arena)
    );
    this.describeBatch(0);
  }
  /** Gives the batch's values back. */
  unload(): void {
    for (const { writerIndex } of this.columns) this.#source?.release(writerIndex);
    this.#source = null;
    this.#batch = [];
  }
  /** The values of a key column if they are loaded. */
  loaded(writerIndex: number): Vector | undefined {
    return this.#batch[this.columns.findIndex((column) => column.writerIndex === writerIndex)];
  }
  /** Lets row 0 of the batch be its row `rowLo`. */
  describeBatch(rowLo: number): void {
    for (const [i, vector] of this.#batch.entries()) {
      this.#describe(i, BATCH_SIDE, { vector, rowLo });
    }
  }
  /** Sets the partition's values, in the order of the columns. */
  describePartition(vectors: readonly Vector[]): void {
    for (const [i, vector] of vectors.entries()) {
      this.#describe(i, PARTITION_SIDE, { vector, rowLo: 0 });
    }
  }
  /**
   * Takes out all but the last of the rows with equal times and keys, and orders rows of equal times by their keys; returns the source
   * itself if there is nothing to do. Whoever calls disposes of what is returned with `arena`.
   */
  pick(source: RowSource, arena: Arena): RowSource | PickedRows {
    const { rowCount, timestamps } = source;
    const { memory, kernels } = this.#core;
    if (kernels.hasTiesI64(timestamps, rowCount) === 0) return source;
    using scratch = new Arena(memory);
    const rows = arena.alloc(4 * rowCount);
    this.load(source);
    const count = kernels.dedupBatch(
      timestamps,
      rowCount,
      this.pointer,
      this.columns.length,
      rows,
      scratch.alloc(4 * rowCount),
    );
    this.unload();
    return new PickedRows(this.#core, source, { rows, rowCount: count });
  }
  [Symbol.dispose](): void {
    this.unload();
    this.#arena.release();
  }

  #describe(key: number, side: number, values: { vector: Vector; rowLo: number }): void {
    const { vector, rowLo } = values;
    const { type, data, heap, heapOffset } = vector;
    const width = isVariableSize(type) ? AUX_ENTRY_BYTES : fixedSize(type);
    const at = this.pointer + DESCRIPTION_BYTES * key + side;
    const { buffer } = this.#core.memory.memory;
    const view = new DataView(buffer, at, DESCRIPTION_BYTES - side);
    view.setUint32(0, data + width * rowLo, true);
    view.setUint32(HEAP, heap, true);
    view.setFloat64(HEAP_OFFSET, heapOffset, true);
  }
}

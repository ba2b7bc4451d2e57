/**
 * Rows that QuestDB has appended behind the committed ones of the last partition without counting them in: its *lag*. The transactions
 * they come from may be purged, so they must become rows before anything else is applied.
 *
 * Layout of the lag in `_txn`: docs/internals/txn.md. The rows have table symbol keys already and may be in any order.
 *
 * @module
 */
import { assert } from "../common/mod.ts";
import {
  gatherRows,
  type PartitionRecord,
  type RowSource,
  TableReader,
  type TableWriter,
} from "../storage/mod.ts";
import { Arena, fixedVector, type TaskContext, type Vector } from "../wasm/mod.ts";

const PAIR_BYTES = 16;
/** Extra bytes that the sort kernel needs for its counters. */
const SORT_COUNTER_BYTES = 8192;

/** Commits the lag rows of a table if it has any; with them all transactions they come from are applied. */
export function applyLagRows(
  context: TaskContext,
  writer: TableWriter,
  options: { sync: boolean },
): void {
  const { txn } = writer;
  const last = txn.partitions.at(-1);
  // Without a partition there is nothing behind one: the transactions are applied again from the WAL.
  if (txn.lagTxnCount === 0 || txn.lagRowCount === 0 || last === undefined) return;
  using rows = new LagRows(context, writer, last);
  // They are read where an append would write; after a crash they must still be there.
  writer.write(rows, { keepsTails: true });
  writer.commit({ seqTxn: txn.seqTxn + txn.lagTxnCount, sync: options.sync });
}

/** The lag rows in timestamp order. */
class LagRows implements RowSource, Disposable {
  readonly rowCount: number;
  readonly timestamps: number;
  readonly minTimestamp: bigint;
  readonly maxTimestamp: bigint;
  readonly #context: TaskContext;
  readonly #reader: TableReader;
  readonly #partition: number;
  readonly #rowLo: number;
  readonly #order: number;
  readonly #arena: Arena;
  readonly #columns = new Map<number, Arena>();

  constructor(context: TaskContext, writer: TableWriter, last: PartitionRecord) {
    const { core, fs } = context;
    const { metadata, view, txn } = writer;
    this.#context = context;
    this.rowCount = txn.lagRowCount;
    this.#rowLo = last.rowCount;
    const counted = { ...last, rowCount: last.rowCount + this.rowCount };
    const partitions = [...txn.partitions.slice(0, -1), counted];
    const state = { metadata, versions: view.versions, txn: { ...txn, partitions } };
    const tableDir = view.tableDir;
    this.#reader = TableReader.over(
      { fs, core, tableDir },
      state,
      (column) => writer.symbolMap(column),
    );
    this.#partition = this.#reader.partitions.length - 1;
    this.#arena = new Arena(core.memory);
    try {
      const { times, order } = this.#sort();
      this.timestamps = times;
      this.#order = order;
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
    this.minTimestamp = core.memory.i64[this.timestamps / 8];
    this.maxTimestamp = core.memory.i64[this.timestamps / 8 + this.rowCount - 1];
  }

  column(writerIndex: number): Vector | null {
    const { metadata } = this.#reader;
    if (writerIndex === metadata.timestampIndex) {
      return fixedVector(metadata.columns[writerIndex].type, this.timestamps);
    }
    const arena = new Arena(this.#context.core.memory);
    assert(!this.#columns.has(writerIndex), `column is read once at a time: ${writerIndex}`);
    this.#columns.set(writerIndex, arena);
    const vector = this.#read(writerIndex, arena);
    const picked = { vector, rows: this.#order, rowCount: this.rowCount };
    return gatherRows(this.#context.core, picked, arena);
  }
  release(writerIndex: number): void {
    this.#columns.get(writerIndex)?.release();
    this.#columns.delete(writerIndex);
  }
  [Symbol.dispose](): void {
    for (const arena of this.#columns.values()) arena.release();
    this.#columns.clear();
    this.#arena.release();
    this.#reader.close();
  }

  #sort(): { times: number; order: number } {
    const { kernels, memory } = this.#context.core;
    const { rowCount } = this;
    using scratch = new Arena(memory);
    const times = this.#read(this.#reader.metadata.timestampIndex, this.#arena).data;
    const pairs = scratch.alloc(PAIR_BYTES * rowCount);
    kernels.joinPairs(times, rowCount, 0, pairs);
    const space = scratch.alloc(PAIR_BYTES * rowCount + SORT_COUNTER_BYTES);
    kernels.sortPairs(pairs, space, rowCount);
    const order = this.#arena.alloc(4 * rowCount);
    kernels.splitPairs(pairs, rowCount, 0, times, order);
    return { times, order };
  }

  #read(writerIndex: number, arena: Arena): Vector {
    const range = { rowLo: this.#rowLo, rowHi: this.#rowLo + this.rowCount };
    return this.#reader.readColumn(this.#partition, writerIndex, range, arena);
  }
}

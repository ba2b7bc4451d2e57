/**
 * Runs a bound UPDATE against a table's writer: finds the rows, computes their new values, one partition at a time.
 *
 * The new values of a partition's rows are in memory while its columns are written, no more.
 *
 * @module
 */
import { ColumnType, INT_NULL, SqlError, typeTag } from "../../common/mod.ts";
import type { PartitionUpdate, TableReader, TableWriter } from "../../storage/mod.ts";
import { type Batch, fixedVector, type Vector, type WasmCore } from "../../wasm/mod.ts";
import { LazyVectors } from "../exec/lazy_vectors.ts";
import { QueryMemory } from "../exec/query_memory.ts";
import { RowStore } from "../exec/row_store.ts";
import { ScanCursor, type ScanRange } from "../exec/scan_cursor.ts";
import { type CompileContext, lazyBuffer, vectorStride } from "../functions/mod.ts";
import { scanRanges } from "../planner/mod.ts";
import type { BoundUpdate } from "./bind_update.ts";

/** Row numbers and keys are stored like values of this type. */
const ROW_TYPE = ColumnType.INT;

/**
 * Stages the new values; they become visible when the writer commits.
 *
 * @returns Rows updated.
 */
export function runUpdate(
  writer: TableWriter,
  update: BoundUpdate,
  context: CompileContext,
): number {
  const run = new UpdateRun(writer, update, context);
  const partitions = run.partitions();
  try {
    const first = partitions.next();
    if (first.done === true) return 0;
    writer.update({ partitions: chain(first.value, partitions) });
    return run.rowCount;
  } finally {
    partitions.return(undefined);
  }
}

function* chain<T>(first: T, rest: Iterable<T>): Generator<T> {
  yield first;
  yield* rest;
}

/** See the module's description. */
class UpdateRun {
  rowCount = 0;
  readonly #writer: TableWriter;
  readonly #reader: TableReader;
  readonly #update: BoundUpdate;
  readonly #core: WasmCore;
  readonly #selection: () => number;
  readonly #numbers: () => number;
  readonly #keys: readonly (() => number)[];
  readonly #gathered: readonly (() => number)[];

  constructor(writer: TableWriter, update: BoundUpdate, context: CompileContext) {
    this.#writer = writer;
    this.#reader = writer.view;
    this.#update = update;
    this.#core = context.core;
    this.#selection = lazyBuffer(context, 5); // selectTrue writes a few entries beyond
    this.#numbers = lazyBuffer(context, 4);
    this.#keys = update.assignments.map(() => lazyBuffer(context, 4));
    this.#gathered = update.scope.used.map((column) =>
      lazyBuffer(context, vectorStride(update.scope.columns[column].type))
    );
  }

  /** Partitions that have rows to change; each is valid until the next one is asked for. */
  *partitions(): Generator<PartitionUpdate, undefined, undefined> {
    const { intervals, assignments } = this.#update;
    const ranges = scanRanges(this.#reader, intervals);
    for (const index of new Set(ranges.map((range) => range.partition))) {
      const memory = new QueryMemory(this.#core);
      const store = new RowStore(memory, [
        { type: ROW_TYPE },
        ...assignments.map(({ column }) => ({ type: storedType(column.type) })),
      ]);
      try {
        for (const range of ranges) if (range.partition === index) this.#collect(range, store);
        if (store.rowCount === 0) continue;
        refuseLong256(assignments);
        this.rowCount += store.rowCount;
        yield this.#partition(index, store);
      } finally {
        store.close();
        memory.close();
      }
    }
  }

  #partition(index: number, store: RowStore): PartitionUpdate {
    return {
      index,
      rows: store.column(0).data,
      rowCount: store.rowCount,
      columns: this.#update.assignments.map(({ column }, i) => ({
        writerIndex: column.writerIndex,
        vector: {
          ...store.column(i + 1),
          type: column.type,
          symbols: typeTag(column.type) === ColumnType.SYMBOL
            ? this.#writer.symbolMap(column.writerIndex)
            : null,
        },
      })),
    };
  }

  /** Adds the rows of a range that fit the condition. */
  #collect(range: ScanRange, store: RowStore): void {
    const { scope, condition } = this.#update;
    const live = this.#reader.metadata.liveColumns;
    const cursor = new ScanCursor({
      core: this.#core,
      reader: this.#reader,
      writerIndexes: scope.used.map((column) => live[column].writerIndex),
      columns: scope.used.map((column) => scope.columns[column]),
      timestampIndex: scope.used.indexOf(scope.timestampIndex),
      ranges: [range],
      isBackward: false,
    });
    try {
      let row = range.low;
      for (let batch = cursor.nextBatch(); batch !== null; batch = cursor.nextBatch()) {
        const mask = condition === null ? 0 : condition.evaluate(batch).data;
        const count = condition === null
          ? batch.rowCount
          : this.#core.kernels.countTrue(mask, batch.rowCount);
        if (count > 0) this.#append(store, { row, count, mask, batch });
        row += batch.rowCount;
      }
    } finally {
      cursor.close();
    }
  }

  #append(
    store: RowStore,
    found: { row: number; count: number; mask: number; batch: Batch },
  ): void {
    const { row, count, mask, batch } = found;
    const { u32 } = this.#core.memory;
    const isWhole = count === batch.rowCount;
    const selection = isWhole ? 0 : this.#selection();
    if (!isWhole) this.#core.kernels.selectTrue(mask, selection, batch.rowCount);
    const numbers = this.#numbers();
    for (let i = 0; i < count; i++) {
      u32[numbers / 4 + i] = row + (isWhole ? i : u32[selection / 4 + i]);
    }
    const input = isWhole ? batch : this.#gather(batch, selection, count);
    const values = this.#update.assignments.map((_, index) => this.#value(index, input));
    store.append({
      rowCount: count,
      vectors: [fixedVector(ROW_TYPE, numbers), ...values],
    });
  }

  #gather(batch: Batch, selection: number, count: number): Batch {
    const lazy = new LazyVectors(batch.vectors.length, (column) => {
      const vector = batch.vectors[column];
      const out = this.#gathered[column]();
      const stride = vectorStride(vector.type);
      this.#core.kernels.gatherRows(stride, vector.data, selection, out, count);
      return { ...vector, data: out };
    });
    return { rowCount: count, vectors: lazy.vectors };
  }

  #value(index: number, input: Batch): Vector {
    const { column, value } = this.#update.assignments[index];
    const vector = value.evaluate(input);
    if (typeTag(column.type) !== ColumnType.SYMBOL) return { ...vector, type: column.type };
    const map = this.#writer.symbolMap(column.writerIndex);
    const { i32 } = this.#core.memory;
    const out = this.#keys[index]() / 4;
    for (let row = 0; row < input.rowCount; row++) {
      const key = i32[vector.data / 4 + row];
      if (key === INT_NULL) map.noteNull();
      i32[out + row] = key === INT_NULL ? INT_NULL : map.intern(vector.symbols!.text(key));
    }
    return fixedVector(ROW_TYPE, out * 4);
  }
}

/** As in QuestDB nobody minds before there is a row to change. @throws {SqlError} */
function refuseLong256(assignments: BoundUpdate["assignments"]): void {
  if (assignments.some(({ column }) => typeTag(column.type) === ColumnType.LONG256)) {
    throw new SqlError(0, "Column type LONG256 not supported for updates");
  }
}

/** Symbols are stored as keys of the table. */
function storedType(type: number): number {
  return typeTag(type) === ColumnType.SYMBOL ? ROW_TYPE : type;
}

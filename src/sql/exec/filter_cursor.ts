/**
 * Keeps the rows for which a condition holds.
 *
 * @module
 */
import type { Batch, Vector } from "../../wasm/mod.ts";
import {
  type CompileContext,
  lazyBuffer,
  type VectorExpression,
  vectorStride,
} from "../functions/mod.ts";
import { LazyVectors } from "./lazy_vectors.ts";
import type { CursorColumn, ExecutionContext, RowCursor } from "./row_cursor.ts";

/** See the module's description. */
export class FilterCursor implements RowCursor {
  readonly columns: readonly CursorColumn[];
  readonly timestampIndex: number;
  readonly #source: RowCursor;
  readonly #condition: VectorExpression;
  readonly #context: CompileContext;
  readonly #execution: ExecutionContext;
  readonly #rows: () => number;
  readonly #buffers: (() => number)[];
  readonly #lazy: LazyVectors;
  #input: Batch | null = null;
  #rowCount = 0;
  #mask = 0;
  #isSelected = false;

  constructor(
    source: RowCursor,
    condition: VectorExpression,
    options: { context: CompileContext; execution: ExecutionContext },
  ) {
    this.#source = source;
    this.#condition = condition;
    this.#context = options.context;
    this.#execution = options.execution;
    this.columns = source.columns;
    this.timestampIndex = source.timestampIndex;
    this.#rows = lazyBuffer(options.context, 5); // selectTrue writes a few entries beyond
    this.#buffers = source.columns.map((column) =>
      lazyBuffer(options.context, vectorStride(column.type))
    );
    this.#lazy = new LazyVectors(source.columns.length, (column) => this.#gather(column));
  }

  async next(): Promise<Batch | null> {
    if (this.#condition.constant?.value === false) return null;
    const { kernels } = this.#context.core;
    while (true) {
      const input = await this.#source.next();
      if (input === null) return null;
      this.#mask = this.#condition.evaluate(input).data;
      this.#isSelected = false;
      const count = kernels.countTrue(this.#mask, input.rowCount);
      if (count === input.rowCount) return input;
      if (count > 0) {
        this.#input = input;
        this.#rowCount = count;
        this.#lazy.reset();
        return { rowCount: count, vectors: this.#lazy.vectors };
      }
      await this.#execution.yieldIfDue();
    }
  }
  close(): void {
    this.#source.close();
  }

  #gather(column: number): Vector {
    const vector = this.#input!.vectors[column];
    if (!this.#isSelected) {
      this.#context.core.kernels.selectTrue(this.#mask, this.#rows(), this.#input!.rowCount);
      this.#isSelected = true;
    }
    const out = this.#buffers[column]();
    const size = vectorStride(vector.type);
    this.#context.core.kernels.gatherRows(size, vector.data, this.#rows(), out, this.#rowCount);
    return { ...vector, data: out };
  }
}

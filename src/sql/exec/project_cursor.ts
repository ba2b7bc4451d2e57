/**
 * Computes the columns of a select list.
 *
 * @module
 */
import type { Batch, Vector } from "../../wasm/mod.ts";
import type { VectorExpression } from "../functions/mod.ts";
import { LazyVectors } from "./lazy_vectors.ts";
import type { CursorColumn, RowCursor } from "./row_cursor.ts";

/** See the module's description. */
export class ProjectCursor implements RowCursor {
  readonly columns: readonly CursorColumn[];
  readonly timestampIndex: number;
  readonly #source: RowCursor;
  readonly #expressions: readonly VectorExpression[];
  readonly #lazy: LazyVectors;
  #input: Batch | null = null;

  constructor(
    source: RowCursor,
    expressions: readonly VectorExpression[],
    shape: { columns: readonly CursorColumn[]; timestampIndex: number },
  ) {
    this.#source = source;
    this.#expressions = expressions;
    this.columns = shape.columns;
    this.timestampIndex = shape.timestampIndex;
    this.#lazy = new LazyVectors(expressions.length, (column) => this.#compute(column));
  }

  async next(): Promise<Batch | null> {
    this.#input = await this.#source.next();
    if (this.#input === null) return null;
    this.#lazy.reset();
    // Generators advance once per batch, whether or not anyone looks at their column.
    for (const [i, expression] of this.#expressions.entries()) {
      if (expression.isVolatile === true) void this.#lazy.vectors[i];
    }
    return { rowCount: this.#input.rowCount, vectors: this.#lazy.vectors };
  }
  close(): void {
    this.#source.close();
  }

  #compute(column: number): Vector {
    const vector = this.#expressions[column].evaluate(this.#input!);
    const { type } = this.columns[column];
    return vector.type === type ? vector : { ...vector, type };
  }
}

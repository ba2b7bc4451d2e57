/**
 * UNION ALL: one source after the other. The sources have the same column types.
 *
 * @module
 */
import type { Batch } from "../../wasm/mod.ts";
import type { CursorColumn, RowCursor } from "./row_cursor.ts";

/** See the module's description. */
export class UnionAllCursor implements RowCursor {
  readonly columns: readonly CursorColumn[];
  readonly timestampIndex = -1;
  readonly #sources: readonly RowCursor[];
  #current = 0;

  constructor(sources: readonly RowCursor[]) {
    this.#sources = sources;
    this.columns = sources[0].columns;
  }
  async next(): Promise<Batch | null> {
    while (this.#current < this.#sources.length) {
      const batch = await this.#sources[this.#current].next();
      if (batch !== null) return batch;
      this.#current++;
    }
    return null;
  }
  close(): void {
    for (const source of this.#sources) source.close();
  }
}

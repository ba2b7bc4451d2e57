/**
 * `long_sequence(n)`: one LONG column `x`, 1 … n.
 *
 * @module
 */
import { ColumnType } from "../../common/mod.ts";
import { type Batch, BATCH_ROWS, fixedVector } from "../../wasm/mod.ts";
import { type CompileContext, lazyBuffer } from "../functions/mod.ts";
import type { RowCursor } from "./row_cursor.ts";

/** See the module's description. */
export class LongSequenceCursor implements RowCursor {
  readonly columns = [{ name: "x", type: ColumnType.LONG }];
  readonly timestampIndex = -1;
  readonly #context: CompileContext;
  readonly #count: number;
  readonly #buffer: () => number;
  #done = 0;

  constructor(context: CompileContext, count: number) {
    this.#context = context;
    this.#count = count;
    this.#buffer = lazyBuffer(context, 8);
  }

  next(): Promise<Batch | null> {
    const rowCount = Math.min(BATCH_ROWS, this.#count - this.#done);
    if (rowCount <= 0) return Promise.resolve(null);
    const out = this.#buffer();
    this.#context.core.kernels.sequenceI64(BigInt(this.#done + 1), 1n, out, rowCount);
    this.#done += rowCount;
    return Promise.resolve({ rowCount, vectors: [fixedVector(ColumnType.LONG, out)] });
  }
  close(): void {
    this.#done = this.#count;
  }
}

/**
 * A query's rows as a byte stream. Rows are written when the client has taken what was written before; so a slow client costs
 * one batch and one chunk of memory, not a result.
 *
 * @module
 */
import type { RowCursor } from "../../sql/mod.ts";
import type { Batch, SymbolTable, WasmMemory } from "../../wasm/mod.ts";
import { ByteWriter } from "./byte_writer.ts";
import type { RowLimit } from "./row_limit.ts";
import { type ValueFormat, type ValueWriter, valueWriter } from "./value_writer.ts";

/** Bytes handed to the connection at a time, about: a few milliseconds' work. */
const CHUNK_BYTES = 131_072;
const COMMA = 44;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const CR = 13;
const LF = 10;

/** How a body is put together. */
export interface RowLayout {
  readonly format: ValueFormat;
  /** Byte between values. */
  readonly delimiter: number;
  readonly head: string;
  /** Text behind the last row; `rows` is QuestDB's count, see {@linkcode RowStreamOptions.countsAll}. */
  readonly tail: (rows: number) => string;
  /** Result columns to write, in this order. */
  readonly columns: readonly number[];
}

/** What {@linkcode rowStream} needs besides the cursor. */
export interface RowStreamOptions {
  readonly memory: WasmMemory;
  readonly layout: RowLayout;
  readonly limit: RowLimit;
  /** The cursor's first batch, pulled already; `null` if there is none. */
  readonly first: Batch | null;
  /** Count all rows of the query, even those behind the limit; otherwise those up to the last one written. */
  readonly countsAll: boolean;
}

/** Streams a cursor; closes it at the end, on an error, and when the client goes away. */
export function rowStream(
  cursor: RowCursor,
  options: RowStreamOptions,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const writer = new RowWriter(cursor, options);
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        const isDone = await writer.fill();
        controller.enqueue(writer.take());
        if (!isDone) return;
        cursor.close();
        controller.close();
      } catch (error) {
        cursor.close();
        throw error; // breaks the connection off: the status line has been sent
      }
    },
    cancel() {
      cursor.close();
    },
  }, { highWaterMark: 1 });
}

/** Goes through the batches and remembers how far it got between chunks. */
class RowWriter {
  readonly #cursor: RowCursor;
  readonly #options: RowStreamOptions;
  readonly #buffer = new ByteWriter(CHUNK_BYTES + CHUNK_BYTES / 4);
  readonly #symbols = new Map<SymbolTable, (Uint8Array | undefined)[]>();
  #batch: Batch | null;
  #writers: ValueWriter[] = [];
  /** Next row of the batch. */
  #row = 0;
  /** Rows of earlier batches. */
  #before = 0;
  #isFirstRow = true;

  constructor(cursor: RowCursor, options: RowStreamOptions) {
    this.#cursor = cursor;
    this.#options = options;
    this.#batch = options.first;
    this.#bind();
    this.#buffer.text(options.layout.head);
  }

  /** What {@linkcode fill} wrote. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#buffer.take();
  }

  /** Writes about a chunk; `true` if the body is complete. */
  async fill(): Promise<boolean> {
    const { limit, layout, countsAll } = this.#options;
    while (this.#batch !== null && (countsAll || this.#before + this.#row < limit.high)) {
      if (this.#writeRows(this.#batch)) return false;
      this.#before += this.#batch.rowCount;
      const isEnough = !countsAll && this.#before >= limit.high;
      this.#batch = isEnough ? null : await this.#cursor.next();
      this.#row = 0;
      this.#bind();
    }
    this.#buffer.text(layout.tail(this.#count()));
    return true;
  }

  #count(): number {
    const { limit, countsAll } = this.#options;
    const seen = this.#before + (this.#batch === null ? 0 : this.#row);
    if (seen <= limit.low && limit.low > 0) return 0; // the rows asked for begin behind the end
    return countsAll ? seen : Math.min(seen, limit.high);
  }

  #bind(): void {
    const { memory, layout } = this.#options;
    const output = { buffer: this.#buffer, format: layout.format, symbols: this.#symbols };
    const vectors = this.#batch?.vectors ?? [];
    this.#writers = this.#batch === null
      ? []
      : layout.columns.map((column) => valueWriter(memory, vectors[column], output));
  }

  /** Writes rows of a batch until it ends (`false`) or a chunk is full (`true`). */
  #writeRows(batch: Batch): boolean {
    const { limit } = this.#options;
    const end = Math.min(limit.high - this.#before, batch.rowCount);
    this.#row = Math.max(this.#row, limit.low - this.#before);
    for (; this.#row < end; this.#row++) {
      if (this.#buffer.length >= CHUNK_BYTES) return true;
      this.#writeRow(this.#row);
    }
    return false;
  }

  #writeRow(row: number): void {
    const { format, delimiter } = this.#options.layout;
    const buffer = this.#buffer, writers = this.#writers;
    if (format.isJson) {
      if (!this.#isFirstRow) buffer.byte(COMMA);
      buffer.byte(OPEN_BRACKET);
    }
    this.#isFirstRow = false;
    for (let column = 0; column < writers.length; column++) {
      if (column > 0) buffer.byte(delimiter);
      writers[column](row);
    }
    if (format.isJson) return buffer.byte(CLOSE_BRACKET);
    buffer.byte(CR);
    buffer.byte(LF);
  }
}

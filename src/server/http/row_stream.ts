/**
 * A query's rows as a byte stream, a batch at a time; the next batch is computed when the client has taken the last one.
 *
 * @module
 */
import type { RowCursor } from "../../sql/mod.ts";
import type { Batch, WasmMemory } from "../../wasm/mod.ts";
import { ByteBuffer } from "./byte_writer.ts";
import type { RowLimit } from "./row_limit.ts";
import { type ValueFormat, valueWriter } from "./value_writer.ts";

const INITIAL_BUFFER_BYTES = 65_536;
/** Bytes handed to the connection at a time, about. */
const CHUNK_BYTES = 262_144;
const COMMA = 44;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;

/** How a body is put together. */
export interface RowLayout {
  readonly format: ValueFormat;
  /** Byte between values. */
  readonly delimiter: number;
  readonly head: string;
  /** Text behind the last row; `rows` counts what the limit let through, from the first row on. */
  readonly tail: (rows: number) => string;
  /** JSON rows are arrays with commas between them; CSV rows are lines. */
  readonly isJson: boolean;
}

/** Streams a cursor; closes it at the end, on an error, and when the client goes away. */
export function rowStream(
  cursor: RowCursor,
  memory: WasmMemory,
  options: { readonly layout: RowLayout; readonly limit: RowLimit; readonly first: Batch | null },
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { layout, limit } = options;
  const buffer = new ByteBuffer(INITIAL_BUFFER_BYTES);
  buffer.text(layout.head);
  let batch = options.first;
  let seen = 0, written = 0;
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        while (batch !== null && seen < limit.high && buffer.length < CHUNK_BYTES) {
          written += writeBatch(batch, {
            buffer,
            memory,
            layout,
            isFirst: written === 0,
            limit,
            seen,
          });
          seen += batch.rowCount;
          batch = seen < limit.high ? await cursor.next() : null;
        }
        const isDone = batch === null || seen >= limit.high;
        if (isDone) buffer.text(layout.tail(Math.min(seen, limit.high)));
        controller.enqueue(buffer.take());
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
  });
}

interface BatchOutput {
  readonly buffer: ByteBuffer;
  readonly memory: WasmMemory;
  readonly layout: RowLayout;
  readonly isFirst: boolean;
  readonly limit: RowLimit;
  readonly seen: number;
}

/** Writes the rows of a batch that the limit lets through; returns how many. */
function writeBatch(batch: Batch, output: BatchOutput): number {
  const { buffer, layout, limit, seen } = output;
  const writers = batch.vectors.map((vector) =>
    valueWriter(output.memory, vector, { buffer, format: layout.format })
  );
  const low = Math.max(limit.low - seen, 0), high = Math.min(limit.high - seen, batch.rowCount);
  for (let row = low; row < high; row++) {
    if (layout.isJson) {
      if (!output.isFirst || row > low) buffer.byte(COMMA);
      buffer.byte(OPEN_BRACKET);
    }
    for (let column = 0; column < writers.length; column++) {
      if (column > 0) buffer.byte(layout.delimiter);
      writers[column](row);
    }
    if (layout.isJson) buffer.byte(CLOSE_BRACKET);
    else buffer.ascii("\r\n");
  }
  return Math.max(high - low, 0);
}

import { ColumnType, SqlError } from "../../src/common/mod.ts";
import { ByteWriter } from "../../src/server/http/byte_writer.ts";
import { NO_LIMIT } from "../../src/server/http/row_limit.ts";
import { type RowLayout, rowStream } from "../../src/server/http/row_stream.ts";
import { CSV_FORMAT, jsonFormat, valueWriter } from "../../src/server/http/value_writer.ts";
import type { RowCursor } from "../../src/sql/mod.ts";
import { type Batch, createCore, fixedVector, type WasmCore } from "../../src/wasm/mod.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";

/** A cursor over batches of INT rows; an `Error` among them is thrown. */
class ListCursor implements RowCursor {
  readonly columns = [{ name: "x", type: ColumnType.INT }];
  readonly timestampIndex = -1;
  closedTimes = 0;
  readonly #core: WasmCore;
  readonly #steps: (number[] | Error)[];

  constructor(core: WasmCore, steps: (number[] | Error)[]) {
    this.#core = core;
    this.#steps = steps;
  }
  next(): Promise<Batch | null> {
    const step = this.#steps.shift();
    if (step === undefined) return Promise.resolve(null);
    if (step instanceof Error) return Promise.reject(step);
    const data = this.#core.memory.alloc(step.length * 4);
    this.#core.memory.i32.set(step, data >> 2);
    return Promise.resolve({ rowCount: step.length, vectors: [fixedVector(ColumnType.INT, data)] });
  }
  close(): void {
    this.closedTimes++;
  }
}

const LAYOUT: RowLayout = {
  format: jsonFormat(false),
  delimiter: 44,
  head: "[",
  tail: (rows) => `]${rows}`,
  columns: [0],
};

async function open(
  core: WasmCore,
  cursor: RowCursor,
  options: { limit?: typeof NO_LIMIT; countsAll?: boolean } = {},
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const first = await cursor.next();
  const { limit = NO_LIMIT, countsAll = false } = options;
  return rowStream(cursor, { memory: core.memory, layout: LAYOUT, limit, first, countsAll });
}

Deno.test("rowStream() applies limits and counts over the ends of batches", async () => {
  const core = createCore();
  const read = async (low: number, high: number, countsAll = false) => {
    const cursor = new ListCursor(core, [[1, 2], [3], [4, 5, 6]]);
    const limit = { low, high, fromEnd: 0 };
    const text = await new Response(await open(core, cursor, { limit, countsAll })).text();
    assertEquals(cursor.closedTimes, 1);
    return text;
  };
  assertEquals(await read(0, Infinity), "[[1],[2],[3],[4],[5],[6]]6");
  assertEquals(await read(1, 4), "[[2],[3],[4]]4");
  assertEquals(await read(1, 4, true), "[[2],[3],[4]]6");
  assertEquals(await read(2, 3), "[[3]]3");
  assertEquals(await read(3, 3), "[]0");
  assertEquals(await read(6, 9), "[]0");
  assertEquals(await read(5, 9), "[[6]]6");
  assertEquals(await read(0, 0), "[]0");
});

Deno.test("rowStream() breaks off on an error behind the first rows, and closes the cursor", async () => {
  const core = createCore();
  const rows = Array.from({ length: 50_000 }, (_, i) => i);
  const cursor = new ListCursor(core, [rows, new SqlError(3, "no more")]);
  const reader = (await open(core, cursor)).getReader();
  assertEquals((await reader.read()).done, false);
  await assertRejects(
    async () => {
      while (!(await reader.read()).done);
    },
    SqlError,
    "no more",
  );
  assertEquals(cursor.closedTimes, 1);
});

Deno.test("rowStream() closes the cursor when its reader goes away", async () => {
  const core = createCore();
  const cursor = new ListCursor(core, [Array.from({ length: 50_000 }, (_, i) => i), [1]]);
  const stream = await open(core, cursor);
  await stream.cancel();
  assert(cursor.closedTimes > 0);
});

Deno.test("valueWriter() writes times of every unit and age as QuestDB does", () => {
  const core = createCore();
  const write = (type: number, value: bigint) => {
    const data = core.memory.alloc(8);
    core.memory.i64[data >> 3] = value;
    const buffer = new ByteWriter(8);
    valueWriter(core.memory, fixedVector(type, data), {
      buffer,
      format: CSV_FORMAT,
      symbols: new Map(),
    })(0);
    return new TextDecoder().decode(buffer.take());
  };
  const { TIMESTAMP, TIMESTAMP_NS, DATE } = ColumnType;
  assertEquals(write(TIMESTAMP, 253402300800000000n), '"10000-01-01T00:00:00.000000Z"');
  assertEquals(write(TIMESTAMP, 9223372036854775807n), '"294247-01-10T04:00:54.775807Z"');
  assertEquals(write(TIMESTAMP, -1n), '"1969-12-31T23:59:59.999999Z"');
  assertEquals(write(TIMESTAMP, -62135596800000000n), '"0001-01-01T00:00:00.000000Z"');
  assertEquals(write(TIMESTAMP_NS, 1704067200123456789n), '"2024-01-01T00:00:00.123456789Z"');
  assertEquals(write(DATE, 1709210096789n), '"2024-02-29T12:34:56.789Z"');
  assertEquals(write(TIMESTAMP, -0x8000000000000000n), "");
});

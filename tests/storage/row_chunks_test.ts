/** Rows go through memory in portions, whatever their values' length. */
import { PartitionBy } from "../../src/common/mod.ts";
import { SimulatedFileSystem } from "../../src/platform/mod.ts";
import { TableReader, TableWriter } from "../../src/storage/mod.ts";
import { CHUNK_HEAP_BYTES } from "../../src/storage/column_writer.ts";
import { rowChunks } from "../../src/storage/row_chunks.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { commitRows, createTable, type Row } from "./table_fixture.ts";

const START = 1_704_067_200_000_000n;
const TEXT_BYTES = 1_000_000;
const ROWS = 80;

Deno.test("rowChunks() covers every row once, with no more long values at a time than the limit", () => {
  const disk = new SimulatedFileSystem();
  disk.mkdir("/db");
  const context = createTable("/db", PartitionBy.DAY, disk);
  using writer = TableWriter.open(context);
  const text = "x".repeat(TEXT_BYTES);
  const rows: Row[] = Array.from({ length: ROWS }, (_, i) => ({
    ts: START + BigInt(i),
    ok: true,
    i,
    l: 1n,
    d: 0.5,
    sym: "s",
    text: i % 2 === 0 ? text : null,
  }));
  for (let first = 0; first < ROWS; first += 20) {
    commitRows(writer, rows.slice(first, first + 20), { seqTxn: 1 });
  }
  using reader = TableReader.open(context);
  const chunksOf = (name: string) => {
    const { writerIndex } = reader.metadata.columns.find((column) => column.name === name)!;
    const where = { partitionIndex: 0, writerIndex };
    return [...rowChunks(reader, where, { rowLo: 7, rowHi: ROWS })].map((rows) => ({
      ...rows,
      bytes: name === "text" ? reader.variableBytes(0, writerIndex, rows) : 0,
    }));
  };
  assertEquals(chunksOf("i"), [{ rowLo: 7, rowHi: ROWS, bytes: 0 }]);
  const chunks = chunksOf("text");
  assert(chunks.length > 1, "it does not fit at once");
  let next = 7;
  for (const { rowLo, rowHi, bytes } of chunks) {
    assertEquals(rowLo, next);
    assert(rowHi > rowLo && bytes <= CHUNK_HEAP_BYTES, `${rowLo} to ${rowHi}: ${bytes}`);
    next = rowHi;
  }
  assertEquals(next, ROWS);
});

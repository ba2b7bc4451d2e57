/**
 * Every column type between the real QuestDB and this storage engine: its files are read, the same rows are written here, and the files
 * are compared byte by byte, those of the WAL too.
 */
import { ColumnType, isVariableSize, typeName } from "../../src/common/mod.ts";
import {
  columnFilesOf,
  committedLength,
  gatherRows,
  partitionIndexFiles,
  symbolFiles,
  TableReader,
} from "../../src/storage/mod.ts";
import { Arena, type Vector } from "../../src/wasm/mod.ts";
import { RealFileSystem } from "../../src/platform/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { openEngine, testCore } from "../support/engine_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { COLUMNS, fillEveryType, LATE_ROWS, MINUTE, ROWS } from "./every_type.ts";

const fs = new RealFileSystem();

function tableDirectory(root: string): string {
  const entry = [...Deno.readDirSync(`${root}/db`)].find(({ name }) => name.startsWith("t~"));
  assert(entry !== undefined, "the table is there");
  return `${root}/db/${entry.name}`;
}

/** The rows of one transaction: those in the middle of a minute, or the others. */
function transactionRows(
  reader: TableReader,
  isLate: boolean,
  arena: Arena,
): { rowCount: number; columns: Vector[] } {
  const core = testCore();
  const { memory } = core;
  const unit = reader.metadata.columns[0].type === ColumnType.TIMESTAMP_NS ? 1000n : 1n;
  assertEquals(reader.partitions.length, 2);
  const picks = reader.partitions.map(({ rowCount }, index) => {
    const { data } = reader.readColumn(index, 0, { rowLo: 0, rowHi: rowCount }, arena);
    const rows = [...memory.i64.subarray(data / 8, data / 8 + rowCount)]
      .flatMap((ts, row) => (ts / unit % MINUTE !== 0n === isLate ? [row] : []));
    const pointer = arena.alloc(4 * rows.length);
    memory.u32.set(rows, pointer / 4);
    return { rows: pointer, rowCount: rows.length };
  });
  const columns = reader.metadata.columns.map(({ writerIndex }) => {
    const parts = picks.map((picked, index) => {
      const range = { rowLo: 0, rowHi: reader.partitions[index].rowCount };
      return gatherRows(core, {
        ...picked,
        vector: reader.readColumn(index, writerIndex, range, arena),
      }, arena);
    });
    return joined(parts, picks.map((pick) => pick.rowCount), arena);
  });
  return { rowCount: picks[0].rowCount + picks[1].rowCount, columns };
}

/** Two vectors as one, a row after the other by a merge order. */
function joined(parts: readonly Vector[], rows: readonly number[], arena: Arena): Vector {
  const { memory, kernels } = testCore();
  const [a, b] = parts;
  const total = rows[0] + rows[1];
  const index = arena.alloc(4 * total);
  for (let i = 0; i < total; i++) {
    memory.u32[index / 4 + i] = i < rows[0] ? i : (0x80000000 + i - rows[0]) >>> 0;
  }
  if (isVariableSize(a.type)) {
    const data = arena.alloc(16 * total), heap = arena.alloc(a.heapBytes + b.heapBytes);
    const heapBytes = kernels.varcharMerge(
      a.data,
      a.heap,
      a.heapOffset,
      b.data,
      b.heap,
      b.heapOffset,
      index,
      total,
      data,
      heap,
      0,
    );
    return { ...a, data, heap, heapBytes, heapOffset: 0 };
  }
  const width = committedLength(a.type, 1);
  const data = arena.alloc(width * total);
  memory.u8.copyWithin(data, a.data, a.data + width * rows[0]);
  memory.u8.copyWithin(data + width * rows[0], b.data, b.data + width * rows[1]);
  return { ...a, data };
}

function bytesOf(path: string, length: number): Uint8Array {
  const bytes = Deno.readFileSync(path);
  assert(bytes.length >= length, `${path} has ${bytes.length} of ${length} bytes`);
  return bytes.subarray(0, length);
}

function assertSameBytes(theirs: string, ours: string, length: number): void {
  assertEquals(bytesOf(ours, length).toHex(), bytesOf(theirs, length).toHex(), `${ours} ${length}`);
}

/** Compares a bitmap index as far as its header says it goes. */
function assertSameIndex(
  theirs: { keys: string; values: string },
  ours: { keys: string; values: string },
): void {
  const header = new DataView(Deno.readFileSync(theirs.keys).buffer);
  const keyBytes = 64 + 32 * header.getInt32(21, true);
  const blank = (path: string) => {
    const bytes = bytesOf(path, keyBytes).slice();
    bytes.fill(0, 37, 45); // the last row: QuestDB's is one too many after a merge
    return bytes.toHex();
  };
  assertEquals(blank(ours.keys), blank(theirs.keys), ours.keys);
  assertSameBytes(theirs.values, ours.values, Number(header.getBigInt64(9, true)));
}

function compareTables(theirDir: string, ourDir: string): void {
  const core = testCore();
  using theirs = TableReader.open({ fs, core, tableDir: theirDir });
  using ours = TableReader.open({ fs, core, tableDir: ourDir });
  assertEquals(ours.rowCount, theirs.rowCount);
  assertEquals(ours.txn.symbolCounts, theirs.txn.symbolCounts);
  assertEquals(ours.partitions.length, theirs.partitions.length);
  for (const [index, partition] of theirs.partitions.entries()) {
    const view = { fs, tableDir: theirDir, partition, ...stateOf(theirs) };
    const ourPartition = ours.partitions[index];
    const ourFiles = columnFilesOf({
      fs,
      tableDir: ourDir,
      partition: ourPartition,
      ...stateOf(ours),
    });
    const theirFiles = columnFilesOf(view);
    assertEquals(
      ourFiles.map(({ bytes, column, extension }) => [bytes, column.name, extension]),
      theirFiles.map(({ bytes, column, extension }) => [bytes, column.name, extension]),
    );
    for (const [i, file] of theirFiles.entries()) {
      assertSameBytes(`${theirDir}/${file.path}`, `${ourDir}/${ourFiles[i].path}`, file.bytes);
    }
    for (const column of theirs.metadata.liveColumns.filter(({ isIndexed }) => isIndexed)) {
      assertSameIndex(
        partitionIndexFiles(`${theirDir}/${partition.dirName}`, column, -1),
        partitionIndexFiles(`${ourDir}/${ourPartition.dirName}`, column, -1),
      );
    }
  }
  for (const name of ["sy", "sx"]) {
    const [a, b] = [symbolFiles(theirDir, name, -1), symbolFiles(ourDir, name, -1)];
    const count = theirs.symbolTable(theirs.metadata.columns.findIndex((c) => c.name === name))
      .count;
    assertSameBytes(a.offsets, b.offsets, 64 + 8 * (count + 1));
    const end = Number(new DataView(bytesOf(a.offsets, 72 + 8 * count).slice().buffer)
      .getBigInt64(64 + 8 * count, true));
    assertSameBytes(a.chars, b.chars, end);
    assertEquals(hashChains(b), hashChains(a), `${name}: candidates by hash`);
  }
}

/** Values by key of a symbol table's index, in which QuestDB leaves a block unused. */
function hashChains(files: { keys: string; values: string }): [number, number[]][] {
  const keys = new DataView(Deno.readFileSync(files.keys).buffer);
  const values = new DataView(Deno.readFileSync(files.values).buffer);
  const chains: [number, number[]][] = [];
  for (let key = 0; key < keys.getInt32(21, true); key++) {
    const at = (field: number) => Number(keys.getBigInt64(64 + 32 * key + field, true));
    const chain: number[] = [];
    let block = at(8);
    for (let i = 0; i < at(0); i++) {
      if (i > 0 && i % 2 === 0) block = Number(values.getBigInt64(block + 24, true));
      chain.push(Number(values.getBigInt64(block + 8 * (i % 2), true)));
    }
    if (chain.length > 0) chains.push([key, chain]);
  }
  return chains;
}

function stateOf(reader: TableReader) {
  return { metadata: reader.metadata, versions: reader.versions };
}

/** Compares the columns of a WAL segment. */
function compareSegments(theirDir: string, ourDir: string, reader: TableReader): void {
  let compared = 0;
  for (const { name, type, writerIndex } of reader.metadata.columns) {
    const [theirs, ours] = [theirDir, ourDir].map((dir) => `${dir}/wal1/0/${name}`);
    if (!isVariableSize(type)) {
      const width = writerIndex === reader.metadata.timestampIndex ? 16 : committedLength(type, 1);
      assertSameBytes(`${theirs}.d`, `${ours}.d`, width * (ROWS + LATE_ROWS));
    } else {
      const bytes = committedLength(type, ROWS + LATE_ROWS);
      assertSameBytes(`${theirs}.i`, `${ours}.i`, bytes);
      const data = Deno.statSync(`${ours}.d`).size;
      assertSameBytes(`${theirs}.d`, `${ours}.d`, data);
    }
    compared++;
  }
  assertEquals(compared, COLUMNS.length + 1);
}

for (const timestamp of ["TIMESTAMP", "TIMESTAMP_NS"] as const) {
  Deno.test(`every type is stored byte for byte as QuestDB stores it, ${timestamp}`, async () => {
    using theirRoot = new TempDir();
    using ourRoot = new TempDir();
    await fillEveryType(theirRoot.path, timestamp);
    const core = testCore();
    const theirDir = tableDirectory(theirRoot.path);
    using reader = TableReader.open({ fs, core, tableDir: theirDir });
    const { metadata } = reader;
    assertEquals(reader.rowCount, ROWS + LATE_ROWS);
    await using engine = await openEngine(ourRoot.path);
    const token = engine.createTable({ ...metadata, name: "t" });
    for (const isLate of [false, true]) {
      using arena = new Arena(core.memory);
      const writer = engine.walWriter(token);
      const rows = transactionRows(reader, isLate, arena);
      assertEquals(rows.rowCount, isLate ? LATE_ROWS : ROWS);
      writer.append(rows);
      writer.commit();
      await engine.waitApplied(token);
    }
    const ourDir = engine.tableDir(token);
    compareTables(theirDir, ourDir);
    compareSegments(theirDir, ourDir, reader);
    const names = metadata.columns.map(({ type }) => typeName(type));
    assertEquals(new Set(names).size, names.length - 3);
  });
}

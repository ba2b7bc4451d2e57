/**
 * A table of every supported type beside a model of its rows, for tests of the storage layer.
 *
 * @module
 */
import { ColumnType, INT_NULL, LONG_NULL, PartitionBy } from "../../src/common/mod.ts";
import { type FileSystem, RealFileSystem } from "../../src/platform/mod.ts";
import {
  createTableFiles,
  partitionIndexFiles,
  PartitionIndexReader,
  type RowSource,
  type StorageContext,
  TableReader,
  type TableWriter,
} from "../../src/storage/mod.ts";
import { assertEquals } from "../support/assert.ts";
import { Arena, createCore, fixedVector, type Vector } from "../../src/wasm/mod.ts";

/** One row: designated timestamp, then a value per type; `null` is NULL. */
export interface Row {
  readonly ts: bigint;
  readonly ok: boolean;
  readonly i: number | null;
  readonly l: bigint | null;
  readonly d: number | null;
  readonly sym: string | null;
  readonly text: string | null;
}

const COLUMNS = [
  { name: "ok", type: ColumnType.BOOLEAN },
  { name: "i", type: ColumnType.INT },
  { name: "ts", type: ColumnType.TIMESTAMP },
  { name: "l", type: ColumnType.LONG },
  { name: "d", type: ColumnType.DOUBLE },
  { name: "sym", type: ColumnType.SYMBOL, symbolCapacity: 4 },
  { name: "text", type: ColumnType.VARCHAR },
];

/** The core that the tests of a file share: reserving memory costs little, but not nothing. */
export const core = createCore();

/** Creates the table and returns what is needed to open it. */
export function createTable(
  directory: string,
  partitionBy: number,
  fs: FileSystem = new RealFileSystem(),
  options: { dedupKeys?: readonly string[]; isIndexed?: boolean } = {},
): StorageContext {
  const tableDir = `${directory}/t~1`;
  const definition = {
    name: "t",
    columns: COLUMNS.map((column) => ({
      ...column,
      isDedupKey: options.dedupKeys?.includes(column.name) ?? false,
      isIndexed: (options.isIndexed ?? false) && column.type === ColumnType.SYMBOL,
      indexBlockCapacity: 4,
    })),
    timestampIndex: 2,
    partitionBy,
    isWalEnabled: partitionBy !== PartitionBy.NONE,
    maxUncommittedRows: 500_000,
    o3MaxLagMicros: 600_000_000n,
    ttlHoursOrMonths: 0,
  };
  createTableFiles(fs, tableDir, { definition, tableId: 1 });
  return { fs, core, tableDir };
}

/** Writes rows in one transaction; they are sorted here, stable, as WAL apply does. */
export function commitRows(
  writer: TableWriter,
  rows: readonly Row[],
  options: { seqTxn: number; sync?: boolean },
): void {
  using arena = new Arena(core.memory);
  writer.write(rowSource(writer, rows, arena));
  writer.commit({ seqTxn: options.seqTxn, sync: options.sync ?? false });
}

/** Makes a source of rows in memory. */
export function rowSource(writer: TableWriter, unsorted: readonly Row[], arena: Arena): RowSource {
  const rows = [...unsorted].sort((a, b) => a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0);
  const { memory } = core;
  const alloc = (bytes: number) => arena.alloc(bytes * rows.length);
  const fill = (
    type: number,
    view: { [at: number]: number | bigint },
    width: number,
    values: (number | bigint)[],
  ) => {
    const data = alloc(width);
    for (const [at, value] of values.entries()) view[data / width + at] = value;
    return fixedVector(type, data);
  };
  const symbols = writer.symbolMap(5);
  const key = (text: string | null) => {
    if (text === null) symbols.noteNull();
    return text === null ? INT_NULL : symbols.intern(text);
  };
  const vectors: Vector[] = [
    fill(ColumnType.BOOLEAN, memory.u8, 1, rows.map((row) => Number(row.ok))),
    fill(ColumnType.INT, memory.i32, 4, rows.map((row) => row.i ?? INT_NULL)),
    fill(ColumnType.TIMESTAMP, memory.i64, 8, rows.map((row) => row.ts)),
    fill(ColumnType.LONG, memory.i64, 8, rows.map((row) => row.l ?? LONG_NULL)),
    fill(ColumnType.DOUBLE, memory.f64, 8, rows.map((row) => row.d ?? NaN)),
    fill(ColumnType.SYMBOL, memory.i32, 4, rows.map((row) => key(row.sym))),
    varchar(rows.map((row) => row.text), arena),
  ];
  return {
    rowCount: rows.length,
    timestamps: vectors[2].data,
    minTimestamp: rows[0]?.ts ?? 0n,
    maxTimestamp: rows.at(-1)?.ts ?? 0n,
    column: (index) => vectors[index] ?? null,
    release: () => {},
  };
}

function varchar(texts: (string | null)[], arena: Arena): Vector {
  const encoder = new TextEncoder();
  const values = texts.map((text) => text === null ? null : encoder.encode(text));
  const heapBytes = values.reduce(
    (sum, value) => sum + (value !== null && value.length > 9 ? value.length : 0),
    0,
  );
  const data = arena.alloc(16 * texts.length), heap = arena.alloc(heapBytes);
  const scratch = arena.alloc(4096);
  let used = 0;
  for (const [row, value] of values.entries()) {
    if (value === null) {
      core.kernels.varcharNulls(data + 16 * row, 1, used);
      continue;
    }
    core.memory.u8.set(value, scratch);
    core.kernels.varcharPut(data + 16 * row, scratch, value.length, used);
    if (value.length > 9) {
      core.memory.u8.set(value, heap + used);
      used += value.length;
    }
  }
  return { type: ColumnType.VARCHAR, data, heap, heapBytes, heapOffset: 0, symbols: null };
}

/** Reads every committed row, in table order. */
export function readRows(context: StorageContext): Row[] {
  using reader = TableReader.open(context);
  return readRowsOf(reader);
}

/** Reads every row that a reader sees. */
export function readRowsOf(reader: TableReader): Row[] {
  const rows: Row[] = [];
  for (const [index, partition] of reader.partitions.entries()) {
    using arena = new Arena(core.memory);
    const range = { rowLo: 0, rowHi: partition.rowCount };
    const at = (column: number) => reader.readColumn(index, column, range, arena);
    const [ok, i, ts, l, d, sym, text] = [at(0), at(1), at(2), at(3), at(4), at(5), at(6)];
    for (let row = 0; row < partition.rowCount; row++) {
      rows.push(decodeRow({ ok, i, ts, l, d, sym, text }, row));
    }
  }
  return rows;
}

function decodeRow(vectors: Record<keyof Row, Vector>, row: number): Row {
  const { memory } = core;
  const int = memory.i32[vectors.i.data / 4 + row], long = memory.i64[vectors.l.data / 8 + row];
  const double = memory.f64[vectors.d.data / 8 + row], key = memory.i32[vectors.sym.data / 4 + row];
  return {
    ts: memory.i64[vectors.ts.data / 8 + row],
    ok: memory.u8[vectors.ok.data + row] === 1,
    i: int === INT_NULL ? null : int,
    l: long === LONG_NULL ? null : long,
    d: Number.isNaN(double) ? null : double,
    sym: key === INT_NULL ? null : vectors.sym.symbols!.text(key),
    text: varcharText(vectors.text, row),
  };
}

/** Text of a VARCHAR value. */
export function varcharText(vector: Vector, row: number): string | null {
  const { memory, kernels } = core;
  const entry = vector.data + 16 * row;
  const header = memory.u32[entry / 4];
  if (header & 4) return null;
  const start = header & 1
    ? entry + 1
    : vector.heap + kernels.varcharOffset(entry) - vector.heapOffset;
  const length = header & 1 ? (header >> 4) & 15 : header >>> 4;
  return new TextDecoder().decode(memory.u8.slice(start, start + length));
}

/** Checks that the index of the SYMBOL column tells the rows that the column has, in every partition. */
export function checkIndex(context: StorageContext): void {
  using reader = TableReader.open(context);
  const column = reader.metadata.columns[5];
  for (const [index, partition] of reader.partitions.entries()) {
    using arena = new Arena(core.memory);
    const range = { rowLo: 0, rowHi: partition.rowCount };
    const vector = reader.readColumn(index, column.writerIndex, range, arena);
    const rows = new Map<number, number[]>();
    for (let key = -1; key < vector.symbols!.count; key++) rows.set(key, []);
    for (let row = 0; row < partition.rowCount; row++) {
      rows.get(Math.max(core.memory.i32[vector.data / 4 + row], -1))!.push(row);
    }
    const nameTxn = reader.versions.nameTxn(partition.timestamp, column.writerIndex);
    const directory = `${context.tableDir}/${partition.dirName}`;
    using reading = PartitionIndexReader.open(
      context.fs,
      partitionIndexFiles(directory, column, nameTxn),
    );
    for (const [key, expected] of rows) {
      assertEquals([...reading.rowsOf(key, 0, partition.rowCount)], expected, `rows of ${key}`);
    }
  }
}

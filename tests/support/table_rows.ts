/**
 * Rows as JavaScript values, to and from vectors, for tests of the engine below SQL.
 *
 * @module
 */
import { ColumnType, INT_NULL, LONG_NULL } from "../../src/common/mod.ts";
import type { TableMetadata, TableReader } from "../../src/storage/mod.ts";
import type { WalBatch } from "../../src/wal/mod.ts";
import { Arena, type SymbolTable, type Vector, type WasmCore } from "../../src/wasm/mod.ts";

/** A value of a column: 64-bit integers and timestamps as `bigint`. */
export type CellValue = boolean | number | bigint | string | null;
/** Values by column, in writer order. */
export type Row = readonly CellValue[];

const AUX_BYTES = 16;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Makes a batch of rows; its memory belongs to the arena. Symbols are given as VARCHAR or as a dictionary. */
export function batchOf(
  core: WasmCore,
  arena: Arena,
  input: { metadata: TableMetadata; rows: readonly Row[]; symbolsAs?: "varchar" | "symbol" },
): WalBatch {
  const { metadata, rows, symbolsAs = "varchar" } = input;
  const columns = metadata.columns.map((column, index) => {
    if (column.type < 0) return null;
    const values = rows.map((row) => row[index]);
    if (values.every((value) => value === null) && column.writerIndex !== metadata.timestampIndex) {
      return null;
    }
    if (column.type === ColumnType.SYMBOL && symbolsAs === "symbol") {
      return symbolVector(core, arena, values as (string | null)[]);
    }
    const isText = column.type === ColumnType.SYMBOL || column.type === ColumnType.VARCHAR;
    return isText
      ? varcharVector(core, arena, values as (string | null)[])
      : fixedValues(core, arena, { type: column.type, values });
  });
  return { rowCount: rows.length, columns };
}

function fixedValues(
  core: WasmCore,
  arena: Arena,
  input: { type: number; values: readonly CellValue[] },
): Vector {
  const { memory } = core;
  const { type, values } = input;
  const data = arena.alloc(8 * values.length);
  for (const [i, value] of values.entries()) {
    if (type === ColumnType.BOOLEAN) memory.u8[data + i] = value === true ? 1 : 0;
    else if (type === ColumnType.INT) {
      memory.i32[data / 4 + i] = value === null ? INT_NULL : value as number;
    } else if (type === ColumnType.DOUBLE) {
      memory.f64[data / 8 + i] = value === null ? NaN : value as number;
    } else memory.i64[data / 8 + i] = value === null ? LONG_NULL : value as bigint;
  }
  return { type, data, heap: 0, heapBytes: 0, heapOffset: 0, symbols: null };
}

/** Makes a VARCHAR vector. */
export function varcharVector(
  core: WasmCore,
  arena: Arena,
  values: readonly (string | null)[],
): Vector {
  const { memory, kernels } = core;
  const encoded = values.map((value) => value === null ? null : encoder.encode(value));
  const size = encoded.reduce((sum, bytes) => sum + (bytes?.length ?? 0), 0);
  const data = arena.alloc(AUX_BYTES * values.length), heap = arena.alloc(size + 16);
  let end = 0;
  for (const [i, bytes] of encoded.entries()) {
    const entry = data + AUX_BYTES * i;
    if (bytes === null) {
      kernels.varcharNulls(entry, 1, end);
      continue;
    }
    memory.bytes(heap + end, bytes.length).set(bytes);
    kernels.varcharPut(entry, heap + end, bytes.length, end);
    if (bytes.length > 9) end += bytes.length;
  }
  return { type: ColumnType.VARCHAR, data, heap, heapBytes: end, heapOffset: 0, symbols: null };
}

function symbolVector(core: WasmCore, arena: Arena, values: readonly (string | null)[]): Vector {
  const texts = [...new Set(values.filter((value) => value !== null))];
  const keys = new Map(texts.map((text, key) => [text, key]));
  const data = arena.alloc(4 * values.length);
  for (const [i, value] of values.entries()) {
    core.memory.i32[data / 4 + i] = value === null ? INT_NULL : keys.get(value)!;
  }
  const symbols: SymbolTable = {
    count: texts.length,
    text: (key) => texts[key],
    find: (text) => keys.get(text) ?? -1,
  };
  return { type: ColumnType.SYMBOL, data, heap: 0, heapBytes: 0, heapOffset: 0, symbols };
}

/** Reads every row of a reader, in table order. */
export function readRows(core: WasmCore, reader: TableReader): CellValue[][] {
  const rows: CellValue[][] = [];
  const { columns } = reader.metadata;
  for (const [index, partition] of reader.partitions.entries()) {
    using arena = new Arena(core.memory);
    const vectors = columns.map((column) =>
      column.type < 0 ? null : reader.readColumn(
        index,
        column.writerIndex,
        { rowLo: 0, rowHi: partition.rowCount },
        arena,
      )
    );
    for (let row = 0; row < partition.rowCount; row++) {
      rows.push(vectors.map((vector) => vector === null ? null : cellOf(core, vector, row)));
    }
  }
  return rows;
}

/** The value of one row of a vector. */
export function cellOf(core: WasmCore, vector: Vector, row: number): CellValue {
  const { memory } = core;
  const { data } = vector;
  switch (vector.type) {
    case ColumnType.BOOLEAN:
      return memory.u8[data + row] === 1;
    case ColumnType.INT: {
      const value = memory.i32[data / 4 + row];
      return value === INT_NULL ? null : value;
    }
    case ColumnType.SYMBOL: {
      const key = memory.i32[data / 4 + row];
      return key === INT_NULL ? null : vector.symbols!.text(key);
    }
    case ColumnType.DOUBLE: {
      const value = memory.f64[data / 8 + row];
      return Number.isNaN(value) ? null : value;
    }
    case ColumnType.VARCHAR:
      return varcharText(core, vector, row);
    default: {
      const value = memory.i64[data / 8 + row];
      return value === LONG_NULL ? null : value;
    }
  }
}

function varcharText(core: WasmCore, vector: Vector, row: number): string | null {
  const { memory, kernels } = core;
  const entry = vector.data + AUX_BYTES * row;
  const header = memory.u32[entry / 4];
  if ((header & 4) !== 0) return null;
  if ((header & 1) !== 0) {
    return decoder.decode(memory.bytes(entry + 1, (header >>> 4) & 0xf).slice());
  }
  const at = vector.heap + kernels.varcharOffset(entry) - vector.heapOffset;
  return decoder.decode(memory.bytes(at, header >>> 4).slice());
}

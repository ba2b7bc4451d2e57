/**
 * Values of every column type as the bytes that they are in memory, to and from vectors, by the plainest means: fixed width as on disk,
 * variable width as in a heap (STRING as UTF-8). SYMBOLs are not here: their bytes are keys of a table.
 *
 * @module
 */
import {
  arrayDimensions,
  ColumnType,
  encodeArray,
  fixedSize,
  isVariableSize,
  typeFromName,
  typeTag,
} from "../../src/common/mod.ts";
import { nullPattern } from "../../src/storage/mod.ts";
import type { Arena, Vector, WasmCore } from "../../src/wasm/mod.ts";
import type { SeededRandom } from "./seeded_random.ts";

/** Bytes of a value; `null` is NULL, and of a type without NULL its zero. */
export type Cell = Uint8Array | null;

const AUX_BYTES = 16;
const INLINE_BYTES_MAX = 9;

/** Every type but SYMBOL, with its parameters. */
export const TYPE_NAMES = [
  "BOOLEAN",
  "BYTE",
  "SHORT",
  "CHAR",
  "INT",
  "LONG",
  "DATE",
  "TIMESTAMP",
  "TIMESTAMP_NS",
  "FLOAT",
  "DOUBLE",
  "STRING",
  "LONG256",
  "GEOHASH(7b)",
  "GEOHASH(3c)",
  "GEOHASH(6c)",
  "GEOHASH(12c)",
  "BINARY",
  "UUID",
  "LONG128",
  "IPv4",
  "VARCHAR",
  "DOUBLE[]",
  "DOUBLE[][][]",
  "DECIMAL(2,1)",
  "DECIMAL(4,2)",
  "DECIMAL(9,0)",
  "DECIMAL(18,4)",
  "DECIMAL(38,10)",
  "DECIMAL(76,20)",
] as const;

/** Their type codes. */
export const TYPES: readonly number[] = TYPE_NAMES.map((name) => typeFromName(name)!);

/** A random value of a type; lone surrogates are among the texts of STRING. */
export function randomCell(random: SeededRandom, type: number): Cell {
  if (random.next() < 0.15) return null;
  const tag = typeTag(type);
  if (tag === ColumnType.ARRAY) return randomArray(random, arrayDimensions(type));
  if (tag === ColumnType.VARCHAR || tag === ColumnType.STRING) return randomText(random, tag);
  const bytes = new Uint8Array(isVariableSize(type) ? random.int(0, 40) : fixedSize(type));
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.int(0, 256);
  if (tag === ColumnType.BOOLEAN) bytes[0] &= 1;
  return bytes;
}

const PIECES = ["", "a", "bc", "žlu", "€", "🐎", "plain words ", "0123456789abcdef", "ж"];

function randomText(random: SeededRandom, tag: number): Uint8Array {
  let text = "";
  for (let i = random.int(0, 8); i > 0; i--) text += random.pick(PIECES);
  const bytes = new TextEncoder().encode(text);
  if (tag === ColumnType.VARCHAR || random.next() < 0.7) return bytes;
  // High surrogate D83D alone, then an `x`, then low surrogate DC0E alone.
  return new Uint8Array([...bytes, 0xed, 0xa0, 0xbd, 0x78, 0xed, 0xb0, 0x8e]);
}

function randomArray(random: SeededRandom, dimensions: number): Uint8Array {
  const shape = Array.from({ length: dimensions }, () => random.int(0, 4));
  const values = new Float64Array(shape.reduce((product, length) => product * length, 1));
  for (let i = 0; i < values.length; i++) values[i] = random.int(-1000, 1000) / 8;
  return encodeArray({ shape, values });
}

/** Makes a vector. */
export function cellVector(
  core: WasmCore,
  arena: Arena,
  column: { type: number; cells: readonly Cell[] },
): Vector {
  const { type, cells } = column;
  if (!isVariableSize(type)) {
    const width = fixedSize(type);
    const data = arena.alloc(width * cells.length);
    for (const [row, cell] of cells.entries()) {
      core.memory.u8.set(cell ?? nullPattern(type), data + width * row);
    }
    return { type, data, heap: 0, heapBytes: 0, heapOffset: 0, symbols: null };
  }
  const heapBytes = cells.reduce((sum, cell) => sum + (cell?.length ?? 0), 0);
  const data = arena.alloc(AUX_BYTES * cells.length), heap = arena.alloc(heapBytes);
  let used = 0;
  for (const [row, cell] of cells.entries()) {
    const entry = data + AUX_BYTES * row;
    if (cell === null) {
      core.kernels.varcharNulls(entry, 1, used);
      continue;
    }
    core.memory.u8.set(cell, heap + used);
    core.kernels.varcharPut(entry, heap + used, cell.length, used);
    if (cell.length > INLINE_BYTES_MAX) used += cell.length;
  }
  return { type, data, heap, heapBytes: used, heapOffset: 0, symbols: null };
}

/** Reads a vector back, as hexadecimal text; "null" of types of variable width is NULL. */
export function vectorTexts(core: WasmCore, vector: Vector, rowCount: number): string[] {
  const { memory, kernels } = core;
  const width = fixedSize(vector.type);
  return Array.from({ length: rowCount }, (_, row) => {
    if (width > 0) {
      return memory.u8.slice(vector.data + width * row, vector.data + width * (row + 1)).toHex();
    }
    const entry = vector.data + AUX_BYTES * row;
    const header = memory.u32[entry / 4];
    if ((header & 4) !== 0) return "null";
    if ((header & 1) !== 0) {
      return memory.u8.slice(entry + 1, entry + 1 + ((header >> 4) & 15)).toHex();
    }
    const start = vector.heap + kernels.varcharOffset(entry) - vector.heapOffset;
    return memory.u8.slice(start, start + (header >>> 4)).toHex();
  });
}

/** What {@linkcode vectorTexts} tells of a value. */
export function cellText(type: number, cell: Cell): string {
  if (cell !== null) return cell.toHex();
  return isVariableSize(type) ? "null" : nullPattern(type).toHex();
}

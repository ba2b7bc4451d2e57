/**
 * Values of several 64-bit words, and those that scalars hold as whole numbers: GEOHASH, UUID, LONG128, LONG256, DECIMAL.
 *
 * Word order, as on disk (source: docs/internals/column_types.md):
 *
 * ```
 * UUID LONG128   low, high
 * INTERVAL       low end, high end: never on disk
 * LONG256        least significant first, 4 words
 * DECIMAL128     high, low
 * DECIMAL256     most significant first, 4 words
 * ```
 *
 * @module
 */
import {
  ColumnType,
  decimalBytes,
  decimalNull,
  GEOHASH_NULL,
  isDecimal,
  isGeohash,
  LONG_NULL,
  typeTag,
} from "../../common/mod.ts";
import type { WasmMemory } from "../../wasm/mod.ts";

const WORD_BITS = 64n;
const WORD_MASK = (1n << WORD_BITS) - 1n;

/** Tells whether scalars of the type are whole numbers that this file reads and writes. */
export function isWhole(type: number): boolean {
  return isGeohash(type) || isDecimal(type) || isWide(type);
}

/** UUID, LONG128, LONG256, and INTERVAL as low and high end: all words of their NULL are the least int64. */
export function isWide(type: number): boolean {
  const tag = typeTag(type);
  return tag === ColumnType.UUID || tag === ColumnType.LONG128 || tag === ColumnType.LONG256 ||
    tag === ColumnType.INTERVAL;
}

/** Words of a wide value, or of a DECIMAL of more than 18 digits. */
export function wordCount(type: number): number {
  const tag = typeTag(type);
  return tag === ColumnType.LONG256 || tag === ColumnType.DECIMAL256 ? 4 : 2;
}

/** Reads a number of 1, 2, 4 or 8 bytes. */
function readNarrow(memory: WasmMemory, bytes: number, at: number): bigint {
  switch (bytes) {
    case 1:
      return BigInt(memory.i8[at]);
    case 2:
      return BigInt(memory.i16[at >> 1]);
    case 4:
      return BigInt(memory.i32[at >> 2]);
    default:
      return memory.i64[at >> 3];
  }
}

function writeNarrow(memory: WasmMemory, at: number, value: { bytes: number; number: bigint }) {
  const { bytes, number } = value;
  switch (bytes) {
    case 1:
      memory.i8[at] = Number(number);
      return;
    case 2:
      memory.i16[at >> 1] = Number(number);
      return;
    case 4:
      memory.i32[at >> 2] = Number(number);
      return;
    default:
      memory.i64[at >> 3] = number;
  }
}

/** Bytes of a GEOHASH or DECIMAL. */
function narrowBytes(type: number): number {
  return isDecimal(type) ? decimalBytes(type) : 1 << (typeTag(type) - ColumnType.GEOBYTE);
}

/** Reads the value at a pointer; `null` is NULL. UUID, LONG128 and LONG256 are unsigned. */
export function readWhole(memory: WasmMemory, type: number, at: number): bigint | null {
  if (isWide(type)) return readWide(memory, type, at);
  const bytes = narrowBytes(type);
  const missing = isDecimal(type) ? decimalNull(type) : GEOHASH_NULL;
  if (bytes <= 8) {
    const value = readNarrow(memory, bytes, at);
    return value === missing ? null : value;
  }
  let value = memory.i64[at >> 3];
  for (let word = 1; word < bytes / 8; word++) {
    value = (value << WORD_BITS) | BigInt.asUintN(64, memory.i64[(at >> 3) + word]);
  }
  return value === missing ? null : value;
}

function readWide(memory: WasmMemory, type: number, at: number): bigint | null {
  let value = 0n, isNull = true;
  for (let word = wordCount(type) - 1; word >= 0; word--) {
    const bits = memory.i64[(at >> 3) + word];
    if (bits !== LONG_NULL) isNull = false;
    value = (value << WORD_BITS) | BigInt.asUintN(64, bits);
  }
  return isNull ? null : value;
}

/** Writes a value to a pointer. */
export function writeWhole(
  memory: WasmMemory,
  type: number,
  place: { readonly at: number; readonly value: bigint | null },
): void {
  const { at, value } = place;
  if (isWide(type)) {
    for (let word = 0; word < wordCount(type); word++) {
      memory.i64[(at >> 3) + word] = value === null
        ? LONG_NULL
        : BigInt.asIntN(64, (value >> (WORD_BITS * BigInt(word))) & WORD_MASK);
    }
    return;
  }
  const bytes = narrowBytes(type);
  const number = value ?? (isDecimal(type) ? decimalNull(type) : GEOHASH_NULL);
  if (bytes <= 8) return writeNarrow(memory, at, { bytes, number });
  const words = bytes / 8;
  for (let word = 0; word < words; word++) {
    const shift = WORD_BITS * BigInt(words - 1 - word);
    memory.i64[(at >> 3) + word] = BigInt.asIntN(64, number >> shift);
  }
}

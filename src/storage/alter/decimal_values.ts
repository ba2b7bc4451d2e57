/**
 * DECIMAL values in a vector: two's complement, 1 to 32 bytes. From 16 bytes on the most significant 64-bit word comes first, each word
 * little-endian.
 *
 * @module
 */
import {
  ColumnType,
  decimalBytes,
  decimalNull,
  decimalPrecision,
  decimalScale,
  fitsDecimal,
  INT_NULL,
  LONG_NULL,
  rescaleDecimal,
  typeTag,
} from "../../common/mod.ts";
import type { WasmMemory } from "../../wasm/mod.ts";

/** Reads a value without its point; `null` for NULL. */
export function readDecimal(memory: WasmMemory, type: number, at: number): bigint | null {
  const bytes = decimalBytes(type);
  let value: bigint;
  if (bytes === 1) value = BigInt(memory.u8[at] << 24 >> 24);
  else if (bytes === 2) value = BigInt((memory.u8[at] | memory.u8[at + 1] << 8) << 16 >> 16);
  else if (bytes === 4) value = BigInt(memory.i32[at / 4]);
  else {
    value = memory.i64[at / 8];
    for (let word = 1; word < bytes / 8; word++) {
      value = value << 64n | BigInt.asUintN(64, memory.i64[at / 8 + word]);
    }
  }
  return value === decimalNull(type) ? null : value;
}

/** Writes a value without its point; `null` for NULL. */
export function writeDecimal(
  memory: WasmMemory,
  { type, at }: { type: number; at: number },
  value: bigint | null,
): void {
  const bytes = decimalBytes(type);
  const stored = value ?? decimalNull(type);
  if (bytes < 8) {
    const small = Number(stored);
    for (let i = 0; i < bytes; i++) memory.u8[at + i] = small >> (8 * i);
    return;
  }
  const words = bytes / 8;
  for (let word = 0; word < words; word++) {
    memory.i64[at / 8 + word] = BigInt.asIntN(64, stored >> BigInt(64 * (words - 1 - word)));
  }
}

/** Makes a function that reads an integer or DECIMAL of a row as a value of another scale; `undefined` if digits would be lost. */
export function decimalSource(
  memory: WasmMemory,
  from: { type: number; data: number },
  to: number,
): (row: number) => bigint | null | undefined {
  const scale = decimalScale(to), precision = decimalPrecision(to);
  const fit = (value: bigint | null, own: number) => {
    if (value === null) return null;
    const scaled = rescaleDecimal(value, own, scale);
    const isExact = scale >= own || rescaleDecimal(scaled, scale, own) === value;
    return isExact && fitsDecimal(scaled, precision) ? scaled : undefined;
  };
  const { type, data } = from;
  const read = (row: number): bigint | null => {
    switch (typeTag(type)) {
      case ColumnType.BYTE:
        return BigInt(memory.u8[data + row] << 24 >> 24);
      case ColumnType.SHORT:
        return BigInt((memory.u8[data + 2 * row] | memory.u8[data + 2 * row + 1] << 8) << 16 >> 16);
      case ColumnType.INT: {
        const value = memory.i32[data / 4 + row];
        return value === INT_NULL ? null : BigInt(value);
      }
      case ColumnType.LONG: {
        const value = memory.i64[data / 8 + row];
        return value === LONG_NULL ? null : value;
      }
      default:
        return readDecimal(memory, type, data + row * decimalBytes(type));
    }
  };
  const ownScale = typeTag(type) >= ColumnType.DECIMAL8 ? decimalScale(type) : 0;
  return (row) => fit(read(row), ownScale);
}

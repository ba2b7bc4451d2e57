/**
 * NULL of every type of fixed width, as it is stored; 0 where the type has none.
 *
 * | type | NULL |
 * |---|---|
 * | BOOLEAN BYTE SHORT CHAR | none: 0 |
 * | IPv4 | 0 |
 * | INT SYMBOL | −2³¹ |
 * | LONG DATE TIMESTAMP | −2⁶³ |
 * | FLOAT DOUBLE | NaN |
 * | UUID LONG128 LONG256 | every int64 −2⁶³ |
 * | GEOHASH | −1 |
 * | DECIMAL | the least value; the word with the sign comes first in the wide ones |
 *
 * @module
 */
import {
  assert,
  ColumnType,
  fixedSize,
  INT_NULL,
  isDecimal,
  isGeohash,
  isVariableSize,
  LONG_NULL,
  typeTag,
} from "../common/mod.ts";
import { type Arena, fixedVector, type Vector, type WasmCore } from "../wasm/mod.ts";
import { AUX_ENTRY_BYTES, entriesVector } from "./variable_files.ts";

const WORD_BYTES = 8;

/** Returns one value of a type's NULL as it is stored. */
export function nullPattern(type: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(fixedSize(type));
  assert(bytes.length > 0, `a type of fixed width: ${type}`);
  const view = new DataView(bytes.buffer);
  if (isGeohash(type)) return bytes.fill(0xff);
  if (isDecimal(type)) {
    // The sign bit of the most significant word, which is the first.
    bytes[Math.min(bytes.length, WORD_BYTES) - 1] = 0x80;
    return bytes;
  }
  switch (typeTag(type)) {
    case ColumnType.INT:
    case ColumnType.SYMBOL:
      view.setInt32(0, INT_NULL, true);
      break;
    case ColumnType.FLOAT:
      view.setFloat32(0, NaN, true);
      break;
    case ColumnType.DOUBLE:
      view.setFloat64(0, NaN, true);
      break;
    case ColumnType.LONG:
    case ColumnType.DATE:
    case ColumnType.TIMESTAMP:
    case ColumnType.UUID:
    case ColumnType.LONG128:
    case ColumnType.LONG256:
      for (let at = 0; at < bytes.length; at += WORD_BYTES) view.setBigInt64(at, LONG_NULL, true);
      break;
  }
  return bytes;
}

/** Fills a vector of fixed width with its type's NULL. */
export function fillNulls(
  core: WasmCore,
  target: { type: number; data: number; rows: number },
): void {
  const { type, data, rows } = target;
  if (rows === 0) return;
  const pattern = nullPattern(type);
  const bytes = core.memory.bytes(data, rows * pattern.length);
  if (pattern.every((byte) => byte === pattern[0])) {
    bytes.fill(pattern[0]);
    return;
  }
  bytes.set(pattern);
  for (let done = pattern.length; done < bytes.length; done *= 2) bytes.copyWithin(done, 0, done);
}

/** A vector of NULLs (or of the type's default where it has none). */
export function nullVector(
  core: WasmCore,
  { type, rows }: { type: number; rows: number },
  arena: Arena,
): Vector {
  if (isVariableSize(type)) {
    const data = arena.alloc(AUX_ENTRY_BYTES * rows);
    core.kernels.varcharNulls(data, rows, 0);
    return entriesVector(type, data);
  }
  const data = arena.alloc(fixedSize(type) * rows);
  fillNulls(core, { type, data, rows });
  return fixedVector(type, data);
}

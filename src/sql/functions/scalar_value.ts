/**
 * Single values: how JavaScript holds them and how they lie in a vector.
 *
 * | type | JavaScript |
 * |---|---|
 * | BOOLEAN | `boolean` |
 * | BYTE, SHORT, INT, FLOAT, DOUBLE | `number` |
 * | IPv4 | `number`, unsigned |
 * | LONG, DATE, TIMESTAMP, TIMESTAMP_NS | `bigint` |
 * | GEOHASH, UUID, LONG128, LONG256 | `bigint`, unsigned |
 * | DECIMAL | `bigint` without the point |
 * | CHAR, STRING, VARCHAR, SYMBOL | `string` |
 * | BINARY | `Uint8Array` |
 * | DOUBLE[] | {@linkcode ArrayValue} |
 * | NULL | `null` |
 *
 * For edges and rarely used functions: loops over many rows use kernels.
 *
 * @module
 */
import {
  arrayDimensions,
  type ArrayValue,
  assert,
  ColumnType,
  decodeArray,
  fixedSize,
  INT_NULL,
  LONG_NULL,
  StorageError,
  typeName,
  typeTag,
} from "../../common/mod.ts";
import type { Vector, WasmMemory } from "../../wasm/mod.ts";
import { readBytes, readVarchar } from "./varchar_builder.ts";
import { isWhole, readWhole, writeWhole } from "./wide_value.ts";

/** A value of any type. */
export type ScalarValue = boolean | number | bigint | string | Uint8Array | ArrayValue | null;

/** Bytes of a type that is never stored: INTERVAL. */
const WIDE_BYTES = 16;

/** Place and value of a write. */
export interface ValuePlacement {
  /** Pointer to the vector's first value. */
  readonly data: number;
  readonly row: number;
  readonly value: ScalarValue;
}

function toLong(value: ScalarValue): bigint {
  if (value === null) return LONG_NULL;
  return BigInt.asIntN(64, typeof value === "bigint" ? value : BigInt(value as number));
}

/** Writes a value of a fixed-width type. */
export function writeFixed(memory: WasmMemory, type: number, placement: ValuePlacement): void {
  const { data, row, value } = placement;
  switch (typeTag(type)) {
    case ColumnType.BOOLEAN:
      memory.u8[data + row] = value === true ? 1 : 0;
      return;
    case ColumnType.BYTE:
      memory.i8[data + row] = Number(value ?? 0);
      return;
    case ColumnType.SHORT:
      memory.i16[(data >> 1) + row] = Number(value ?? 0);
      return;
    case ColumnType.CHAR:
      memory.u16[(data >> 1) + row] = typeof value === "string" && value !== ""
        ? value.charCodeAt(0)
        : 0;
      return;
    case ColumnType.INT:
    case ColumnType.SYMBOL:
      memory.i32[(data >> 2) + row] = value === null ? INT_NULL : Number(value);
      return;
    case ColumnType.IPV4:
      memory.u32[(data >> 2) + row] = Number(value ?? 0);
      return;
    case ColumnType.FLOAT:
      float32(memory)[(data >> 2) + row] = value === null ? NaN : Number(value);
      return;
    case ColumnType.DOUBLE:
      memory.f64[(data >> 3) + row] = value === null ? NaN : Number(value);
      return;
    case ColumnType.LONG:
    case ColumnType.DATE:
    case ColumnType.TIMESTAMP:
      memory.i64[(data >> 3) + row] = toLong(value);
      return;
    default:
      assert(isWhole(type), `fixed-width type is known: ${typeName(type)}`);
      writeWhole(memory, type, {
        at: data + row * (fixedSize(type) || WIDE_BYTES),
        value: value as bigint | null,
      });
  }
}

const floatViews = new WeakMap<WasmMemory, Float32Array>();

/** A view of 32-bit floats over the whole memory. */
export function float32(memory: WasmMemory): Float32Array {
  let view = floatViews.get(memory);
  if (view === undefined) {
    view = new Float32Array(memory.memory.buffer);
    floatViews.set(memory, view);
  }
  return view;
}

/** Reads one value of a vector. */
export function readValue(memory: WasmMemory, vector: Vector, row: number): ScalarValue {
  return valueReader(memory, vector)(row);
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** Returns a function that reads values of the vector by row. Infinite doubles read as NULL, as QuestDB prints them. */
export function valueReader(memory: WasmMemory, vector: Vector): (row: number) => ScalarValue {
  const { data } = vector;
  switch (typeTag(vector.type)) {
    case ColumnType.BOOLEAN:
      return (row) => memory.u8[data + row] !== 0;
    case ColumnType.BYTE:
      return (row) => memory.i8[data + row];
    case ColumnType.SHORT:
      return (row) => memory.i16[(data >> 1) + row];
    case ColumnType.CHAR:
      return (row) => {
        const code = memory.u16[(data >> 1) + row];
        return code === 0 ? null : String.fromCharCode(code);
      };
    case ColumnType.IPV4:
      return (row) => {
        const value = memory.u32[(data >> 2) + row];
        return value === 0 ? null : value;
      };
    case ColumnType.INT:
      return (row) => {
        const value = memory.i32[(data >> 2) + row];
        return value === INT_NULL ? null : value;
      };
    case ColumnType.FLOAT:
      return (row) => finite(float32(memory)[(data >> 2) + row]);
    case ColumnType.DOUBLE:
      return (row) => finite(memory.f64[(data >> 3) + row]);
    case ColumnType.LONG:
    case ColumnType.DATE:
    case ColumnType.TIMESTAMP:
      return (row) => {
        const value = memory.i64[(data >> 3) + row];
        return value === LONG_NULL ? null : value;
      };
    case ColumnType.SYMBOL: {
      const symbols = vector.symbols;
      assert(symbols !== null, "a SYMBOL vector has a dictionary");
      return (row) => {
        const key = memory.i32[(data >> 2) + row];
        return key < 0 ? null : symbols.text(key);
      };
    }
    case ColumnType.BINARY:
      return (row) => readBytes(memory, vector, row);
    case ColumnType.ARRAY:
      return (row) => readArray(memory, vector, row);
    default: {
      if (!isWhole(vector.type)) return (row) => readVarchar(memory, vector, row);
      const size = fixedSize(vector.type) || WIDE_BYTES;
      return (row) => readWhole(memory, vector.type, data + row * size);
    }
  }
}

/** Reads an array; `null` is NULL. @throws {StorageError} if the bytes are no array. */
export function readArray(memory: WasmMemory, vector: Vector, row: number): ArrayValue | null {
  const bytes = readBytes(memory, vector, row);
  if (bytes === null) return null;
  const value = decodeArray(bytes, arrayDimensions(vector.type));
  if (value === null) {
    throw new StorageError("", `an ${typeName(vector.type)} value is no array [row=${row}]`);
  }
  return value;
}

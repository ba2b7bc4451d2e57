/**
 * Arrays of DOUBLE with 1 to 32 dimensions.
 *
 * A value in memory and in an ARRAY column (little endian; source: docs/internals/column_types.md):
 *
 * ```
 * i32 × dimensions   lengths
 * 0 or 4 bytes       padding to 8
 * f64 × elements     row by row
 * ```
 *
 * Invariants:
 * 1. The elements are as many as the product of the lengths; one length of 0 makes an empty array.
 *
 * @module
 */
import { ColumnType } from "./column_type.ts";

const ELEMENT_SHIFT = 8, DIMENSION_SHIFT = 14, DIMENSION_MASK = 0x1f;
/** Most dimensions. */
export const ARRAY_DIMENSIONS_MAX = 32;
/** Most elements of one array value: 128 MiB of doubles. */
export const ARRAY_ELEMENTS_MAX = 16_777_216;

/** An array; NaN elements are NULL. */
export interface ArrayValue {
  /** Length of each dimension. */
  readonly shape: readonly number[];
  /** Elements, last dimension first to change. */
  readonly values: Float64Array;
}

/** Returns the type code of `DOUBLE[]` with that many dimensions. */
export function arrayType(dimensions: number): number {
  return ColumnType.ARRAY | (ColumnType.DOUBLE << ELEMENT_SHIFT) |
    ((dimensions - 1) << DIMENSION_SHIFT);
}

/** Returns the number of dimensions of an ARRAY type code. */
export function arrayDimensions(type: number): number {
  return ((Math.abs(type) >> DIMENSION_SHIFT) & DIMENSION_MASK) + 1;
}

function headerBytes(dimensions: number): number {
  return (dimensions * 4 + 7) & ~7;
}

/** Encodes an array as it lies in a column. */
export function encodeArray(value: ArrayValue): Uint8Array {
  const header = headerBytes(value.shape.length);
  const bytes = new Uint8Array(header + value.values.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [i, length] of value.shape.entries()) view.setInt32(4 * i, length, true);
  for (let i = 0; i < value.values.length; i++) {
    view.setFloat64(header + 8 * i, value.values[i], true);
  }
  return bytes;
}

/** Decodes an array of that many dimensions; `null` if the bytes are none. */
export function decodeArray(bytes: Uint8Array, dimensions: number): ArrayValue | null {
  const header = headerBytes(dimensions);
  if (bytes.length < dimensions * 4) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: dimensions }, (_, i) => view.getInt32(4 * i, true));
  const count = shape.reduce((product, length) => product * length, 1);
  if (shape.some((length) => length < 0) || count > ARRAY_ELEMENTS_MAX) return null;
  if (count > 0 && bytes.length < header + 8 * count) return null;
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = view.getFloat64(header + 8 * i, true);
  return { shape, values };
}

/** Formats an array: `[[1.0,2.0],[3.0,null]]`. `formatElement` spells finite numbers. */
export function formatArray(value: ArrayValue, formatElement: (element: number) => string): string {
  const { shape, values } = value;
  if (values.length === 0) return "[]";
  let next = 0;
  const dimension = (level: number): string => {
    const parts: string[] = [];
    for (let i = 0; i < shape[level]; i++) {
      if (level + 1 < shape.length) parts.push(dimension(level + 1));
      else {
        const element = values[next++];
        parts.push(Number.isFinite(element) ? formatElement(element) : "null");
      }
    }
    return `[${parts.join(",")}]`;
  };
  return dimension(0);
}

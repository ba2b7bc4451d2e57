/**
 * `= != < <= > >=` where a side is a GEOHASH, UUID, IPv4, LONG256, DECIMAL, BINARY or an array.
 *
 * @module
 */
import {
  arrayDimensions,
  ColumnType,
  fixedSize,
  geohashBits,
  isDecimal,
  isGeohash,
  parseIpv4,
  parseLong256,
  parseUuid,
  SqlError,
  typeTag,
} from "../../common/mod.ts";
import { fixedVector } from "../../wasm/mod.ts";
import { noMatchingOperator } from "./arithmetic.ts";
import { coerce, foldIfConstant } from "./coerce.ts";
import { castExpression } from "./cast.ts";
import type { Comparison } from "./comparison.ts";
import { rowExpression } from "./row_function.ts";
import type { ScalarValue } from "./scalar_value.ts";
import { decimalMeet, isInteger, isNullType, isReal, isTextual, isTime } from "./type_class.ts";
import {
  type CompileContext,
  constantExpression,
  kernelExpression,
  lazyBuffer,
  operandOf,
  type VectorExpression,
} from "./vector_expression.ts";

const { ARRAY, BINARY, BOOLEAN, IPV4, LONG, LONG256, STRING, UUID } = ColumnType;
const EQUAL = 0, NOT_EQUAL = 1, LESS = 2, LESS_EQUAL = 3, GREATER = 4, GREATER_EQUAL = 5;

/** A comparison whose operator is known by its kernel code. */
interface SpecialComparison extends Comparison {
  readonly code: number;
  /** Compares numbers, times and texts. */
  readonly compare: (comparison: Comparison) => VectorExpression;
}

/** Tells whether comparisons with the type are this file's. */
export function isSpecial(type: number): boolean {
  const tag = typeTag(type);
  return isGeohash(type) || isDecimal(type) || tag === UUID || tag === IPV4 || tag === LONG256 ||
    tag === BINARY || tag === ARRAY;
}

/**
 * Compiles a comparison with a special type on either side, neither being a bare NULL.
 *
 * @throws {SqlError} if the types do not compare, or a constant text is no value of the other side's type.
 */
export function compareSpecial(
  context: CompileContext,
  comparison: SpecialComparison,
): VectorExpression {
  const { left, right } = comparison;
  const lead = isSpecial(left.type) ? left.type : right.type;
  const tag = typeTag(lead);
  if (tag === ARRAY || tag === BINARY) return compareBytes(context, comparison);
  if (isGeohash(lead)) return compareGeohashes(context, comparison);
  if (isDecimal(lead)) return compareDecimals(context, comparison);
  switch (tag) {
    case UUID:
      return compareUuids(context, comparison);
    case IPV4:
      return compareAddresses(context, comparison);
    default:
      return compareLong256(context, comparison);
  }
}

function isEquality(code: number): boolean {
  return code === EQUAL || code === NOT_EQUAL;
}

function compareBytes(context: CompileContext, comparison: SpecialComparison): VectorExpression {
  const { left, right, code } = comparison;
  if (!isEquality(code) || typeTag(left.type) !== typeTag(right.type)) {
    throw noMatchingOperator(comparison);
  }
  const isArray = typeTag(left.type) === ARRAY;
  if (isArray && arrayDimensions(left.type) !== arrayDimensions(right.type)) {
    return constantExpression(context, BOOLEAN, code === NOT_EQUAL);
  }
  const args = [left, right];
  const compiled = rowExpression(
    context,
    { type: BOOLEAN, args },
    (a, b) => isSameValue(a, b) === (code === EQUAL),
  );
  return foldIfConstant(context, compiled, args);
}

/** Equality of two arrays or byte strings; NULL equals NULL, in arrays too. */
function isSameValue(a: ScalarValue, b: ScalarValue): boolean {
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return a === b;
  const x = a instanceof Uint8Array ? a : a.values, y = b instanceof Uint8Array ? b : b.values;
  const isSameShape = a instanceof Uint8Array || b instanceof Uint8Array ||
    String(a.shape) === String(b.shape);
  if (!isSameShape || x.length !== y.length) return false;
  return x.every((value, i) => value === y[i] || (Number.isNaN(value) && Number.isNaN(y[i])));
}

/** Byte equality of two expressions of one fixed-width type. */
function equalValues(
  context: CompileContext,
  operands: { a: VectorExpression; b: VectorExpression; code: number },
): VectorExpression {
  const { a, b, code } = operands;
  const { kernels } = context.core;
  const size = fixedSize(a.type);
  const compiled = kernelExpression(context, BOOLEAN, (batch, out) => {
    const x = operandOf(a, batch), y = operandOf(b, batch);
    kernels.equalRows(size, x.pointer, x.stride, y.pointer, y.stride, out, batch.rowCount);
    if (code === NOT_EQUAL) kernels.booleanNot(out, out, batch.rowCount);
  });
  return foldIfConstant(context, compiled, [a, b]);
}

function compareGeohashes(
  context: CompileContext,
  comparison: SpecialComparison,
): VectorExpression {
  const { left, right, code } = comparison;
  if (!isEquality(code)) throw noMatchingOperator(comparison);
  if (isGeohash(left.type) && isGeohash(right.type)) {
    if (geohashBits(left.type) !== geohashBits(right.type)) {
      return constantExpression(context, BOOLEAN, code === NOT_EQUAL);
    }
    return equalValues(context, { a: left, b: right, code });
  }
  const [geohash, text] = isGeohash(left.type) ? [left, right] : [right, left];
  if (!isTextual(text.type)) throw noMatchingOperator(comparison);
  const { position } = comparison;
  const converted = castExpression(context, text, {
    type: geohash.type,
    position,
    operandPosition: position,
  });
  return equalValues(context, { a: geohash, b: converted, code });
}

function compareUuids(context: CompileContext, comparison: SpecialComparison): VectorExpression {
  const { left, right, code, compare } = comparison;
  const isKnown = [left, right].every((side) =>
    typeTag(side.type) === UUID || isTextual(side.type)
  );
  if (!isKnown) throw noMatchingOperator(comparison);
  if (!isEquality(code)) {
    const texts = [left, right].map((side) =>
      isTextual(side.type) ? side : coerce(context, side, { type: STRING, isExplicit: true })
    );
    return compare({ ...comparison, left: texts[0], right: texts[1] });
  }
  const [a, b] = [left, right].map((side) => {
    if (typeTag(side.type) === UUID) return side;
    const text = side.constant?.value;
    if (typeof text !== "string") {
      return coerce(context, side, { type: UUID, isExplicit: true });
    }
    const value = parseUuid(text);
    return value === null ? null : constantExpression(context, UUID, value);
  });
  // A constant that is no UUID equals none.
  if (a === null || b === null) return constantExpression(context, BOOLEAN, code === NOT_EQUAL);
  return equalValues(context, { a, b, code });
}

/** An address as int64, unsigned; NULL stays NULL. */
function addressNumber(context: CompileContext, address: VectorExpression): VectorExpression {
  const { memory } = context.core;
  const buffer = lazyBuffer(context, 8);
  const compiled: VectorExpression = {
    type: LONG,
    evaluate(batch) {
      const data = address.evaluate(batch).data >> 2;
      const out = buffer();
      for (let row = 0; row < batch.rowCount; row++) {
        const value = memory.u32[data + row];
        memory.u32[(out >> 2) + 2 * row] = value;
        memory.u32[(out >> 2) + 2 * row + 1] = value === 0 ? 0x80000000 : 0;
      }
      return fixedVector(LONG, out);
    },
  };
  return foldIfConstant(context, compiled, [address]);
}

function compareAddresses(
  context: CompileContext,
  comparison: SpecialComparison,
): VectorExpression {
  const [a, b] = [comparison.left, comparison.right].map((side, i) => {
    if (typeTag(side.type) === IPV4) return side;
    if (!isTextual(side.type)) throw noMatchingOperator(comparison);
    const position = i === 0 ? comparison.leftPosition : comparison.rightPosition;
    return addressConstant(context, side, position);
  });
  if (isEquality(comparison.code)) {
    return equalValues(context, { a, b, code: comparison.code });
  }
  return comparison.compare({
    ...comparison,
    left: addressNumber(context, a),
    right: addressNumber(context, b),
  });
}

function constantText(text: VectorExpression, position: number): string {
  const value = text.constant?.value;
  if (typeof value !== "string") throw new SqlError(position, "STRING constant expected");
  return value;
}

function addressConstant(
  context: CompileContext,
  text: VectorExpression,
  position: number,
): VectorExpression {
  const source = constantText(text, position);
  const value = source === "" || source === "null" ? 0 : parseIpv4(source);
  if (value === null) throw new SqlError(0, `invalid IPv4 format: ${source}`);
  return constantExpression(context, IPV4, value === 0 ? null : value);
}

function compareLong256(context: CompileContext, comparison: SpecialComparison): VectorExpression {
  const { left, right, code, compare } = comparison;
  const other = typeTag(left.type) === LONG256 ? right : left;
  const low = (side: VectorExpression) =>
    typeTag(side.type) === LONG256 ? coerce(context, side, { type: LONG, isExplicit: true }) : side;
  if (isInteger(other.type) || isTime(other.type) || isReal(other.type)) {
    return compare({ ...comparison, left: low(left), right: low(right) });
  }
  const sides = [left, right].map((side, i) => {
    if (typeTag(side.type) === LONG256) return side;
    if (!isTextual(side.type)) throw noMatchingOperator(comparison);
    const source = constantText(
      side,
      i === 0 ? comparison.leftPosition : comparison.rightPosition,
    );
    const value = parseLong256(source);
    if (value !== null) return constantExpression(context, LONG256, value);
    throw new SqlError(0, `inconvertible value: \`${source}\` [STRING -> LONG256]`);
  });
  if (isEquality(code)) return equalValues(context, { a: sides[0], b: sides[1], code });
  return compare({ ...comparison, left: low(sides[0]), right: low(sides[1]) });
}

function compareDecimals(
  context: CompileContext,
  comparison: SpecialComparison,
): VectorExpression {
  const { left, right, code } = comparison;
  const type = decimalMeet(left.type, right.type);
  if (type === null) throw noMatchingOperator(comparison);
  const args = [left, right].map((side) => coerce(context, side, { type }));
  const compiled = rowExpression(
    context,
    { type: BOOLEAN, args },
    (a, b) => holds(code, a as bigint | null, b as bigint | null),
  );
  return foldIfConstant(context, compiled, args);
}

/** NULL equals NULL and has no place in the order. */
function holds(code: number, a: bigint | null, b: bigint | null): boolean {
  if (a === null || b === null) {
    return code === NOT_EQUAL ? a !== b : a === b && code !== LESS && code !== GREATER;
  }
  switch (code) {
    case EQUAL:
      return a === b;
    case NOT_EQUAL:
      return a !== b;
    case LESS:
      return a < b;
    case LESS_EQUAL:
      return a <= b;
    case GREATER:
      return a > b;
    default:
      return code === GREATER_EQUAL && a >= b;
  }
}

/** Tells whether a comparison of the type with NULL is none. */
export function refusesNull(a: number, b: number): boolean {
  return (typeTag(a) === ARRAY && isNullType(b)) || (typeTag(b) === ARRAY && isNullType(a));
}

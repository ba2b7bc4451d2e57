/**
 * `cast(x AS type)` and `x::type`: which types go together, and what QuestDB says about constants that do not fit.
 *
 * @module
 */
import {
  arrayDimensions,
  ColumnType,
  decimalPrecision,
  decimalScale,
  geohashBits,
  isDecimal,
  isGeohash,
  parseDecimal,
  SqlError,
  typeName,
  typeTag,
} from "../../common/mod.ts";
import { coerce } from "./coerce.ts";
import { formatDouble } from "./number_text.ts";
import type { ScalarValue } from "./scalar_value.ts";
import { isInteger, isNullType, isReal, isTextual, isTime } from "./type_class.ts";
import { formatValue, parseText } from "./value_text.ts";
import {
  type CompileContext,
  constantExpression,
  type VectorExpression,
} from "./vector_expression.ts";

/** A cast and its places. */
export interface CastOperation {
  /** Target type code. */
  readonly type: number;
  /** Position of `cast` or `::`. */
  readonly position: number;
  readonly operandPosition: number;
}

const { BINARY, BOOLEAN, BYTE, INT, IPV4, LONG256, SHORT, STRING, SYMBOL, UUID, VARCHAR, ARRAY } =
  ColumnType;

function isPlainText(type: number): boolean {
  const tag = typeTag(type);
  return tag === STRING || tag === VARCHAR;
}

/** Tells whether there is a cast between two types that are not the same. */
function isCastable(from: number, to: number): boolean {
  const source = typeTag(from), target = typeTag(to);
  if (source === BINARY || target === BINARY) return false;
  if (isTextual(from) || source === UUID) return true;
  if (isPlainText(to)) return true;
  if (isGeohash(from)) return isGeohash(to);
  if (source === ARRAY) return target === ARRAY;
  if (source === IPV4) return target === INT;
  if (isDecimal(from)) return isDecimal(to) || isInteger(to) || isReal(to);
  if (target === UUID) return false;
  if (target === IPV4) return source === BYTE || source === SHORT || source === INT;
  if (isGeohash(to)) return isInteger(from) || isTime(from) || source === LONG256;
  const isNumber = isInteger(from) || isTime(from) || isReal(from);
  if (target === ARRAY) return isNumber;
  if (isDecimal(to)) return isNumber || source === LONG256;
  if (source === LONG256) return !isReal(to);
  return isNumber || source === BOOLEAN;
}

function isText(type: number): boolean {
  return isPlainText(type) || typeTag(type) === SYMBOL;
}

function checkCast(from: number, cast: CastOperation): void {
  const { type, position } = cast;
  if (!isCastable(from, type)) {
    const types = `${typeName(from)}, ${typeName(type)}`;
    throw new SqlError(
      position,
      `there is no matching function \`cast\` with the argument types: (${types})`,
    );
  }
  if (isGeohash(from) && isGeohash(type) && geohashBits(type) > geohashBits(from)) {
    throw new SqlError(
      position,
      `CAST cannot narrow values from GEOHASH(${geohashBits(from)}b) ` +
        `to GEOHASH(${geohashBits(type)}b)`,
    );
  }
  const isArrays = typeTag(from) === ARRAY && typeTag(type) === ARRAY;
  if (isArrays && arrayDimensions(type) < arrayDimensions(from)) {
    throw new SqlError(
      position,
      `cannot cast array to lower dimension [from=${typeName(from)} (${arrayDimensions(from)}D), ` +
        `to=${typeName(type)} (${arrayDimensions(type)}D)]. ` +
        "Use array flattening operation (e.g. 'flatten(arr)') instead",
    );
  }
}

/**
 * Compiles a cast.
 *
 * @throws {SqlError} if the types do not go together, or a constant is no value of the type.
 */
export function castExpression(
  context: CompileContext,
  operand: VectorExpression,
  cast: CastOperation,
): VectorExpression {
  const { type } = cast;
  if (isNullType(operand.type)) return constantExpression(context, type, null);
  if (typeTag(type) === BINARY && operand.constant?.value === null) {
    return constantExpression(context, type, null);
  }
  if (operand.type === type) return operand;
  checkCast(operand.type, cast);
  const position = isDecimal(operand.type)
    ? cast.position
    : isDecimal(type)
    ? cast.operandPosition
    : 0;
  if (operand.constant !== undefined) {
    const { value } = operand.constant;
    checkConstant(value, operand.type, cast);
    if (typeof value === "boolean" && typeTag(type) === ColumnType.CHAR) {
      return constantExpression(context, type, value ? "T" : "F");
    }
    if (isReal(operand.type) && isText(type) && !Number.isFinite(value ?? NaN)) {
      return constantExpression(context, type, "NaN"); // of columns it is NULL
    }
    const raw = rawTime(value, operand.type, type);
    if (raw !== null) return constantExpression(context, type, raw);
  }
  return coerce(context, operand, { type, isExplicit: true, position });
}

/** QuestDB spells constant times as numbers where it spells columns of times as dates. */
function rawTime(value: ScalarValue, from: number, to: number): string | null {
  if (typeof value !== "bigint" || !isTime(from)) return null;
  const isDate = typeTag(from) === ColumnType.DATE;
  const isRaw = isDate ? isPlainText(to) : typeTag(to) === VARCHAR;
  return isRaw || typeTag(to) === SYMBOL ? String(value) : null;
}

/** Constants are checked at once, with other words than values of columns. */
function checkConstant(value: ScalarValue, from: number, cast: CastOperation): void {
  if (value === null) return;
  const { type, operandPosition: position } = cast;
  if (isTextual(from) || typeTag(from) === UUID) {
    const text = formatValue(value, from)!;
    const isWrong = text !== "" && parseText(text, type) === undefined;
    if (isGeohash(type) && text !== "") {
      if (text.length * 5 < geohashBits(type)) {
        throw new SqlError(
          position,
          "string is too short to cast to chosen GEOHASH precision " +
            `[len=${text.length}, precision=${geohashBits(type)}]`,
        );
      }
      if (isWrong) throw new SqlError(position, "invalid GEOHASH");
    }
    if (typeTag(type) === UUID && isWrong) throw new SqlError(position, "invalid UUID constant");
    if (typeTag(type) === IPV4 && isWrong) throw new SqlError(position, "invalid IPv4 constant");
    return;
  }
  if (isReal(from) && isDecimal(type)) checkRealConstant(Number(value), from, cast);
}

function checkRealConstant(value: number, from: number, cast: CastOperation): void {
  if (!Number.isFinite(value)) return;
  const { type, operandPosition } = cast;
  const text = typeTag(from) === ColumnType.FLOAT ? formatValue(value, from)! : formatDouble(value);
  const number = parseDecimal(text);
  if (number === null) return;
  const precision = decimalPrecision(type), scale = decimalScale(type);
  if (number.scale > scale) {
    throw new SqlError(
      operandPosition,
      `decimal '${text}' has ${number.scale} decimal places but scale is limited to ${scale}`,
    );
  }
  const whole = text.replace(/^-/, "").replace(/[.eE].*$/, "").replace(/^0+/, "").length;
  const digits = Math.max(whole, String(number.unscaled).replace("-", "").length - number.scale);
  if (digits + scale > precision) {
    throw new SqlError(
      operandPosition,
      `decimal '${text}' requires precision of ${digits + scale} but is limited to ${precision}`,
    );
  }
}

/** Tells whether a cast of the operand can name the type at all; `CAST(… AS BINARY)` takes nothing but NULL. */
export function isCastTarget(
  type: number,
  operand: VectorExpression,
  isOperator: boolean,
): boolean {
  const tag = typeTag(type);
  if (tag === BINARY) {
    return isOperator || isNullType(operand.type) || operand.constant?.value === null;
  }
  return tag !== ColumnType.LONG128 && tag !== ColumnType.INTERVAL &&
    tag !== ColumnType.CURSOR;
}

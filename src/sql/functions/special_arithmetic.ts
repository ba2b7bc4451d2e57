/**
 * Arithmetic with decimals, arrays, IPv4 addresses and LONG256 values, row by row.
 *
 * @module
 */
import {
  ARRAY_ELEMENTS_MAX,
  arrayDimensions,
  arrayType,
  type ArrayValue,
  ColumnType,
  DECIMAL_PRECISION_MAX,
  decimalScale,
  decimalType,
  fitsDecimal,
  isDecimal,
  LimitError,
  parseIpv4,
  rescaleDecimal,
  SqlError,
  typeTag,
} from "../../common/mod.ts";
import { arithmeticExpression, type BinaryOperation, noMatchingOperator } from "./arithmetic.ts";
import { stridesOf } from "./array_access.ts";
import { coerce, foldIfConstant } from "./coerce.ts";
import { rowExpression, strictRowExpression } from "./row_function.ts";
import type { ScalarValue } from "./scalar_value.ts";
import { decimalDigits, decimalMeet, isInteger, isNullType, isNumeric } from "./type_class.ts";
import {
  type CompileContext,
  constantExpression,
  isText,
  type VectorExpression,
} from "./vector_expression.ts";

const { ARRAY, BOOLEAN, CHAR, DOUBLE, IPV4, LONG, LONG256, STRING } = ColumnType;
const ADDRESS_MAX = 0xffffffff;

/** Tells whether the operator's operands are this file's. */
export function isSpecialArithmetic({ left, right }: BinaryOperation): boolean {
  return [left, right].some(({ type }) => {
    const tag = typeTag(type);
    return isDecimal(type) || tag === ARRAY || tag === IPV4 || tag === LONG256;
  });
}

/** Compiles an operator. @throws {SqlError} `there is no matching operator …`. */
export function specialArithmetic(
  context: CompileContext,
  operation: BinaryOperation,
): VectorExpression {
  const { left, right } = operation;
  const tags = [typeTag(left.type), typeTag(right.type)];
  if (tags.includes(ARRAY)) return arrayArithmetic(context, operation);
  if (tags.includes(IPV4)) return addressArithmetic(context, operation);
  if (isDecimal(left.type) || isDecimal(right.type)) return decimalArithmetic(context, operation);
  return long256Sum(context, operation);
}

/** Compiles the minus sign of a decimal or array; `null` for other types. */
export function specialNegation(
  context: CompileContext,
  operand: VectorExpression,
): VectorExpression | null {
  const { type } = operand;
  const args = [operand];
  if (isDecimal(type)) {
    const negated = strictRowExpression(context, { type, args }, (value) => -(value as bigint));
    return foldIfConstant(context, negated, args);
  }
  if (typeTag(type) !== ARRAY) return null;
  const negated = strictRowExpression(context, { type, args }, (value) => {
    const { shape, values } = value as ArrayValue;
    return { shape, values: values.map((element) => -element) };
  });
  return foldIfConstant(context, negated, args);
}

/** A whole constant has only the digits it is written with. */
function digitsOf(operand: VectorExpression): { precision: number; scale: number } | null {
  const value = operand.constant?.value;
  if (isDecimal(operand.type) || value === undefined || value === null) {
    return decimalDigits(operand.type);
  }
  if (!isInteger(operand.type)) return null;
  return { precision: String(value).replace("-", "").length, scale: 0 };
}

function decimalArithmetic(
  context: CompileContext,
  operation: BinaryOperation,
): VectorExpression {
  const { operator, position } = operation;
  const [left, right] = [operation.left, operation.right].map((side, i) => {
    const other = i === 0 ? operation.right : operation.left;
    return isNullType(side.type) ? constantExpression(context, other.type, null) : side;
  });
  const type = decimalResult(operator, digitsOf(left), digitsOf(right));
  if (type === null) throw noMatchingOperator(operation);
  const scale = decimalScale(type);
  const common = decimalMeet(left.type, right.type)!;
  const isProduct = operator === "*";
  const args = [left, right].map((side) => {
    const own = decimalDigits(side.type)!;
    const alone = decimalType(Math.min(DECIMAL_PRECISION_MAX, own.precision), own.scale);
    return coerce(context, side, { type: isProduct ? alone : widest(common) });
  });
  const fail = (reason: string) =>
    new SqlError(position, `'${operator}' operation failed: ${reason}`);
  const compiled = strictRowExpression(context, { type, args }, (a, b) => {
    const x = a as bigint, y = b as bigint;
    if ((operator === "/" || operator === "%") && y === 0n) throw fail("Division by zero");
    const result = decimalOperation(operator, { x, y, scale });
    if (!fitsDecimal(result, DECIMAL_PRECISION_MAX)) throw fail("Overflow");
    return result;
  });
  return foldIfConstant(context, compiled, args);
}

/** The widest decimal of a scale: both operands of a sum meet in it. */
function widest(type: number): number {
  return decimalType(DECIMAL_PRECISION_MAX, decimalScale(type));
}

function decimalResult(
  operator: string,
  a: { precision: number; scale: number } | null,
  b: { precision: number; scale: number } | null,
): number | null {
  if (a === null || b === null) return null;
  const scale = Math.max(a.scale, b.scale);
  const whole = Math.max(a.precision - a.scale, b.precision - b.scale);
  switch (operator) {
    case "+":
    case "-":
      return decimalType(Math.min(DECIMAL_PRECISION_MAX, whole + scale + 1), scale);
    case "*":
      return decimalType(DECIMAL_PRECISION_MAX, Math.min(DECIMAL_PRECISION_MAX, a.scale + b.scale));
    case "/":
      return decimalType(DECIMAL_PRECISION_MAX, scale);
    case "%":
      return decimalType(Math.min(DECIMAL_PRECISION_MAX, whole + scale), scale);
    default:
      return null;
  }
}

/** Both operands have one scale, save in a product. */
function decimalOperation(
  operator: string,
  { x, y, scale }: { x: bigint; y: bigint; scale: number },
): bigint {
  switch (operator) {
    case "+":
      return x + y;
    case "-":
      return x - y;
    case "*":
      return x * y;
    case "%":
      return x % y;
    default:
      return divideHalfEven(rescaleDecimal(x, 0, scale), y);
  }
}

/** Quotient rounded to the nearest, and to the even one of two. */
export function divideHalfEven(a: bigint, b: bigint): bigint {
  const quotient = a / b, rest = a % b;
  const twice = 2n * (rest < 0n ? -rest : rest), size = b < 0n ? -b : b;
  const isUp = twice > size || (twice === size && quotient % 2n !== 0n);
  if (!isUp) return quotient;
  return (a < 0n) === (b < 0n) ? quotient + 1n : quotient - 1n;
}

const ARRAY_OPERATORS: Readonly<Record<string, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
};

function arrayArithmetic(context: CompileContext, operation: BinaryOperation): VectorExpression {
  const run = ARRAY_OPERATORS[operation.operator];
  const dimensions = [operation.left, operation.right].map(({ type }) =>
    typeTag(type) === ARRAY ? arrayDimensions(type) : 0
  );
  const args = [operation.left, operation.right].map((side) => {
    if (typeTag(side.type) === ARRAY) return side;
    const isNumber = isNumeric(side.type) || isNullType(side.type) ||
      typeTag(side.type) === CHAR || isText(side.type);
    if (run === undefined || !isNumber) throw noMatchingOperator(operation);
    return coerce(context, side, { type: DOUBLE });
  });
  if (run === undefined) throw noMatchingOperator(operation);
  const type = arrayType(Math.max(...dimensions));
  const compiled = rowExpression(context, { type, args }, (a, b) => {
    const isMissing = (value: ScalarValue, i: number) => value === null && dimensions[i] > 0;
    if (isMissing(a, 0) || isMissing(b, 1)) return null;
    return broadcast(asArray(a), asArray(b), { run, position: operation.position });
  });
  return foldIfConstant(context, compiled, args);
}

function asArray(value: ScalarValue): ArrayValue {
  if (value !== null && typeof value === "object" && "shape" in value) return value;
  return { shape: [], values: Float64Array.of(value === null ? NaN : Number(value)) };
}

/** Applies an operator element by element; dimensions of length 1, and missing ones, are repeated. */
function broadcast(
  a: ArrayValue,
  b: ArrayValue,
  options: { run: (a: number, b: number) => number; position: number },
): ArrayValue {
  const { run, position } = options;
  const count = Math.max(a.shape.length, b.shape.length);
  const pad = (shape: readonly number[]) => [
    ...new Array<number>(count - shape.length).fill(1),
    ...shape,
  ];
  const x = pad(a.shape), y = pad(b.shape);
  const isCompatible = x.every((length, i) => length === y[i] || length === 1 || y[i] === 1);
  if (!isCompatible) {
    throw new SqlError(
      position,
      `arrays have incompatible shapes [leftShape=[${a.shape}], rightShape=[${b.shape}]]`,
    );
  }
  const shape = x.map((length, i) => length === 1 ? y[i] : length);
  const size = shape.reduce((product, length) => product * length, 1);
  if (size > ARRAY_ELEMENTS_MAX) {
    throw new LimitError("array is too large", { elements: size, limit: ARRAY_ELEMENTS_MAX });
  }
  const strideA = stridesOf(x).map((stride, i) => x[i] === 1 ? 0 : stride);
  const strideB = stridesOf(y).map((stride, i) => y[i] === 1 ? 0 : stride);
  const values = new Float64Array(size);
  let next = 0;
  const walk = (level: number, p: number, q: number): void => {
    if (level === count) {
      values[next++] = run(a.values[p], b.values[q]);
      return;
    }
    for (let i = 0; i < shape[level]; i++) {
      walk(level + 1, p + i * strideA[level], q + i * strideB[level]);
    }
  };
  if (size > 0) walk(0, 0, 0);
  return { shape, values };
}

function addressArithmetic(
  context: CompileContext,
  operation: BinaryOperation,
): VectorExpression {
  const { operator, left, right } = operation;
  const isLeft = typeTag(left.type) === IPV4, isRight = typeTag(right.type) === IPV4;
  const args = [left, right];
  const make = (type: number, run: (a: number, b: number) => ScalarValue) =>
    foldIfConstant(
      context,
      strictRowExpression(context, { type, args }, (a, b) => run(Number(a), Number(b))),
      args,
    );
  const address = (value: number) => value > 0 && value <= ADDRESS_MAX ? value : null;
  if (isLeft && isRight) {
    if (operator === "&") return make(IPV4, (a, b) => address((a & b) >>> 0));
    if (operator === "|") return make(IPV4, (a, b) => address((a | b) >>> 0));
    if (operator === "-") return make(LONG, (a, b) => BigInt(a - b));
    throw noMatchingOperator(operation);
  }
  const number = isLeft ? right : left;
  const isNarrow = isInteger(number.type) && typeTag(number.type) !== LONG;
  if (!isNarrow) throw noMatchingOperator(operation);
  if (operator === "+") return make(IPV4, (a, b) => address(a + b));
  if (operator === "-" && isLeft) return make(IPV4, (a, b) => address(a - b));
  throw noMatchingOperator(operation);
}

function long256Sum(context: CompileContext, operation: BinaryOperation): VectorExpression {
  const { operator, left, right } = operation;
  const isBoth = typeTag(left.type) === LONG256 && typeTag(right.type) === LONG256;
  if (operator !== "+" || !isBoth) {
    return arithmeticExpression(context, {
      ...operation,
      left: lowBits(context, left),
      right: lowBits(context, right),
    });
  }
  const args = [left, right];
  const sum = strictRowExpression(
    context,
    { type: LONG256, args },
    (a, b) => BigInt.asUintN(256, (a as bigint) + (b as bigint)),
  );
  return foldIfConstant(context, sum, args);
}

/** Tells whether the operator asks whether an address lies in a subnet. */
export function isSubnetOperator(operator: string): boolean {
  return operator === "<<" || operator === ">>" || operator === "<<=" || operator === ">>=";
}

/** Compiles `ip << 'subnet'` and its kin. @throws {SqlError} if a side is no address, or a constant no subnet. */
export function subnetExpression(
  context: CompileContext,
  operation: BinaryOperation & { readonly leftPosition: number; readonly rightPosition: number },
): VectorExpression {
  const { operator, left, right } = operation;
  const isForward = operator.startsWith("<<");
  const [address, subnet] = isForward ? [left, right] : [right, left];
  const isTextSubnet = isText(subnet.type) || typeTag(subnet.type) === CHAR;
  if (typeTag(address.type) !== IPV4 || !isTextSubnet) throw noMatchingOperator(operation);
  const constant = subnet.constant?.value;
  if (typeof constant === "string" && parseSubnet(constant) === null) {
    const position = isForward ? operation.rightPosition : operation.leftPosition;
    throw new SqlError(position, `invalid argument: ${constant}`);
  }
  const isEqualAllowed = operator.endsWith("=");
  const args = [address, coerce(context, subnet, { type: STRING })];
  const compiled = rowExpression(context, { type: BOOLEAN, args }, (value, text) => {
    const range = text === null ? null : parseSubnet(String(text));
    if (range === null || value === null) return false;
    const isInside = ((Number(value) & range.mask) >>> 0) === range.network;
    return isInside && (isEqualAllowed || range.bits < 32);
  });
  return foldIfConstant(context, compiled, args);
}

/** Parses `1.2.3.0/24`, or an address alone. */
export function parseSubnet(text: string): { network: number; mask: number; bits: number } | null {
  const [address, width] = text.split("/");
  const value = parseIpv4(address);
  if (value === null || (width !== undefined && !/^\d{1,2}$/.test(width))) return null;
  const bits = width === undefined ? 32 : Number(width);
  if (bits > 32) return null;
  const mask = bits === 0 ? 0 : (-1 << (32 - bits)) >>> 0;
  return { network: (value & mask) >>> 0, mask, bits };
}

/** Compiles `~ip`. */
export function addressComplement(
  context: CompileContext,
  operand: VectorExpression,
): VectorExpression {
  const args = [operand];
  const compiled = strictRowExpression(context, { type: IPV4, args }, (value) => {
    const flipped = ~Number(value) >>> 0;
    return flipped === 0 ? null : flipped;
  });
  return foldIfConstant(context, compiled, args);
}

/** A LONG256 as its low 64 bits, which is what arithmetic sees of it; other operands as they are. */
export function lowBits(context: CompileContext, operand: VectorExpression): VectorExpression {
  if (typeTag(operand.type) !== LONG256) return operand;
  return coerce(context, operand, { type: LONG, isExplicit: true });
}

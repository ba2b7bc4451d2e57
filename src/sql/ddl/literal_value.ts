/**
 * Constants that need no compiler: the plain literals that nearly all rows of INSERT … VALUES are made of.
 *
 * @module
 */
import { ColumnType } from "../../common/mod.ts";
import type { Expression, Literal } from "../ast/mod.ts";
import type { ScalarValue } from "../exec/mod.ts";

/** A constant with its type. */
export interface TypedValue {
  /** Column type code; `ColumnType.NULL` for `null`. */
  readonly type: number;
  readonly value: ScalarValue;
}

const INT_MAX = 2147483647n;
const LONG_MAX = (1n << 63n) - 1n;
const WHOLE = /^(\d+(?:_\d+)*)([lL]?)$/;
const FRACTION = /^(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?d?$/;
const NULL_VALUE: TypedValue = { type: ColumnType.NULL, value: null };

/** Returns the value of a literal, possibly behind a minus sign, or `null` if the expression is more than that. */
export function literalValue(expression: Expression): TypedValue | null {
  if (expression.kind === "literal") return ofLiteral(expression);
  if (expression.kind !== "unary" || expression.operator !== "-") return null;
  const operand = expression.operand;
  if (operand.kind !== "literal" || operand.literal !== "number") return null;
  const inner = ofLiteral(operand);
  if (typeof inner?.value === "number") return { type: inner.type, value: -inner.value };
  return typeof inner?.value === "bigint" ? { type: inner.type, value: -inner.value } : null;
}

function ofLiteral(literal: Literal): TypedValue | null {
  switch (literal.literal) {
    case "null":
      return NULL_VALUE;
    case "boolean":
      return { type: ColumnType.BOOLEAN, value: literal.text === "true" };
    case "string":
      return {
        type: literal.text.length === 1 ? ColumnType.CHAR : ColumnType.STRING,
        value: literal.text,
      };
    case "number":
      return ofNumber(literal.text);
    case "geohash":
      return null;
  }
}

function ofNumber(text: string): TypedValue | null {
  const match = WHOLE.exec(text);
  if (match === null) {
    if (!FRACTION.test(text)) return null;
    return { type: ColumnType.DOUBLE, value: Number(text.replace("d", "")) };
  }
  if (match[1].length <= 9 && match[2] === "") {
    return { type: ColumnType.INT, value: Number(match[1].replaceAll("_", "")) };
  }
  const whole = BigInt(match[1].replaceAll("_", ""));
  if (whole <= INT_MAX && match[2] === "") return { type: ColumnType.INT, value: Number(whole) };
  if (whole <= LONG_MAX) return { type: ColumnType.LONG, value: whole };
  return match[2] === "" ? { type: ColumnType.DOUBLE, value: Number(whole) } : null;
}

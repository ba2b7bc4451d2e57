/**
 * Literals: from source text to typed constants.
 *
 * @module
 */
import { ColumnType, SqlError } from "../../common/mod.ts";
import type { Literal } from "../ast/mod.ts";
import type { ScalarValue } from "../functions/mod.ts";

/** A literal's type and value. */
export interface TypedValue {
  readonly type: number;
  readonly value: ScalarValue;
}

const INT_MAX = 0x7fffffffn;
const LONG_MAX = 2n ** 63n - 1n;

/** Types a literal as QuestDB does: one letter is a CHAR, `1` INT, `1L` LONG, `1.0` and `1e5` DOUBLE, `1.0f` FLOAT. */
export function typedLiteral(literal: Literal): TypedValue {
  switch (literal.literal) {
    case "null":
      return { type: ColumnType.NULL, value: null };
    case "boolean":
      return { type: ColumnType.BOOLEAN, value: literal.text.toLowerCase() === "true" };
    case "string":
      return {
        type: literal.text.length === 1 ? ColumnType.CHAR : ColumnType.STRING,
        value: literal.text,
      };
    case "number":
      return typedNumber(literal);
    default:
      throw new SqlError(literal.position, "type is not supported yet: GEOHASH");
  }
}

function typedNumber(literal: Literal): TypedValue {
  const text = literal.text.replaceAll("_", "");
  if (/^\d+L?$/i.test(text)) {
    const value = BigInt(text.replace(/L$/i, ""));
    if (/L$/i.test(text)) return { type: ColumnType.LONG, value };
    if (value <= INT_MAX) return { type: ColumnType.INT, value: Number(value) };
    if (value <= LONG_MAX) return { type: ColumnType.LONG, value };
    return { type: ColumnType.DOUBLE, value: Number(text) };
  }
  if (/^0x/i.test(text)) throw new SqlError(literal.position, "type is not supported yet: LONG256");
  if (/m$/i.test(text)) throw new SqlError(literal.position, "type is not supported yet: DECIMAL");
  if (/f$/i.test(text)) {
    return { type: ColumnType.FLOAT, value: Math.fround(Number(text.slice(0, -1))) };
  }
  const value = Number(text.replace(/d$/i, ""));
  if (Number.isNaN(value)) {
    throw new SqlError(literal.position, `invalid constant: ${literal.text}`);
  }
  return { type: ColumnType.DOUBLE, value };
}

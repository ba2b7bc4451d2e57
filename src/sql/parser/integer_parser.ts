/**
 * Numbers that clauses take literally: capacities, batch sizes, times to live, lags.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import { TokenKind } from "../lexer/mod.ts";
import type { TokenCursor } from "./token_cursor.ts";

const DIGITS = /^\d+(?:_\d+)*[lL]?$/;

/**
 * Reads an integer, possibly negative.
 *
 * @returns Its value and the offset of its first character, the sign included.
 * @throws {SqlError} `… expected` at the end of the text, `bad …` at anything that is no integer.
 */
export function parseInteger(
  cursor: TokenCursor,
  what: "integer" | "long integer",
): { value: number; position: number } {
  if (cursor.isAtEnd) throw cursor.error(`${what} expected`);
  const position = cursor.position;
  const isNegative = cursor.accept(TokenKind.MINUS);
  if (cursor.kind() !== TokenKind.NUMBER || !DIGITS.test(cursor.token())) {
    throw cursor.foundError(`bad ${what}`);
  }
  const value = Number(cursor.token().replace(/[_lL]/g, ""));
  cursor.advance();
  return { value: isNegative ? -value : value, position };
}

/** Reads `BATCH n [o3MaxLag v]`; the cursor is behind BATCH. The lag means nothing to WAL tables. @throws {SqlError} */
export function parseBatch(cursor: TokenCursor): number {
  const { value, position } = parseInteger(cursor, "long integer");
  if (value <= 0) {
    throw new SqlError(value < 0 ? position + 1 : position, "batch size must be positive integer");
  }
  if (cursor.acceptWord("o3maxlag")) {
    const text = cursor.token();
    parseLagMicros(text, cursor.position);
    cursor.advance();
  }
  return value;
}

const INTERVAL_MICROS: Readonly<Record<string, number>> = {
  u: 1,
  us: 1,
  ms: 1_000,
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
  d: 86_400_000_000,
};

/** Parses a lag such as `500us`, `20s`, `1h`. @returns Microseconds. @throws {SqlError} at `position`. */
export function parseIntervalMicros(text: string, position: number): number {
  const match = /^(\d*)([a-z]*)$/i.exec(text);
  const unit = match === null ? undefined : INTERVAL_MICROS[match[2].toLowerCase()];
  if (match === null || match[1] === "" || unit === undefined) {
    throw new SqlError(position, `invalid interval qualifier ${text}`);
  }
  return Number(match[1]) * unit;
}

/** Parses a lag; QuestDB counts the offsets of its errors from a place that depends on the statement. @returns Microseconds. @throws {SqlError} */
export function parseLagMicros(text: string, base: number): number {
  const digits = /^\d*/.exec(text)![0].length;
  if (digits === text.length) {
    throw new SqlError(base + text.length, `expected interval qualifier in ${text}`);
  }
  if (digits > 0 && text.length - digits > 2) {
    throw new SqlError(
      base + digits,
      `expected 1/2 letter interval qualifier in ${text}`,
    );
  }
  return parseIntervalMicros(text, base + text.length);
}

/**
 * `TTL n unit`, `TTL 12h`.
 *
 * @module
 */
import { PartitionBy, SqlError } from "../../common/mod.ts";
import { TokenKind } from "../lexer/mod.ts";
import type { CreateTable } from "../ast/mod.ts";
import type { TokenCursor } from "./token_cursor.ts";

/** Hours of a unit, or minus its months. */
const UNITS: Readonly<Record<string, number>> = { H: 1, D: 24, W: 168, M: -1, Y: -12 };
const TTL_MAX = 2_147_483_647;
const UNIT_WORD = /^(hour|day|week|month|year)s?$/i;
const UNIT_NAMES = "'HOUR(S)', 'DAY(S)', 'WEEK(S)', 'MONTH(S)' or 'YEAR(S)'";

/**
 * Parses the value of a TTL clause; the cursor is behind TTL.
 *
 * @param partitionUnit Unit of PARTITION BY; the TTL must be a multiple of it.
 * @throws {SqlError}
 */
export function parseTtl(
  cursor: TokenCursor,
  partitionUnit: number,
): NonNullable<CreateTable["ttl"]> {
  if (cursor.isAtEnd) {
    throw cursor.error("missing argument, should be <number> <unit> or <number_with_unit>");
  }
  const position = cursor.position;
  const token = cursor.token();
  const match = cursor.kind() === TokenKind.NUMBER ? /^(\d+)(.*)$/.exec(token) : null;
  if (match === null) {
    throw cursor.error(`invalid syntax, should be <number> <unit> but was ${token}`);
  }
  cursor.advance();
  const unit = match[2] === ""
    ? parseUnitWord(cursor)
    : parseUnitLetter(match[2], position, match[1]);
  if (Number(match[1]) > TTL_MAX) {
    throw new SqlError(position, `value out of range: ${match[1]}. Max value: ${TTL_MAX}`);
  }
  const hoursOrMonths = Number(match[1]) * UNITS[unit];
  if (!isTtlMultiple(hoursOrMonths, partitionUnit)) {
    throw new SqlError(position, "TTL value must be an integer multiple of partition size");
  }
  return { text: `${match[1]}${unit}`, position, hoursOrMonths };
}

function parseUnitLetter(text: string, position: number, digits: string): string {
  const unit = text.toUpperCase();
  if (unit in UNITS) return unit;
  throw new SqlError(
    position + digits.length,
    `invalid time unit, expecting 'H', 'D', 'W', 'M' or 'Y', but was '${text}'`,
  );
}

function parseUnitWord(cursor: TokenCursor): string {
  if (cursor.isAtStatementEnd) throw cursor.error(`missing unit, ${UNIT_NAMES} expected`);
  const token = cursor.token();
  if (!UNIT_WORD.test(token)) {
    throw cursor.error(`invalid unit, expected ${UNIT_NAMES}, but was '${token}'`);
  }
  cursor.advance();
  return token[0].toUpperCase();
}

/** Tells whether a TTL is a whole number of partitions. Of months and years none is no such number, as in QuestDB. */
export function isTtlMultiple(hoursOrMonths: number, partitionUnit: number): boolean {
  switch (partitionUnit) {
    case PartitionBy.DAY:
      return hoursOrMonths <= 0 || hoursOrMonths % 24 === 0;
    case PartitionBy.WEEK:
      return hoursOrMonths <= 0 || hoursOrMonths % 168 === 0;
    case PartitionBy.MONTH:
      return hoursOrMonths < 0;
    case PartitionBy.YEAR:
      return hoursOrMonths < 0 && hoursOrMonths % 12 === 0;
    default:
      return true;
  }
}

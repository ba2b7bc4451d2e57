/**
 * `SAMPLE BY stride [FROM x] [TO y] [FILL(…)] [ALIGN TO …]`.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import { TokenKind } from "../lexer/mod.ts";
import type { Expression, SampleBy } from "../ast/mod.ts";
import type { ExpressionParser } from "./expression_parser.ts";
import type { TokenCursor } from "./token_cursor.ts";

/** Stride units: nanosecond, microsecond, millisecond, second, minute, hour, day, week, month, year. */
const UNITS = "nUTsmhdwMy";

/** Parses the clause; the cursor is at SAMPLE. @throws {SqlError} */
export function parseSampleBy(cursor: TokenCursor, expressions: ExpressionParser): SampleBy {
  const position = cursor.position;
  cursor.expectWord("sample");
  cursor.expectWord("by");
  const stride = parseStride(cursor);
  const from = parseBound(cursor, expressions, "from");
  const to = parseBound(cursor, expressions, "to");
  const fill = parseFill(cursor, expressions);
  const align = parseAlign(cursor, expressions);
  return { position, stride, from, to, fill, ...align };
}

function parseStride(cursor: TokenCursor): string {
  const isStride = cursor.kind() === TokenKind.NUMBER || cursor.kind() === TokenKind.WORD ||
    cursor.kind() === TokenKind.STRING;
  if (!isStride) throw cursor.error("time interval unit expected");
  const text = cursor.token();
  const digits = /^\d*/.exec(text)![0];
  const unit = text.slice(digits.length);
  if (unit.length !== 1 || !UNITS.includes(unit)) {
    throw cursor.error(`Invalid unit: ${text}`);
  }
  if (digits !== "" && Number(digits) === 0) {
    throw cursor.error(`positive number expected: ${text}`);
  }
  cursor.advance();
  return text;
}

function parseBound(
  cursor: TokenCursor,
  expressions: ExpressionParser,
  word: "from" | "to",
): Expression | null {
  const position = cursor.position;
  if (!cursor.acceptWord(word)) return null;
  const bound = expressions.parseOptional();
  if (bound === null) throw new SqlError(position, "'timestamp' expression expected");
  return bound;
}

function parseFill(cursor: TokenCursor, expressions: ExpressionParser): Expression[] | null {
  if (!cursor.acceptWord("fill")) return null;
  const open = cursor.position;
  cursor.expect(TokenKind.LEFT_PAREN, "'(' expected");
  const values: Expression[] = [];
  do {
    const value = expressions.parseOptional();
    if (value === null) {
      throw new SqlError(
        cursor.isAtEnd && values.length === 0 ? open : cursor.position,
        "'none', 'prev', 'mid', 'null' or number expected",
      );
    }
    values.push(value);
  } while (cursor.accept(TokenKind.COMMA));
  cursor.expect(TokenKind.RIGHT_PAREN, "',' or ')' expected");
  return values;
}

function parseAlign(
  cursor: TokenCursor,
  expressions: ExpressionParser,
): Pick<SampleBy, "alignTo" | "timeZone" | "offset"> {
  const calendar = { alignTo: "calendar", timeZone: null, offset: null } as const;
  if (!cursor.acceptWord("align")) return calendar;
  cursor.expectWord("to");
  if (cursor.acceptWord("first")) {
    cursor.expectWord("observation");
    return { alignTo: "firstObservation", timeZone: null, offset: null };
  }
  cursor.expectWord("calendar", "'calendar' or 'first observation' expected");
  let timeZone: Expression | null = null, offset: Expression | null = null;
  if (cursor.acceptWord("time")) {
    cursor.expectWord("zone");
    timeZone = expressions.parseRequired("Expression expected");
  }
  if (cursor.acceptWord("with")) {
    cursor.expectWord("offset");
    offset = expressions.parseRequired("Expression expected");
  }
  return { alignTo: "calendar", timeZone, offset };
}

/**
 * Type names at a cursor, and the error that operators and casts share.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import { TokenKind } from "../lexer/mod.ts";
import type { TokenCursor } from "./token_cursor.ts";

/** QuestDB's complaint about an operator with missing operands. */
export function tooFew(
  position: number,
  operator: string,
  count: { found: number; expected: number },
): SqlError {
  return new SqlError(
    position,
    `too few arguments for '${operator}' [found=${count.found},expected=${count.expected}]`,
  );
}

/**
 * Reads a type name such as `int`, `double precision`, `geohash(4c)`, `decimal(18, 4)` or `double[]`.
 *
 * @returns The name with blanks removed, or `null` if none stands at the cursor.
 */
export function parseTypeName(cursor: TokenCursor): string | null {
  if (cursor.kind() !== TokenKind.WORD && cursor.kind() !== TokenKind.QUOTED_NAME) return null;
  let name = cursor.unquoted();
  const word = cursor.word();
  cursor.advance();
  if (word === "double" && cursor.acceptWord("precision")) return name;
  if (word === "timestamp") acceptTimeZoneSuffix(cursor);
  if (cursor.kind() === TokenKind.LEFT_PAREN) name += parseTypeParameters(cursor);
  while (
    cursor.kind() === TokenKind.LEFT_BRACKET && cursor.kindAhead(1) === TokenKind.RIGHT_BRACKET
  ) {
    cursor.advance();
    cursor.advance();
    name += "[]";
  }
  return name;
}

function acceptTimeZoneSuffix(cursor: TokenCursor): void {
  const word = cursor.word();
  const isSuffix = (word === "with" || word === "without") && cursor.wordAhead(1) === "time" &&
    cursor.wordAhead(2) === "zone";
  if (!isSuffix) return;
  for (let i = 0; i < 3; i++) cursor.advance();
}

/** Reads `(18, 4)` with blanks removed; the parenthesis is known to be there. @throws {SqlError} */
export function parseTypeParameters(cursor: TokenCursor): string {
  cursor.advance();
  const parameters: string[] = [];
  do {
    if (cursor.kind() !== TokenKind.NUMBER && cursor.kind() !== TokenKind.WORD) {
      throw cursor.error("literal expected");
    }
    parameters.push(cursor.token());
    cursor.advance();
  } while (cursor.accept(TokenKind.COMMA));
  cursor.expect(TokenKind.RIGHT_PAREN, "')' expected");
  return `(${parameters.join(",")})`;
}

/** Reads `(18, 4)` of a DECIMAL column with blanks removed; the parenthesis is known to be there. @throws {SqlError} */
export function parseDecimalSize(cursor: TokenCursor): string {
  cursor.advance();
  const sizes: string[] = [];
  do {
    if (cursor.kind() === TokenKind.RIGHT_PAREN) {
      throw cursor.error("Invalid decimal type. The precision is missing");
    }
    if (cursor.kind() !== TokenKind.NUMBER) {
      throw cursor.error(
        `Invalid decimal type. The precision ('${cursor.token()}') must be a number`,
      );
    }
    sizes.push(cursor.token());
    cursor.advance();
  } while (cursor.accept(TokenKind.COMMA));
  cursor.expect(TokenKind.RIGHT_PAREN, "')' expected");
  return `(${sizes.join(",")})`;
}

/**
 * `UPDATE t [[AS] alias] SET c = x, … [FROM source] [WHERE condition]`.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import { TokenKind } from "../lexer/mod.ts";
import type { Expression, Name, Update } from "../ast/mod.ts";
import type { QueryParser } from "./query_parser.ts";
import type { TokenCursor } from "./token_cursor.ts";

const ALIAS_EXPECTED = "AS, SET or table alias expected expected";

/** Parses the statement; the cursor is at UPDATE. @throws {SqlError} */
export function parseUpdate(parser: QueryParser): Update {
  const { cursor } = parser;
  const position = cursor.position;
  cursor.advance();
  const table = cursor.name("table name or alias expected");
  const alias = parseAlias(cursor);
  cursor.expectWord("set", "SET expected");
  const assignments = parseAssignments(parser);
  const from = parseFrom(parser);
  const where = parseWhere(parser, from !== null);
  const end = cursor.position;
  return { kind: "update", position, end, table, alias, assignments, from, where };
}

function parseAlias(cursor: TokenCursor): Name | null {
  if (cursor.isAtEnd) throw cursor.error(ALIAS_EXPECTED);
  const hasAs = cursor.acceptWord("as");
  if (!hasAs && cursor.isWord("set")) return null;
  if (cursor.isAtEnd) throw cursor.error("table alias expected");
  const alias = { text: cursor.unquoted(), position: cursor.position };
  cursor.advance();
  return alias;
}

function parseAssignments(parser: QueryParser): { column: Name; value: Expression }[] {
  const { cursor } = parser;
  const assignments: { column: Name; value: Expression }[] = [];
  const seen = new Set<string>();
  do {
    if (cursor.isAtEnd) throw cursor.error("column name expected");
    const column = { text: cursor.unquoted(), position: cursor.position };
    const key = column.text.toLowerCase();
    if (seen.has(key)) throw cursor.error(`Duplicate column [name=${column.text}] in SET clause`);
    seen.add(key);
    cursor.advance();
    cursor.expect(TokenKind.EQUAL, "'=' expected");
    const value = cursor.isAtStatementEnd ? null : parser.expressions.parseOptional();
    if (value === null) throw cursor.error("Expression expected");
    assignments.push({ column, value });
  } while (cursor.accept(TokenKind.COMMA));
  return assignments;
}

function parseFrom(parser: QueryParser): Update["from"] {
  const { cursor } = parser;
  if (!cursor.acceptWord("from")) return null;
  if (cursor.isAtEnd) throw cursor.error("table name or sub-query expected");
  return parser.parseTable();
}

function parseWhere(parser: QueryParser, hasFrom: boolean): Expression | null {
  const { cursor } = parser;
  if (cursor.isAtStatementEnd) return null;
  const position = cursor.position;
  if (!cursor.acceptWord("where")) {
    if (hasFrom) throw cursor.unexpected();
    throw cursor.error("FROM, WHERE or EOF expected");
  }
  const where = cursor.isAtStatementEnd ? null : parser.expressions.parseOptional();
  if (where === null) throw new SqlError(position, "empty where clause");
  return where;
}

/**
 * `INSERT [ATOMIC | BATCH n] INTO t [(columns)] VALUES … | SELECT …`.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import { TokenKind } from "../lexer/mod.ts";
import type { Expression, Insert, Name } from "../ast/mod.ts";
import { parseBatch } from "./integer_parser.ts";
import type { QueryParser } from "./query_parser.ts";
import type { TokenCursor } from "./token_cursor.ts";

/** Parses the statement; the cursor is at INSERT. @throws {SqlError} */
export function parseInsert(parser: QueryParser): Insert {
  const { cursor } = parser;
  const position = cursor.position;
  cursor.advance();
  const { isAtomic, batchSize } = parseMode(cursor);
  const table = parseTable(cursor);
  if (cursor.isAtEnd) throw cursor.error("'(' or 'select' expected");
  const columns = cursor.accept(TokenKind.LEFT_PAREN) ? parseColumns(cursor) : null;
  const base = { kind: "insert", position, table, columns, batchSize, isAtomic } as const;
  if (cursor.isWord("select")) {
    return { ...base, rows: null, rowEnds: [], query: parser.parseQuery() };
  }
  if (cursor.isAtEnd) throw cursor.error("'select' or 'values' expected");
  const valuesPosition = cursor.position;
  if (!cursor.acceptWord("values")) throw cursor.foundError("'select' or 'values' expected");
  const mode = isAtomic ? "atomic" : batchSize !== null ? "batch" : null;
  if (mode !== null) {
    throw new SqlError(
      valuesPosition,
      `'${mode}' keyword can only be used in INSERT INTO SELECT statements.`,
    );
  }
  return { ...base, ...parseRows(parser), query: null };
}

function parseMode(cursor: TokenCursor): { isAtomic: boolean; batchSize: number | null } {
  if (cursor.isAtEnd) throw cursor.error("atomic or into or batch expected");
  const isAtomic = cursor.acceptWord("atomic");
  const batchSize = !isAtomic && cursor.acceptWord("batch") ? parseBatch(cursor) : null;
  if (cursor.isAtEnd) throw cursor.error("into expected");
  cursor.expectWord("into");
  return { isAtomic, batchSize };
}

function parseTable(cursor: TokenCursor): Name {
  let table = cursor.name("table name expected");
  if (table.text.toLowerCase() === "public" && cursor.accept(TokenKind.DOT)) {
    table = cursor.name("table name expected");
  }
  return table;
}

function parseColumns(cursor: TokenCursor): Name[] {
  const columns: Name[] = [];
  const seen = new Set<string>();
  while (true) {
    if (cursor.isAtEnd) throw cursor.error("column expected");
    if (!cursor.isName) throw cursor.foundError("missing column name");
    const column = cursor.name("missing column name");
    const key = column.text.toLowerCase();
    if (seen.has(key)) {
      throw new SqlError(column.position, `Duplicate column [name=${column.text}]`);
    }
    seen.add(key);
    columns.push(column);
    if (cursor.accept(TokenKind.RIGHT_PAREN)) return columns;
    if (cursor.accept(TokenKind.COMMA)) continue;
    throw cursor.error(cursor.isAtEnd ? "',' expected" : "')' expected");
  }
}

type Rows = { rows: { position: number; values: Expression[] }[]; rowEnds: number[] };

function parseRows(parser: QueryParser): Rows {
  const { cursor } = parser;
  const rows: Rows["rows"] = [];
  const rowEnds: number[] = [];
  while (true) {
    const position = cursor.position;
    cursor.expect(TokenKind.LEFT_PAREN, "'(' expected");
    const values: Expression[] = [];
    do {
      values.push(parseValue(parser));
    } while (cursor.accept(TokenKind.COMMA));
    if (cursor.isAtEnd) throw cursor.error("',' expected");
    rowEnds.push(cursor.position);
    cursor.expect(TokenKind.RIGHT_PAREN, "')' expected");
    rows.push({ position, values });
    if (cursor.isAtStatementEnd) return { rows, rowEnds };
    cursor.expect(TokenKind.COMMA, "',' expected");
  }
}

function parseValue(parser: QueryParser): Expression {
  const { cursor } = parser;
  const value = parser.expressions.parseOptional();
  if (value === null) throw cursor.error("Expression expected");
  return value;
}

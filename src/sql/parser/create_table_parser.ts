/**
 * `CREATE [ATOMIC | BATCH n] TABLE …`. What can be checked without the catalog is checked here, as QuestDB does, so that
 * a statement with two mistakes reports the same one.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import { TokenKind } from "../lexer/mod.ts";
import type { ColumnDefinition, CreateTable, Name } from "../ast/mod.ts";
import {
  parseCastDefinition,
  parseColumnDefinition,
  parseIndexOptions,
} from "./column_definition_parser.ts";
import { parseBatch } from "./integer_parser.ts";
import type { QueryParser } from "./query_parser.ts";
import { parseTableOptions, type TableOptions } from "./table_options_parser.ts";
import type { TokenCursor } from "./token_cursor.ts";

/** Where the rows or columns of the new table come from. */
type TableSource = Pick<CreateTable, "columns" | "query" | "like">;

/** Parses the statement; the cursor is at CREATE. @throws {SqlError} */
export function parseCreateTable(parser: QueryParser): CreateTable {
  const { cursor } = parser;
  const position = cursor.position;
  cursor.advance();
  const mode = parseMode(cursor);
  if (cursor.isAtEnd) throw cursor.error("table name or 'if' expected");
  const ifNotExists = parseIfNotExists(cursor);
  const name = parseTableName(cursor);
  if (cursor.isAtEnd) throw cursor.error("'(' or 'as' expected");
  const source = parseSource(parser);
  const { casts, indexes } = parseModifiers(cursor, source);
  const options: TableOptions = source.like === null
    ? parseTableOptions(parser, source.columns)
    : NO_OPTIONS;
  if (
    source.query === null && (mode.isAtomic || mode.batchSize !== null) && cursor.isAtStatementEnd
  ) {
    throw new SqlError(
      cursor.previousPosition,
      "'atomic' or 'batch' keywords can only be used in CREATE ... AS SELECT statements.",
    );
  }
  return {
    kind: "createTable",
    position,
    name,
    ifNotExists,
    ...source,
    casts,
    indexes,
    ...options,
    ...mode,
  };
}

const NO_OPTIONS: TableOptions = {
  timestamp: null,
  partitionBy: null,
  ttl: null,
  wal: null,
  walPosition: 0,
  dedupKeys: null,
  withParams: [],
};

function parseMode(cursor: TokenCursor): { isAtomic: boolean; batchSize: number | null } {
  if (cursor.isAtEnd) {
    throw cursor.error(
      "'atomic' or 'table' or 'batch' or 'materialized' or 'view' or 'or replace' expected",
    );
  }
  refuseOtherObjects(cursor);
  const isAtomic = cursor.acceptWord("atomic");
  const batchSize = !isAtomic && cursor.acceptWord("batch") ? parseBatch(cursor) : null;
  const hasMode = isAtomic || batchSize !== null;
  cursor.expectWord(
    "table",
    hasMode ? "'table' expected" : "'atomic' or 'table' or 'batch' expected",
  );
  return { isAtomic, batchSize };
}

function refuseOtherObjects(cursor: TokenCursor): void {
  if (cursor.isWord("or")) {
    cursor.advance();
    cursor.expectWord("replace");
    if (!cursor.isWord("view")) throw cursor.error("'view' expected");
  }
  const kind = cursor.word();
  if (kind === "view") throw cursor.error("CREATE VIEW is not supported yet");
  if (kind === "materialized") throw cursor.error("CREATE MATERIALIZED VIEW is not supported yet");
}

function parseIfNotExists(cursor: TokenCursor): boolean {
  if (!cursor.acceptWord("if")) return false;
  for (const word of ["not", "exists"]) {
    if (cursor.isAtEnd) throw cursor.error(`'${word}' expected`);
    cursor.expectWord(word, "'if not exists' expected");
  }
  return true;
}

/** Reads the name of a table to be made. Slashes and double dots are refused here, the rest by the catalog. */
function parseTableName(cursor: TokenCursor): Name {
  if (cursor.accept(TokenKind.LEFT_PAREN)) throw cursor.unexpected();
  const name = cursor.name("table name expected");
  const bad = /[/\\]|\.(?=\.)/.exec(name.text);
  if (bad !== null) throw new SqlError(name.position + bad.index, `'${bad[0]}' is not allowed`);
  return name;
}

function parseSource(parser: QueryParser): TableSource {
  const { cursor } = parser;
  if (cursor.acceptWord("as")) {
    cursor.expect(TokenKind.LEFT_PAREN, "'(' expected");
    const query = parser.parseQuery();
    cursor.expect(TokenKind.RIGHT_PAREN, "')' expected");
    return { columns: null, query, like: null };
  }
  if (!cursor.accept(TokenKind.LEFT_PAREN)) throw cursor.unexpected();
  if (cursor.isAtEnd) throw cursor.error("like expected");
  if (cursor.acceptWord("like")) {
    const like = cursor.name("table name expected");
    if (cursor.isAtEnd) throw cursor.error(") expected");
    if (!cursor.accept(TokenKind.RIGHT_PAREN)) throw cursor.unexpected();
    return { columns: null, query: null, like };
  }
  return { columns: parseColumns(cursor), query: null, like: null };
}

function parseColumns(cursor: TokenCursor): ColumnDefinition[] {
  const columns: ColumnDefinition[] = [];
  const names = new Set<string>();
  while (true) {
    const column = parseColumnDefinition(cursor);
    const key = column.name.text.toLowerCase();
    if (names.has(key)) {
      throw new SqlError(column.name.position, `Duplicate column [name=${column.name.text}]`);
    }
    names.add(key);
    columns.push(column);
    if (cursor.accept(TokenKind.RIGHT_PAREN)) return columns;
    if (!cursor.accept(TokenKind.COMMA)) throw cursor.foundError("',' or ')' expected");
  }
}

type Modifiers = Pick<CreateTable, "casts" | "indexes">;

/** Parses `, index(c)` and `, cast(c AS t)` behind the columns or the query. */
function parseModifiers(cursor: TokenCursor, source: TableSource): Modifiers {
  const casts: ColumnDefinition[] = [];
  const indexes: { column: Name; capacity: number | null }[] = [];
  while (cursor.accept(TokenKind.COMMA)) {
    if (source.query !== null && cursor.acceptWord("cast")) casts.push(parseCastDefinition(cursor));
    else if (cursor.acceptWord("index")) indexes.push(parseIndex(cursor, source.columns, indexes));
    else throw cursor.unexpected();
  }
  return { casts, indexes };
}

function parseIndex(
  cursor: TokenCursor,
  columns: readonly ColumnDefinition[] | null,
  earlier: readonly { column: Name }[],
): { column: Name; capacity: number | null } {
  cursor.expect(TokenKind.LEFT_PAREN, "'(' expected");
  const column = cursor.name("literal expected");
  const isSame = (other: Name) => other.text.toLowerCase() === column.text.toLowerCase();
  if (columns !== null) {
    const definition = columns.find((candidate) => isSame(candidate.name));
    if (definition === undefined) {
      throw new SqlError(column.position, `Invalid column: ${column.text}`);
    }
    if (definition.type.text.toLowerCase() !== "symbol") {
      throw new SqlError(
        column.position,
        `indexes are supported only for SYMBOL columns [columnName=${column.text}, ` +
          `columnType=${definition.type.text.toUpperCase()}]`,
      );
    }
  }
  if (earlier.some((index) => isSame(index.column))) {
    throw new SqlError(column.position, "duplicate index clause");
  }
  const capacity = parseIndexOptions(cursor);
  cursor.expect(TokenKind.RIGHT_PAREN, "')' expected");
  return { column, capacity };
}

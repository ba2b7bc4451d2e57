/**
 * Commands about whole tables: DROP, TRUNCATE, RENAME, REINDEX, VACUUM.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import { TokenKind } from "../lexer/mod.ts";
import type {
  DropAllTables,
  DropTable,
  Name,
  ReindexTable,
  RenameTable,
  TruncateTable,
  VacuumTable,
} from "../ast/mod.ts";
import type { TokenCursor } from "./token_cursor.ts";

const DROP_EXPECTED = "'table' or 'view' or 'materialized view' or 'all' expected";

/** Parses DROP TABLE and DROP ALL; the cursor is at DROP. @throws {SqlError} */
export function parseDrop(cursor: TokenCursor): DropTable | DropAllTables {
  const position = cursor.position;
  cursor.advance();
  const kindPosition = cursor.position;
  switch (cursor.isAtEnd ? "" : cursor.word()) {
    case "table":
      break;
    case "all":
      cursor.advance();
      // QuestDB takes DROP ALL alone, too; a word this dangerous should be spelled out.
      cursor.expectWord("tables");
      return { kind: "dropAllTables", position };
    case "view":
      throw cursor.error("DROP VIEW is not supported yet");
    case "materialized":
      throw cursor.error("DROP MATERIALIZED VIEW is not supported yet");
    default:
      throw cursor.isAtEnd
        ? new SqlError(position + "drop".length, DROP_EXPECTED)
        : cursor.error(DROP_EXPECTED);
  }
  cursor.advance();
  if (cursor.isAtEnd) throw new SqlError(kindPosition, "expected [IF EXISTS] table-name");
  const ifExists = parseIfExists(cursor, "expected EXISTS table-name");
  return { kind: "dropTable", position, table: cursor.name("table name expected"), ifExists };
}

function parseIfExists(cursor: TokenCursor, message: string): boolean {
  if (!cursor.isWord("if")) return false;
  const position = cursor.position;
  cursor.advance();
  if (cursor.acceptWord("exists")) return true;
  throw cursor.isAtEnd ? new SqlError(position, message) : cursor.error(message);
}

/** Parses TRUNCATE TABLE; the cursor is at TRUNCATE. @throws {SqlError} */
export function parseTruncate(cursor: TokenCursor): TruncateTable {
  const position = cursor.position;
  cursor.advance();
  // QuestDB wants a blank behind TRUNCATE, and points behind it.
  if (cursor.isAtEnd) throw new SqlError(cursor.previousEnd, "TABLE expected");
  cursor.expectWord("table", "TABLE expected");
  cursor.acceptWord("only");
  const ifExists = parseIfExists(cursor, "expected EXISTS table-name");
  const tables: Name[] = [];
  do {
    tables.push(cursor.name("table name expected"));
  } while (cursor.accept(TokenKind.COMMA));
  const keepsSymbols = parseKeepSymbols(cursor);
  return { kind: "truncateTable", position, tables, ifExists, keepsSymbols };
}

function parseKeepSymbols(cursor: TokenCursor): boolean {
  if (cursor.isAtStatementEnd) return false;
  if (!cursor.isWord("keep")) throw new SqlError(cursor.end, "',' or 'keep' expected");
  for (const word of ["symbol", "maps"]) {
    cursor.advance();
    if (cursor.isWord(word)) continue;
    const message = `${word.toUpperCase()} expected`;
    throw cursor.isAtEnd ? new SqlError(cursor.previousPosition, message) : cursor.error(message);
  }
  cursor.advance();
  return true;
}

/** Parses RENAME TABLE; the cursor is at RENAME. @throws {SqlError} */
export function parseRename(cursor: TokenCursor): RenameTable {
  const position = cursor.position;
  cursor.advance();
  cursor.expectWord("table", "'table' expected");
  const table = cursor.name("from table name expected");
  if (cursor.isAtEnd) throw cursor.error("to expected");
  cursor.expectWord("to", "'to' expected");
  const to = cursor.name("to table name expected");
  if (!cursor.isAtStatementEnd) throw cursor.error("debris?");
  return { kind: "renameTable", position, table, to };
}

/** Parses REINDEX TABLE; the cursor is at REINDEX. @throws {SqlError} if it is broken before the table's name ends. */
export function parseReindex(cursor: TokenCursor): ReindexTable {
  const position = cursor.position;
  cursor.advance();
  if (cursor.isAtEnd) throw new SqlError(position, "TABLE expected");
  cursor.expectWord("table", "TABLE expected");
  const table = cursor.name("table name expected");
  const column = parseTarget(cursor, "column");
  const partition = parseTarget(cursor, "partition");
  let error: SqlError | null = null;
  if (!cursor.acceptWord("lock") || !cursor.acceptWord("exclusive")) {
    error = new SqlError(cursor.end, "LOCK EXCLUSIVE expected");
  } else if (!cursor.isAtStatementEnd) error = new SqlError(cursor.end, "EOF expected");
  if (error !== null) { while (!cursor.isAtEnd) cursor.advance(); }
  return { kind: "reindexTable", position, table, column, partition, error };
}

function parseTarget(cursor: TokenCursor, word: string): Name | null {
  if (!cursor.acceptWord(word) || cursor.isAtEnd) return null;
  const name = { text: cursor.unquoted(), position: cursor.position };
  cursor.advance();
  return name;
}

/** Parses VACUUM TABLE; the cursor is at VACUUM. @throws {SqlError} */
export function parseVacuum(cursor: TokenCursor): VacuumTable {
  const position = cursor.position;
  cursor.advance();
  if (cursor.isAtEnd) throw cursor.error("'table' expected");
  if (!cursor.acceptWord("table")) cursor.expectWord("partitions", "'partitions' expected");
  const table = cursor.name("table name expected");
  if (!cursor.isAtStatementEnd) throw cursor.error("end of line or ';' expected");
  return { kind: "vacuumTable", position, table };
}

/**
 * `SHOW …`, as a statement and in parentheses as a table.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import type { ShowStatement } from "../ast/mod.ts";
import type { TokenCursor } from "./token_cursor.ts";

/** Settings that clients ask for by one word. */
const SETTINGS = new Set([
  "transaction_isolation",
  "max_identifier_length",
  "standard_conforming_strings",
  "default_transaction_read_only",
  "search_path",
  "datestyle",
  "server_version_num",
]);

const EXPECTED = "expected 'TABLES', 'COLUMNS FROM <tab>', 'PARTITIONS FROM <tab>', " +
  "'TRANSACTION ISOLATION LEVEL', 'transaction_isolation', 'max_identifier_length', " +
  "'standard_conforming_strings', 'parameters', 'server_version', 'server_version_num', " +
  "'search_path', 'datestyle', or 'time zone'";

/** Parses a SHOW statement; the cursor is at SHOW. @throws {SqlError} */
export function parseShow(cursor: TokenCursor): ShowStatement {
  const position = cursor.position;
  cursor.expectWord("show");
  const word = cursor.word();
  // QuestDB points behind the word it does not know, and at the last one before the end.
  const end = cursor.end;
  cursor.advance();
  const plain = (what: ShowStatement["what"], name: string | null = null): ShowStatement => ({
    kind: "show",
    position,
    what,
    name,
    namePosition: position,
  });
  switch (word) {
    case "parameters":
    case "tables":
      return plain(word);
    case "server_version":
      return plain("serverVersion");
    case "columns":
    case "partitions":
      return { ...plain(word), ...parseFrom(cursor) };
    case "create":
      return { ...plain("createTable"), ...parseCreate(cursor) };
    case "transaction":
      cursor.expectWord("isolation", "expected 'isolation'");
      cursor.expectWord("level", "expected 'level'");
      return plain("setting", "transaction_isolation");
    case "time":
      if (cursor.acceptWord("zone")) return plain("setting", "time zone");
      break;
  }
  if (SETTINGS.has(word)) return plain("setting", word);
  throw new SqlError(end, EXPECTED);
}

function parseFrom(cursor: TokenCursor): { name: string; namePosition: number } {
  if (!cursor.isWord("from")) {
    const position = cursor.isAtEnd ? cursor.previousPosition : cursor.position;
    throw new SqlError(position, "expected 'from'");
  }
  cursor.advance();
  return parseTable(cursor);
}

function parseCreate(cursor: TokenCursor): { name: string; namePosition: number } {
  const word = cursor.word();
  if (word === "view" || word === "materialized") {
    throw cursor.error(`SHOW CREATE ${word.toUpperCase()} is not supported yet`);
  }
  if (!cursor.isWord("table")) {
    const position = cursor.isAtEnd ? cursor.previousPosition : cursor.position;
    throw new SqlError(position, "expected 'TABLE' or 'VIEW' or 'MATERIALIZED VIEW'");
  }
  cursor.advance();
  return parseTable(cursor);
}

function parseTable(cursor: TokenCursor): { name: string; namePosition: number } {
  const { text, position } = cursor.name("expected a table name expected");
  return { name: text, namePosition: position };
}

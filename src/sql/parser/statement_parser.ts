/**
 * Statements by their first word. Statements of QuestDB that this release does not run are refused by name, so that a
 * typing mistake and a missing feature never look alike.
 *
 * @module
 */
import { parseTimestampMicros, SqlError } from "../../common/mod.ts";
import { TokenKind } from "../lexer/mod.ts";
import type {
  Backup,
  Checkpoint,
  NoOperation,
  PlanRestore,
  Statement,
  ValidateBackup,
} from "../ast/mod.ts";
import { parseAlter } from "./alter_parser.ts";
import { parseCreateTable } from "./create_table_parser.ts";
import { parseInsert } from "./insert_parser.ts";
import { TABLE_ALIAS_STOP } from "./keywords.ts";
import { QueryParser } from "./query_parser.ts";
import { parseShow } from "./show_parser.ts";
import {
  parseDrop,
  parseReindex,
  parseRename,
  parseTruncate,
  parseVacuum,
} from "./table_command_parser.ts";
import { TokenCursor } from "./token_cursor.ts";
import { parseUpdate } from "./update_parser.ts";

/**
 * Parses a text that holds one statement; semicolons may follow it.
 *
 * @throws {SqlError} if the text is empty, is no statement, or holds more than one.
 */
export function parseStatement(text: string): Statement {
  const cursor = new TokenCursor(text);
  refuseLeadingSemicolon(cursor);
  const statement = parseNext(cursor);
  if (statement === null) throw new SqlError(0, "empty query");
  while (cursor.accept(TokenKind.SEMICOLON));
  if (!cursor.isAtEnd) throw cursor.unexpected();
  return statement;
}

/** QuestDB takes a semicolon at the start for a table's name. @throws {SqlError} */
function refuseLeadingSemicolon(cursor: TokenCursor): void {
  if (cursor.kind() !== TokenKind.SEMICOLON) return;
  const { position } = cursor;
  cursor.advance();
  if (cursor.isName && !TABLE_ALIAS_STOP.has(cursor.word())) cursor.checkName("alias expected");
  throw new SqlError(position, "table does not exist [table=;]");
}

/**
 * Parses statements separated by semicolons; empty ones are left out. Positions are offsets into the whole text.
 *
 * @throws {SqlError}
 */
export function parseStatements(text: string): Statement[] {
  const cursor = new TokenCursor(text);
  const statements: Statement[] = [];
  while (true) {
    const statement = parseNext(cursor);
    if (statement === null) return statements;
    statements.push(statement);
  }
}

/** Parses the next statement, or returns `null` at the end of the text. */
function parseNext(cursor: TokenCursor): Statement | null {
  while (cursor.accept(TokenKind.SEMICOLON));
  if (cursor.isAtEnd) return null;
  const statement = parseOne(cursor);
  if (!cursor.isAtStatementEnd) throw cursor.unexpected();
  return statement;
}

/** First words of statements QuestDB knows and this release does not. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  cancel: "CANCEL QUERY",
  compile: "COMPILE VIEW",
  copy: "COPY",
  declare: "DECLARE",
  explain: "EXPLAIN",
  refresh: "REFRESH MATERIALIZED VIEW",
};

const NO_OPERATIONS = new Set(
  ["begin", "commit", "rollback", "set", "discard", "close", "unlisten", "deallocate", "reset"],
);

function parseOne(cursor: TokenCursor): Statement {
  const word = cursor.word();
  const feature = UNSUPPORTED[word];
  if (feature !== undefined) throw cursor.error(`${feature} is not supported yet`);
  if (NO_OPERATIONS.has(word)) return parseNoOperation(cursor);
  switch (word) {
    case "create":
      return parseCreateTable(new QueryParser(cursor));
    case "insert":
      return parseInsert(new QueryParser(cursor));
    case "with":
      return parseWith(new QueryParser(cursor));
    case "drop":
      return parseDrop(cursor);
    case "truncate":
      return parseTruncate(cursor);
    case "alter":
      return parseAlter(new QueryParser(cursor));
    case "rename":
      return parseRename(cursor);
    case "reindex":
      return parseReindex(cursor);
    case "vacuum":
      return parseVacuum(cursor);
    case "update":
      return parseUpdate(new QueryParser(cursor));
    case "show":
      return parseShow(cursor);
    case "backup":
      return parseBackup(cursor);
    case "validate":
      // A table may have this name: then the statement is a query.
      if (cursor.wordAhead(1) === "backup") return parseValidateBackup(cursor);
      return new QueryParser(cursor).parseQuery();
    case "restore":
      if (cursor.wordAhead(1) === "database") return parsePlanRestore(cursor);
      return new QueryParser(cursor).parseQuery();
    case "checkpoint":
    case "snapshot":
      return parseCheckpoint(cursor, word);
    default:
      return new QueryParser(cursor).parseQuery();
  }
}

/** `WITH … SELECT …` or `WITH … INSERT …`. */
function parseWith(parser: QueryParser): Statement {
  const { cursor } = parser;
  parser.parseWith();
  const word = cursor.word();
  if (word === "insert") return parseInsert(parser);
  if (word === "update") return parseUpdate(parser);
  if (word !== "select") throw cursor.error("'select' | 'update' | 'insert' expected");
  return parser.parseQuery();
}

function parseNoOperation(cursor: TokenCursor): NoOperation {
  const position = cursor.position;
  const command = cursor.word();
  cursor.advance();
  if (command === "begin") cursor.acceptWord("transaction");
  if (command === "begin" || command === "commit" || command === "rollback") {
    return { kind: "noOperation", position, command };
  }
  if (command === "set") {
    if (cursor.isAtStatementEnd) throw cursor.error("parameter name expected");
    cursor.advance();
    if (cursor.isAtStatementEnd) throw cursor.error("'=' or 'TO' expected");
  }
  while (!cursor.isAtStatementEnd) cursor.advance();
  return { kind: "noOperation", position, command };
}

function parseBackup(cursor: TokenCursor): Backup {
  const position = cursor.position;
  cursor.advance();
  if (cursor.acceptWord("database")) return { kind: "backup", position, action: "database" };
  if (cursor.acceptWord("abort")) return { kind: "backup", position, action: "abort" };
  if (cursor.isWord("table")) {
    throw cursor.error("BACKUP TABLE is not supported, please use BACKUP DATABASE");
  }
  throw cursor.error("'database' or 'abort' expected");
}

function parseValidateBackup(cursor: TokenCursor): ValidateBackup {
  const position = cursor.position;
  cursor.advance();
  cursor.expectWord("backup");
  const timestamp = parseBackupTimestamp(cursor);
  let level: string | null = null;
  if (cursor.acceptWord("level")) level = cursor.name("level expected").text;
  return { kind: "validateBackup", position, timestamp, level };
}

/** A timestamp in quotes; `null` if there is none. */
function parseBackupTimestamp(cursor: TokenCursor): bigint | null {
  if (cursor.kind() !== TokenKind.STRING) return null;
  const timestamp = parseTimestampMicros(cursor.unquoted());
  if (timestamp === null) throw cursor.error("timestamp of a backup expected");
  cursor.advance();
  return timestamp;
}

/** A running server is never restored into; what a restore would take can be asked. */
function parsePlanRestore(cursor: TokenCursor): PlanRestore {
  const position = cursor.position;
  cursor.advance();
  cursor.expectWord("database");
  const timestamp = parseBackupTimestamp(cursor);
  let instance: string | null = null;
  if (cursor.acceptWord("from")) {
    cursor.expectWord("instance");
    if (cursor.kind() !== TokenKind.STRING) {
      throw cursor.error("name of a backup instance expected");
    }
    instance = cursor.unquoted();
    cursor.advance();
  }
  cursor.expectWord("dry", "'DRY RUN' expected: a running server cannot be restored into");
  cursor.expectWord("run");
  return { kind: "planRestore", position, timestamp, instance };
}

/** `CHECKPOINT CREATE | RELEASE`, or their older names `SNAPSHOT PREPARE | COMPLETE`. */
function parseCheckpoint(cursor: TokenCursor, word: "checkpoint" | "snapshot"): Checkpoint {
  const position = cursor.position;
  cursor.advance();
  const isLegacy = word === "snapshot";
  const [create, release] = isLegacy ? ["prepare", "complete"] : ["create", "release"];
  const statement = { kind: "checkpoint", position, isLegacy } as const;
  if (cursor.acceptWord(create)) return { ...statement, action: "create" };
  if (cursor.acceptWord(release)) return { ...statement, action: "release" };
  throw cursor.error(`'${create}' or '${release}' expected`);
}

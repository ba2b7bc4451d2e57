/**
 * `ALTER TABLE t …`. See {@linkcode AlterTable} for why errors of syntax may be kept instead of thrown.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import { TokenKind } from "../lexer/mod.ts";
import type { AlterAction, AlterTable, ColumnChange, Name, RenamedColumn } from "../ast/mod.ts";
import { isValidColumnName } from "./column_definition_parser.ts";
import { parseAlteredColumn, parseCapacity } from "./altered_column_parser.ts";
import { parseAlterPartitions } from "./alter_partitions_parser.ts";
import { parseAlterSettings } from "./alter_settings_parser.ts";
import type { QueryParser } from "./query_parser.ts";
import type { TokenCursor } from "./token_cursor.ts";

/** What a statement has said so far. */
export interface AlterDraft {
  action: AlterAction | null;
}

const ACTION_EXPECTED = "'add', 'alter', 'attach', 'detach', 'drop', 'convert', 'resume', " +
  "'rename', 'set' or 'squash' expected";
const COLUMN_EXPECTED = "'column' or column name expected";
const BAD_NAME = " new column name contains invalid characters";

/** Parses the statement; the cursor is at ALTER. @throws {SqlError} if it is broken before the table's name ends. */
export function parseAlter(parser: QueryParser): AlterTable {
  const { cursor } = parser;
  const position = cursor.position;
  cursor.advance();
  if (cursor.isWord("view") || cursor.isWord("materialized")) {
    throw cursor.error(`ALTER ${cursor.token().toUpperCase()} is not supported yet`);
  }
  cursor.expectWord("table", "'table' or 'materialized' or 'view' expected");
  const table = cursor.name("table name expected");
  const draft: AlterDraft = { action: null };
  let error: SqlError | null = null;
  try {
    parseAction(parser, draft);
    if (!cursor.isAtStatementEnd) throw cursor.unexpected();
  } catch (caught) {
    if (!(caught instanceof SqlError)) throw caught;
    error = caught;
    while (!cursor.isAtEnd) cursor.advance();
  }
  const end = cursor.position;
  return { kind: "alterTable", position, end, table, action: draft.action, error };
}

function parseAction(parser: QueryParser, draft: AlterDraft): void {
  const { cursor } = parser;
  const word = cursor.word();
  const actionPosition = cursor.position;
  cursor.advance();
  switch (word) {
    case "add":
      return parseAdd(cursor, draft);
    case "drop":
      if (cursor.isWord("partition")) return parseAlterPartitions(parser, draft, "drop");
      return parseDropColumns(cursor, draft);
    case "rename":
      return parseRename(cursor, draft);
    case "alter":
      return parseAlterColumn(cursor, draft);
    case "attach":
    case "detach":
      return parseAlterPartitions(parser, draft, word);
    case "force":
      cursor.expectWord("drop", "'drop' expected");
      return parseAlterPartitions(parser, draft, "forceDrop");
    case "convert":
      return parseAlterPartitions(parser, draft, "convertToParquet");
    case "squash":
      cursor.expectWord("partitions", "'partitions' expected");
      draft.action = { kind: "squashPartitions" };
      return;
    case "set":
    case "dedup":
    case "resume":
    case "suspend":
      return parseAlterSettings(cursor, draft, word);
    default:
      throw new SqlError(actionPosition, ACTION_EXPECTED);
  }
}

function parseAdd(cursor: TokenCursor, draft: AlterDraft): void {
  const action: AlterAction & { kind: "addColumns" } = { kind: "addColumns", columns: [] };
  draft.action = action;
  if (cursor.isWord("column")) cursor.advance();
  do {
    if (cursor.isAtEnd) throw cursor.error(COLUMN_EXPECTED);
    const ifNotExists = parseIfNotExists(cursor);
    const name = parseNewName(cursor, COLUMN_EXPECTED);
    const column = { name, ifNotExists, definition: null };
    action.columns.push(column);
    Object.assign(column, { definition: parseAlteredColumn(cursor, name) });
  } while (cursor.accept(TokenKind.COMMA));
  if (!cursor.isAtStatementEnd) throw cursor.error("',' expected");
}

function parseIfNotExists(cursor: TokenCursor): boolean {
  if (!cursor.acceptWord("if")) return false;
  if (!cursor.acceptWord("not")) throw endError(cursor, "'not' expected");
  if (!cursor.acceptWord("exists")) {
    throw endError(cursor, `unexpected token '${cursor.token()}' for if not exists`);
  }
  return true;
}

/** At the end of the text, errors about IF NOT EXISTS point at the last word. */
function endError(cursor: TokenCursor, message: string): SqlError {
  return cursor.isAtEnd ? new SqlError(cursor.previousPosition, message) : cursor.error(message);
}

/** Reads the name of a column to be made; words that are reserved elsewhere are not here. */
function parseNewName(cursor: TokenCursor, missing: string): Name {
  if (cursor.isAtEnd) throw cursor.error(missing);
  const name = { text: cursor.unquoted(), position: cursor.position };
  if (!isValidColumnName(name.text)) throw cursor.error(BAD_NAME);
  cursor.advance();
  return name;
}

/** Reads the name of a column that should exist. */
function parseOldName(cursor: TokenCursor, missing: string): Name {
  if (cursor.isAtEnd) throw cursor.error(missing);
  const name = { text: cursor.unquoted(), position: cursor.position };
  cursor.advance();
  return name;
}

function parseDropColumns(cursor: TokenCursor, draft: AlterDraft): void {
  const action: AlterAction & { kind: "dropColumns" } = { kind: "dropColumns", columns: [] };
  cursor.expectWord("column", "'column' or 'partition' expected");
  draft.action = action;
  do {
    action.columns.push(parseOldName(cursor, "column name expected"));
  } while (cursor.accept(TokenKind.COMMA));
  if (!cursor.isAtStatementEnd) throw cursor.error("',' expected");
}

function parseRename(cursor: TokenCursor, draft: AlterDraft): void {
  const action: AlterAction & { kind: "renameColumns" } = { kind: "renameColumns", columns: [] };
  cursor.expectWord("column", "'column' expected");
  draft.action = action;
  do {
    const from = parseOldName(cursor, "current column name expected");
    const column: RenamedColumn = { from, to: null };
    action.columns.push(column);
    if (cursor.isAtEnd) throw cursor.error("'to' expected expected");
    if (!cursor.acceptWord("to")) throw cursor.error("'to' expected'");
    const position = cursor.position;
    const to = parseOldName(cursor, "new column name expected");
    if (to.text === from.text) {
      throw new SqlError(position, "new column name is identical to existing name");
    }
    column.to = to;
  } while (cursor.accept(TokenKind.COMMA));
  if (!cursor.isAtStatementEnd) throw cursor.error("',' expected");
}

function parseAlterColumn(cursor: TokenCursor, draft: AlterDraft): void {
  if (cursor.isAtEnd) throw cursor.error("'column' expected");
  if (!cursor.acceptWord("column")) throw cursor.error("'column' or 'partition' expected");
  const column = parseOldName(cursor, "column name expected");
  const action: AlterAction & { kind: "alterColumn" } = {
    kind: "alterColumn",
    column,
    change: null,
  };
  draft.action = action;
  if (cursor.isAtEnd) {
    throw cursor.error(
      "'add index' or 'drop index' or 'type' or 'cache' or 'nocache' or 'symbol' expected",
    );
  }
  const word = cursor.word();
  const found = cursor.token();
  const position = cursor.position;
  cursor.advance();
  const { change, purpose } = parseChange(cursor, column, word) ?? fail(position, found);
  action.change = change;
  if (cursor.isAtStatementEnd) return;
  throw cursor.error(`unexpected token [${cursor.token()}]${purpose}`);
}

function fail(position: number, found: string): never {
  throw new SqlError(
    position,
    `'add', 'drop', 'set', 'symbol', 'cache' or 'nocache' expected found '${found}'`,
  );
}

/** @returns The change and what QuestDB says it was doing when it meets a word too many; `null` for another word. */
function parseChange(
  cursor: TokenCursor,
  column: Name,
  word: string,
): { change: ColumnChange; purpose: string } | null {
  switch (word) {
    case "add":
      cursor.expectWord("index", "'index' expected");
      return { change: { kind: "addIndex", capacity: parseIndexCapacity(cursor) }, purpose: "" };
    case "drop":
      cursor.expectWord("index", "'index' expected");
      return { change: { kind: "dropIndex" }, purpose: " while trying to drop index" };
    case "cache":
    case "nocache":
      return { change: { kind: "cache", isCached: word === "cache" }, purpose: "" };
    case "type": {
      const definition = parseAlteredColumn(cursor, column);
      const typeEnd = cursor.previousPosition;
      return {
        change: { kind: "type", definition, typeEnd },
        purpose: " while trying to change column type",
      };
    }
    case "symbol": {
      cursor.expectWord("capacity", "'capacity' expected");
      const { position } = cursor;
      const capacity = parseCapacity(cursor, "numeric capacity expected");
      return {
        change: { kind: "symbolCapacity", capacity, position },
        purpose: " while trying to change symbol capacity",
      };
    }
    default:
      return null;
  }
}

function parseIndexCapacity(cursor: TokenCursor): number | null {
  if (cursor.isAtStatementEnd) return null;
  cursor.expectWord("capacity", "'capacity' expected");
  if (cursor.isAtEnd) throw cursor.error("capacity value expected");
  if (!/^\d+$/.test(cursor.token())) {
    throw cursor.error("positive integer literal expected as index capacity");
  }
  const capacity = Number(cursor.token());
  cursor.advance();
  return capacity;
}

/**
 * Columns of CREATE TABLE: `name type [SYMBOL options]`, and `cast(name AS type)` of CREATE TABLE AS.
 *
 * @module
 */
import { ColumnType, SqlError } from "../../common/mod.ts";
import { TokenKind } from "../lexer/mod.ts";
import type { ColumnDefinition, Name } from "../ast/mod.ts";
import { parseInteger } from "./integer_parser.ts";
import type { TokenCursor } from "./token_cursor.ts";
import { resolveTypeName } from "./type_name.ts";
import { parseDecimalSize, parseTypeParameters } from "./type_name_parser.ts";

const MIN_SYMBOL_CAPACITY = 2;
const MAX_SYMBOL_CAPACITY = 1_073_741_824;
const MAX_CACHED_SYMBOL_CAPACITY = 33_554_432;
const MIN_INDEX_CAPACITY = 2;
/** Longest column name, from QuestDB's `cairo.max.file.name.length`. */
const MAX_NAME_LENGTH = 127;

/** Characters QuestDB refuses in column names, besides control characters. */
const FORBIDDEN = /[?.,'"\\/:()+\-*%~\p{Cc}\ufeff]/u;

/** Tells whether a text may be a column name. */
export function isValidColumnName(name: string): boolean {
  return name !== "" && name.length <= MAX_NAME_LENGTH && !FORBIDDEN.test(name);
}

/** Parses one column; the cursor is at its name. @throws {SqlError} */
export function parseColumnDefinition(cursor: TokenCursor): ColumnDefinition {
  checkPresent(cursor);
  cursor.checkName("missing column definition");
  const name = cursor.name("missing column definition");
  if (!isValidColumnName(name.text)) {
    throw new SqlError(name.position, " new column name contains invalid characters");
  }
  if (cursor.kind() === TokenKind.LEFT_PAREN) throw cursor.error("unsupported column type: (");
  checkPresent(cursor);
  return parseTypeAndOptions(cursor, name);
}

/** Parses `(name AS type options)` of a cast clause; the cursor is at the parenthesis. @throws {SqlError} */
export function parseCastDefinition(cursor: TokenCursor): ColumnDefinition {
  cursor.expect(TokenKind.LEFT_PAREN, "'(' expected");
  const name = cursor.name("column name expected");
  cursor.expectWord("as");
  if (cursor.isAtEnd) throw cursor.error("literal expected");
  const definition = parseTypeAndOptions(cursor, name, true);
  cursor.expect(TokenKind.RIGHT_PAREN, "')' expected");
  return definition;
}

function checkPresent(cursor: TokenCursor): void {
  if (cursor.isAtEnd) throw cursor.error("')' or ',' expected");
  if (!cursor.isName) throw cursor.foundError("missing column definition");
}

function parseTypeAndOptions(cursor: TokenCursor, name: Name, isInCast = false): ColumnDefinition {
  const type = parseColumnType(cursor);
  const isSymbol = resolveTypeName(type.text).type === ColumnType.SYMBOL;
  const options = isSymbol ? parseSymbolOptions(cursor, isInCast) : NO_SYMBOL_OPTIONS;
  // Constraints of other databases that QuestDB reads over: every column but the designated timestamp is nullable.
  if (cursor.isWord("not") && cursor.wordAhead(1) === "null") cursor.advance();
  cursor.acceptWord("null");
  return { name, type, ...options };
}

function parseColumnType(cursor: TokenCursor): Name {
  const position = cursor.position;
  let text = cursor.unquoted();
  const word = cursor.word();
  cursor.advance();
  if (word === "double" && cursor.acceptWord("precision")) return { text, position };
  const hasParameters = cursor.kind() === TokenKind.LEFT_PAREN;
  if (word === "decimal" && hasParameters) text += parseDecimalSize(cursor);
  if (word === "geohash") {
    if (!hasParameters) throw cursor.error("'(' expected");
    text += parseTypeParameters(cursor);
  }
  text += parseArrayBrackets(cursor, text, position);
  const resolution = resolveTypeName(text);
  if (resolution.type === null) {
    throw new SqlError(position + resolution.offset, resolution.error);
  }
  return { text, position };
}

/** Reads the `[]` of an array type behind its element type. @throws {SqlError} */
export function parseArrayBrackets(cursor: TokenCursor, base: string, position: number): string {
  let brackets = "";
  while (cursor.kind() === TokenKind.LEFT_BRACKET) {
    if (cursor.position !== cursor.previousEnd) {
      throw cursor.error("array type requires no whitespace between type and brackets");
    }
    cursor.advance();
    if (!cursor.accept(TokenKind.RIGHT_BRACKET)) {
      throw new SqlError(
        position + base.length + brackets.length,
        `syntax error at column type definition, expected array type: '${base.toUpperCase()}[]...', ` +
          `but found: '${base}${brackets}['`,
      );
    }
    brackets += "[]";
  }
  return brackets;
}

type SymbolOptions = Pick<
  ColumnDefinition,
  "symbolCapacity" | "isSymbolCached" | "isIndexed" | "indexCapacity"
>;
const NO_SYMBOL_OPTIONS: SymbolOptions = {
  symbolCapacity: null,
  isSymbolCached: null,
  isIndexed: false,
  indexCapacity: null,
};

/** Tells whether a column's definition ends here; at the end of the text, which is an error, others say so. */
function isColumnEnd(cursor: TokenCursor): boolean {
  const kind = cursor.kind();
  return kind === TokenKind.COMMA || kind === TokenKind.RIGHT_PAREN || cursor.isAtEnd;
}

function parseSymbolOptions(cursor: TokenCursor, isInCast: boolean): SymbolOptions {
  const symbolCapacity = cursor.acceptWord("capacity") ? parseSymbolCapacity(cursor) : null;
  let isSymbolCached: boolean | null = null;
  if (cursor.acceptWord("cache")) isSymbolCached = true;
  else if (cursor.acceptWord("nocache")) isSymbolCached = false;
  if (isSymbolCached !== false && (symbolCapacity ?? 0) > MAX_CACHED_SYMBOL_CAPACITY) {
    throw cursor.error(`max cached symbol capacity is ${MAX_CACHED_SYMBOL_CAPACITY}`);
  }
  // A cast makes no index; an INDEX clause does.
  if (isInCast || !cursor.acceptWord("index")) {
    if (!isInCast && !isColumnEnd(cursor)) throw cursor.error("'index' expected");
    return { symbolCapacity, isSymbolCached, isIndexed: false, indexCapacity: null };
  }
  const isCapacity = cursor.isWord("capacity") || cursor.isWord("type");
  if (!isColumnEnd(cursor) && !isCapacity) throw cursor.error("'capacity' expected");
  return {
    symbolCapacity,
    isSymbolCached,
    isIndexed: true,
    indexCapacity: parseIndexOptions(cursor),
  };
}

/** Parses `[CAPACITY n]` of an index. @throws {SqlError} */
export function parseIndexOptions(cursor: TokenCursor): number | null {
  if (cursor.isWord("type")) throw cursor.error("INDEX TYPE is not supported yet");
  if (!cursor.acceptWord("capacity")) return null;
  const { value, position } = parseInteger(cursor, "integer");
  if (value < MIN_INDEX_CAPACITY) {
    throw new SqlError(position, `min index block capacity is ${MIN_INDEX_CAPACITY}`);
  }
  return nextPowerOfTwo(value);
}

function parseSymbolCapacity(cursor: TokenCursor): number {
  const { value, position } = parseInteger(cursor, "integer");
  if (value < MIN_SYMBOL_CAPACITY) {
    throw new SqlError(position, `min symbol capacity is ${MIN_SYMBOL_CAPACITY}`);
  }
  if (value > MAX_SYMBOL_CAPACITY) {
    throw new SqlError(position, `max symbol capacity is ${MAX_SYMBOL_CAPACITY}`);
  }
  return nextPowerOfTwo(value);
}

/** Rounds up to a power of two. */
export function nextPowerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(value));
}

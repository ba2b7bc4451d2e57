/**
 * Types and options of columns in ALTER TABLE. QuestDB words its complaints about them differently than in CREATE TABLE.
 *
 * @module
 */
import { ColumnType, SqlError } from "../../common/mod.ts";
import { TokenKind } from "../lexer/mod.ts";
import type { ColumnDefinition, Name } from "../ast/mod.ts";
import { nextPowerOfTwo, parseArrayBrackets } from "./column_definition_parser.ts";
import type { TokenCursor } from "./token_cursor.ts";
import { resolveTypeName } from "./type_name.ts";
import { parseDecimalSize } from "./type_name_parser.ts";

const MIN_SYMBOL_CAPACITY = 2;
const MAX_SYMBOL_CAPACITY = 1_073_741_824;
/** A cache of a larger capacity would not pay. */
const MAX_CACHED_SYMBOL_CAPACITY = 33_554_432;

/** Parses `type [symbol options]`; the cursor is behind the column's name. @throws {SqlError} */
export function parseAlteredColumn(cursor: TokenCursor, name: Name): ColumnDefinition {
  if (cursor.isAtEnd) throw cursor.error("column type expected");
  const type = parseType(cursor);
  const isSymbol = resolveTypeName(type.text).type === ColumnType.SYMBOL;
  const options = isSymbol ? parseSymbolOptions(cursor) : {
    symbolCapacity: null,
    isSymbolCached: null,
    isIndexed: false,
    indexCapacity: null,
  };
  // Every column but the designated timestamp is nullable.
  cursor.acceptWord("not");
  cursor.acceptWord("null");
  return { name, type, ...options };
}

function parseType(cursor: TokenCursor): Name {
  const position = cursor.position;
  let text = cursor.unquoted();
  const word = cursor.word();
  cursor.advance();
  if (word === "double" && cursor.acceptWord("precision")) return { text, position };
  if (word === "geohash") text += parseGeohashSize(cursor);
  if (word === "decimal" && cursor.kind() === TokenKind.LEFT_PAREN) {
    text += parseDecimalSize(cursor);
  }
  text += parseArrayBrackets(cursor, text, position);
  const resolution = resolveTypeName(text);
  if (resolution.type !== null) return { text, position };
  // The size of a geohash is pointed at inside its parenthesis.
  const offset = resolution.offset > 0 && word === "geohash" ? 1 : 0;
  throw new SqlError(position + resolution.offset + offset, resolution.error);
}

function parseGeohashSize(cursor: TokenCursor): string {
  const missing = "missing GEOHASH precision";
  const parenthesis = cursor.position;
  if (!cursor.accept(TokenKind.LEFT_PAREN)) throw cursor.error(missing);
  if (cursor.isAtEnd) throw new SqlError(parenthesis, missing);
  if (cursor.kind() === TokenKind.RIGHT_PAREN) throw cursor.error(missing);
  const size = cursor.token();
  cursor.advance();
  if (!cursor.accept(TokenKind.RIGHT_PAREN)) {
    throw cursor.error("invalid GEOHASH type literal, expected ')'");
  }
  return `(${size})`;
}

type SymbolOptions = Pick<
  ColumnDefinition,
  "symbolCapacity" | "isSymbolCached" | "isIndexed" | "indexCapacity"
>;

function parseSymbolOptions(cursor: TokenCursor): SymbolOptions {
  let symbolCapacity: number | null = null;
  let capacityPosition = 0;
  if (cursor.acceptWord("capacity")) {
    if (cursor.isAtEnd) throw cursor.error("symbol capacity expected");
    capacityPosition = cursor.position;
    symbolCapacity = parseCapacity(cursor, "numeric capacity expected");
  }
  let isSymbolCached: boolean | null = null;
  if (cursor.acceptWord("cache")) isSymbolCached = true;
  else if (cursor.acceptWord("nocache")) isSymbolCached = false;
  if (symbolCapacity !== null && isSymbolCached !== false) {
    if (symbolCapacity > MAX_CACHED_SYMBOL_CAPACITY) {
      throw new SqlError(
        capacityPosition,
        `max cached symbol capacity is ${MAX_CACHED_SYMBOL_CAPACITY}`,
      );
    }
  }
  const isIndexed = cursor.acceptWord("index");
  const indexCapacity = cursor.acceptWord("capacity") ? parseIndexCapacity(cursor) : null;
  return { symbolCapacity, isSymbolCached, isIndexed, indexCapacity };
}

function parseIndexCapacity(cursor: TokenCursor): number {
  if (cursor.isAtEnd) throw cursor.error("symbol index capacity expected");
  if (!/^\d+$/.test(cursor.token())) throw cursor.error("numeric capacity expected");
  const capacity = Number(cursor.token());
  cursor.advance();
  return nextPowerOfTwo(Math.max(capacity, 2));
}

/** Parses the capacity of a symbol column. @returns the next power of two. @throws {SqlError} */
export function parseCapacity(cursor: TokenCursor, missing: string): number {
  const position = cursor.position;
  const isNegative = cursor.accept(TokenKind.MINUS);
  const digits = cursor.token();
  if (cursor.isAtEnd || !/^\d+$/.test(digits)) throw new SqlError(cursor.position, missing);
  cursor.advance();
  if (isNegative || Number(digits) < MIN_SYMBOL_CAPACITY) {
    throw new SqlError(position, `min symbol capacity is ${MIN_SYMBOL_CAPACITY}`);
  }
  if (Number(digits) > MAX_SYMBOL_CAPACITY) {
    throw new SqlError(position, `max symbol capacity is ${MAX_SYMBOL_CAPACITY}`);
  }
  return nextPowerOfTwo(Number(digits));
}

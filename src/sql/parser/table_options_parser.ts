/**
 * The clauses behind the columns of CREATE TABLE: TIMESTAMP, PARTITION BY, TTL, WAL, DEDUP, WITH.
 *
 * @module
 */
import {
  ColumnType,
  isTimestamp,
  PartitionBy,
  partitionByFromName,
  SqlError,
  typeName,
  typeTag,
} from "../../common/mod.ts";
import { TokenKind } from "../lexer/mod.ts";
import type { ColumnDefinition, CreateTable, Name } from "../ast/mod.ts";
import { parseLagMicros } from "./integer_parser.ts";
import type { QueryParser } from "./query_parser.ts";
import type { TokenCursor } from "./token_cursor.ts";
import { parseTtl } from "./ttl_parser.ts";
import { resolveTypeName } from "./type_name.ts";

/** The clauses this file parses. */
export type TableOptions = Pick<
  CreateTable,
  "timestamp" | "partitionBy" | "ttl" | "wal" | "walPosition" | "dedupKeys" | "withParams"
>;
type Columns = readonly ColumnDefinition[] | null;

/**
 * Parses the clauses up to the end of the statement.
 *
 * @param columns Columns of the table, or `null` where a query makes them.
 * @throws {SqlError}
 */
export function parseTableOptions(parser: QueryParser, columns: Columns): TableOptions {
  const { cursor } = parser;
  const timestamp = cursor.acceptWord("timestamp") ? parseTimestamp(cursor, columns) : null;
  const partitionBy = parsePartitionBy(cursor, timestamp);
  const unit = partitionBy === null ? PartitionBy.NONE : partitionByFromName(partitionBy.text)!;
  const ttl = partitionBy !== null && cursor.acceptWord("ttl") ? parseTableTtl(cursor, unit) : null;
  const { wal, walPosition } = partitionBy === null
    ? { wal: null, walPosition: cursor.position }
    : parseWal(cursor, unit);
  const isWal = wal ?? unit !== PartitionBy.NONE;
  const beforeWith = parseDedup(cursor, columns, { timestamp, isWal });
  const withParams = parseWith(cursor);
  const dedupKeys = beforeWith ?? parseDedup(cursor, columns, { timestamp, isWal });
  refuseVolume(cursor);
  return { timestamp, partitionBy, ttl, wal, walPosition, dedupKeys, withParams };
}

function findColumn(columns: Columns, name: Name): ColumnDefinition | undefined {
  const key = name.text.toLowerCase();
  return columns?.find((column) => column.name.text.toLowerCase() === key);
}

function parseTimestamp(cursor: TokenCursor, columns: Columns): Name {
  cursor.expect(TokenKind.LEFT_PAREN, "'(' expected");
  if (!cursor.isName) throw cursor.error("literal expected");
  const name = cursor.name("literal expected");
  if (columns !== null) {
    const column = findColumn(columns, name);
    if (column === undefined) {
      throw new SqlError(
        name.position,
        `invalid designated timestamp column [name=${name.text}]`,
      );
    }
    const type = resolveTypeName(column.type.text).type ?? ColumnType.UNDEFINED;
    if (!isTimestamp(type)) {
      throw new SqlError(
        name.position,
        `TIMESTAMP column expected [actual=${typeName(type)}, columnName=${name.text}]`,
      );
    }
  }
  cursor.expect(TokenKind.RIGHT_PAREN, "')' expected");
  return name;
}

function parsePartitionBy(cursor: TokenCursor, timestamp: Name | null): Name | null {
  if (!cursor.acceptWord("partition")) return null;
  cursor.expectWord("by");
  if (cursor.isAtEnd) throw cursor.error("literal expected");
  const unit = { text: cursor.unquoted().toUpperCase(), position: cursor.position };
  if (partitionByFromName(unit.text) === undefined) {
    throw cursor.error("'NONE', 'HOUR', 'DAY', 'WEEK', 'MONTH' or 'YEAR' expected");
  }
  if (timestamp === null) {
    throw cursor.error("partitioning is possible only on tables with designated timestamps");
  }
  cursor.advance();
  return unit;
}

function parseWal(
  cursor: TokenCursor,
  unit: number,
): { wal: boolean | null; walPosition: number } {
  const walPosition = cursor.position;
  if (cursor.acceptWord("bypass")) {
    if (!cursor.isWord("wal")) {
      const token = cursor.token();
      throw cursor.error(` invalid syntax, should be BYPASS WAL but was BYPASS ${token}`);
    }
    cursor.advance();
    return { wal: false, walPosition };
  }
  if (!cursor.acceptWord("wal")) return { wal: null, walPosition };
  if (unit === PartitionBy.NONE) {
    throw new SqlError(walPosition, "WAL Write Mode can only be used on partitioned tables");
  }
  return { wal: true, walPosition };
}

function parseDedup(
  cursor: TokenCursor,
  columns: Columns,
  table: { timestamp: Name | null; isWal: boolean },
): Name[] | null {
  if (!cursor.acceptWord("dedup")) return null;
  if (!table.isWal) throw cursor.error("deduplication is possible only on WAL tables");
  for (const word of ["upsert", "keys"]) {
    if (!cursor.acceptWord(word)) {
      const position = cursor.isAtEnd ? cursor.previousPosition : cursor.position;
      throw new SqlError(position, `expected '${word}'`);
    }
  }
  const { position } = cursor;
  cursor.expect(TokenKind.LEFT_PAREN, "column list expected");
  let lastPosition = cursor.isAtEnd ? position : cursor.position;
  const keys: Name[] = [];
  while (cursor.isName) {
    const key = parseDedupKey(cursor, columns, keys);
    lastPosition = key.position;
    keys.push(key);
    if (!cursor.accept(TokenKind.COMMA)) break;
  }
  const timestamp = table.timestamp?.text.toLowerCase();
  if (!keys.some((key) => key.text.toLowerCase() === timestamp)) {
    throw new SqlError(
      lastPosition,
      "deduplicate key list must include dedicated timestamp column",
    );
  }
  cursor.expect(TokenKind.RIGHT_PAREN, "')' or ',' expected");
  return keys;
}

function parseDedupKey(cursor: TokenCursor, columns: Columns, earlier: readonly Name[]): Name {
  const key = cursor.name("literal expected");
  if (columns !== null) {
    const column = findColumn(columns, key);
    if (column === undefined) {
      throw new SqlError(key.position, `deduplicate key column not found [column=${key.text}]`);
    }
    const type = resolveTypeName(column.type.text).type ?? ColumnType.UNDEFINED;
    if (typeTag(type) === ColumnType.ARRAY) {
      throw new SqlError(
        key.position,
        `dedup key columns cannot include ARRAY [column=${key.text}, type=${typeName(type)}]`,
      );
    }
  }
  if (earlier.some((other) => other.text.toLowerCase() === key.text.toLowerCase())) {
    throw new SqlError(key.position, `duplicate dedup column [column=${key.text}]`);
  }
  return key;
}

const MAX_UNCOMMITTED_ROWS = "maxuncommittedrows", O3_MAX_LAG = "o3maxlag";

function parseWith(cursor: TokenCursor): { name: Name; value: Name }[] {
  const params: { name: Name; value: Name }[] = [];
  if (!cursor.isWord("with")) return params;
  if (cursor.kindAhead(1) === TokenKind.END) throw cursor.unexpected();
  cursor.advance();
  do {
    params.push(parseParam(cursor));
  } while (cursor.accept(TokenKind.COMMA));
  return params;
}

function parseParam(cursor: TokenCursor): { name: Name; value: Name } {
  if (cursor.isAtEnd) throw new SqlError(cursor.previousPosition, "unexpected token [,]");
  if (!cursor.isName) throw cursor.unexpected();
  const name = { text: cursor.token(), position: cursor.position };
  cursor.advance();
  const equalPosition = cursor.position;
  if (!cursor.accept(TokenKind.EQUAL)) {
    throw new SqlError(cursor.end, " expected parameter after WITH");
  }
  if (cursor.isAtStatementEnd) {
    throw new SqlError(equalPosition, "too few arguments for '=' [found=1,expected=2]");
  }
  const value = { text: cursor.unquoted(), position: cursor.position };
  cursor.accept(TokenKind.MINUS); // refused below
  cursor.advance();
  switch (name.text.toLowerCase()) {
    case MAX_UNCOMMITTED_ROWS:
      if (/^\d+$/.test(value.text)) break;
      throw new SqlError(
        cursor.end,
        ` could not parse maxUncommittedRows value "${value.text}"`,
      );
    case O3_MAX_LAG:
      parseLagMicros(value.text, cursor.end);
      break;
    default:
      throw new SqlError(cursor.position, ` unrecognized ${name.text} after WITH`);
  }
  return { name, value };
}

/** Tables outside the database's root need volumes that the configuration allows; there are none. */
function refuseVolume(cursor: TokenCursor): void {
  if (!cursor.acceptWord("in")) return;
  cursor.expectWord("volume", "'volume' expected");
  if (cursor.isAtEnd) throw cursor.error("path for volume expected");
  throw cursor.error(`volume alias is not allowed [alias=${cursor.unquoted()}]`);
}

function parseTableTtl(cursor: TokenCursor, unit: number): CreateTable["ttl"] {
  const ttl = parseTtl(cursor, unit);
  if (unit !== PartitionBy.NONE) return ttl;
  throw new SqlError(ttl.position, "cannot set TTL on a non-partitioned table");
}

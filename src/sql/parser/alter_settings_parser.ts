/**
 * `ALTER TABLE t SET PARAM | TTL | TYPE …`, `DEDUP …`, `RESUME WAL …`, `SUSPEND WAL`.
 *
 * @module
 */
import { PartitionBy, SqlError } from "../../common/mod.ts";
import { TokenKind } from "../lexer/mod.ts";
import type { AlterAction, Name } from "../ast/mod.ts";
import type { AlterDraft } from "./alter_parser.ts";
import { parseLagMicros } from "./integer_parser.ts";
import type { TokenCursor } from "./token_cursor.ts";
import { parseTtl } from "./ttl_parser.ts";

/** Parses what stands behind the verb. @throws {SqlError} */
export function parseAlterSettings(
  cursor: TokenCursor,
  draft: AlterDraft,
  verb: "set" | "dedup" | "resume" | "suspend",
): void {
  switch (verb) {
    case "set":
      return parseSet(cursor, draft);
    case "dedup":
      return parseDedup(cursor, draft);
    case "resume":
      return parseResume(cursor, draft);
    case "suspend":
      draft.action = { kind: "suspendWal", walPosition: cursor.position };
      cursor.expectWord("wal", "'wal' expected");
      // Nobody may suspend a table here, whatever the options.
      while (!cursor.isAtStatementEnd) cursor.advance();
  }
}

function parseSet(cursor: TokenCursor, draft: AlterDraft): void {
  if (cursor.isAtEnd) throw cursor.error("'param', 'ttl' or 'type' expected");
  if (cursor.acceptWord("param")) return parseParam(cursor, draft);
  if (cursor.acceptWord("type")) return parseType(cursor, draft);
  if (!cursor.acceptWord("ttl")) throw cursor.error("'param' or 'type' expected");
  // Whether it fits the table's partitions is checked with the table at hand.
  const { hoursOrMonths, position } = parseTtl(cursor, PartitionBy.NONE);
  draft.action = { kind: "setTtl", hoursOrMonths, position };
}

function parseParam(cursor: TokenCursor, draft: AlterDraft): void {
  if (cursor.isAtEnd) throw cursor.error("param name expected");
  const position = cursor.position;
  const name = cursor.token();
  cursor.advance();
  cursor.expect(TokenKind.EQUAL, "'=' expected");
  const value = cursor.isAtEnd ? "" : cursor.token();
  cursor.advance();
  switch (name.toLowerCase()) {
    case "maxuncommittedrows":
      if (!/^\d[\d_]*$/.test(value)) {
        throw new SqlError(position, `invalid value [value=${value},parameter=${name}]`);
      }
      draft.action = {
        kind: "setMaxUncommittedRows",
        rows: Number(value.replaceAll("_", "")),
        position,
      };
      return;
    case "o3maxlag":
      draft.action = {
        kind: "setO3MaxLag",
        micros: parseLagMicros(value, position),
        position,
      };
      return;
    default:
      throw new SqlError(position, `unknown parameter '${name}'`);
  }
}

function parseType(cursor: TokenCursor, draft: AlterDraft): void {
  if (cursor.isAtEnd || !(cursor.isWord("bypass") || cursor.isWord("wal"))) {
    throw cursor.error("'bypass' or 'wal' expected");
  }
  const isWal = !cursor.acceptWord("bypass");
  cursor.expectWord("wal", "'wal' expected");
  draft.action = { kind: "setType", isWal };
}

function parseDedup(cursor: TokenCursor, draft: AlterDraft): void {
  if (cursor.isAtEnd) throw cursor.error("'dedup columns' expected");
  if (cursor.acceptWord("disable")) {
    draft.action = { kind: "disableDedup" };
    return;
  }
  const columns: Name[] = [];
  const action: AlterAction & { kind: "enableDedup" } = {
    kind: "enableDedup",
    columns,
    endPosition: null,
  };
  draft.action = action;
  cursor.acceptWord("enable");
  for (const word of ["upsert", "keys"]) {
    if (cursor.acceptWord(word)) continue;
    const position = cursor.isAtEnd ? cursor.previousPosition : cursor.position;
    throw new SqlError(position, `expected '${word}'`);
  }
  const listExpected = "deduplicate key column list expected";
  if (!cursor.accept(TokenKind.LEFT_PAREN)) throw new SqlError(cursor.end, listExpected);
  // QuestDB takes names with and without commas between them.
  while (!cursor.isAtEnd && cursor.kind() !== TokenKind.RIGHT_PAREN) {
    if (!cursor.accept(TokenKind.COMMA)) {
      columns.push({ text: cursor.unquoted(), position: cursor.position });
      cursor.advance();
    }
  }
  const endPosition = columns.at(-1)?.position ?? cursor.position;
  cursor.expect(TokenKind.RIGHT_PAREN, "')' expected");
  action.endPosition = endPosition;
}

function parseResume(cursor: TokenCursor, draft: AlterDraft): void {
  const walPosition = cursor.position;
  cursor.expectWord("wal", "'wal' expected");
  const action: AlterAction & { kind: "resumeWal" } = {
    kind: "resumeWal",
    walPosition,
    fromTxn: 0,
  };
  draft.action = action;
  if (cursor.isAtStatementEnd) return;
  cursor.expectWord("from", "'from' expected");
  if (!cursor.acceptWord("txn") && !cursor.acceptWord("transaction")) {
    throw cursor.error("'transaction' or 'txn' expected");
  }
  if (cursor.isAtEnd) throw cursor.error("transaction value expected");
  if (!/^\d+$/.test(cursor.token())) {
    throw cursor.error(`invalid value [value=${cursor.token()}]`);
  }
  action.fromTxn = Number(cursor.token());
  cursor.advance();
}

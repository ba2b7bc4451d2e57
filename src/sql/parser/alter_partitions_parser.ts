/**
 * `ALTER TABLE t DROP | DETACH | ATTACH | FORCE DROP PARTITION …` and `CONVERT PARTITION TO PARQUET | NATIVE …`.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import { TokenKind } from "../lexer/mod.ts";
import type { AlterPartitions, PartitionVerb } from "../ast/mod.ts";
import type { AlterDraft } from "./alter_parser.ts";
import type { QueryParser } from "./query_parser.ts";

/** Parses what stands behind the verb. A conversion's direction follows, whatever `verb` says of it. @throws {SqlError} */
export function parseAlterPartitions(
  parser: QueryParser,
  draft: AlterDraft,
  verb: PartitionVerb,
): void {
  const { cursor } = parser;
  let position = cursor.position;
  cursor.expectWord("partition", "'partition' expected");
  let direction = verb;
  if (verb === "convertToParquet") {
    cursor.expectWord("to", "'to' expected");
    position = cursor.position;
    if (cursor.acceptWord("native")) direction = "convertToNative";
    else cursor.expectWord("parquet", "'parquet' or 'native' expected");
  }
  const action: AlterPartitions = {
    kind: "partitions",
    verb: direction,
    position,
    list: [],
    where: null,
  };
  draft.action = action;
  if (cursor.acceptWord("list")) return parseList(parser, action);
  if (verb === "forceDrop") throw cursor.error("'list' expected");
  const wherePosition = cursor.position;
  if (!cursor.acceptWord("where")) throw cursor.error("'list' or 'where' expected");
  if (verb === "attach") {
    throw new SqlError(
      position,
      "WHERE clause can only be used with command DROP PARTITION, DETACH PARTITION or CONVERT PARTITION",
    );
  }
  const conditionPosition = cursor.position;
  const condition = cursor.isAtStatementEnd ? null : parser.expressions.parseOptional();
  if (condition === null) throw new SqlError(wherePosition, "boolean expression expected");
  action.where = { condition, position: conditionPosition };
  if (!cursor.isAtStatementEnd) throw cursor.error("unexpected token");
}

function parseList(parser: QueryParser, action: AlterPartitions): void {
  const { cursor } = parser;
  do {
    if (cursor.isAtEnd) throw cursor.error("partition name expected");
    action.list.push({ text: cursor.unquoted(), position: cursor.position });
    cursor.advance();
  } while (cursor.accept(TokenKind.COMMA));
  if (!cursor.isAtStatementEnd) throw cursor.error("',' expected");
}

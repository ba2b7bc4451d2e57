/**
 * What FROM names and the clauses behind it: WHERE, LATEST ON, SAMPLE BY, GROUP BY.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import { TokenKind } from "../lexer/mod.ts";
import type { Expression, LatestOn, SampleBy, SubqueryRef, TableExpression } from "../ast/mod.ts";
import { JOIN_WORDS, TABLE_ALIAS_STOP } from "./keywords.ts";
import { parseSampleBy } from "./sample_by_parser.ts";
import { parseShow } from "./show_parser.ts";
import type { QueryParser } from "./query_parser.ts";
import { type FromClauses, makeSelect, NO_CLAUSES, starItem } from "./select_nodes.ts";

/** Parses table expressions and their clauses for a query parser. */
export class TableParser {
  readonly #parser: QueryParser;

  constructor(parser: QueryParser) {
    this.#parser = parser;
  }

  /** Parses a table, a table function or a subquery, with its alias. @throws {SqlError} */
  parse(): TableExpression {
    const { cursor } = this.#parser;
    if (cursor.isAtEnd) throw cursor.error("table name or sub-query expected");
    if (cursor.isAtStatementEnd) throw cursor.error("table does not exist [table=;]");
    const table = cursor.kind() === TokenKind.LEFT_PAREN
      ? this.#parseSubquery()
      : this.#parseNamed();
    const result = this.#parseTimestamp(table);
    this.#refuseJoin();
    return result;
  }

  /** Parses the clauses behind a table expression. @throws {SqlError} */
  parseClauses(from: TableExpression): FromClauses {
    const { cursor } = this.#parser;
    let latestOn = this.#parseLatestOn();
    const where = this.#parseWhere(latestOn);
    latestOn ??= this.#parseLatestOn();
    if (cursor.isWord("where")) throw cursor.error("unexpected where clause after 'latest on'");
    const sampleBy = this.#parseSampleBy();
    const groupBy = this.#parseGroupBy();
    if (sampleBy !== null && groupBy !== null) {
      throw new SqlError(
        groupBy[0].position,
        "SELECT query must not contain both GROUP BY and SAMPLE BY",
      );
    }
    return { from, where, latestOn, sampleBy, groupBy };
  }

  #parseSubquery(): TableExpression {
    const { cursor } = this.#parser;
    const position = cursor.position;
    cursor.advance();
    const query = cursor.isWord("show") ? parseShow(cursor) : this.#parser.parseQuery();
    cursor.expect(TokenKind.RIGHT_PAREN, "')' expected");
    return { kind: "subquery", position, query, alias: this.#parseAlias(), timestamp: null };
  }

  #parseNamed(): TableExpression {
    const { cursor, expressions } = this.#parser;
    const position = cursor.position;
    const isWord = cursor.kind() === TokenKind.WORD;
    let name = cursor.name("table name or sub-query expected").text;
    while (cursor.kind() === TokenKind.DOT && cursor.position === cursor.previousEnd) {
      cursor.advance();
      if (!cursor.isName) throw cursor.error("table name expected");
      name = name.toLowerCase() === "public" ? cursor.unquoted() : `${name}.${cursor.unquoted()}`;
      cursor.advance();
    }
    if (isWord && cursor.kind() === TokenKind.LEFT_PAREN) {
      const open = cursor.position;
      cursor.advance();
      const args = expressions.nested(() => expressions.parseArguments(open));
      this.#parser.resolveTable("", position);
      return {
        kind: "function",
        position,
        name: name.toLowerCase(),
        args,
        alias: this.#parseAlias(),
      };
    }
    const query = this.#parser.resolveTable(name, position);
    const alias = this.#parseAlias();
    if (query === null) return { kind: "table", position, name, alias };
    return { kind: "subquery", position, query, alias: alias ?? name, timestamp: null };
  }

  #parseAlias(): string | null {
    const { cursor } = this.#parser;
    if (cursor.acceptWord("as")) {
      if (cursor.isAtStatementEnd) throw cursor.error("alias expected");
      return cursor.name("alias expected").text;
    }
    if (!cursor.isName || TABLE_ALIAS_STOP.has(cursor.word())) return null;
    return cursor.name("alias expected").text;
  }

  /** `TIMESTAMP(column)` names the designated timestamp; on a table it becomes one of `(SELECT * FROM table)`. */
  #parseTimestamp(table: TableExpression): TableExpression {
    const { cursor } = this.#parser;
    if (!cursor.acceptWord("timestamp")) return table;
    cursor.expect(TokenKind.LEFT_PAREN, "'(' expected");
    if (!cursor.isName) throw cursor.error("literal expected");
    const { text: name, position } = cursor.name("literal expected");
    cursor.expect(TokenKind.RIGHT_PAREN, "')' expected");
    return { ...asSubquery(table), timestamp: { name, position } };
  }

  #refuseJoin(): void {
    const { cursor } = this.#parser;
    const isComma = cursor.kind() === TokenKind.COMMA;
    if (!isComma && !JOIN_WORDS.has(cursor.word())) return;
    const isJoin = isComma || cursor.isWord("join");
    const position = cursor.position;
    cursor.advance();
    if (cursor.isAtStatementEnd) {
      throw cursor.error(isJoin ? "table name or sub-query expected" : "join expected");
    }
    throw new SqlError(position, "joins are not supported yet");
  }

  #parseWhere(latestOn: LatestOn | null): Expression | null {
    const { cursor, expressions } = this.#parser;
    const position = cursor.position;
    if (latestOn?.timestamp && cursor.isWord("where")) {
      throw cursor.error("unexpected where clause after 'latest on'");
    }
    if (!cursor.acceptWord("where")) return null;
    const where = expressions.parseOptional();
    if (where !== null) return where;
    throw cursor.isAtEnd
      ? new SqlError(position, "empty where clause")
      : cursor.error("empty where clause");
  }

  #parseLatestOn(): LatestOn | null {
    const { cursor, expressions } = this.#parser;
    const position = cursor.position;
    if (!cursor.acceptWord("latest")) return null;
    let timestamp: LatestOn["timestamp"] = null;
    if (cursor.acceptWord("on")) {
      const name = cursor.name("literal expected");
      timestamp = { name: name.text, position: name.position };
      cursor.expectWord("partition");
      cursor.expectWord("by");
    } else if (!cursor.acceptWord("by")) throw new SqlError(position, "'on' or 'by' expected");
    const partitionBy: Expression[] = [];
    do partitionBy.push(expressions.parseRequired("literal expected")); while (
      cursor.accept(TokenKind.COMMA)
    );
    return { position, timestamp, partitionBy };
  }

  #parseSampleBy(): SampleBy | null {
    const { cursor, expressions } = this.#parser;
    return cursor.isWord("sample") ? parseSampleBy(cursor, expressions) : null;
  }

  #parseGroupBy(): Expression[] | null {
    const { cursor, expressions } = this.#parser;
    if (!cursor.acceptWord("group")) return null;
    cursor.expectWord("by");
    const keys: Expression[] = [];
    do keys.push(expressions.parseRequired("literal expected")); while (
      cursor.accept(TokenKind.COMMA)
    );
    return keys;
  }
}

function asSubquery(table: TableExpression): SubqueryRef {
  if (table.kind === "subquery") return table;
  const { position, alias } = table;
  const inner: TableExpression = { ...table, alias: null };
  const query = makeSelect(position, [starItem(position)], { ...NO_CLAUSES, from: inner });
  return { kind: "subquery", position, query, alias, timestamp: null };
}

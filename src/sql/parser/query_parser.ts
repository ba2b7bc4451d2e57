/**
 * Queries: SELECT in all its clauses, bare table names, UNION ALL, WITH.
 *
 * ```
 * query  := [WITH name AS (query), …] member {UNION ALL member} [ORDER BY …] [LIMIT …]
 * member := SELECT [DISTINCT] items [FROM table clauses] | table clauses
 * ```
 *
 * Names of WITH are replaced by their queries while parsing, so nobody after the parser knows about WITH.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import { TokenKind } from "../lexer/mod.ts";
import type {
  Expression,
  Limit,
  OrderItem,
  SelectItem,
  SelectQuery,
  TableExpression,
} from "../ast/mod.ts";
import { appendUnion, makeSelect, NO_CLAUSES, selectAllFrom, starItem } from "./select_nodes.ts";
import { ExpressionParser } from "./expression_parser.ts";
import { COLUMN_ALIAS_STOP } from "./keywords.ts";
import { MAX_QUERY_NESTING, MAX_TABLE_REFERENCES, MAX_UNION_MEMBERS } from "./limits.ts";
import { TableParser } from "./table_parser.ts";
import type { TokenCursor } from "./token_cursor.ts";

/** QuestDB's complaint where a query should start. */
const QUERY_EXPECTED = "'select', 'with', 'declare' or table name expected expected";

/** A query a name of WITH stands for. */
interface NamedQuery {
  readonly query: SelectQuery;
  /** Table references in it, names of WITH replaced. */
  readonly tableCount: number;
  /** Levels of queries in it, itself included, names of WITH replaced. */
  readonly depth: number;
}

/** Names one WITH clause defines, lower case; inner scopes shadow outer ones. */
interface Scope {
  readonly outer: Scope | null;
  readonly names: Map<string, NamedQuery>;
}

/** Parses queries at a cursor. */
export class QueryParser {
  readonly cursor: TokenCursor;
  readonly expressions: ExpressionParser;
  readonly #tables: TableParser;
  /** Visible names of WITH. */
  #scope: Scope | null = null;
  #nesting = 0;
  #tableCount = 0;
  /** Depth of the deepest query parsed since this was last reset: the children of the query in hand. */
  #childDepth = 0;

  constructor(cursor: TokenCursor) {
    this.cursor = cursor;
    this.expressions = new ExpressionParser(cursor, () => this.parseQuery());
    this.#tables = new TableParser(this);
  }

  /** Parses a query with its WITH, UNION ALL, ORDER BY and LIMIT. @throws {SqlError} */
  parseQuery(): SelectQuery {
    const { cursor } = this;
    const { position } = cursor;
    // Checked on the way down to save the stack, and on the way up for what WITH has put in.
    if (++this.#nesting > MAX_QUERY_NESTING) throw nestedTooDeep(position);
    const outerScope = this.#scope;
    const siblingDepth = this.#childDepth;
    if (cursor.isWord("with")) this.parseWith();
    this.#childDepth = 0;
    const query = this.#parseUnion();
    const depth = this.#childDepth + 1;
    if (depth > MAX_QUERY_NESTING) throw nestedTooDeep(position);
    this.#childDepth = Math.max(siblingDepth, depth);
    this.#scope = outerScope;
    this.#nesting--;
    return query;
  }

  /** Parses one table, function or subquery with its alias, as behind FROM. @throws {SqlError} */
  parseTable(): TableExpression {
    return this.#tables.parse();
  }

  /** Parses `WITH name AS (query), …`; the names stay visible until the enclosing query ends. */
  parseWith(): void {
    const { cursor } = this;
    cursor.expectWord("with");
    const names = new Map<string, NamedQuery>();
    this.#scope = { outer: this.#scope, names };
    do {
      const name = cursor.name("literal expected");
      const key = name.text.toLowerCase();
      if (names.has(key)) throw new SqlError(name.position, "duplicate name");
      cursor.expectWord("as");
      cursor.expect(TokenKind.LEFT_PAREN, "'(' expected");
      const tablesBefore = this.#tableCount;
      this.#childDepth = 0;
      const query = this.parseQuery();
      cursor.expect(TokenKind.RIGHT_PAREN, "')' expected");
      const tableCount = this.#tableCount - tablesBefore;
      names.set(key, { query, tableCount, depth: this.#childDepth });
      this.#tableCount = tablesBefore;
    } while (cursor.accept(TokenKind.COMMA));
    if (cursor.isAtStatementEnd) {
      throw cursor.error("'select', 'update' or name expected expected");
    }
  }

  /** Returns the query a name of WITH stands for, or `null`, and counts one or its table references. @throws {SqlError} */
  resolveTable(name: string, position: number): SelectQuery | null {
    const named = this.#find(name.toLowerCase());
    this.#tableCount += named?.tableCount ?? 1;
    this.#childDepth = Math.max(this.#childDepth, named?.depth ?? 0);
    if (this.#tableCount > MAX_TABLE_REFERENCES) {
      throw new SqlError(position, `too many table references [limit=${MAX_TABLE_REFERENCES}]`);
    }
    return named?.query ?? null;
  }

  #find(key: string): NamedQuery | undefined {
    for (let scope = this.#scope; scope !== null; scope = scope.outer) {
      const named = scope.names.get(key);
      if (named !== undefined) return named;
    }
    return undefined;
  }

  #parseUnion(): SelectQuery {
    const { cursor } = this;
    const members = [this.#parseMember()];
    while (true) {
      const position = cursor.position;
      const word = cursor.word();
      if (word === "except" || word === "intersect") {
        throw cursor.error(`${word.toUpperCase()} is not supported yet`);
      }
      if (!cursor.acceptWord("union")) break;
      if (cursor.isAtEnd) throw cursor.error("all or select expected");
      if (!cursor.acceptWord("all")) {
        throw new SqlError(position, "UNION is not supported yet, UNION ALL is");
      }
      if (cursor.isAtEnd) throw cursor.error(QUERY_EXPECTED);
      if (members.length === MAX_UNION_MEMBERS) {
        throw new SqlError(position, `too many members of UNION ALL [limit=${MAX_UNION_MEMBERS}]`);
      }
      members.push(this.#parseMember());
    }
    const orderBy = this.#parseOrderBy();
    const limit = this.#parseLimit();
    const query = members.reduceRight((next, member) => appendUnion(member, next));
    if (orderBy.length === 0 && limit === null) return query;
    const isPlain = members.length === 1 && query.orderBy.length === 0 && query.limit === null &&
      query.unionAll === null;
    return isPlain
      ? { ...query, orderBy, limit }
      : { ...selectAllFrom(query, query.position), orderBy, limit };
  }

  #parseMember(): SelectQuery {
    const { cursor } = this;
    const query = cursor.isWord("select") ? this.#parseSelect() : this.#parseImplicitSelect();
    this.#refuseEarlyOrder();
    return query;
  }

  /** ORDER BY or LIMIT of a member that a set operation follows is an error in QuestDB; parentheses make it legal. */
  #refuseEarlyOrder(): void {
    const { cursor } = this;
    const word = cursor.word();
    if (word !== "order" && word !== "limit") return;
    let depth = 0;
    for (let i = 1; cursor.kindAhead(i) !== TokenKind.END; i++) {
      const kind = cursor.kindAhead(i);
      if (kind === TokenKind.SEMICOLON) return;
      if (kind === TokenKind.LEFT_PAREN) depth++;
      else if (kind === TokenKind.RIGHT_PAREN && depth-- === 0) return;
      else if (depth === 0 && SET_OPERATIONS.has(cursor.wordAhead(i))) {
        throw cursor.error(`unexpected token '${cursor.token()}'`);
      }
    }
  }

  /** `tab WHERE …` is `SELECT * FROM tab WHERE …`; a query in parentheses with nothing behind it is just that query. */
  #parseImplicitSelect(): SelectQuery {
    const { cursor } = this;
    const position = cursor.position;
    if (cursor.isWord("from")) throw cursor.error("Did you mean 'select * from'?");
    if (cursor.isAtStatementEnd || cursor.kind() === TokenKind.RIGHT_PAREN) {
      throw cursor.error(QUERY_EXPECTED);
    }
    const from = this.#tables.parse();
    const clauses = this.#tables.parseClauses(from);
    const isBareQuery = clauses.from?.kind === "subquery" && clauses.from.alias === null &&
      clauses.from.timestamp === null && clauses.from.query.kind === "select" &&
      clauses.where === null && clauses.latestOn === null && clauses.sampleBy === null &&
      clauses.groupBy === null;
    if (isBareQuery && clauses.from.query.kind === "select") return clauses.from.query;
    return makeSelect(position, [starItem(position)], clauses);
  }

  #parseSelect(): SelectQuery {
    const { cursor } = this;
    const position = cursor.position;
    cursor.advance();
    if (cursor.isAtEnd) throw cursor.error("[distinct] column expected");
    const isDistinct = cursor.acceptWord("distinct");
    const items = this.#parseItems();
    if (!cursor.acceptWord("from")) {
      return { ...makeSelect(position, items, NO_CLAUSES), isDistinct };
    }
    const from = this.#tables.parse();
    return { ...makeSelect(position, items, this.#tables.parseClauses(from)), isDistinct };
  }

  #parseItems(): SelectItem[] {
    const { cursor } = this;
    const items: SelectItem[] = [];
    do {
      if (cursor.isAtEnd) throw cursor.error("column expected");
      if (cursor.isAtStatementEnd) throw cursor.error("Invalid column: ;");
      if (cursor.isWord("from") && items.length === 0) {
        throw cursor.error("column expression expected");
      }
      items.push(this.#parseItem());
    } while (cursor.accept(TokenKind.COMMA));
    const isEnd = cursor.isAtStatementEnd || cursor.kind() === TokenKind.RIGHT_PAREN ||
      cursor.isWord("from") || SET_OPERATIONS.has(cursor.word());
    if (isEnd) return items;
    throw cursor.foundError("',', 'from' or 'over' expected");
  }

  #parseItem(): SelectItem {
    const { cursor } = this;
    const start = cursor.position;
    const expression = this.#parseItemExpression();
    const text = cursor.text.slice(start, Math.max(start, cursor.previousEnd));
    if (cursor.isWord("over")) throw cursor.error("window functions are not supported yet");
    if (cursor.isWord("within") || cursor.isWord("ignore") || cursor.isWord("respect")) {
      throw cursor.error(`${cursor.token()} is not supported yet`);
    }
    const alias = this.#parseAlias();
    if (expression.kind === "star" && alias !== null) {
      throw new SqlError(alias.position, "wildcard cannot have alias");
    }
    return {
      expression,
      alias: alias?.text ?? null,
      aliasPosition: alias?.position ?? start,
      text,
    };
  }

  #parseItemExpression(): Expression {
    const { cursor } = this;
    if (cursor.kind() === TokenKind.STAR) {
      const position = cursor.position;
      cursor.advance();
      return { kind: "star", position, table: null };
    }
    // A forgotten FROM list must be reported as a missing expression, not as a bad name.
    const isKeyword = cursor.kind() === TokenKind.WORD && cursor.isWord("from");
    const expression = isKeyword ? null : this.expressions.parseOptional();
    if (expression !== null) return expression;
    if (cursor.kind() === TokenKind.WORD && !isKeyword) cursor.checkName("missing expression");
    throw cursor.error("missing expression");
  }

  #parseAlias(): { text: string; position: number } | null {
    const { cursor } = this;
    if (cursor.acceptWord("as")) return this.#readAlias();
    const kind = cursor.kind();
    const isStop = cursor.isAtStatementEnd || kind === TokenKind.COMMA ||
      kind === TokenKind.RIGHT_PAREN || COLUMN_ALIAS_STOP.has(cursor.word());
    return isStop ? null : this.#readAlias();
  }

  #readAlias(): { text: string; position: number } {
    const { cursor } = this;
    if (cursor.isAtStatementEnd) throw cursor.error("alias expected");
    cursor.checkName("identifier should start with a letter or '_'");
    if (cursor.kind() === TokenKind.WORD && !/^[\p{L}_]/u.test(cursor.token())) {
      throw cursor.error("identifier should start with a letter or '_'");
    }
    if (cursor.unquoted() === "") throw cursor.error("non-empty identifier expected");
    return cursor.name("alias expected");
  }

  #parseOrderBy(): OrderItem[] {
    const { cursor } = this;
    if (!cursor.acceptWord("order")) return [];
    cursor.expectWord("by");
    const items: OrderItem[] = [];
    do {
      const expression = this.expressions.parseRequired("literal expected");
      const isDescending = cursor.acceptWord("desc");
      if (!isDescending) cursor.acceptWord("asc");
      items.push({ expression, isDescending });
    } while (cursor.accept(TokenKind.COMMA));
    return items;
  }

  /** `LIMIT lo`, `LIMIT lo, hi`; QuestDB also takes `LIMIT`, `LIMIT lo,` and `LIMIT , hi`. */
  #parseLimit(): Limit | null {
    const { cursor } = this;
    const position = cursor.position;
    if (!cursor.acceptWord("limit")) return null;
    const low = this.expressions.parseOptional();
    const high = cursor.accept(TokenKind.COMMA) ? this.expressions.parseOptional() : null;
    if (low === null && high === null) return null;
    const zero: Expression = { kind: "literal", position, literal: "number", text: "0" };
    return { position, low: low ?? zero, high };
  }
}

function nestedTooDeep(position: number): SqlError {
  return new SqlError(position, `queries are nested too deep [limit=${MAX_QUERY_NESTING}]`);
}

const SET_OPERATIONS = new Set(["union", "except", "intersect"]);

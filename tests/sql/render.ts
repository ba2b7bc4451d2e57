/**
 * Prints expressions with every operator in parentheses, so tests can state how a text was understood.
 *
 * @module
 */
import type { Expression, SelectQuery } from "../../src/sql/ast/mod.ts";
import { parseStatement } from "../../src/sql/parser/mod.ts";
import { assert } from "../support/assert.ts";

/** Parses a text that must be a query. */
export function parseQuery(text: string): SelectQuery {
  const statement = parseStatement(text);
  assert(statement.kind === "select", `a query: ${text}`);
  return statement;
}

/** Parses `SELECT <text>` and returns the only item's expression. */
export function parseExpression(text: string): Expression {
  return parseQuery(`SELECT ${text}`).items[0].expression;
}

/** Prints an expression. */
export function render(e: Expression): string {
  switch (e.kind) {
    case "literal":
      return e.literal === "string" ? `'${e.text}'` : e.text;
    case "column":
      return e.table === null ? e.name : `${e.table}.${e.name}`;
    case "star":
      return e.table === null ? "*" : `${e.table}.*`;
    case "bind":
      return e.index === null ? `:${e.name}` : `$${e.index}`;
    case "unary":
      return `(${e.operator} ${render(e.operand)})`;
    case "binary":
      return `(${render(e.left)} ${e.operator} ${render(e.right)})`;
    case "in": {
      const right = e.list === null ? "query" : e.list.map(render).join(", ");
      return `(${render(e.operand)} ${e.isNegated ? "not in" : "in"} [${right}])`;
    }
    case "between":
      return `(${render(e.operand)} ${e.isNegated ? "not between" : "between"} ${
        render(e.low)
      } and ${render(e.high)})`;
    case "isNull":
      return `(${render(e.operand)} ${e.isNegated ? "is not null" : "is null"})`;
    case "cast":
      return `${render(e.operand)}::${e.type}`;
    case "case": {
      const branches = e.branches.map((b) => `when ${render(b.when)} then ${render(b.then)}`);
      return [
        "(case",
        ...(e.operand === null ? [] : [render(e.operand)]),
        ...branches,
        ...(e.otherwise === null ? [] : [`else ${render(e.otherwise)}`]),
        "end)",
      ].join(" ");
    }
    case "call":
      return `${e.name}(${e.args.map(render).join(", ")})`;
  }
}

/**
 * The select list: stars spread out, columns named.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import type { Expression, SelectItem } from "../ast/mod.ts";
import { ColumnNames, renderExpression, type Scope } from "../analyzer/mod.ts";

/** A column of the result. */
export interface OutputItem {
  readonly node: Expression;
  readonly name: string;
  /** Alias in lower case, or `null`. */
  readonly alias: string | null;
}

/**
 * Spreads stars out and names every column.
 *
 * @throws {SqlError} `Duplicate column [name=…]`.
 */
export function outputItems(
  items: readonly SelectItem[],
  scope: Scope,
  source: string,
): OutputItem[] {
  const names = new ColumnNames();
  return items.flatMap((item) => {
    const { expression: node } = item;
    if (node.kind === "star") return spreadStar(node, scope, names);
    if (item.alias !== null) {
      if (!names.take(item.alias)) {
        throw new SqlError(item.aliasPosition, `Duplicate column [name=${item.alias}]`);
      }
      return [{ node, name: item.alias, alias: item.alias.toLowerCase() }];
    }
    const name = node.kind === "column"
      ? names.forColumn(node.name)
      : names.forExpression(renderExpression(node, source));
    return [{ node, name, alias: null }];
  });
}

function spreadStar(
  star: Expression & { kind: "star" },
  scope: Scope,
  names: ColumnNames,
): OutputItem[] {
  const { position, table } = star;
  if (table !== null && !scope.isQualifier(table)) {
    throw new SqlError(position, "Invalid table name or alias");
  }
  return scope.columns.map((column) => ({
    node: { kind: "column", position, table: null, name: column.name },
    name: names.forStar(column.name),
    alias: null,
  }));
}

/**
 * Functions written without parentheses: `SELECT backup_instance_name`, `SELECT * FROM wal_tables`. A table of the name
 * comes first.
 *
 * @module
 */
import type { Engine } from "../../engine/mod.ts";
import type { SelectItem, SelectQuery, TableExpression } from "../ast/mod.ts";
import { BARE_SCALARS } from "./scalar_functions.ts";
import { BARE_TABLE_FUNCTIONS } from "./table_functions.ts";

/** Returns the query with bare function names replaced by calls; the same node if there are none. */
export function resolveBareNames(query: SelectQuery, engine: Engine): SelectQuery {
  const from = query.from === null ? null : resolveTable(query.from, engine);
  const items = query.from === null ? query.items.map(resolveItem) : query.items;
  const unionAll = query.unionAll === null ? null : resolveBareNames(query.unionAll, engine);
  const isSame = from === query.from && unionAll === query.unionAll &&
    items.every((item, index) => item === query.items[index]);
  return isSame ? query : { ...query, from, items, unionAll };
}

function resolveItem(item: SelectItem): SelectItem {
  const { expression } = item;
  if (expression.kind !== "column" || expression.table !== null) return item;
  const name = expression.name.toLowerCase();
  if (!BARE_SCALARS.has(name)) return item;
  const { position, name: text } = expression;
  return {
    ...item,
    expression: { kind: "call", position, name, text, args: [], isDistinct: false },
    alias: item.alias ?? text,
  };
}

function resolveTable(table: TableExpression, engine: Engine): TableExpression {
  if (table.kind === "subquery") {
    if (table.query.kind !== "select") return table;
    const query = resolveBareNames(table.query, engine);
    return query === table.query ? table : { ...table, query };
  }
  if (table.kind !== "table") return table;
  const name = table.name.toLowerCase();
  if (!BARE_TABLE_FUNCTIONS.has(name) || engine.findTable(table.name) !== null) return table;
  return { kind: "function", position: table.position, name, args: [], alias: table.alias };
}

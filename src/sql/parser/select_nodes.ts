/**
 * Builders of SELECT nodes that the text does not spell out.
 *
 * @module
 */
import type { Expression, SelectItem, SelectQuery } from "../ast/mod.ts";

/** The clauses of a SELECT from FROM to GROUP BY. */
export type FromClauses = Pick<
  SelectQuery,
  "from" | "where" | "latestOn" | "sampleBy" | "groupBy"
>;

/** Of a SELECT without FROM. */
export const NO_CLAUSES: FromClauses = {
  from: null,
  where: null,
  latestOn: null,
  sampleBy: null,
  groupBy: null,
};

/** Makes the item `*`. */
export function starItem(position: number): SelectItem {
  const expression: Expression = { kind: "star", position, table: null };
  return { expression, alias: null, aliasPosition: position, text: "*" };
}

/** Makes a SELECT without DISTINCT, ORDER BY, LIMIT and UNION ALL. */
export function makeSelect(
  position: number,
  items: SelectItem[],
  clauses: FromClauses,
): SelectQuery {
  return {
    kind: "select",
    position,
    isDistinct: false,
    items,
    ...clauses,
    orderBy: [],
    limit: null,
    unionAll: null,
  };
}

/** Makes `SELECT * FROM (query)`. */
export function selectAllFrom(query: SelectQuery, position: number): SelectQuery {
  const from = { kind: "subquery", position, query, alias: null, timestamp: null } as const;
  return makeSelect(position, [starItem(position)], { ...NO_CLAUSES, from });
}

/** Makes `member UNION ALL next`; a member that is more than a plain SELECT becomes a subquery. */
export function appendUnion(member: SelectQuery, next: SelectQuery): SelectQuery {
  const isWhole = member.unionAll === null && member.orderBy.length === 0 && member.limit === null;
  const first = isWhole ? member : selectAllFrom(member, member.position);
  const rest = next.orderBy.length === 0 && next.limit === null
    ? next
    : selectAllFrom(next, next.position);
  return { ...first, unionAll: rest };
}

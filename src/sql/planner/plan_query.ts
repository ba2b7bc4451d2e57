/**
 * Plans a SELECT.
 *
 * @module
 */
import type { SelectQuery } from "../ast/mod.ts";
import { Binder } from "../analyzer/mod.ts";
import type { VectorExpression } from "../functions/mod.ts";
import type { RowCursor } from "../exec/row_cursor.ts";
import type { QueryEnvironment } from "./environment.ts";
import { isGrouping, planGrouping } from "./grouping.ts";
import { inQueryExpression } from "./in_query.ts";
import { Plan, PlanCursor } from "./plan.ts";
import { planProjection, type ResolvedQuery } from "./projection.ts";
import { openSource, type Source } from "./source.ts";
import { unionCursor } from "./union.ts";
import { planWhere } from "./where.ts";

/**
 * Turns a query into a cursor that is ready to be pulled. Readers are acquired here and released by `close()`.
 *
 * @throws {SqlError} if a name or type does not fit.
 */
export function planQuery(query: SelectQuery, environment: QueryEnvironment): RowCursor {
  const plan = new Plan(environment);
  try {
    return new PlanCursor(plan, planSelect(plan, query));
  } catch (error) {
    plan.close();
    throw error;
  }
}

/** Plans a query as part of a plan. */
function planSelect(plan: Plan, query: SelectQuery): RowCursor {
  if (query.unionAll === null) return planSingle(plan, query);
  const members: { query: SelectQuery; cursor: RowCursor }[] = [];
  for (let member: SelectQuery | null = query; member !== null; member = member.unionAll) {
    members.push({ query: member, cursor: planSingle(plan, member) });
  }
  return unionCursor(plan, members);
}

function planSingle(plan: Plan, query: SelectQuery): RowCursor {
  const source = openSource(plan, query.from, planSelect);
  const binder = binderFactory(plan, source);
  const where = planWhere(plan.compile, query.where, {
    binder: binder(),
    scope: source.scope,
    isTable: source.isTable,
  });
  const resolved: ResolvedQuery = { query, source, where, binder, text: plan.environment.text };
  return isGrouping(resolved) ? planGrouping(plan, resolved) : planProjection(plan, resolved);
}

function binderFactory(plan: Plan, source: Source): ResolvedQuery["binder"] {
  return (aliases?: ReadonlyMap<string, VectorExpression>) =>
    new Binder({
      context: plan.compile,
      scope: source.scope,
      source: plan.environment.text,
      ...(aliases === undefined ? {} : { aliases }),
      engineScalar: (call) => plan.engineScalar(call),
      inQuery: (operand, query) =>
        inQueryExpression(plan, operand, {
          cursor: planSelect(plan, query),
          position: query.position,
        }),
    });
}

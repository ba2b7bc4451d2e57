/** From a syntax tree to a cursor. @module */
export * from "./environment.ts";
export * from "./plan_query.ts";
export { scanRanges } from "./source.ts";
export { planWhere } from "./where.ts";

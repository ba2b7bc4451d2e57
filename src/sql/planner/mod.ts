/** From a syntax tree to a cursor. @module */
export * from "./environment.ts";
export * from "./plan_query.ts";

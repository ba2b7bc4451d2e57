/** The syntax tree. @module */
export * from "./alter.ts";
export * from "./expression.ts";
export * from "./query.ts";
export * from "./statement.ts";

/** The syntax tree. @module */
export * from "./expression.ts";
export * from "./query.ts";
export * from "./statement.ts";

/** Names, types and constants of expressions. @module */
export * from "./aggregate_names.ts";
export * from "./binder.ts";
export * from "./column_names.ts";
export * from "./interval_text.ts";
export * from "./literal.ts";
export * from "./render.ts";
export * from "./scope.ts";
export { intervalTest } from "./interval_filter.ts";

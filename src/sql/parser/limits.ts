/**
 * Bounds on what the parser accepts, so that no statement can exhaust the stack or the memory.
 *
 * @module
 */

/** Longest text of one or several statements, in UTF-16 units; a multi-row INSERT of this size still parses in seconds. */
export const MAX_STATEMENT_LENGTH = 16_777_216;

/** Deepest nesting of parentheses, calls and CASE inside one expression; each level costs a few stack frames. */
export const MAX_EXPRESSION_NESTING = 200;

/** Deepest expression tree; a chain such as `a AND b AND …` is as deep as it is long, and planners walk it recursively. */
export const MAX_EXPRESSION_DEPTH = 1_000;

/** Deepest nesting of subqueries, names of WITH replaced by their queries. */
export const MAX_QUERY_NESTING = 64;

/** Most members of one UNION ALL; planners walk the chain recursively. */
export const MAX_UNION_MEMBERS = 1_000;

/** Most table references of one query after every name of WITH is replaced by its query: WITH can grow exponentially. */
export const MAX_TABLE_REFERENCES = 256;

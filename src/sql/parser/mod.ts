/** Tokens to syntax tree. @module */
export { ARRAY_ACCESS, ARRAY_LITERAL, ARRAY_SLICE } from "./array_parser.ts";
export { parseStatement, parseStatements } from "./statement_parser.ts";
export { resolveTypeName, type TypeResolution } from "./type_name.ts";
export { parseIntervalMicros } from "./integer_parser.ts";
export { isValidColumnName } from "./column_definition_parser.ts";
export { isTtlMultiple } from "./ttl_parser.ts";
export { isReserved } from "./keywords.ts";
export * from "./limits.ts";

/** The vocabulary every other folder uses: errors, column types, time. @module */
export * from "./array_value.ts";
export * from "./decimal.ts";
export * from "./errors.ts";
export * from "./free_bytes.ts";
export * from "./geohash.ts";
export * from "./identifiers.ts";
export * from "./number_text.ts";
export * from "./column_type.ts";
export * from "./partition_by.ts";
export * from "./timestamp.ts";
export * from "./type_name.ts";

/** The vocabulary every other folder uses: errors, column types, time. @module */
export * from "./errors.ts";
export * from "./column_type.ts";
export * from "./partition_by.ts";
export * from "./timestamp.ts";

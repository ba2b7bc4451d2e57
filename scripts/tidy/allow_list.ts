/**
 * Exceptions to the rules of `scripts/tidy.ts`, each with its reason. One that is not needed any more fails the check.
 *
 * @module
 */
import type { Allowance } from "./rule.ts";

/** The exceptions. */
export const ALLOWANCES: readonly Allowance[] = [
  {
    rule: "parameters",
    file: "src/common/errors.ts",
    reason:
      "StorageError takes the file first, then what every error takes: message, context, cause.",
  },
  {
    rule: "parameters",
    file: "src/server/http/field_values.ts",
    reason:
      "Called once per field of a CSV document: an options object would be an allocation per value.",
  },
  {
    rule: "parameters",
    file: "src/storage/table_reader.ts",
    reason:
      "Partition, column, rows and arena name one read; every operator spells them in this order.",
  },
  {
    rule: "parameters",
    file: "src/objectstore/upload_stream.ts",
    reason: "Store, key, body and options stand in the order of ObjectStore.put.",
  },
];

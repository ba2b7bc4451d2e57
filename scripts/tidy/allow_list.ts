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
];

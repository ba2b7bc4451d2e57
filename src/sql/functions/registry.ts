/**
 * Every scalar function by name.
 *
 * @module
 */
import { ARRAY_FUNCTIONS } from "./array_functions.ts";
import { NUMERIC_FUNCTIONS } from "./numeric_functions.ts";
import type { Overload } from "./overloads.ts";
import { RANDOM_FUNCTIONS } from "./random_functions.ts";
import { SYSTEM_FUNCTIONS } from "./system_functions.ts";
import { TEXT_FUNCTIONS } from "./text_functions.ts";
import { TIME_FUNCTIONS } from "./time_functions.ts";

const FUNCTIONS = new Map<string, readonly Overload[]>(
  [
    ARRAY_FUNCTIONS,
    NUMERIC_FUNCTIONS,
    TEXT_FUNCTIONS,
    TIME_FUNCTIONS,
    RANDOM_FUNCTIONS,
    SYSTEM_FUNCTIONS,
  ]
    .flatMap((family) => Object.entries(family)),
);

/** Returns the variants of a function by its lower-case name, or `undefined`. */
export function findFunction(name: string): readonly Overload[] | undefined {
  return FUNCTIONS.get(name);
}

/** Names of all scalar functions, sorted. */
export function functionNames(): string[] {
  return [...FUNCTIONS.keys()].sort();
}

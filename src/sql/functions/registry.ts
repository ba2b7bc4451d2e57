/**
 * Every scalar function by name.
 *
 * @module
 */
import { ARRAY_FUNCTIONS } from "./array_functions.ts";
import { ARRAY_PRODUCTS } from "./array_products.ts";
import { JSON_FUNCTIONS } from "./json_functions.ts";
import { NUMERIC_FUNCTIONS } from "./numeric_functions.ts";
import type { Overload } from "./overloads.ts";
import { RANDOM_FUNCTIONS } from "./random_functions.ts";
import { RANDOM_VALUES } from "./random_values.ts";
import { SYSTEM_FUNCTIONS } from "./system_functions.ts";
import { TEXT_FUNCTIONS } from "./text_functions.ts";
import { TIME_FUNCTIONS } from "./time_functions.ts";
import { VALUE_FUNCTIONS } from "./value_functions.ts";

const FAMILIES = [
  NUMERIC_FUNCTIONS,
  TEXT_FUNCTIONS,
  TIME_FUNCTIONS,
  RANDOM_FUNCTIONS,
  SYSTEM_FUNCTIONS,
  ARRAY_FUNCTIONS,
  ARRAY_PRODUCTS,
  VALUE_FUNCTIONS,
  JSON_FUNCTIONS,
  RANDOM_VALUES,
];

/** Variants of several families are tried together, those of earlier ones first. */
const FUNCTIONS = new Map<string, Overload[]>();
for (const family of FAMILIES) {
  for (const [name, overloads] of Object.entries(family)) {
    FUNCTIONS.set(name, [...FUNCTIONS.get(name) ?? [], ...overloads]);
  }
}

/** Returns the variants of a function by its lower-case name, or `undefined`. */
export function findFunction(name: string): readonly Overload[] | undefined {
  return FUNCTIONS.get(name);
}

/** Names of all scalar functions, sorted. */
export function functionNames(): string[] {
  return [...FUNCTIONS.keys()].sort();
}

/**
 * What `core-wasm/sort/` exports. Pointers are byte addresses in the shared memory, `n` counts rows or bytes as named.
 *
 * @module
 */

/** Functions of `core-wasm/sort/`. */
// deno-lint-ignore no-empty-interface
export interface SortKernels {}

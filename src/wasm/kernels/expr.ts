/**
 * What `core-wasm/expr/` exports. Pointers are byte addresses in the shared memory, `n` counts rows or bytes as named.
 *
 * @module
 */

/** Functions of `core-wasm/expr/`. */
// deno-lint-ignore no-empty-interface
export interface ExprKernels {}

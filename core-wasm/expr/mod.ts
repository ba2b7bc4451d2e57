// Exports of the `expr` family; typed for TypeScript in src/wasm/kernels/expr.ts.
export {};

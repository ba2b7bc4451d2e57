// Exports of the `sort` family; typed for TypeScript in src/wasm/kernels/sort.ts.
export {};

// Exports of the `filter` family; typed for TypeScript in src/wasm/kernels/filter.ts.
export {};

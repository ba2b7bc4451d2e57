// Exports of the `var` family; typed for TypeScript in src/wasm/kernels/var.ts.
export {};

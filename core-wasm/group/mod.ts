// Exports of the `group` family; typed for TypeScript in src/wasm/kernels/group.ts.
export {};

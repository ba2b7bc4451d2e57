// Exports of the `change` family; typed for TypeScript in src/wasm/kernels/change.ts.
export { changeNumbers } from "./numbers";

// Exports of the `scan` family; typed for TypeScript in src/wasm/kernels/scan.ts.
export { sumF64 } from "./sum";

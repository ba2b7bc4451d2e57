// Exports of the `dedup` family; typed for TypeScript in src/wasm/kernels/dedup.ts.
export { compareKeys } from "./keys";
export { dedupBatch, dedupMerge, hasTiesI64, indexBounds, rebaseIndex } from "./rows";

// Exports of the `hash` family; typed for TypeScript in src/wasm/kernels/hash.ts.
export { blake3Parent, blake3Subtree } from "./blake3";

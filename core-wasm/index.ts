// The wasm core: free functions over raw pointers into imported shared memory. No strings, no allocator, no data
// segments, no I/O, no state in globals; all buffers are laid out by TypeScript (docs/internals/wasm_memory.md).
export * from "./hash/mod";
export * from "./filter/mod";
export * from "./scan/mod";
export * from "./sort/mod";
export * from "./group/mod";
export * from "./expr/mod";
export * from "./var/mod";
export * from "./dedup/mod";
export * from "./change/mod";

/** The wasm core, the memory it works on, and vectors over that memory. @module */
export * from "./memory.ts";
export * from "./core.ts";
export * from "./vector.ts";

/** Files, clock, randomness, timers, log: the seam to the operating system. @module */
export * from "./file_system.ts";
export { RealFileSystem } from "./real_file_system.ts";
export * from "./clock.ts";
export * from "./atomic_file.ts";
export * from "./log.ts";

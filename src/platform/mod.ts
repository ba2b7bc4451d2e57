/** Files, clock, randomness, timers, log: the seam to the operating system. @module */
export * from "./file_system.ts";
export { RealFileSystem } from "./real_file_system.ts";
export * from "./clock.ts";
export * from "./atomic_file.ts";
export * from "./log.ts";
export { type RandomNumbers, SECTOR_BYTES } from "./simulated_file.ts";
export { SimulatedFileSystem, type SimulatedFileSystemOptions } from "./simulated_file_system.ts";
export * from "./fault_file_system.ts";
export { BACKGROUND_NICENESS, lowerThreadPriority } from "./thread_priority.ts";
export { RootLock } from "./root_lock.ts";
export * from "./text_log.ts";
